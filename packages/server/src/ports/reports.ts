/** Reports that a worker and the control plane push, for figures. Taken by metrics/ through main. */
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import type { AccountScope } from "../model/function-name.ts";
import type { ShownPhases } from "../model/phases.ts";
import type { WorkingSetInfo } from "./snapshot-disk.ts";

/** The function of a report. */
interface OfFunction extends AccountScope {
  readonly functionName: string;
}

/** The report of one invocation. */
export interface InvocationReport extends OfFunction {
  /** Duration as in REPORT. */
  readonly durationMs: number;
  /** Duration of the Init; null where the environment was warm, or was restored. */
  readonly initDurationMs: number | null;
  readonly memoryMaxMib: number;
}

/** Something that became of asynchronous invokes, for figures. Pushed by the control plane. */
export type AsyncReport =
  /** An event was accepted. */
  | { readonly kind: "received"; readonly functionName: string }
  /** An event is about to run; `ageMs` since it was accepted. */
  | { readonly kind: "started"; readonly functionName: string; readonly ageMs: number }
  /** An event was given up; AWS counts it whether a destination takes it or not. */
  | { readonly kind: "dropped"; readonly functionName: string }
  /** An invoke was refused because its function came back to itself too often in one chain. */
  | { readonly kind: "recursion-dropped"; readonly functionName: string }
  /** A record, or a dead letter, was given up. */
  | { readonly kind: "delivery-failed"; readonly functionName: string }
  | { readonly kind: "dead-letter-failed"; readonly functionName: string };

/** The phase split of one restore, with starts from its beginning. Written for each, always: it is the product. */
export interface RestoreReport extends ShownPhases, OfFunction {
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
