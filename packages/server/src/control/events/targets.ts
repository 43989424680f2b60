/** Invokes that a rule makes of an event: one for each of its targets. */
import { isoSeconds } from "../../model/event-bus/event.ts";
import { ruleArn } from "../../model/event-bus/names.ts";
import type { EventRuleRecord } from "../../model/event-bus/record.ts";
import { payloadOf } from "../../model/event-bus/target-input.ts";
import type { Json } from "../../model/event-json.ts";
import type { AccountScope } from "../../model/function-name.ts";
import { EVENT_SIZE_BYTES_MAX } from "../invoke/payload-sizes.ts";
import type { Failure, ServiceInvoke } from "./service-invokes.ts";

const TOO_LARGE: Failure = {
  code: "INVALID_PARAMETER",
  message: `The input has more than ${EVENT_SIZE_BYTES_MAX} characters, and an event has at most so many bytes.`,
};
/** As which service EventBridge calls functions. */
const SERVICE = "events.amazonaws.com";

/** An event that a rule has matched, or has made by its schedule. */
export interface RuleEvent {
  readonly json: string;
  /** Gives what `json` says, read once for all rules. */
  readonly parsed: () => Json;
  readonly traceId: string | null;
  readonly nowMs: number;
}

/** Reads a text when somebody wants it, and only once. */
export function readOnce(json: string): () => Json {
  let value: Json | undefined;
  return () => (value ??= JSON.parse(json) as Json);
}

export function invokesOf(scope: AccountScope, rule: EventRuleRecord, event: RuleEvent): readonly ServiceInvoke[] {
  const arn = ruleArn(scope, rule.bus, rule.name);
  const facts = {
    ruleName: rule.name,
    ruleArn: arn,
    event: event.json,
    parsed: event.parsed,
    ingestionTime: isoSeconds(event.nowMs),
  };
  return rule.targets.map((target) => {
    const payload = payloadOf(target.input, facts, EVENT_SIZE_BYTES_MAX);
    return {
      what: `target ${target.id} of rule ${rule.id}`,
      functionArn: target.arn,
      payload: payload === "too large" ? null : payload,
      failure: payload === "too large" ? TOO_LARGE : null,
      traceId: event.traceId,
      caller: { service: SERVICE, sourceArn: arn },
      deadLetter:
        target.deadLetterArn === null
          ? null
          : { arn: target.deadLetterArn, body: event.json, attributes: { RULE_ARN: arn } },
    };
  });
}
