/**
 * The privileged side that makes sandboxes: sandboxd. Owned by engines/*, implemented in sandboxd/.
 * Wire form and meaning of each call: docs/formats/sandboxd-protocol.md.
 */
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import type { Phase } from "../model/phases.ts";
import type {
  SandboxExit,
  SandboxObservation,
  SandboxSpec,
  SandboxUsage,
  SnapshotContents,
  WorkingSetInfo,
} from "./engine.ts";

export interface HostFacts {
  readonly criuVersion: string | null;
  readonly criuProblem: string | null;
  readonly cgroupVersion: "v1" | "v2";
  readonly cpuFingerprint: string;
  readonly kernel: string;
  readonly hasNetwork: boolean;
  readonly tmpQuota: "loop" | "tmpfs";
}

export interface HostedSandbox {
  /** Path of the supervisor's socket. */
  readonly controlSocket: string;
  /** Starts count from the request. */
  readonly phases: readonly Phase[];
  /** Resolves when the supervisor ended without `destroy` or `snapshot`; also when sandboxd itself is gone. */
  readonly exited: Promise<SandboxExit>;
}

export interface HostedSnapshot {
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly newBytes: number;
  readonly cutConnections: number;
  /** Starts count from the request. */
  readonly phases: readonly Phase[];
}

/** 32 bytes each. */
export interface SnapshotSecrets {
  readonly dataKey: Buffer;
  readonly chunkSecret: Buffer;
}

/**
 * here: the chunk is in the directory. nowhere: there is none to be had, the snapshot is damaged. late: it may come another time,
 * so the invoke ends as a timeout and not as damage.
 */
export type ChunkAnswer = "here" | "nowhere" | "late";

export interface SandboxHost {
  readonly facts: HostFacts;
  /** Resolves when the connection to sandboxd ended: nothing of the host can be used any more. */
  readonly lost: Promise<void>;
  create(spec: SandboxSpec): Promise<HostedSandbox>;
  restore(spec: SandboxSpec, snapshotId: SnapshotId, fingerprint: string, dataKey: Buffer): Promise<HostedSandbox>;
  snapshot(
    environmentId: EnvironmentId,
    snapshotId: SnapshotId,
    fingerprint: string,
    secrets: SnapshotSecrets,
  ): Promise<HostedSnapshot>;
  /** Ends the recording of a clone; what it touched is merged into the snapshot's working set, unless that is of `recordingsMax` clones already. */
  recordWorkingSet(environmentId: EnvironmentId, recordingsMax: number): Promise<WorkingSetInfo>;
  /** Lays the chunks out by the working set. */
  repack(snapshotId: SnapshotId, secrets: SnapshotSecrets): Promise<void>;
  inspect(snapshotId: SnapshotId, dataKey: Buffer, needles: readonly Buffer[]): Promise<SnapshotContents>;
  observe(environmentId: EnvironmentId): Promise<SandboxObservation>;
  /** Removes chunks that no snapshot of this host names. */
  collectChunks(): Promise<void>;
  /** Who fetches a chunk that the host lacks (or has damaged) into its directory. Until somebody says so it is nowhere. */
  onChunkWanted(fetch: (chunk: string, isDamaged: boolean) => Promise<ChunkAnswer>): void;
  freeze(environmentId: EnvironmentId): Promise<void>;
  thaw(environmentId: EnvironmentId): Promise<void>;
  boost(environmentId: EnvironmentId, on: boolean): Promise<void>;
  usage(environmentId: EnvironmentId, reset: boolean): Promise<SandboxUsage>;
  destroy(environmentId: EnvironmentId): Promise<void>;
  listSnapshots(): Promise<readonly SnapshotId[]>;
  removeSnapshot(snapshotId: SnapshotId): Promise<void>;
  close(): void;
}
