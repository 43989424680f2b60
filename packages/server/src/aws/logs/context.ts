/** What all operations of CloudWatch Logs share: whose groups they are about, and how a request names one. */
import type { Clock } from "../../base/clock.ts";
import type { AccountScope } from "../../model/function-name.ts";
import { logGroupArn } from "../../model/log-group.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { LogGroups, LogStreamMissing } from "../../ports/log-groups.ts";

export interface LogsContext {
  readonly scope: AccountScope;
  readonly logs: LogGroups;
  readonly clock: Clock;
}

export function invalidParameter(message: string): ServiceError {
  return new ServiceError("InvalidParameterException", message);
}

/** Makes AWS's refusals of what is not there. */
export function missing(what: LogStreamMissing): ServiceError {
  const noun = what === "no group" ? "log group" : "log stream";
  return new ServiceError("ResourceNotFoundException", `The specified ${noun} does not exist.`);
}

export function alreadyThere(noun: "log group" | "log stream"): ServiceError {
  return new ServiceError("ResourceAlreadyExistsException", `The specified ${noun} already exists`);
}

/** Refuses members that are given and mean nothing here: none is taken and ignored. */
export function refuseMembers(input: object, names: readonly string[]): void {
  const given = names.find((name) => {
    const value: unknown = (input as Readonly<Record<string, unknown>>)[name];
    return value !== undefined && value !== false;
  });
  if (given !== undefined) throw invalidParameter(`Thaw does not have '${given}': leave it out.`);
}

/** The ARN of the group that a request names, by its name or by its identifier. */
export function groupOf(
  { scope }: LogsContext,
  input: { readonly logGroupName?: string; readonly logGroupIdentifier?: string },
): string {
  const { logGroupName: name, logGroupIdentifier: identifier } = input;
  if (name !== undefined && identifier === undefined) return logGroupArn(scope, name);
  if (name === undefined && identifier !== undefined) return groupOfIdentifier(scope, identifier);
  throw invalidParameter("Exactly one of logGroupName and logGroupIdentifier must be given.");
}

/** Reads a name or an ARN. Groups of other accounts and Regions are none that could be found. */
export function groupOfIdentifier(scope: AccountScope, identifier: string): string {
  if (!identifier.startsWith("arn:")) return logGroupArn(scope, identifier);
  if (!identifier.startsWith(logGroupArn(scope, ""))) throw missing("no group");
  return identifier;
}
