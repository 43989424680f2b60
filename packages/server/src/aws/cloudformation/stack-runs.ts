/** Operations that make, change and remove stacks: each begins a run, or is refused. */
import type { OperationTypes } from "@thaw/aws-api/cloudformation";
import { refusalOf } from "@thaw/stacks/operations";
import type { OnFailure, Operation } from "@thaw/stacks/run";
import { ServiceError } from "../../model/service-error.ts";
import type { StackRecord } from "../../model/stack-record.ts";
import type { StackWrite } from "../../ports/stack-store.ts";
import type { ServiceContext, ServiceOperations } from "../aws-service.ts";
import { type CloudFormationParts, findLiving, invalid, isRepeated, lookUp, requestOf, sourceOf } from "./context.ts";
import { obsoleteWrites } from "./change-set-rows.ts";
import { checkName, newStack, policyOf, updatePoliciesOf } from "./new-stack.ts";
import { planSource, type PlannedSource } from "./planning.ts";
import { TransformFailed } from "./templates.ts";

type Runs = Pick<
  OperationTypes,
  "CreateStack" | "UpdateStack" | "DeleteStack" | "CancelUpdateStack" | "RollbackStack" | "ContinueUpdateRollback"
>;
type In<O extends keyof Runs> = Runs[O]["input"];

export function stackRuns(parts: CloudFormationParts): ServiceOperations<Runs> {
  return {
    CreateStack: (input, context) => createStack(parts, input, context),
    UpdateStack: (input, context) => updateStack(parts, input, context),
    DeleteStack: (input, context) => deleteStack(parts, input, context),
    async CancelUpdateStack({ StackName: name }) {
      const stack = await findLiving(parts, name);
      checkPossible("cancel", stack);
      await parts.stacks.cancel(stack.id);
      return {};
    },
    RollbackStack: ({ StackName, ClientRequestToken, RetainExceptOnCreate }, context) =>
      runAgain(parts, StackName, "RollbackStack", ClientRequestToken, context, {
        kind: "rollback",
        retainExceptOnCreate: RetainExceptOnCreate ?? false,
      }),
    async ContinueUpdateRollback({ StackName, ClientRequestToken, ResourcesToSkip }, context) {
      const skip = ResourcesToSkip ?? [];
      await runAgain(parts, StackName, "ContinueUpdateRollback", ClientRequestToken, context, {
        kind: "continue",
        skip,
      });
      return {};
    },
  };
}

const NESTED_MAX = 10;

interface Begun {
  readonly StackId: string;
  readonly OperationId?: string;
}

/** A parent's own id, which it gives its nested stacks as a tag. */
const PARENT = "aws:cloudformation:stack-id";

async function createStack(parts: CloudFormationParts, input: In<"CreateStack">, context: ServiceContext) {
  const { StackName: name, ClientRequestToken: token } = input;
  checkName(name, "stackName");
  const before = await parts.store.stacks.findStack(name);
  if (before !== null && isRepeated(before, "CreateStack", token)) return { StackId: before.id };
  if (before !== null) throw alreadyExists(name);
  const bare = await newStack(parts, name);
  const isOwn = isOwnCall(context);
  const planned = await plannedOrInvalid(parts, input, { stackId: bare.id, stackName: name, previous: null, isOwn });
  const parent = isOwn ? input.Tags?.find(({ Key }) => Key === PARENT)?.Value : undefined;
  const root = parent === undefined ? null : await rootOf(parts, parent);
  const nowMs = parts.clock.nowMs();
  const record: StackRecord = {
    ...bare,
    isTerminationProtected: input.EnableTerminationProtection ?? false,
    isRollbackDisabled: onFailureOf(input) === "DO_NOTHING",
    timeoutMinutes: input.TimeoutInMinutes ?? null,
    deadlineMs: input.TimeoutInMinutes === undefined ? null : nowMs + input.TimeoutInMinutes * 60_000,
    parentId: parent ?? null,
    rootId: root,
    policy: await policyOf(parts, input, [planned.source]),
    request: requestOf(parts, "CreateStack", token, context),
  };
  const made = await parts.stacks.add({
    record,
    writes: [{ op: "putPart", stackId: record.id, kind: "source", key: "current", part: planned.source }],
    operation: {
      kind: "create",
      plan: planned.plan,
      onFailure: onFailureOf(input),
      retainExceptOnCreate: input.RetainExceptOnCreate ?? false,
    },
    result: { StackId: record.id, OperationId: record.request?.operationId ?? "" },
  });
  // Somebody else was first.
  if (made === null) throw alreadyExists(name);
  return made;
}

