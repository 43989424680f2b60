/** Change sets: a plan that is shown, and carried out when somebody says so. */
import type { OperationTypes } from "@thaw/aws-api/cloudformation";
import type { OnFailure } from "@thaw/stacks/run";
import { ServiceError } from "../../model/service-error.ts";
import type { ChangeSetRecord, StackRecord } from "../../model/stack-record.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { StackWrite } from "../../ports/stack-store.ts";
import type { ServiceContext, ServiceOperations } from "../aws-service.ts";
import { findChangeSet, type FoundChangeSet, lookUpChangeSet, nestedOf, obsoleteWrites } from "./change-set-rows.ts";
import { type CloudFormationParts, find, invalid, isRepeated, requestOf, sourceOf } from "./context.ts";
import { changeSetId, nestedSets } from "./nested-change-sets.ts";
import { checkName, newStack } from "./new-stack.ts";
import { pageOf, pageOfFixed } from "./pages.ts";
import { planSource } from "./planning.ts";
import { presentChange, presentParameters, presentTags } from "./present.ts";
import { checkPossible, isOwnCall, updateOf } from "./stack-runs.ts";
import { TransformFailed } from "./templates.ts";

type ChangeSets = Pick<
  OperationTypes,
  "CreateChangeSet" | "DescribeChangeSet" | "ExecuteChangeSet" | "DeleteChangeSet" | "ListChangeSets"
>;
type In<O extends keyof ChangeSets> = ChangeSets[O]["input"];

/** AWS's own is far greater; each may be some megabytes. */
const CHANGE_SETS_MAX = 50;
const CHANGES_PAGE = 100;
/** Tools look for both. */
const NO_CHANGES =
  "The submitted information didn't contain changes. Submit different information to create a change set.";
/** For as long an answer may wait for the end of a run: whoever looks at once has not to look again. */
const QUICK_MS = 1500;

export function changeSetOperations(parts: CloudFormationParts): ServiceOperations<ChangeSets> {
  return {
    CreateChangeSet: (input, context) => create(parts, input, context),
    async DescribeChangeSet({ ChangeSetName, StackName, NextToken, IncludePropertyValues }) {
      const found = await findChangeSet(parts, ChangeSetName, StackName);
      return describe(found, NextToken, IncludePropertyValues ?? false);
    },
    ExecuteChangeSet: (input, context) => execute(parts, input, context),
    async DeleteChangeSet({ ChangeSetName, StackName }) {
      const found = await lookUpChangeSet(parts, ChangeSetName, StackName);
      if (found === null) return {};
      refuseNested(found, "deleted");
      const { id, name } = { id: found.stack.id, name: found.changeSet.name };
      return parts.stacks.change(id, (stack) => ({
        record: stack,
        writes: [{ op: "removePart", stackId: id, kind: "changeSet", key: name }],
        result: {},
      }));
    },
    async ListChangeSets({ StackName, NextToken }) {
      const stack = await find(parts, StackName, "brackets");
      const all = await parts.store.stacks.listParts(stack.id, "changeSet");
      const own = all.map((changeSet) => ({ stack, changeSet, nested: null }));
      const found = [...own, ...(await nestedOf(parts, stack))];
      const { items, next } = pageOf(found, keyOf, NextToken, CHANGES_PAGE);
      return {
        Summaries: items.map(presentHead),
        ...(next === null ? {} : { NextToken: next }),
      };
    },
  };
}

/** Oldest first; nested ones have an ARN of their own. */
function keyOf({ changeSet, nested }: FoundChangeSet): string {
  return `${String(changeSet.createdAtMs).padStart(16, "0")} ${(nested ?? changeSet).id}`;
}

