/** Change sets as they are kept. */
import { ServiceError } from "../../model/service-error.ts";
import type { ChangeSetRecord, NestedChangeSet, StackRecord } from "../../model/stack-record.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { StackWrite } from "../../ports/stack-store.ts";
import { type CloudFormationParts, find, invalid } from "./context.ts";

export interface FoundChangeSet {
  readonly stack: Stored<StackRecord>;
  readonly changeSet: ChangeSetRecord;
  /** The one in it that is meant; null: itself. */
  readonly nested: NestedChangeSet | null;
}

type Finding = Pick<CloudFormationParts, "store">;

/** Writes that make all change sets of a stack obsolete, but one that is named: a run has begun without them. */
export async function obsoleteWrites(
  { store }: Finding,
  stackId: string,
  butName: string | null,
): Promise<readonly StackWrite[]> {
  const all = await store.stacks.listParts(stackId, "changeSet");
  return all.flatMap((each): StackWrite[] => {
    if (each.name === butName || each.executionStatus !== "AVAILABLE") return [];
    // What it would have done, which may be some megabytes, is of no use any more.
    const nested = each.nested?.map((inner) => ({ ...inner, planned: null })) ?? null;
    const part: ChangeSetRecord = { ...each, executionStatus: "OBSOLETE", planned: null, nested };
    return [{ op: "putPart", stackId, kind: "changeSet", key: each.name, part }];
  });
}

/** By its ARN, or by its name and its stack's. Null: there is none; throws where there is no such stack. */
export async function lookUpChangeSet(
  parts: Finding,
  nameOrId: string,
  stackName: string | undefined,
): Promise<FoundChangeSet | null> {
  if (stackName === undefined && !nameOrId.startsWith("arn:"))
    throw invalid("StackName must be specified if ChangeSetName is not specified as an ARN.");
  if (stackName !== undefined) {
    const stack = await find(parts, stackName, "brackets");
    const all = [...(await changeSetsOf(parts, stack)), ...(await nestedOf(parts, stack))];
    return all.find((each) => isNamed(each, nameOrId)) ?? null;
  }
  // The ARN does not tell its stack; there are few that have any.
  for (const stack of await stacksOf(parts)) {
    const own = await changeSetsOf(parts, stack);
    const all = [...own, ...own.flatMap(nestedIn)];
    const found = all.find(({ changeSet, nested }) => (nested ?? changeSet).id === nameOrId);
    if (found !== undefined) return found;
  }
  return null;
}

function isNamed({ changeSet, nested }: FoundChangeSet, nameOrId: string): boolean {
  const { id, name } = nested ?? changeSet;
  return id === nameOrId || name === nameOrId;
}

async function changeSetsOf({ store }: Finding, stack: Stored<StackRecord>): Promise<readonly FoundChangeSet[]> {
  const all = await store.stacks.listParts(stack.id, "changeSet");
  return all.map((changeSet) => ({ stack, changeSet, nested: null }));
}

function nestedIn({ stack, changeSet }: FoundChangeSet): readonly FoundChangeSet[] {
  return (changeSet.nested ?? []).map((nested) => ({ stack, changeSet, nested }));
}

/** Change sets of a stack that are parts of those of the stacks that it is in. */
export async function nestedOf(parts: Finding, { id, parentId }: StackRecord): Promise<readonly FoundChangeSet[]> {
  const found: FoundChangeSet[] = [];
  for (let above = parentId; above !== null; ) {
    const stack = await parts.store.stacks.getStack(above);
    if (stack === null) break;
    const all = (await changeSetsOf(parts, stack)).flatMap(nestedIn);
    found.push(...all.filter(({ nested }) => nested?.stackId === id));
    above = stack.parentId;
  }
  return found;
}

export async function findChangeSet(
  parts: Finding,
  nameOrId: string,
  stackName: string | undefined,
): Promise<FoundChangeSet> {
  const found = await lookUpChangeSet(parts, nameOrId, stackName);
  if (found === null) throw new ServiceError("ChangeSetNotFound", `ChangeSet [${nameOrId}] does not exist`);
  return found;
}

/** As many as an account may have. */
const STACKS_MAX = 2000;

function stacksOf({ store }: Finding): Promise<ReadonlyArray<Stored<StackRecord>>> {
  return store.stacks.listStacks({ after: null, countMax: STACKS_MAX, withDeleted: false });
}
