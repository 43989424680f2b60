/** What a clone knows of its snapshot: the argument of after-restore hooks. */
import { readFileSync } from "node:fs";

export interface SnapshotInfo {
  readonly snapshotId: string | null;
  readonly takenAtMs: number | null;
  readonly restoredAtMs: number | null;
  /** How old what Init has read is now; null outside a clone. */
  readonly ageMs: number | null;
}

export function readSnapshotInfo(): SnapshotInfo {
  const read = JSON.parse(readFileSync("/run/thaw/snapshot.json", "utf8")) as Omit<SnapshotInfo, "ageMs">;
  return { ...read, ageMs: read.takenAtMs === null ? null : Date.now() - read.takenAtMs };
}
