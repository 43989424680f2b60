/** Whether a snapshot can be restored on a worker, by the worker's report. */
import type { SnapshotFingerprints } from "../../model/function-record.ts";
import type { WorkerReport } from "../../ports/worker.ts";

/**
 * current: as a new one would be. stale: the runtime has a newer release, its own is still there. unfit: it can't be
 * restored.
 */
export type SnapshotFit = "current" | "stale" | "unfit";

export function snapshotFit(report: WorkerReport, runtime: string, made: SnapshotFingerprints): SnapshotFit {
  const fingerprints = report.runtimes.find((each) => each.runtime === runtime)?.fingerprints ?? [];
  if (made.engine !== report.engineFingerprint || !fingerprints.includes(made.runtime)) return "unfit";
  return fingerprints[0] === made.runtime ? "current" : "stale";
}

/** Without the runtime or an engine with snapshots there is nothing to make a snapshot with. */
export function canMakeSnapshots(report: WorkerReport, runtime: string): boolean {
  return report.snapshotsProblem === null && report.runtimes.some((each) => each.runtime === runtime);
}
