/** NotificationConfiguration as templates write it, in the form of S3's API. */
import type { TemplateMap } from "@thaw/template/value";
import { HandlerError } from "./handler.ts";
import { booleanOf, given, mapOf, mapsOf, textOf } from "./values.ts";

/** Members of templates, each with that of the API, and the name of the target in both. */
const KINDS = [
  ["LambdaConfigurations", "LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"],
  ["QueueConfigurations", "QueueConfigurations", "Queue", "QueueArn"],
  ["TopicConfigurations", "TopicConfigurations", "Topic", "TopicArn"],
] as const;

/** Null where there are none. */
export function notificationsOf(properties: TemplateMap): object | null {
  const configuration = mapOf(properties, "NotificationConfiguration");
  if (configuration === null) return null;
  const toBus = mapOf(configuration, "EventBridgeConfiguration");
  const lists = KINDS.map(([member, inApi, target, arn]) => {
    const rules = mapsOf(configuration, member).map((rule) => ({
      [arn]: required(rule, target, member),
      Events: [required(rule, "Event", member)],
      ...filterOf(rule),
    }));
    return [inApi, rules.length === 0 ? null : rules] as const;
  });
  return given({
    ...Object.fromEntries(lists),
    // CloudFormation requires the member, whose being there is what S3 goes by.
    EventBridgeConfiguration: toBus !== null && booleanOf(toBus, "EventBridgeEnabled") !== false ? {} : null,
  });
}

function required(rule: TemplateMap, name: string, member: string): string {
  const text = textOf(rule, name);
  if (text === null) throw new HandlerError(`NotificationConfiguration: ${member} needs ${name}.`);
  return text;
}

function filterOf(rule: TemplateMap): object {
  const filter = mapOf(rule, "Filter");
  const key = filter === null ? null : mapOf(filter, "S3Key");
  if (key === null) return {};
  const FilterRules = mapsOf(key, "Rules").map((each) =>
    given({ Name: textOf(each, "Name")?.toLowerCase(), Value: textOf(each, "Value") }),
  );
  return { Filter: { Key: { FilterRules } } };
}
