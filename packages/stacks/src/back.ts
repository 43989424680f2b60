/** Brings back what was there in the last stable state, by what was recorded of it. */
import type { Draft } from "./draft.ts";
import { ALWAYS_UPDATED, keysOf, existingOf } from "./forward.ts";
import type { Applied, StackResource } from "./stack-resource.ts";
import { sameValue } from "./values.ts";

/** Puts things back in the place of their replacements, which the clean-up removes. */
export function enterBack(draft: Draft, reason: string): void {
  const { base } = draft.head;
  draft.set({ phase: "back", stopReason: null });
  draft.showStack("UPDATE_ROLLBACK_IN_PROGRESS", reason);
  for (const row of draft.rows()) {
    if (row.madeSince === base) continue;
    const isFailed = row.status === "UPDATE_FAILED";
    const isChanged = row.before?.since === base;
    if (row.isObsolete) {
      const replacement = draft.current(row.logicalId);
      if (replacement !== undefined) draft.put({ ...replacement, isObsolete: true });
      // A change of it had failed before it was replaced: it may be made, and is still to be brought back.
      if (isFailed && isChanged) draft.put({ ...row, isObsolete: false });
      else draft.show({ ...row, isObsolete: false }, "UPDATE_COMPLETE");
    }
    // It failed before anything of it was changed.
    else if (isFailed && !isChanged) draft.show(row, "UPDATE_COMPLETE");
  }
}

export function startBack(draft: Draft): void {
  for (let isFresh = true; isFresh; ) {
    isFresh = false;
    const left = leftOf(draft);
    const ids = new Set(left.map(({ logicalId }) => logicalId));
    const waiting = left.filter(({ key }) => !draft.isPending(key));
    const ready = waiting.filter(({ before, logicalId }) =>
      (before?.needs ?? []).every((name) => name === logicalId || !ids.has(name)),
    );
    // Of several templates in a row what needs what may go in a circle: then there is no order to keep.
    const isStuck = ready.length === 0 && draft.head.pending.length === 0;
    for (const row of isStuck ? waiting.slice(0, 1) : ready) {
      if (!draft.hasRoom || draft.head.stopReason !== null) return;
      bringBack(draft, row);
      isFresh = true;
    }
  }
}

/** What was changed since, and is there to stay. */
function leftOf(draft: Draft): readonly StackResource[] {
  const { base } = draft.head;
  return draft
    .rows()
    .filter(({ isObsolete, madeSince, before }) => !isObsolete && madeSince !== base && before?.since === base);
}

function bringBack(draft: Draft, row: StackResource): void {
  const { before } = row;
  if (before === null) return;
  const { since: _since, ...applied } = before;
  const restored: StackResource = { ...row, ...(applied satisfies Applied) };
  if (draft.head.retain.includes(row.logicalId)) {
    draft.show({ ...restored, before: null }, "UPDATE_COMPLETE", "Resource skipped during UpdateRollback");
    return;
  }
  const isTaggable = draft.context.types.find(row.type)?.isTaggable === true;
  // A change that failed may have been made all the same, or in part.
  const isUncertain = row.status === "UPDATE_FAILED";
  const isAsked =
    isUncertain ||
    ALWAYS_UPDATED.has(row.type) ||
    !sameValue(row.properties, before.properties) ||
    (isTaggable && !sameValue(row.tags, before.tags));
  if (!isAsked) {
    draft.put({ ...restored, before: null, run: draft.head.run });
    return;
  }
  const pending = { ...restored, staleKeys: keysOf(row) };
  const written = draft.show(pending, "UPDATE_IN_PROGRESS");
  draft.command(written, {
    action: "update",
    existing: existingOf(row),
    properties: before.properties,
    isUncertain,
    tags: before.tags,
  });
}
