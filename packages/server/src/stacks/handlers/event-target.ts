/** A target of a rule or of a schedule, as its service takes it. */
import type { TemplateMap } from "@thaw/template/value";
import { given, mapOf, numberOf } from "./values.ts";

/** Members that Thaw does not have are left in: the service refuses them by their names. */
export function targetOf(target: TemplateMap): Readonly<Record<string, unknown>> {
  const retry = mapOf(target, "RetryPolicy");
  const RetryPolicy =
    retry === null
      ? null
      : given({
          MaximumEventAgeInSeconds: numberOf(retry, "MaximumEventAgeInSeconds"),
          MaximumRetryAttempts: numberOf(retry, "MaximumRetryAttempts"),
        });
  return given({ ...target, RetryPolicy });
}