async function create(parts: CloudFormationParts, input: In<"CreateChangeSet">, context: ServiceContext) {
  checkName(input.ChangeSetName, "changeSetName");
  refuseImports(input);
  const isNew = input.ChangeSetType === "CREATE";
  const stack = await stackFor(parts, input.StackName, isNew);
  const previous = await sourceOf(parts, stack.id);
  const to = { stackId: stack.id, stackName: stack.name, previous, isOwn: isOwnCall(context) };
  const id = changeSetId(parts, input.ChangeSetName);
  const made = await plannedSet(parts, input, to, { id, isNew });
  const changeSet: ChangeSetRecord = {
    id,
    name: input.ChangeSetName,
    type: isNew ? "CREATE" : "UPDATE",
    description: input.Description ?? null,
    createdAtMs: parts.clock.nowMs(),
    onStackFailure: input.OnStackFailure ?? null,
    clientToken: input.ClientToken ?? null,
    ...made,
  };
  const put = { op: "putPart", stackId: stack.id, kind: "changeSet", key: changeSet.name, part: changeSet } as const;
  const answer = { Id: id, StackId: stack.id };
  if (!("revision" in stack)) {
    const added = await parts.stacks.add({
      record: { ...stack, changeSetId: id },
      writes: [put],
      events: [
        {
          logicalId: null,
          physicalId: stack.id,
          type: "AWS::CloudFormation::Stack",
          status: "REVIEW_IN_PROGRESS",
          reason: "User Initiated",
          properties: null,
        },
      ],
      result: answer,
    });
    // Somebody else was first.
    if (added === null) throw alreadyThere(stack.name, input.ChangeSetName);
    return added;
  }
  return parts.stacks.change(stack.id, async (now) => {
    if (now.revision !== stack.revision)
      throw new ServiceError("OperationInProgressException", "The stack has changed meanwhile. Try again.");
    const all = await parts.store.stacks.listParts(stack.id, "changeSet");
    const same = all.find(({ name }) => name === input.ChangeSetName);
    if (same !== undefined && same.clientToken !== null && same.clientToken === changeSet.clientToken)
      return { record: null, result: { Id: same.id, StackId: stack.id } };
    // The AWS CLI names them by the second: one that was executed, or never can be, makes room for the next one.
    if (same !== undefined && !isPast(same))
      throw new ServiceError("AlreadyExistsException", `ChangeSet ${input.ChangeSetName} already exists`);
    return { record: now, writes: [...writesForRoom(stack.id, all), put], result: answer };
  });
}

function isPast({ status, executionStatus }: ChangeSetRecord): boolean {
  return status === "FAILED" || executionStatus === "EXECUTE_COMPLETE" || executionStatus === "OBSOLETE";
}

/** Forgets past ones where there are too many. Throws where that is not enough. */
function writesForRoom(stackId: string, all: readonly ChangeSetRecord[]): readonly StackWrite[] {
  const past = all.filter(isPast).toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  const tooMany = Math.max(0, all.length + 1 - CHANGE_SETS_MAX);
  if (tooMany > past.length)
    throw new ServiceError("LimitExceededException", `A stack has at most ${CHANGE_SETS_MAX} change sets`);
  return past
    .slice(0, tooMany)
    .map(({ name }) => ({ op: "removePart", stackId, kind: "changeSet", key: name }) as const);
}

/** The stack as it is, or a new one. */
async function stackFor(
  parts: CloudFormationParts,
  nameOrId: string,
  isNew: boolean,
): Promise<Stored<StackRecord> | StackRecord> {
  const found = nameOrId.startsWith("arn:")
    ? await find(parts, nameOrId, "brackets")
    : await parts.store.stacks.findStack(nameOrId);
  if (isNew) {
    if (found !== null && found.head !== null)
      throw invalid(`Stack [${found.name}] already exists and cannot be created again with the changeSet.`);
    if (found !== null) return found;
    checkName(nameOrId, "stackName");
    return newStack(parts, nameOrId);
  }
  if (found === null || found.deletedAtMs !== null) throw invalid(`Stack [${nameOrId}] does not exist`);
  if (found.head === null) throw invalid(`Stack:${found.id} is in ${found.status} state and can not be updated.`);
  checkPossible("update", found);
  return found;
}

type Made = Pick<ChangeSetRecord, "status" | "statusReason" | "executionStatus" | "planned" | "nested">;

