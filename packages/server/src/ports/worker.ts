/**
 * What the control plane asks of a worker (the host agent that owns environments). Values only: control/ and worker/ share no memory.
 */
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import type { PhaseTimes, SnapshotKey } from "./engine.ts";

/** All that an environment needs to know of the version it runs. Immutable: a changed configuration is another one. */
export interface RunnableVersion {
  /** Changes with every change of code or configuration: environments of an older one are never reused. */
  readonly runKey: string;
  readonly functionName: string;
  /** `$LATEST` or a number. */
  readonly version: string;
  /** Unqualified ARN of the function. */
  readonly functionArn: string;
  readonly accountId: string;
  readonly region: string;
  readonly runtime: string;
  readonly handler: string;
  /** Name of the unpacked code directory. */
  readonly codeName: string;
  readonly memorySizeMib: number;
  readonly timeoutS: number;
  readonly tmpSizeMib: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly logGroup: string;
  readonly logFormat: "Text" | "JSON";
  /** The snapshot to restore; null: Init on demand. */
  readonly snapshotId: SnapshotId | null;
  /** Null without a snapshot. */
  readonly snapshotKey: SnapshotKey | null;
  /** For the snapshot that `createSnapshot` makes. */
  readonly kmsKeyArn: string | null;
}

export interface InvokeInput {
  readonly requestId: string;
  readonly payload: Buffer;
  /** As the client named it: ARN with its qualifier, for the runtime's header. */
  readonly invokedFunctionArn: string;
  readonly clientContext: string | null;
  readonly traceId: string | null;
  /** Last 4 KiB of the log, for LogType Tail. */
  readonly wantsLogTail: boolean;
}

/** `Handled`/`Unhandled` is AWS's X-Amz-Function-Error; the payload is then its JSON error document. */
export interface InvokeSuccess {
  readonly kind: "response";
  readonly payload: Buffer;
  readonly functionError: "Handled" | "Unhandled" | null;
  readonly logTail: Buffer | null;
  readonly environmentId: EnvironmentId;
}

export type InvokeRefusal =
  | { readonly kind: "throttled"; readonly reason: "ConcurrentInvocationLimitExceeded" }
  /** After-restore hook failed or the process died during Restore: SnapStartException. */
  | { readonly kind: "restore-error"; readonly message: string }
  | { readonly kind: "restore-timeout"; readonly message: string }
  /** The platform could not run the environment: ServiceException. `code` is a ThawError's. */
  | { readonly kind: "platform-error"; readonly code: string; readonly message: string };

export type InvokeOutcome = InvokeSuccess | InvokeRefusal;

export type SnapshotOutcome =
  | {
      readonly kind: "ready";
      readonly initDurationMs: number;
      readonly snapshotKey: SnapshotKey;
      readonly memoryBytes: number;
      readonly diskBytes: number;
      readonly newBytes: number;
      readonly phases: PhaseTimes;
    }
  /** The function's fault; `reasonCode` is one of AWS's StateReasonCode values (`FunctionError`, `FunctionError.InitTimeout`, …). */
  | { readonly kind: "function-error"; readonly reasonCode: string; readonly reason: string }
  | { readonly kind: "platform-error"; readonly code: string; readonly message: string }
  | { readonly kind: "cancelled" };

export interface EnvironmentSummary {
  readonly environmentId: EnvironmentId;
  readonly functionName: string;
  readonly version: string;
  readonly state: string;
  readonly logStream: string;
  readonly createdAtMs: number;
  readonly lastInvokeAtMs: number | null;
  readonly isRestored: boolean;
  readonly invokeCount: number;
  readonly phases: PhaseTimes;
}

export interface EnvironmentFilter {
  readonly functionName?: string;
  readonly version?: string;
}

export interface Worker {
  invoke(version: RunnableVersion, input: InvokeInput): Promise<InvokeOutcome>;
  /** The whole Init of a version, ending in a durable snapshot. Cancelled by `signal`. Never throws for what is in the outcome. */
  createSnapshot(version: RunnableVersion, snapshotId: SnapshotId, signal: AbortSignal): Promise<SnapshotOutcome>;
  removeSnapshot(snapshotId: SnapshotId): Promise<void>;
  /** Those that this host may restore. Rejects where that can't be told now: a store that is away has lost nothing. */
  listSnapshots(): Promise<readonly SnapshotId[]>;
  /** After a start: removes those that are not in `named`. */
  sweepSnapshots(named: ReadonlySet<SnapshotId>): Promise<void>;
  /** Can this worker take snapshots? Else the reason, in plain words. */
  snapshotsProblem(): string | null;
  /** Null when the runtime can be run here; else a message that names the command to install it. */
  runtimeProblem(runtime: string): string | null;
  listEnvironments(): readonly EnvironmentSummary[];
  /** Shuts down idle environments; busy ones end after their invoke. Returns how many were told. */
  stopEnvironments(filter: EnvironmentFilter): Promise<number>;
  /** Takes no new work, lets running invokes finish within `graceMs`, shuts everything down. */
  close(graceMs: number): Promise<void>;
}
