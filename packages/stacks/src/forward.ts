/** Makes and changes what a plan says, each after what it needs. */
import { Draft, RESOURCES_FAILED } from "./draft.ts";
import { type EvaluatedResource, evaluateResource } from "./evaluate.ts";
import type { Prepared, PreparedResource } from "./prepared.ts";
import { changedKeys, needsReplacement } from "./property-changes.ts";
import type { ExistingResource } from "./run.ts";
import { denialOf, type UpdateAction } from "./stack-policy.ts";
import type { Applied, Before, StackResource } from "./stack-resource.ts";
import { TemplateError } from "./template-error.ts";
import { sameValue } from "./values.ts";

/** A nested stack's template may be another one under the same address. */
export const ALWAYS_UPDATED: ReadonlySet<string> = new Set(["AWS::CloudFormation::Stack"]);

/** Begins whatever may be begun. What turns out to be the same is done at once, so that others may follow. */
export function startForward(draft: Draft): void {
  const { plan } = draft;
  if (plan === null) return;
  const work = new Set(plan.changes.filter(({ action }) => action !== "Remove").map(({ logicalId }) => logicalId));
  for (let isFresh = true; isFresh; ) {
    isFresh = false;
    for (const id of work) {
      if (!draft.hasRoom || draft.head.stopReason !== null) return;
      const resource = plan.target.resources[id];
      if (resource === undefined || isBegun(draft, id)) continue;
      if (!resource.needs.every((name) => !work.has(name) || isDone(draft, name))) continue;
      apply(draft, plan.target, id, resource);
      isFresh = true;
    }
  }
}

/** Takes over what needs what, of resources that are not changed otherwise. */
export function takeNeeds(draft: Draft): void {
  const { plan } = draft;
  if (plan === null) return;
  const work = new Set(plan.changes.map(({ logicalId }) => logicalId));
  for (const [id, { needs }] of Object.entries(plan.target.resources)) {
    const row = draft.current(id);
    if (row === undefined || work.has(id) || sameValue(row.needs, needs)) continue;
    draft.put({ ...row, needs, before: beforeOf(draft, row) });
  }
}

function isBegun(draft: Draft, id: string): boolean {
  return draft.current(id)?.run === draft.head.run;
}

function isDone(draft: Draft, id: string): boolean {
  const row = draft.current(id);
  return row?.run === draft.head.run && row.status.endsWith("_COMPLETE");
}

function apply(draft: Draft, target: Prepared, id: string, resource: PreparedResource): void {
  const row = draft.current(id);
  const asked = new Set<string>();
  let evaluated: EvaluatedResource;
  try {
    evaluated = evaluateResource(target, id, resource, draft.facts(asked));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    fail(draft, row ?? emptyRow(draft, target, id, resource), error.message);
    return;
  }
  const { needs, deletionPolicy, updateReplacePolicy } = resource;
  const applied = {
    ...evaluated,
    tags: target.tags,
    needs,
    neededKeys: [...asked],
    deletionPolicy,
    updateReplacePolicy,
  };
  if (row === undefined || row.isIncomplete) create(draft, row, id, resource.type, applied);
  else modify(draft, row, applied);
}

/** A resource of which nothing could be evaluated. */
function emptyRow(draft: Draft, { tags }: Prepared, id: string, resource: PreparedResource): StackResource {
  const { type, needs, deletionPolicy, updateReplacePolicy } = resource;
  const nothing = { properties: {}, metadata: null, tags, neededKeys: [] };
  const applied: Applied = { ...nothing, needs, deletionPolicy, updateReplacePolicy };
  return { ...draft.add(newRow(id, type, applied, "CREATE_IN_PROGRESS")), isIncomplete: true };
}

function newRow(logicalId: string, type: string, applied: Applied, status: StackResource["status"]) {
  return { ...applied, logicalId, type, physicalId: null, ref: null, attributes: {}, status, statusReason: null };
}

function create(draft: Draft, failed: StackResource | undefined, id: string, type: string, applied: Applied): void {
  if (failed !== undefined) {
    if (failed.physicalId === null) draft.remove(failed);
    else draft.put({ ...failed, isObsolete: true });
  }
  const status = failed?.status === "UPDATE_FAILED" ? "UPDATE_IN_PROGRESS" : "CREATE_IN_PROGRESS";
  const row = draft.add(newRow(id, type, applied, status));
  draft.tell(row, row.status);
  draft.command(row, { action: "create", properties: applied.properties, tags: applied.tags });
}

