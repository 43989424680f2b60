/** Reports that a worker pushes, for figures. Owned by worker/, taken by metrics/ through main. */
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import type { ShownPhases } from "../model/phases.ts";
import type { WorkingSetInfo } from "./snapshot-disk.ts";

/** The report of one invocation. */
export interface InvocationReport {
  readonly functionName: string;
  /** Duration as in REPORT. */
  readonly durationMs: number;
  /** Duration of the Init; null where the environment was warm, or was restored. */
  readonly initDurationMs: number | null;
  readonly memoryMaxMib: number;
}

/** The phase split of one restore, with starts from its beginning. Written for each, always: it is the product. */
export interface RestoreReport extends ShownPhases {
  readonly functionName: string;
  readonly version: string;
  readonly environmentId: EnvironmentId;
  readonly snapshotId: SnapshotId;
  readonly requestId: string;
  readonly outcome: "success" | "timeout" | "error" | "platform-error";
  /** Wall clock at the start of the restore. */
  readonly startedAtMs: number;
  readonly restoreDurationMs: number;
  readonly memory: WorkingSetInfo | null;
}