async function plannedSet(
  parts: CloudFormationParts,
  input: In<"CreateChangeSet">,
  to: Parameters<typeof planSource>[2],
  { id, isNew }: { readonly id: string; readonly isNew: boolean },
): Promise<Made> {
  const isWhole = input.IncludeNestedStacks ?? false;
  const failed = (statusReason: string): Made => ({
    status: "FAILED",
    statusReason,
    executionStatus: "UNAVAILABLE",
    planned: null,
    nested: isWhole ? [] : null,
  });
  try {
    const planned = await planSource(parts, input, { ...to, isChangeSet: true });
    // AWS says so of templates with transforms, whose result is what is compared.
    const none = planned.source.transforms.length === 0 ? NO_CHANGES : "No updates are to be performed.";
    if (!isNew && !planned.plan.isChange) return failed(none);
    const stack = { id: to.stackId, name: to.stackName };
    const nested = isWhole ? await nestedSets(parts, { id, name: input.ChangeSetName, stack, planned }) : null;
    return { status: "CREATE_COMPLETE", statusReason: null, executionStatus: "AVAILABLE", planned, nested };
  } catch (error) {
    if (error instanceof TransformFailed) return failed(error.message);
    throw error;
  }
}

async function execute(parts: CloudFormationParts, input: In<"ExecuteChangeSet">, context: ServiceContext) {
  const { ChangeSetName, StackName, ClientRequestToken: token } = input;
  const found = await findChangeSet(parts, ChangeSetName, StackName);
  refuseNested(found, "executed");
  const { id } = found.stack;
  const began = await parts.stacks.change(id, async (stack) => {
    if (isRepeated(stack, "ExecuteChangeSet", token)) return { record: null, result: null };
    const changeSet = await parts.store.stacks.getPart(id, "changeSet", found.changeSet.name);
    if (changeSet === null) throw new ServiceError("ChangeSetNotFound", `ChangeSet [${ChangeSetName}] does not exist`);
    const planned = plannedOf(changeSet);
    const isNew = stack.head === null;
    checkPossible(isNew ? "create" : "update", stack);
    const executed: ChangeSetRecord = { ...changeSet, executionStatus: "EXECUTE_COMPLETE", planned };
    const put = { op: "putPart", stackId: id, kind: "changeSet", key: changeSet.name, part: executed } as const;
    const request = requestOf(parts, "ExecuteChangeSet", token, context);
    const isRollbackDisabled = input.DisableRollback ?? changeSet.onStackFailure === "DO_NOTHING";
    const record = { ...stack, request, changeSetId: changeSet.id, isRollbackDisabled };
    const how = {
      onFailure: onFailureOf(changeSet, isNew, isRollbackDisabled),
      retainExceptOnCreate: input.RetainExceptOnCreate ?? false,
    };
    const writes = [put, ...(await obsoleteWrites(parts, id, changeSet.name))];
    const result = isNew ? ("CREATE_IN_PROGRESS" as const) : ("UPDATE_IN_PROGRESS" as const);
    if (!isNew) return { ...updateOf(record, planned, { ...how, nowMs: parts.clock.nowMs(), writes }), result };
    const source = { op: "putPart", stackId: id, kind: "source", key: "current", part: planned.source } as const;
    return {
      record: { ...record, createdAtMs: record.createdAtMs },
      writes: [source, ...writes],
      operation: { kind: "create", plan: planned.plan, ...how },
      result,
    };
  });
  if (began !== null) await parts.stacks.untilStatusChanges({ id, status: began }, QUICK_MS);
  return {};
}

function plannedOf({ id, status, executionStatus, planned }: ChangeSetRecord): NonNullable<ChangeSetRecord["planned"]> {
  if (status === "FAILED")
    throw new ServiceError(
      "InvalidChangeSetStatus",
      `ChangeSet [${id}] cannot be executed in its current status of [${status}]`,
    );
  if (executionStatus !== "AVAILABLE" || planned === null)
    throw new ServiceError(
      "InvalidChangeSetStatus",
      `ChangeSet [${id}] cannot be executed in its current execution status of [${executionStatus}]`,
    );
  return planned;
}

