/** A stack in which nothing ran yet, and what is checked of it. */
import { ServiceError } from "../../model/service-error.ts";
import type { StackRecord, StackSource, UpdatePolicies } from "../../model/stack-record.ts";
import { type CloudFormationParts, invalid } from "./context.ts";
import { readObject, readPolicy } from "./templates.ts";

const NAME = /^[a-zA-Z][-a-zA-Z0-9]*$/;
const NAME_LENGTH_MAX = 128;
/** AWS's quota of an account in a Region. */
const STACKS_MAX = 2000;
const POLICY_BYTES_MAX = 16_384;

/** Throws a ValidationError, as AWS words it. */
export function checkName(name: string, member: "stackName" | "changeSetName"): void {
  if (name.length > NAME_LENGTH_MAX)
    throw invalid(
      `1 validation error detected: Value '${name.slice(0, NAME_LENGTH_MAX)}…' at '${member}' failed to satisfy constraint: Member must have length less than or equal to ${NAME_LENGTH_MAX}`,
    );
  if (!NAME.test(name))
    throw invalid(
      `1 validation error detected: Value '${name}' at '${member}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*`,
    );
}

export async function newStack(
  { scope, store, random, clock }: Pick<CloudFormationParts, "scope" | "store" | "random" | "clock">,
  name: string,
): Promise<StackRecord> {
  if ((await store.stacks.countStacks()) >= STACKS_MAX)
    throw new ServiceError("LimitExceededException", `Limit for stack has been exceeded: ${STACKS_MAX}`);
  return {
    id: `arn:aws:cloudformation:${scope.region}:${scope.accountId}:stack/${name}/${random.uuid()}`,
    name,
    status: "REVIEW_IN_PROGRESS",
    statusReason: "User Initiated",
    createdAtMs: clock.nowMs(),
    updatedAtMs: null,
    deletedAtMs: null,
    head: null,
    outputs: [],
    isTerminationProtected: false,
    isRollbackDisabled: false,
    deadlineMs: null,
    timeoutMinutes: null,
    parentId: null,
    rootId: null,
    changeSetId: null,
    policy: null,
    updatePolicies: null,
    lastEventMs: 0,
    request: null,
  };
}

export interface GivenPolicies {
  readonly StackPolicyBody?: string;
  readonly StackPolicyURL?: string;
  readonly StackPolicyDuringUpdateBody?: string;
  readonly StackPolicyDuringUpdateURL?: string;
}

/** `sources`: of the templates whose resources it may name. Null: none is given. */
export async function policyOf(
  parts: Pick<CloudFormationParts, "services">,
  given: GivenPolicies,
  sources: ReadonlyArray<StackSource | null>,
  member: "StackPolicy" | "StackPolicyDuringUpdate" = "StackPolicy",
): Promise<string | null> {
  const [body, url] = [given[`${member}Body`], given[`${member}URL`]];
  if (body !== undefined && url !== undefined) throw invalid(`You cannot specify both ${member}URL and ${member}Body`);
  const text = url === undefined ? body : await readObject(parts, url, POLICY_BYTES_MAX, "Stack policy");
  if (text === undefined) return null;
  if (Buffer.byteLength(text) > POLICY_BYTES_MAX)
    throw invalid(`Stack policy may not exceed ${POLICY_BYTES_MAX} bytes in size.`);
  return readPolicy(
    text,
    sources.flatMap((source) => (source === null ? [] : [source.processed])),
  );
}

/** Those that an update brings: its own, and one for the time after it. */
export async function updatePoliciesOf(
  parts: Pick<CloudFormationParts, "services">,
  given: GivenPolicies,
  sources: ReadonlyArray<StackSource | null>,
): Promise<UpdatePolicies> {
  return {
    during: await policyOf(parts, given, sources, "StackPolicyDuringUpdate"),
    next: await policyOf(parts, given, sources),
  };
}
