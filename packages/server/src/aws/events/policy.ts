/**
 * PutPermission and RemovePermission. A bus keeps and shows its policy; no other account puts events on it, whatever
 * the policy says.
 */
import { isMap } from "@thaw/installation/json-map";
import type * as types from "@thaw/aws-api/events";
import { rootArn } from "../../model/caller.ts";
import { busArn } from "../../model/event-bus/names.ts";
import type { BusStatement, EventBusRecord } from "../../model/event-bus/record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { invalid, type StoredEvents } from "./stored-events.ts";

const POLICY_LENGTH_MAX = 10_240;

export function policyOperations(stored: StoredEvents): ServiceOperations<types.OperationTypes> {
  return {
    async PutPermission(input) {
      const name = await stored.busName(input.EventBusName);
      await stored.changeBus(name, (bus) => withStatements(bus, changed(stored, bus, input)));
      return {};
    },
    async RemovePermission({ EventBusName, StatementId, RemoveAllPermissions = false }) {
      const name = await stored.busName(EventBusName);
      await stored.changeBus(name, (bus) => {
        if (RemoveAllPermissions) return withStatements(bus, []);
        if (StatementId === undefined) throw invalid("Parameter StatementId must be specified.");
        if (bus.statements.length === 0)
          throw new ServiceError("ResourceNotFoundException", "EventBus does not have a policy.");
        const left = bus.statements.filter(({ Sid }) => Sid !== StatementId);
        if (left.length === bus.statements.length)
          throw new ServiceError("ResourceNotFoundException", "Statement with the provided id does not exist.");
        return withStatements(bus, left);
      });
      return {};
    },
  };
}

/** Empty where there is none. */
export function policyOf({ statements }: EventBusRecord): { readonly Policy?: string } {
  return statements.length === 0 ? {} : { Policy: JSON.stringify({ Version: "2012-10-17", Statement: statements }) };
}

function withStatements(bus: EventBusRecord, statements: readonly BusStatement[]): EventBusRecord {
  const length = policyOf({ ...bus, statements }).Policy?.length ?? 0;
  if (length > POLICY_LENGTH_MAX)
    throw new ServiceError(
      "PolicyLengthExceededException",
      `The final policy size (${length}) is bigger than the limit (${POLICY_LENGTH_MAX}).`,
    );
  return { ...bus, statements };
}

function changed(
  stored: StoredEvents,
  bus: EventBusRecord,
  input: types.PutPermissionRequest,
): readonly BusStatement[] {
  const { Policy, Action, Principal, StatementId, Condition } = input;
  if (Policy !== undefined) {
    if (Action !== undefined || Principal !== undefined || StatementId !== undefined || Condition !== undefined)
      throw invalid("Policy can't be given with Action, Principal, StatementId or Condition.");
    return readPolicy(Policy);
  }
  if (Action === undefined || Principal === undefined || StatementId === undefined)
    throw invalid("Parameter(s) Action, Principal and StatementId must be specified.");
  if (Action !== "events:PutEvents") throw invalid("Provided value in parameter 'action' is not supported.");
  const condition =
    Condition === undefined ? {} : { Condition: { [Condition.Type]: { [Condition.Key]: Condition.Value } } };
  const made: BusStatement = {
    Sid: StatementId,
    Effect: "Allow",
    Principal: Principal === "*" ? "*" : { AWS: rootArn(Principal) },
    Action,
    Resource: busArn(stored.parts.scope, bus.id),
    ...condition,
  };
  return [...bus.statements.filter(({ Sid }) => Sid !== StatementId), made];
}

function readPolicy(text: string): readonly BusStatement[] {
  try {
    const { Statement } = JSON.parse(text) as { readonly Statement?: unknown };
    const statements: readonly unknown[] = Array.isArray(Statement) ? Statement : [Statement];
    if (statements.every(isMap)) return statements as readonly BusStatement[];
  } catch {
    throw invalid("Invalid policy document.");
  }
  throw invalid("Invalid policy document.");
}