function onFailureOf({ onStackFailure }: ChangeSetRecord, isNew: boolean, isDisabled: boolean): OnFailure {
  if (isDisabled) return "DO_NOTHING";
  return isNew && onStackFailure === "DELETE" ? "DELETE" : "ROLLBACK";
}

/** Throws for one that is a part of another one. */
function refuseNested({ changeSet, nested }: FoundChangeSet, what: "executed" | "deleted"): void {
  if (nested !== null)
    throw new ServiceError(
      "InvalidChangeSetStatus",
      `ChangeSet [${nested.id}] is ${what} with its root change set only: [${changeSet.id}]`,
    );
}

function describe(
  found: FoundChangeSet,
  token: string | undefined,
  withValues: boolean,
): ChangeSets["DescribeChangeSet"]["output"] {
  const { changeSet, nested } = found;
  const { id, planned } = nested ?? changeSet;
  const inner = new Map(
    (changeSet.nested ?? []).filter((each) => each.parentId === id).map((each) => [each.logicalId, each.id]),
  );
  const { items, next } = pageOfFixed(planned?.plan.changes ?? [], token, CHANGES_PAGE);
  return {
    ...presentHead(found),
    ...(planned === null
      ? { Parameters: [], Capabilities: [], Tags: [] }
      : {
          Parameters: presentParameters(planned.source),
          Capabilities: planned.source.capabilities as never,
          Tags: presentTags(planned.source),
          RollbackConfiguration: planned.source.rollbackConfiguration,
        }),
    NotificationARNs: [],
    Changes: items.map((each) => ({
      Type: "Resource",
      ResourceChange: { ...presentChange(each, withValues), ...changeSetIdOf(inner.get(each.logicalId)) },
    })),
    ImportExistingResources: false,
    ...(changeSet.onStackFailure === null ? {} : { OnStackFailure: changeSet.onStackFailure as never }),
    ...(next === null ? {} : { NextToken: next }),
  };
}

function changeSetIdOf(id: string | undefined) {
  return id === undefined ? {} : { ChangeSetId: id };
}

function presentHead({ stack, changeSet, nested }: FoundChangeSet) {
  const shared = {
    CreationTime: new Date(changeSet.createdAtMs),
    Status: changeSet.status,
    IncludeNestedStacks: (changeSet.nested ?? null) !== null,
    ...(changeSet.description === null ? {} : { Description: changeSet.description }),
  };
  if (nested === null)
    return {
      ...shared,
      ChangeSetId: changeSet.id,
      ChangeSetName: changeSet.name,
      StackId: stack.id,
      StackName: stack.name,
      ExecutionStatus: changeSet.executionStatus,
      ...(changeSet.statusReason === null ? {} : { StatusReason: changeSet.statusReason }),
    };
  const isOver = changeSet.executionStatus !== "AVAILABLE";
  return {
    ...shared,
    ChangeSetId: nested.id,
    ChangeSetName: nested.name,
    ...(nested.stackId === null ? {} : { StackId: nested.stackId }),
    ...(nested.stackName === null ? {} : { StackName: nested.stackName }),
    ExecutionStatus: isOver ? changeSet.executionStatus : ("UNAVAILABLE" as const),
    StatusReason: nested.statusReason,
    ParentChangeSetId: nested.parentId,
    RootChangeSetId: changeSet.id,
  };
}

function refuseImports(input: In<"CreateChangeSet">): void {
  if (input.ChangeSetType === "IMPORT" || (input.ResourcesToImport ?? []).length > 0)
    throw invalid("Thaw does not import resources into stacks: make them by the template");
  if (input.DeploymentMode !== undefined) throw invalid("Thaw has no drift: leave DeploymentMode out");
}

function alreadyThere(stackName: string, changeSetName: string): ServiceError {
  return invalid(
    `Stack [${stackName}] already exists and cannot be created again with the changeSet [${changeSetName}].`,
  );
}
