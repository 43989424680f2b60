/** Reports that a worker and the control plane push, for those who watch. Taken by metrics/ through main. */
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import type { AccountScope } from "../model/function-name.ts";
import type { SourceService } from "../model/event-source-record.ts";
import type { ShownPhases } from "../model/phases.ts";
import type { WorkingSetInfo } from "./snapshot-disk.ts";

/** The function of a report. */
interface OfFunction extends AccountScope {
  readonly functionName: string;
}

/** How an invocation ended. throttled: refused for a limit. platform-error: Thaw could not run it. */
export type InvocationOutcome = "success" | "error" | "timeout" | "throttled" | "platform-error";

/**
 * The environment of an invocation: restored or initialised for it, warm, or initialised ahead for provisioned
 * concurrency.
 */
export type InvocationStart = "restored" | "initialised" | "warm" | "provisioned";

/** The report of one invocation that an environment took. */
export interface InvocationReport extends OfFunction {
  readonly requestId: string;
  readonly version: string;
  readonly environmentId: EnvironmentId;
  readonly logStream: string;
  /** The snapshot that its environment was restored from; null where it was not. */
  readonly snapshotId: SnapshotId | null;
  readonly start: InvocationStart;
  readonly outcome: Exclude<InvocationOutcome, "throttled">;
  /** As the runtime or the platform names the error; null where there is none. */
  readonly errorType: string | null;
  /** Duration as in REPORT. */
  readonly durationMs: number;
  /** Duration of the Init; null where the environment was warm, or was restored. */
  readonly initDurationMs: number | null;
  readonly restoreDurationMs: number | null;
  /**
   * Phases of an environment that was initialised or restored for it, with starts on the worker's monotonic clock; null
   * for any other one. What the pager brought ahead of a restored one comes later, with its RestoreReport.
   */
  readonly started: ShownPhases | null;
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
  readonly logStream: string;
  readonly outcome: "success" | "timeout" | "error" | "platform-error";
  /** Wall clock at the start of the restore. */
  readonly startedAtMs: number;
  /** The same on the worker's monotonic clock. */
  readonly startedMonotonicMs: number;
  readonly restoreDurationMs: number;
  readonly memory: WorkingSetInfo | null;
}

/** Something that became of what event source mappings read, for figures. Pushed by the control plane. */
export type EventSourceReport = { readonly functionName: string; readonly service: SourceService } & (
  | { readonly kind: "polled"; readonly count: number }
  /** Dropped by the mapping's filter criteria. */
  | { readonly kind: "filtered"; readonly count: number }
  /** A batch is about to run; `lagMs` is the age of its oldest record, null where the source does not say. */
  | { readonly kind: "started"; readonly lagMs: number | null }
  | {
      readonly kind: "ended";
      readonly result: "success" | "partial" | "failure" | "put-off";
      readonly failedCount: number;
    }
  /** Given up: retries exhausted or too old. */
  | { readonly kind: "dropped"; readonly count: number }
  /** The source could not be read. */
  | { readonly kind: "poll-failed" }
);
