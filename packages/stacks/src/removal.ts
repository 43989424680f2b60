/** Removes things, each after all that needs it. */
import type { Draft } from "./draft.ts";
import { existingOf, keysOf } from "./forward.ts";
import type { DeletionPolicy, StackResource } from "./stack-resource.ts";

/** In a clean-up, as on AWS; its failures do not fail the stack, and tools take each that is told for one. */
const TRIES_MAX = 3;

export function startRemoval(draft: Draft): void {
  for (let isFresh = true; isFresh; ) {
    isFresh = false;
    for (const row of readyOf(draft)) {
      if (!draft.hasRoom || draft.head.stopReason !== null) return;
      removeOne(draft, row);
      isFresh = true;
    }
  }
}

/** Those that may be removed now. */
function readyOf(draft: Draft): readonly StackResource[] {
  const left = draft.rows().filter((row) => isToGo(draft, row));
  const open = left.filter((row) => !draft.isPending(row.key) && !hasFailed(draft, row));
  const free = open.filter(isFreeOf(left, (row) => keysNeededBy(draft, row)));
  const fresh = free.filter(({ key }) => draft.head.failures[key] === undefined);
  if (fresh.length > 0 || draft.head.pending.length > 0) return fresh;
  if (free.length > 0) return free;
  // What templates in a row say may go in a circle: then only what values refer to is kept.
  const kept = neededByFailed(draft, left);
  const rest = open.filter(({ key }) => !kept.has(key));
  const first = rest.find(isFreeOf(left, keysOf)) ?? rest[0];
  return first === undefined ? [] : [first];
}

/** Says of a row whether none of the others needs it. */
function isFreeOf(
  rows: readonly StackResource[],
  needed: (row: StackResource) => Iterable<string>,
): (row: StackResource) => boolean {
  const keys = new Set<string>();
  for (const row of rows) for (const key of needed(row)) if (key !== row.key) keys.add(key);
  return ({ key }) => !keys.has(key);
}

/** Of things that are shown also those that only the template says it needs: they may have been replaced since. */
function keysNeededBy(draft: Draft, row: StackResource): ReadonlySet<string> {
  return new Set([...keysOf(row), ...(row.isObsolete ? [] : draft.keysOf(row.needs))]);
}

/** Of things that could not be removed, keys of all that they need. */
function neededByFailed(draft: Draft, left: readonly StackResource[]): ReadonlySet<string> {
  const needsOf = new Map(left.map((row) => [row.key, keysNeededBy(draft, row)]));
  const found = new Set(
    left.filter((row) => hasFailed(draft, row)).flatMap(({ key }) => [...(needsOf.get(key) ?? [])]),
  );
  // The set grows while it is walked.
  for (const key of found) for (const each of needsOf.get(key) ?? []) found.add(each);
  return found;
}

/** Says whether a thing is to be removed in this phase, and is still there. */
function isToGo(draft: Draft, row: StackResource): boolean {
  const { head, plan } = draft;
  if (row.status === "DELETE_COMPLETE" || row.status === "DELETE_SKIPPED") return false;
  if (head.phase === "remove") return true;
  if ((head.failures[row.key] ?? 0) >= TRIES_MAX) return false;
  if (row.isObsolete) return true;
  if (isAfterRollback(draft)) return row.madeSince === head.base;
  return plan !== null && !Object.hasOwn(plan.target.resources, row.logicalId);
}

function hasFailed({ head }: Draft, row: StackResource): boolean {
  return head.phase === "remove" && row.status === "DELETE_FAILED" && row.run === head.run;
}

export function isAfterRollback({ head }: Draft): boolean {
  return head.status === "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS";
}

function removeOne(draft: Draft, row: StackResource): void {
  // Nothing was made of it, so nothing stays either.
  if (row.physicalId === null) gone(draft, row, "DELETE_COMPLETE");
  else if (isKept(draft, row)) gone(draft, row, "DELETE_SKIPPED");
  else {
    const isAgain = draft.head.failures[row.key] !== undefined;
    const written = isAgain ? row : draft.show(row, "DELETE_IN_PROGRESS");
    draft.command(written, { action: "remove", existing: existingOf(row), tags: row.tags });
  }
}

function isKept(draft: Draft, row: StackResource): boolean {
  const { head, plan } = draft;
  if (row.isIncomplete && row.isObsolete) return false;
  if (head.phase === "clean" && isAfterRollback(draft)) return !row.isObsolete && isKeptInRollback(draft, row);
  if (head.phase === "clean") {
    const replaced = plan?.target.resources[row.logicalId]?.updateReplacePolicy ?? row.updateReplacePolicy;
    return keeps(row.isObsolete ? replaced : row.deletionPolicy);
  }
  if (head.operation !== "delete") return isKeptInRollback(draft, row);
  if (head.retain.includes(row.logicalId)) return true;
  return keeps(row.isObsolete ? row.updateReplacePolicy : row.deletionPolicy);
}

function keeps(policy: DeletionPolicy): boolean {
  return policy !== "Delete";
}

/** Of what the operation made that is rolled back. */
function isKeptInRollback({ head }: Draft, { deletionPolicy }: StackResource): boolean {
  return deletionPolicy === "Retain" && !head.retainExceptOnCreate;
}

/** Tells that a thing is no longer the stack's. */
export function gone(draft: Draft, row: StackResource, status: "DELETE_COMPLETE" | "DELETE_SKIPPED"): void {
  if (!row.isObsolete) {
    draft.show(row, status);
    return;
  }
  draft.tell(row, status);
  draft.remove(row);
}

/** A removal that failed: in a clean-up it is tried again after all others. */
export function failRemoval(draft: Draft, row: StackResource, reason: string): void {
  if (draft.head.phase === "clean") {
    const { failures } = draft.head;
    draft.set({ failures: { ...failures, [row.key]: (failures[row.key] ?? 0) + 1 } });
    draft.put({ ...row, statusReason: reason });
  } else if (draft.head.isForced) gone(draft, row, "DELETE_SKIPPED");
  else draft.show(row, "DELETE_FAILED", reason);
}

/** Tells what a clean-up has left, last of all, and forgets it. */
export function forgetLeft(draft: Draft): void {
  for (const row of draft.rows()) {
    if ((draft.head.failures[row.key] ?? 0) < TRIES_MAX) continue;
    draft.tell(row, "DELETE_FAILED", row.statusReason);
    draft.remove(row);
  }
}
