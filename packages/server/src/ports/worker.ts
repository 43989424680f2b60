/**
 * The worker (the host agent that owns environments) as the control plane uses it. Values only: control/ and worker/
 * share no memory.
 */
import type { Body } from "../base/body.ts";
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import type { AccountScope } from "../model/function-name.ts";
import type { SnapshotFingerprints } from "../model/function-record.ts";
import type { RunnableImage } from "../model/image.ts";
import type { ShownPhases } from "../model/phases.ts";
import type { PlatformCode } from "../model/platform-errors.ts";
import type { RuntimeRelease } from "./runtime-catalog.ts";
import type { FileSystemMount, SandboxObservation } from "./engine.ts";
import type { SnapshotFindings, WorkingSetInfo } from "./snapshot-disk.ts";
import type { ListedSnapshot, SnapshotKey } from "./snapshots.ts";

/**
 * A version with everything that an environment needs to know of it. Immutable: a changed configuration is another one.
 */
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
  /** ARN of its role. */
  readonly role: string;
  readonly runtime: string;
  readonly handler: string;
  /** Name of the unpacked code directory. */
  readonly codeName: string;
  /** How the program of a container image is started; null: the code is a package. */
  readonly image: RunnableImage | null;
  /** Name of the directory of its merged layers; null without layers. */
  readonly optName: string | null;
  /** Names of the code directories that `optName` is merged of, the lowest layer first. */
  readonly layerNames: readonly string[];
  readonly memorySizeMib: number;
  readonly timeoutS: number;
  readonly tmpSizeMib: number;
  readonly fileSystems: readonly FileSystemMount[];
  readonly environment: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly logGroup: string;
  readonly logFormat: "Text" | "JSON";
  /** Levels below which the runtime's client and the platform leave lines out of the log; null where none was set. */
  readonly applicationLogLevel: string | null;
  readonly systemLogLevel: string | null;
  /** The snapshot to restore; null: Init on demand. */
  readonly snapshotId: SnapshotId | null;
  /** The key of that snapshot; null where there is none to restore. */
  readonly snapshotKey: SnapshotKey | null;
  /** Engine and runtime that the snapshot was made with; null where there is none to restore. */
  readonly snapshotFingerprints: SnapshotFingerprints | null;
  /** Key for the snapshot that `createSnapshot` makes; null: the installation's own. */
  readonly kmsKeyArn: string | null;
  /** True for a check: its environments keep what they send to the outside. They need a runKey of their own. */
  readonly recordsSent?: boolean;
}

export interface InvokeInput {
  readonly requestId: string;
  readonly payload: Buffer;
  /** ARN with the qualifier that the client named, for the runtime's header. */
  readonly invokedFunctionArn: string;
  readonly clientContext: string | null;
  readonly traceId: string | null;
  /** True: the outcome has the last 4 KiB of the log, for LogType Tail. */
  readonly wantsLogTail: boolean;
  /**
   * True: a response that the runtime streams is handed on piece by piece, up to 200 MiB; the outcome comes with its
   * head. Any other response comes whole, within 6 MiB.
   */
  readonly isStreamed?: boolean;
  /** True: no clone is parked for the next cold invoke of this one's runKey. */
  readonly parksNone?: boolean;
}

export interface InvokeSuccess {
  readonly kind: "response";
  /**
   * The response, or AWS's JSON error document. Reading a streamed one throws BodyCutError or BodyTooLargeError where
   * it ends early.
   */
  readonly payload: Body;
  /** AWS's X-Amz-Function-Error; null where the function answered. */
  readonly functionError: "Unhandled" | null;
  /** Null also where the response is streamed: its completion has it. */
  readonly logTail: Buffer | null;
  /** Only of a streamed response. */
  readonly stream: ResponseStream | null;
  readonly environmentId: EnvironmentId;
}

/** A response that is being handed on while the runtime sends it. */
export interface ResponseStream {
  /** As the runtime said; null where it did not. */
  readonly contentType: string | null;
  /** Resolves when the response has ended, with the REPORT line where the log's tail is wanted. Never rejects. */
  readonly completion: Promise<StreamCompletion>;
}

