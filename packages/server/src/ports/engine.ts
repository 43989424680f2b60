/**
 * Engines make sandboxes and, where they can, snapshots of them. Owned by worker/, implemented in engines/*.
 *
 * An engine that can't take snapshots has `snapshots: null`; the worker asks for the capability, it never guesses.
 * An unknown outcome of a restore is a failed restore: the engine destroys what it started before it throws.
 */
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import type { Phase } from "../model/phases.ts";
import type { SentTraffic } from "../model/sent-requests.ts";
import type { SupervisorLink } from "./supervisor.ts";

/** A directory of the host by the operator's name for it, read-write at `/mnt/MOUNT`. */
export interface FileSystemMount {
  readonly name: string;
  readonly mount: string;
}

/** What a sandbox is made of. Names are resolved by the engine's host side, never paths. */
export interface SandboxSpec {
  readonly environmentId: EnvironmentId;
  /** `host`, or the name of an installed root file system. */
  readonly root: string;
  /** Name of a language directory, mounted on /var/lang. */
  readonly lang: string | null;
  /** Name of a runtime client directory, mounted on /var/runtime. */
  readonly client: string;
  /** Name of the unpacked code, mounted on /var/task. */
  readonly task: string;
  readonly opt: string | null;
  readonly uid: number;
  readonly memorySizeMib: number;
  readonly tmpSizeMib: number;
  readonly fileSystems: readonly FileSystemMount[];
  /** What it sends to the outside is kept for `observe`. */
  readonly recordsSent: boolean;
}

export interface SandboxUsage {
  readonly memoryBytes: number;
  /** High-water mark since the sandbox was made or since the last call with `reset`. */
  readonly memoryMaxBytes: number;
  readonly oomKills: number;
}

export interface SandboxExit {
  readonly oom: boolean;
  /** A clone that could not be given its memory because the snapshot is damaged. */
  readonly snapshotDamaged: boolean;
}

export interface Sandbox {
  readonly environmentId: EnvironmentId;
  readonly link: SupervisorLink;
  /** Always recorded: it is the product. Starts count from the call of `create` or `restore`. */
  readonly phases: readonly Phase[];
  /** Resolves when the sandbox's processes ended without `destroy` or a snapshot. */
  readonly exited: Promise<SandboxExit>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** On: no CPU limit (Init and Restore). Off: in proportion to memory, 1,769 MiB is one vCPU. A sandbox starts boosted. */
  boost(on: boolean): Promise<void>;
  usage(options?: { readonly reset?: boolean }): Promise<SandboxUsage>;
  observe(): Promise<SandboxObservation>;
  /** Resolves when nothing of it is left. May be called twice, and after `exited`. */
  destroy(): Promise<void>;
}

/** What a snapshot's own files are sealed with, in the form that is stored. Without it the snapshot can't be read. */
export interface SnapshotKey {
  /** The function's KMSKeyArn; null: the installation's own key. */
  readonly keyArn: string | null;
  /** Base64. */
  readonly wrapped: string;
}

export interface SnapshotInfo {
  readonly snapshotId: SnapshotId;
  readonly key: SnapshotKey;
  /** Memory that is not all zero. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** What it added to the store: content that was not there before. */
  readonly newBytes: number;
  /** TCP connections with the outside that were open, and are closed in every clone. */
  readonly cutConnections: number;
  /** Starts count from the call of `take`. */
  readonly phases: readonly Phase[];
}

/** What was found in a snapshot. Secrets are counted, never given out. */
export interface SnapshotContents {
  /** Of each needle: how often it is in the memory of the function's processes. */
  readonly needles: readonly number[];
  readonly secrets: ReadonlyArray<{ readonly kind: string; readonly values: number; readonly places: number }>;
  /** In `/tmp`; the largest of them. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly size: number }>;
  readonly fileCount: number;
  readonly searchedBytes: number;
}

/** What the kernel knows of the function's processes at this moment. */
export interface SandboxObservation {
  readonly processes: ReadonlyArray<{
    readonly name: string;
    readonly threads: number;
    readonly threadNames: Readonly<Record<string, number>>;
    readonly timers: number;
  }>;
  /** Traffic with the outside. */
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** UDP, also to the inside: 0 is a clone that asked no name server. */
  readonly sentDatagrams: number;
  /** `ADDRESS:PORT` of TCP connections that are there, or were closed a moment ago. */
  readonly peers: readonly string[];
  /** By TCP, since it was made; bounded. Null where its specification did not ask for it, or it can't be read on this host. */
  readonly sent: SentTraffic | null;
}

/** What a clone touched up to its first response, and how its memory came. */
export interface WorkingSetInfo {
  /** This clone's was added. */
  readonly isMerged: boolean;
  /** Of the merged working set. */
  readonly pages: number;
  readonly recordings: number;
  readonly faults: number;
  readonly prefetchedPages: number;
  /** From the beginning of the restore; 0 where nothing was prefetched. */
  readonly prefetchStartMs: number;
  readonly prefetchEndMs: number;
  /** Authenticating and decrypting chunks that no earlier clone had read; of all clones that were restored meanwhile. */
  readonly decryptMs: number;
}

/** A whole snapshot that this host may restore. */
export interface ListedSnapshot {
  readonly snapshotId: SnapshotId;
  /** On this host: made by it, or fetched for a version that it had. What is only afar may be another host's, which is about to name it. */
  readonly isHere: boolean;
}

export interface SnapshotEngine {
  /** What a snapshot's host must have in common with this one. A snapshot with another fingerprint is never restored. */
  readonly fingerprint: string;
  /**
   * Parks the supervisor, takes the snapshot and ends the sandbox, whether it succeeds or not. When it resolves the snapshot
   * is whole and durable; when it throws nothing of it is left.
   */
  take(sandbox: Sandbox, snapshotId: SnapshotId, keyArn: string | null): Promise<SnapshotInfo>;
  /** A clone: its supervisor presents the parked calls through `link.calls`. Checks the snapshot before anything runs. */
  restore(spec: SandboxSpec, snapshotId: SnapshotId, key: SnapshotKey): Promise<Sandbox>;
  /** The clone has sent its first response: what it touched up to here is its working set, and later restores bring it ahead. */
  responded(sandbox: Sandbox, snapshotId: SnapshotId, key: SnapshotKey): Promise<WorkingSetInfo>;
  /** Searches the snapshot for `needles`, bytes each (4 to 4096), and for secrets that can be told by their form. */
  inspect(snapshotId: SnapshotId, key: SnapshotKey, needles: readonly Buffer[]): Promise<SnapshotContents>;
  remove(snapshotId: SnapshotId): Promise<void>;
  /** Its own, and those that it can fetch. Rejects where that can't be told now. */
  list(): Promise<readonly ListedSnapshot[]>;
  /** Removes what nobody names, and what crashes left. Called once at start; what takes long goes on afterwards. */
  sweep(named: ReadonlySet<SnapshotId>): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** Null with the reason in `snapshotsProblem`. */
  readonly snapshots: SnapshotEngine | null;
  readonly snapshotsProblem: string | null;
  create(spec: SandboxSpec): Promise<Sandbox>;
  close(): Promise<void>;
}
