/** EventBridge: buses, rules and events. Archives, replays, pipes and API destinations are refused by name. */
import { EVENTS, type OperationTypes } from "@thaw/aws-api/events";
import type { ServiceOperations } from "../aws-service.ts";
import { busOperations } from "./buses.ts";
import { policyOperations } from "./policy.ts";
import { putEvents } from "./put-events.ts";
import { ruleOperations } from "./rules.ts";
import { type EventsParts, StoredEvents } from "./stored-events.ts";
import { tagOperations } from "./tags.ts";
import { targetOperations } from "./targets.ts";

export { EVENTS };

export function eventsOperations(parts: EventsParts): ServiceOperations<OperationTypes> {
  const stored = new StoredEvents(parts);
  return {
    PutEvents: (input, { caller }) => putEvents(parts, input, caller),
    ...busOperations(stored),
    ...policyOperations(stored),
    ...ruleOperations(stored),
    ...targetOperations(stored),
    ...tagOperations(stored),
  };
}

export function insteadOfEvents(operation: string): string {
  if (operation.includes("ApiDestination") || operation.includes("Connection"))
    return "Let a rule call a function that sends the request.";
  if (operation.includes("Archive") || operation.includes("Replay"))
    return "Let a rule call a function that keeps the events, and put them again with PutEvents.";
  if (operation.includes("Partner") || operation.includes("EventSource")) return "There are no partners.";
  return "Thaw has event buses, rules with functions as targets, and PutEvents.";
}