export interface StreamCompletion {
  /** Null where the response ended well. */
  readonly error: { readonly code: string; readonly details: string } | null;
  readonly logTail: Buffer | null;
}

/**
 * AWS's reasons of TooManyRequestsException. CallerRateLimitExceeded: too many restores wait for their turn on this
 * host.
 */
export type ThrottleReason =
  | "ConcurrentInvocationLimitExceeded"
  | "ReservedFunctionConcurrentInvocationLimitExceeded"
  | "CallerRateLimitExceeded";

export type InvokeRefusal =
  | { readonly kind: "throttled"; readonly reason: ThrottleReason }
  /** After-restore hook failed or the process died during Restore: SnapStartException. */
  | { readonly kind: "restore-error"; readonly message: string }
  /** SnapStartTimeoutException. `hasRun` is false where the clone was not there in time: no hook could run. */
  | { readonly kind: "restore-timeout"; readonly message: string; readonly hasRun: boolean }
  /** The platform could not run the environment: ServiceException. */
  | { readonly kind: "platform-error"; readonly code: PlatformCode; readonly message: string };

export type InvokeOutcome = InvokeSuccess | InvokeRefusal;

export type SnapshotOutcome =
  | ({
      readonly kind: "ready";
      readonly initDurationMs: number;
      readonly snapshotKey: SnapshotKey;
      readonly fingerprints: SnapshotFingerprints;
      readonly memoryBytes: number;
      readonly diskBytes: number;
      readonly newBytes: number;
      readonly cutConnections: number;
    } & ShownPhases)
  /**
   * The function's fault; `reasonCode` is one of AWS's StateReasonCode values (`FunctionError`,
   * `FunctionError.InitTimeout`, …).
   */
  | { readonly kind: "function-error"; readonly reasonCode: string; readonly reason: string }
  | { readonly kind: "platform-error"; readonly code: PlatformCode; readonly message: string }
  | { readonly kind: "cancelled" };

/** An environment as it is listed. The starts of its phases count from the beginning of its life. */
export interface EnvironmentSummary extends ShownPhases {
  readonly environmentId: EnvironmentId;
  readonly functionName: string;
  readonly accountId: string;
  readonly region: string;
  readonly version: string;
  readonly state: string;
  readonly logStream: string;
  readonly createdAtMs: number;
  readonly lastInvokeAtMs: number | null;
  readonly isRestored: boolean;
  readonly invokeCount: number;
}

/** An environment that is at rest, with its sandbox. */
export interface EnvironmentObservation {
  readonly summary: EnvironmentSummary;
  readonly memory: WorkingSetInfo | null;
  readonly sandbox: SandboxObservation;
}

export interface EnvironmentFilter {
  /** Only environments of this account and Region. */
  readonly scope?: AccountScope;
  readonly runKey?: string;
  readonly functionName?: string;
  readonly version?: string;
  /** True: parked clones are left alone. */
  readonly keepParked?: boolean;
  /** True: busy ones take invokes that wait for them, keep their place meanwhile, and end when they are idle. */
  readonly whenIdle?: boolean;
}

/** Number of environments of a version that are to be initialised ahead. */
export interface ProvisionedTarget {
  readonly version: RunnableVersion;
  readonly count: number;
}

export interface ProvisionedStatus {
  /** Environments that were started, ready or not. */
  readonly allocated: number;
  /** Environments that are ready or have an invoke. */
  readonly available: number;
  readonly inUse: number;
  /** The last Init failed; it is tried again. */
  readonly hasFailed: boolean;
  /**
   * CloudWatch's ProvisionedConcurrencyInvocations and ProvisionedConcurrencySpilloverInvocations, since it was asked
   * for.
   */
  readonly invocations: number;
  readonly spilloverInvocations: number;
}

/** A release with the number of environments that run it or are about to. */
export interface RuntimeReleaseUse extends RuntimeRelease {
  readonly environments: number;
}

/** A runtime that can be run here. */
export interface RuntimeReport {
  readonly runtime: string;
  /** Fingerprints of its releases, the newest first; there is at least one. */
  readonly fingerprints: readonly string[];
}

