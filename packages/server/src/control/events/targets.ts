/** Invokes that a rule makes of an event: one for each of its targets. */
import { isoSeconds } from "../../model/event-bus/event.ts";
import { ruleArn } from "../../model/event-bus/names.ts";
import type { EventRuleRecord } from "../../model/event-bus/record.ts";
import { payloadOf } from "../../model/event-bus/target-input.ts";
import type { AccountScope } from "../../model/function-name.ts";
import type { ServiceInvoke } from "./service-invokes.ts";

/** As which service EventBridge calls functions. */
const SERVICE = "events.amazonaws.com";

/** An event that a rule has matched, or has made by its schedule. */
export interface RuleEvent {
  readonly json: string;
  readonly traceId: string | null;
  readonly nowMs: number;
}

export function invokesOf(scope: AccountScope, rule: EventRuleRecord, event: RuleEvent): readonly ServiceInvoke[] {
  const arn = ruleArn(scope, rule.bus, rule.name);
  const facts = {
    ruleName: rule.name,
    ruleArn: arn,
    event: event.json,
    ingestionTime: isoSeconds(event.nowMs),
  };
  return rule.targets.map((target) => ({
    what: `target ${target.id} of rule ${rule.id}`,
    functionArn: target.arn,
    payload: payloadOf(target.input, facts),
    traceId: event.traceId,
    caller: { service: SERVICE, sourceArn: arn },
    deadLetter:
      target.deadLetterArn === null
        ? null
        : { arn: target.deadLetterArn, body: event.json, attributes: { RULE_ARN: arn } },
  }));
}
