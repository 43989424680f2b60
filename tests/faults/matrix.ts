/**
 * The fault points by operation, in the order in which it passes them, and what is made of them: point × fault ×
 * operation. What an operation passes is not taken from here on trust: the first test of faults.test.ts compares it
 * with the trace of an undisturbed run.
 */
import { FAULTS, type Fault } from "./fault-control.ts";
import { OPERATIONS, type OperationName } from "./operations.ts";

const SNAPSHOT = [
  "create.sandbox-taken",
  "create.started",
  "host.created",
  "supervisor.connecting",
  "key.generating",
  "supervisor.parked",
];
const TAKE = [
  "take.stopped",
  "take.dumped",
  "take.chunks-synced",
  "take.manifest-synced",
  "take.committed",
  "host.snapshotted",
];
const UPLOAD = [
  "far.put-draft",
  "far.put-chunk",
  "far.put-early",
  "far.put-manifest",
  "far.have-manifest",
  "far.remove-draft",
];
const FETCH = ["key.unwrapping", "far.get-early", "far.get-manifest", "far.get-working-set"];
const OPEN = ["restore.opened", "far.get-chunk", "restore.prepared", "restore.sandbox-taken", "restore.session-begun"];
const PAGES = [
  "pager.opened",
  "pager.fault",
  "pager.restored",
  "restore.criu-done",
  "host.restored",
  "supervisor.connecting",
];
const RECORD = ["working-set.recorded", "far.put-working-set", "repack.packed", "repack.manifest-synced"];
const WARM = ["thaw.asked", "freeze.asked"];
const EVENT = ["event.accepted", "event.accepted.committed", "event.done", "event.done.committed"];
const ACTIVATE = ["row.active", "row.active.committed"];
const REMOVE_FAR = ["far.get-manifest", "far.remove-manifest", "far.remove-early"];
const REMOVE_NEAR = ["remove.asked", "remove.renamed", "host.removed"];
const COLLECT = [
  "collect.marked",
  "collect.sweeping",
  "host.collected",
  "far.put-collecting",
  "far.remove-chunk",
  "far.remove-collecting",
];
const REMOVE = [...REMOVE_FAR, ...REMOVE_NEAR, ...COLLECT];

export const PATHS: Readonly<Record<OperationName, readonly string[]>> = {
  publish: ["row.pending", "row.pending.committed", ...SNAPSHOT, ...TAKE, ...UPLOAD, ...ACTIVATE],
  restore: [...FETCH, ...OPEN, ...PAGES, ...RECORD],
  invoke: ["working-set.synced", ...WARM, ...EVENT],
  refresh: [...SNAPSHOT, ...TAKE, ...UPLOAD, ...ACTIVATE, ...REMOVE],
  expire: ["row.inactive", "row.inactive.committed", ...REMOVE],
  delete: ["row.removed", "row.removed.committed", ...REMOVE],
  collect: REMOVE,
};

/** Passed as well, and in the matrix where it is what the operation is about. */
export const BESIDE: Readonly<Record<OperationName, readonly string[]>> = {
  publish: [],
  // The new layout goes to the far store, as a publish does; where the second restore touched new pages, so does the
  // working set.
  restore: [...UPLOAD, "working-set.synced", "freeze.asked"],
  // Its first is a restore, and the function of events is started.
  invoke: [...FETCH, ...OPEN, ...PAGES, ...RECORD, ...SNAPSHOT, ...UPLOAD],
  // Where it was restored before.
  refresh: ["far.remove-working-set"],
  expire: ["far.remove-working-set"],
  delete: ["far.remove-working-set"],
  collect: ["far.remove-working-set"],
};

/**
 * Errors after which something is left to the next look at all versions, at the start and then every five minutes. The
 * test starts the server anew for that.
 */
const HEALED_BY_LOOK = new Set([
  // The snapshot is there, and its row can't be written.
  "row.active",
  // The row was changed, and who changed it heard of an error: what follows from the change is left to the look.
  "row.pending.committed",
  "row.active.committed",
  "row.inactive.committed",
  "row.removed.committed",
  // The snapshot, whose key has gone with its row, could not be removed.
  "far.get-manifest",
  "far.remove-manifest",
  "remove.asked",
]);

export function isHealedByLook({ operation, point, fault }: Combination): boolean {
  return fault === "error" && operation !== "restore" && HEALED_BY_LOOK.has(point);
}

export interface Combination {
  readonly operation: OperationName;
  readonly point: string;
  readonly fault: Fault;
}

export const POINTS: readonly string[] = [...new Set(OPERATIONS.flatMap((operation) => PATHS[operation]))];
export const COMBINATIONS: readonly Combination[] = OPERATIONS.flatMap((operation) =>
  PATHS[operation].flatMap((point) => FAULTS.map((fault) => ({ operation, point, fault }))),
);

/** Every point once; operations and faults take turns. */
export function representativeSlice(): readonly Combination[] {
  return POINTS.map((point, index) => {
    const at = COMBINATIONS.filter((each) => each.point === point);
    const operations = [...new Set(at.map((each) => each.operation))];
    const operation = operations[index % operations.length];
    const chosen = at.find((each) => each.operation === operation && each.fault === FAULTS[index % FAULTS.length]);
    if (chosen === undefined) throw new Error(`${point} is on no operation's way`);
    return chosen;
  });
}

/** Who has the point in its way, and dies of a kill. */
export function processOf(point: string): "server" | "sandboxd" | "pager" {
  const group = point.slice(0, point.indexOf("."));
  if (group === "pager") return "pager";
  return ["row", "stack", "event", "key", "host", "supervisor", "far"].includes(group) ? "server" : "sandboxd";
}

/** SQLite writes in the caller's turn: while it does, the server does nothing else. */
export function holdsServerUp(point: string): boolean {
  return point.startsWith("row.") || point.startsWith("event.");
}
