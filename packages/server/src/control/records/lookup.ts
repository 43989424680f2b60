/** Finds what a request names, or refuses in AWS's words. */
import { conflict, invalidParameter, notFound, ApiError } from "../../model/api-error.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import { type AliasRecord, type FunctionRecord, LATEST, type VersionRecord } from "../../model/function-record.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { ControlServices } from "../services.ts";

export interface FoundVersion {
  readonly owner: Stored<FunctionRecord>;
  readonly version: Stored<VersionRecord>;
  /** The alias by which it was named. */
  readonly alias: Stored<AliasRecord> | null;
  readonly qualifier: string | null;
}

type Needs = Pick<ControlServices, "scope" | "store">;

export const FUNCTIONS_ONLY =
  "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.";

export async function findFunction(
  services: Needs,
  name: string,
  qualifier: string | null = null,
): Promise<Stored<FunctionRecord>> {
  const found = await services.store.getFunction(name);
  if (found === null) throw notFound(`Function not found: ${functionArn(services.scope, name, qualifier)}`);
  return found;
}

export async function findLatest(services: Needs, name: string): Promise<Stored<VersionRecord>> {
  await findFunction(services, name);
  const latest = await services.store.getVersion(name, LATEST);
  if (latest === null) throw notFound(`Function not found: ${functionArn(services.scope, name)}`);
  return latest;
}

/**
 * The function's name, for what a function has and a version has not: one that was named by mistake is not taken for
 * `$LATEST`. Text: recorded …test_function_concurrency_exceptions.
 */
export function nameForChange(services: Pick<ControlServices, "scope">, text: string): string {
  const { name, qualifier } = parseFunctionName(services.scope, text);
  if (qualifier === null || qualifier === LATEST) return name;
  throw invalidParameter(FUNCTIONS_ONLY);
}

/**
 * A version by number, `$LATEST`, or the version that an alias chooses.
 *
 * @param missing - The qualifier that the refusal shows where the function is not there and none was given.
 */
export async function findVersion(
  services: Needs,
  functionName: string,
  qualifierParameter: string | undefined,
  choose: (alias: AliasRecord) => string = (alias) => alias.functionVersion,
  missing: string | null = null,
): Promise<FoundVersion> {
  const { name, qualifier } = parseFunctionName(services.scope, functionName, qualifierParameter);
  const owner = await findFunction(services, name, qualifier ?? missing);
  const isNumber = qualifier === null || isVersion(qualifier);
  const alias = isNumber ? null : await services.store.getAlias(name, qualifier);
  if (!isNumber && alias === null)
    throw notFound(`Function not found: ${functionArn(services.scope, name, qualifier)}`);
  const version = await services.store.getVersion(name, alias === null ? (qualifier ?? LATEST) : choose(alias));
  if (version === null) throw notFound(`Function not found: ${functionArn(services.scope, name, qualifier)}`);
  return { owner, version, alias, qualifier };
}

function isVersion(qualifier: string): boolean {
  return qualifier === LATEST || /^\d+$/.test(qualifier);
}

/**
 * Resolves an alias to its version; a version stays as it is, also when it is gone.
 * Throws ResourceNotFoundException for an unknown alias.
 */
export async function versionOfQualifier(
  { scope, store }: Pick<ControlServices, "scope" | "store">,
  name: string,
  qualifier: string,
): Promise<string> {
  if (isVersion(qualifier)) return qualifier;
  const alias = await store.getAlias(name, qualifier);
  if (alias === null) throw notFound(`Function not found: ${functionArn(scope, name, qualifier)}`);
  return alias.functionVersion;
}

export function checkRevision(given: string | undefined, current: string): void {
  if (given === undefined || given === current) return;
  const message =
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id";
  throw new ApiError("PreconditionFailedException", message);
}

/** While a function is being created or updated it takes no other change. */
export function checkSettled(services: Pick<ControlServices, "scope">, latest: VersionRecord): void {
  const arn = functionArn(services.scope, latest.functionName);
  if (latest.state === "Pending") {
    throw conflict(
      `The operation cannot be performed at this time. The function is currently in the following state: Pending`,
    );
  }
  if (latest.lastUpdateStatus === "InProgress")
    throw conflict(`The operation cannot be performed at this time. An update is in progress for resource: ${arn}`);
}

/** A function that can't run is not published, and not invoked. */
export function checkNotFailed({ state, stateReason, stateReasonCode }: VersionRecord): void {
  if (state !== "Failed") return;
  // Only this reason says what to do in a sentence.
  const reason = stateReasonCode === "InvalidRuntime" ? `. ${stateReason}` : "";
  throw conflict(
    `The operation cannot be performed at this time. The function is currently in the following state: Failed${reason}`,
  );
}