function modify(draft: Draft, row: StackResource, applied: Applied): void {
  const type = draft.context.types.find(row.type);
  const isUncertain = row.status === "UPDATE_FAILED";
  const isAsked =
    isUncertain ||
    ALWAYS_UPDATED.has(row.type) ||
    changedKeys(row.properties, applied.properties).length > 0 ||
    (type?.isTaggable === true && !sameValue(row.tags, applied.tags));
  const before = beforeOf(draft, row);
  const { run } = draft.head;
  if (!isAsked) {
    if (!isOtherwise(row, applied) || !isDenied(draft, row, "Update:Modify"))
      draft.put({ ...row, ...applied, before, run });
    return;
  }
  const isReplaced = needsReplacement(type, row.properties, applied.properties, (...values) =>
    draft.context.types.isReplaced(row.type, ...values),
  );
  if (isDenied(draft, row, isReplaced ? "Update:Replace" : "Update:Modify")) return;
  if (isReplaced) {
    replace(draft, row, applied, type?.nameProperty ?? null);
    return;
  }
  const pending = { ...row, ...applied, before, staleKeys: keysOf(row) };
  const written = draft.show(pending, "UPDATE_IN_PROGRESS");
  const { properties, tags } = applied;
  draft.command(written, { action: "update", existing: existingOf(row), properties, tags, isUncertain });
}

function replace(draft: Draft, row: StackResource, applied: Applied, nameProperty: string | null): void {
  const name = nameProperty === null ? undefined : applied.properties[nameProperty];
  if (nameProperty !== null && name !== undefined && sameValue(name, row.properties[nameProperty])) {
    const text = typeof name === "string" ? name : JSON.stringify(name);
    fail(
      draft,
      { ...row, before: beforeOf(draft, row) },
      `CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename ${text} and update the stack again.`,
    );
    return;
  }
  draft.tell(
    row,
    "UPDATE_IN_PROGRESS",
    "Requested update requires the creation of a new physical resource; hence creating one.",
  );
  draft.put({ ...row, isObsolete: true });
  const made = draft.add(newRow(row.logicalId, row.type, applied, "UPDATE_IN_PROGRESS"));
  draft.command(made, { action: "create", properties: applied.properties, tags: applied.tags });
}

/** Says whether what is kept of a resource without its handler differs. */
function isOtherwise(row: Applied, { metadata, deletionPolicy, updateReplacePolicy }: Applied): boolean {
  const isSame = row.deletionPolicy === deletionPolicy && row.updateReplacePolicy === updateReplacePolicy;
  return !isSame || !sameValue(row.metadata, metadata);
}

/** Fails a resource whose update the stack's policy does not allow. */
function isDenied(draft: Draft, row: StackResource, action: UpdateAction): boolean {
  const reason = denialOf(draft.context.policy, action, row);
  if (reason === null) return false;
  // Nothing was tried, so a rollback has nothing to bring back: `before` stays as it is.
  fail(draft, row, reason);
  return true;
}

/** Fails an update at its beginning for what may not be removed: its clean-up would come too late for a rollback. */
export function refuseRemovals(draft: Draft): void {
  for (const { action, logicalId } of draft.plan?.changes ?? []) {
    const row = action === "Remove" ? draft.current(logicalId) : undefined;
    if (row !== undefined) isDenied(draft, row, "Update:Delete");
  }
}

/** What a rollback brings back: as it was at the last stable state, not at the last run. */
function beforeOf(draft: Draft, row: StackResource): Before {
  const { base } = draft.head;
  if (row.before?.since === base) return row.before;
  const { properties, tags, metadata, needs, neededKeys, deletionPolicy, updateReplacePolicy } = row;
  return { properties, tags, metadata, needs, neededKeys, deletionPolicy, updateReplacePolicy, since: base };
}

/** Keys of rows that it refers to, or may refer to: a change that fails may be made or not. */
export function keysOf({ neededKeys, staleKeys }: StackResource): readonly string[] {
  return [...new Set([...neededKeys, ...staleKeys])];
}

export function existingOf({ physicalId, ref, attributes, properties }: StackResource): ExistingResource {
  return { physicalId: physicalId ?? "", ref, attributes, properties };
}

/** Tells a failure, and begins nothing more. */
export function fail(draft: Draft, row: StackResource, reason: string): void {
  draft.show(row, row.status === "CREATE_IN_PROGRESS" ? "CREATE_FAILED" : "UPDATE_FAILED", reason);
  draft.stop(RESOURCES_FAILED);
}
