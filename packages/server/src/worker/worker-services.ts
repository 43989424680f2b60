/** The services that every environment of a worker uses, and the limits that it keeps. */
import type { Clock } from "../base/clock.ts";
import type { EnvironmentId } from "../base/ids.ts";
import type { CredentialSource } from "../ports/credential-source.ts";
import type { Engine } from "../ports/engine.ts";
import type { LogSink } from "../ports/log-store.ts";
import type { PrimeSource } from "../ports/prime-source.ts";
import type { InvocationReport, RestoreReport } from "../ports/reports.ts";
import type { Snapshots } from "../ports/snapshots.ts";
import type { RunnableVersion } from "../ports/worker.ts";
import type { DebugSessions } from "./debug-sessions.ts";

/** Limits of the host as a whole, by which invokes are placed. */
export interface HostLimits {
  readonly environmentsMax: number;
  readonly memoryMaxMib: number;
  /** True: memory is counted as environments use it, with a part held back. False: as functions are configured. */
  readonly countsUsedMemory: boolean;
  /** How much all `/tmp` together may come to, so that the disk has room for the rest of the server's data. */
  readonly tmpMaxMib: () => number;
  /**
   * The part of the host that one function alone may have busy; 1: all of it. Two that both want as much as they can
   * get have less each, so that something is always left for a third.
   */
  readonly functionShareMax: number;
}

export interface WorkerLimits extends HostLimits {
  /** Limit of an Init on demand, which is then tried again within the invoke. AWS's 10 s. */
  readonly initTimeoutMs: number;
  /** Limit of an Init ahead, before-snapshot hooks included, unless the function's timeout is longer. AWS's 130 s. */
  readonly publishInitTimeoutMs: number;
  /** Limit of runtime load and after-restore hooks. AWS's 10 s. */
  readonly restoreTimeoutMs: number;
  /** Ports of the host that this function alone may reach, as `A.B.C.D:PORT`, besides those that all may. */
  readonly hostPortsOf: (version: RunnableVersion) => readonly string[];
  /** Says whether a function may reach the services of this server. */
  readonly callsServices: (version: RunnableVersion) => boolean;
  /** Variables that the host gives a function beside AWS's, unless the function has some of its own in their place. */
  readonly variablesOf: (version: RunnableVersion) => Readonly<Record<string, string>>;
  readonly idleTimeoutMs: number;
  /** An environment older than this is not used again, so that credentials and leaks have an end. */
  readonly lifetimeMsMax: number;
  /** Restores at the same time; more wait for their turn, each function in its own. */
  readonly restoresAtOnceMax: number;
  /** How long a restore may wait for its turn before its invoke is throttled. */
  readonly restoreWaitMs: number;
  /** How long an invoke waits for an environment that has just answered its caller, before a new one is made. */
  readonly finishingWaitMs: number;
  /**
   * How long it waits for a clone while only the platform has work with it, which notes what it has touched: another
   * restore would need the same disk, and more of it.
   */
  readonly recordingWaitMs: number;
  /** Parked clones of a version that is in use; 0: none are made. */
  readonly parkedPerVersionMax: number;
  /** Parked clones of all versions. */
  readonly parkedMax: number;
  /** A parked clone that nobody took for this long goes. */
  readonly parkedIdleMs: number;
  /**
   * A version must have been without a cold invoke for this long before the next clone is parked: it must not compete
   * with one.
   */
  readonly parkedQuietMs: number;
  readonly logPhaseSizeBytesMax: number;
  /**
   * After /init/error or /restore/error: how long the runtime may take to exit, so that its last output is in the log.
   */
  readonly exitWaitMs: number;
}

export const DEFAULT_WORKER_LIMITS: WorkerLimits = {
  environmentsMax: 100,
  memoryMaxMib: 16_384,
  countsUsedMemory: false,
  tmpMaxMib: () => Number.POSITIVE_INFINITY,
  functionShareMax: 0.8,
  hostPortsOf: () => [],
  callsServices: () => false,
  variablesOf: () => ({}),
  initTimeoutMs: 10_000,
  publishInitTimeoutMs: 130_000,
  restoreTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  lifetimeMsMax: 4 * 3_600_000,
  restoresAtOnceMax: 16,
  restoreWaitMs: 10_000,
  finishingWaitMs: 20,
  recordingWaitMs: 1000,
  parkedPerVersionMax: 1,
  parkedMax: 8,
  parkedIdleMs: 600_000,
  parkedQuietMs: 200,
  logPhaseSizeBytesMax: 10 * 1024 * 1024,
  exitWaitMs: 500,
};

/** Something went wrong in the platform that no caller is told about (a failed freeze, a sandbox that did not go). */
export interface WorkerProblem {
  readonly what: string;
  readonly environmentId: EnvironmentId | null;
  readonly error: unknown;
}

export interface WorkerServices {
  readonly engine: Pick<Engine, "name" | "create" | "snapshotsProblem">;
  /** The service that saves and restores snapshots; null where the engine takes none. */
  readonly snapshots: Snapshots | null;
  readonly clock: Clock;
  readonly logs: LogSink;
  readonly credentials: CredentialSource;
  readonly primes: PrimeSource;
  /** Null where nothing can be debugged. */
  readonly debugging: DebugSessions | null;
  /** The installation's secret. Tokens inside snapshots are derived from it, so it must outlive them. */
  readonly secret: Buffer;
  readonly limits: WorkerLimits;
  readonly onRestore: (report: RestoreReport) => void;
  readonly onInvocation: (report: InvocationReport) => void;
  readonly onProblem: (problem: WorkerProblem) => void;
}