/**
 * A worker's report of one moment: a value that may travel. Decisions by it are functions of it
 * (control/snapshots/fit.ts); they may be behind by the time that they are carried out, which each command answers for
 * itself.
 */
/** What is counted against the host's limits. */
export interface RoomReport {
  readonly memoryMib: number;
  readonly tmpMib: number;
  /** How much all `/tmp` together may come to now; null: there is no limit. */
  readonly tmpMaxMib: number | null;
}

export interface WorkerReport {
  readonly room: RoomReport;
  /** The reason in plain words why it can't take snapshots; null where it can. */
  readonly snapshotsProblem: string | null;
  /** Fingerprint of the engine; null where it takes no snapshots. */
  readonly engineFingerprint: string | null;
  readonly runtimes: readonly RuntimeReport[];
  /** Releases that are installed, with the number of environments that need them. */
  readonly releases: readonly RuntimeReleaseUse[];
  readonly environments: readonly EnvironmentSummary[];
  /** The provisioned concurrency that is wanted now, by `provision`. */
  readonly provisioned: ReadonlyArray<ProvisionedStatus & { readonly runKey: string }>;
}

/** A runtime that the host lacks. */
export interface RuntimeProblem {
  /** A sentence, with the command that helps. */
  readonly message: string;
  /** True where `installRuntime` tries. */
  readonly isInstallable: boolean;
}

/**
 * A worker as the control plane knows it. Everything in and out is a value that can be copied (objects, arrays, texts,
 * numbers and Buffers), but for two that stand for messages of their own: the AbortSignal, a command to cancel, and the
 * body of a response, which comes in pieces. So it may be on another host (remote-worker/), whose PROTOCOL rises with
 * each change of these values.
 */
export interface Worker {
  invoke(version: RunnableVersion, input: InvokeInput): Promise<InvokeOutcome>;
  /**
   * Runs the whole Init of a version and makes a durable snapshot. Cancelled by `signal`. Never throws for what is in
   * the outcome.
   */
  createSnapshot(version: RunnableVersion, snapshotId: SnapshotId, signal: AbortSignal): Promise<SnapshotOutcome>;
  /** Waits for restores of it that are under way; from then on there are none. */
  removeSnapshot(snapshotId: SnapshotId): Promise<void>;
  /**
   * Lists the snapshots that this host may restore. Rejects where that can't be told now: a store that is away has lost
   * nothing.
   */
  listSnapshots(): Promise<readonly ListedSnapshot[]>;
  /** Removes the snapshots that are not in `named`. Called after a start. */
  sweepSnapshots(named: readonly SnapshotId[]): Promise<void>;
  /** Looks at the host now and names the command to install the runtime. Null when it can be run there. */
  runtimeProblem(runtime: string): Promise<RuntimeProblem | null>;
  /**
   * Installs a runtime that the host lacks, which takes minutes, or waits for it. Null when it can be run; else what
   * went wrong and the command to run. Rejects where the host goes.
   */
  installRuntime(runtime: string): Promise<string | null>;
  /** Sets everything that is wanted, in place of what was wanted before. */
  provision(targets: readonly ProvisionedTarget[]): Promise<void>;
  /** Users that processes of any environment have at this moment. */
  uidsInUse(): Promise<ReadonlySet<number>>;
  /** Names of the code and of the merged layers that an environment has, or that an invoke here is about to need. */
  contentInUse(): Promise<ReadonlySet<string>>;
  /** Asks for a report of now. */
  report(): Promise<WorkerReport>;
  /** Looks at an environment when it is idle. Null where it has ended. */
  observe(environmentId: EnvironmentId): Promise<EnvironmentObservation | null>;
  /** Searches the version's snapshot, as Snapshots.search. Rejects where it can't be read. */
  inspectSnapshot(version: RunnableVersion, needles: readonly Buffer[]): Promise<SnapshotFindings>;
  /**
   * Shuts down idle environments; busy ones end after their invoke. Returns how many were told. None of them counts
   * against the host's limits from then on, unless `whenIdle` is set.
   */
  stopEnvironments(filter: EnvironmentFilter): Promise<number>;
  /** Takes no new work, lets running invokes finish within `graceMs`, shuts everything down. */
  close(graceMs: number): Promise<void>;
}