async function updateStack(parts: CloudFormationParts, input: In<"UpdateStack">, context: ServiceContext) {
  const { StackName: name, ClientRequestToken: token } = input;
  const { id } = await findLiving(parts, name);
  return parts.stacks.change<Begun>(id, async (stack) => {
    if (isRepeated(stack, "UpdateStack", token)) return { record: null, result: { StackId: id } };
    checkPossible("update", stack);
    const previous = await sourceOf(parts, id);
    const to = { stackId: id, stackName: stack.name, previous, isOwn: isOwnCall(context) };
    const planned = await plannedOrInvalid(parts, input, to);
    if (!planned.plan.isChange) throw invalid("No updates are to be performed.");
    const request = requestOf(parts, "UpdateStack", token, context);
    const updatePolicies = await updatePoliciesOf(parts, input, [previous, planned.source]);
    const isRollbackDisabled = input.DisableRollback ?? input.DeploymentConfig?.DisableRollback ?? false;
    return {
      ...updateOf({ ...stack, request, updatePolicies, isRollbackDisabled }, planned, {
        onFailure: isRollbackDisabled ? "DO_NOTHING" : "ROLLBACK",
        retainExceptOnCreate: input.RetainExceptOnCreate ?? false,
        nowMs: parts.clock.nowMs(),
        writes: await obsoleteWrites(parts, id, null),
      }),
      result: { StackId: id, OperationId: request.operationId },
    };
  });
}

/** The outermost stack of one that has nested ones. Throws where it would be nested too deep: in itself, for ever. */
async function rootOf({ store }: CloudFormationParts, parent: string): Promise<string> {
  let root = parent;
  for (let depth = 1; depth <= NESTED_MAX; depth++) {
    const { parentId } = (await store.stacks.getStack(root)) ?? { parentId: null };
    if (parentId === null) return root;
    root = parentId;
  }
  throw new ServiceError("LimitExceededException", `Stacks are nested ${NESTED_MAX} levels deep at most`);
}

/** The edit that begins an update. */
export function updateOf(
  stack: StackRecord,
  { source, plan }: PlannedSource,
  how: {
    readonly onFailure: OnFailure;
    readonly retainExceptOnCreate: boolean;
    readonly nowMs: number;
    readonly writes: readonly StackWrite[];
  },
) {
  const { nowMs, writes, ...rest } = how;
  const put: StackWrite = { op: "putPart", stackId: stack.id, kind: "source", key: "next", part: source };
  const operation: Operation = { kind: "update", plan, ...rest };
  return { record: { ...stack, updatedAtMs: nowMs }, writes: [put, ...writes], operation };
}

async function deleteStack(parts: CloudFormationParts, input: In<"DeleteStack">, context: ServiceContext) {
  const found = await lookUp(parts, input.StackName);
  // As on AWS, whatever the name.
  if (found === null || found.deletedAtMs !== null) return {};
  if (found.head === null) {
    await parts.stacks.forget(found.id);
    return {};
  }
  const token = input.ClientRequestToken;
  return parts.stacks.change(found.id, async (stack) => {
    if (stack.status === "DELETE_IN_PROGRESS" || stack.deletedAtMs !== null) return { record: null, result: {} };
    if (isRepeated(stack, "DeleteStack", token)) return { record: null, result: {} };
    if (stack.isTerminationProtected)
      throw invalid(`Stack [${stack.name}] cannot be deleted while TerminationProtection is enabled`);
    checkPossible("delete", stack);
    const retain = input.RetainResources ?? [];
    if (retain.length > 0 && stack.status !== "DELETE_FAILED")
      throw invalid(
        `Invalid operation on stack [${stack.id}]. Specify resources to retain only when the current stack state is DELETE_FAILED.`,
      );
    const request = requestOf(parts, "DeleteStack", token, context);
    return {
      record: { ...stack, request },
      writes: await obsoleteWrites(parts, stack.id, null),
      operation: { kind: "delete", retain, isForced: input.DeletionMode === "FORCE_DELETE_STACK" },
      result: {},
    };
  });
}

async function runAgain(
  parts: CloudFormationParts,
  name: string,
  called: "RollbackStack" | "ContinueUpdateRollback",
  token: string | undefined,
  context: ServiceContext,
  operation: Operation,
) {
  const { id } = await findLiving(parts, name);
  return parts.stacks.change<Begun>(id, (stack) => {
    if (isRepeated(stack, called, token)) return { record: null, result: { StackId: id } };
    checkPossible(operation.kind, stack);
    const request = requestOf(parts, called, token, context);
    return { record: { ...stack, request }, operation, result: { StackId: id, OperationId: request.operationId } };
  });
}

export function checkPossible(kind: Operation["kind"] | "cancel", stack: StackRecord): void {
  const { status, id, isRollbackDisabled } = stack;
  const problem = refusalOf(kind, { status, stackId: id, isRollbackDisabled });
  if (problem !== null) throw invalid(problem);
}

/** A transform's own words. */
async function plannedOrInvalid(...args: Parameters<typeof planSource>): Promise<PlannedSource> {
  try {
    return await planSource(...args);
  } catch (error) {
    if (error instanceof TransformFailed) throw invalid(error.message);
    throw error;
  }
}

/** Requests of clients are signed with a key. */
export function isOwnCall({ caller }: ServiceContext): boolean {
  return caller.accessKeyId === "";
}

function onFailureOf(input: In<"CreateStack">): OnFailure {
  const { OnFailure: onFailure, DisableRollback: isDisabled } = input;
  if (onFailure !== undefined && isDisabled !== undefined)
    throw invalid("You cannot specify both OnFailure and DisableRollback.");
  if (onFailure !== undefined) return onFailure;
  return (isDisabled ?? input.DeploymentConfig?.DisableRollback ?? false) ? "DO_NOTHING" : "ROLLBACK";
}

function alreadyExists(name: string): ServiceError {
  return new ServiceError("AlreadyExistsException", `Stack [${name}] already exists`);
}
