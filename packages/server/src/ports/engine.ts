/**
 * Engines make sandboxes and, where they can, save and restore them. Owned by worker/ and snapshots/, implemented in engines/*.
 *
 * An engine does what only it can do. Keys, chunks, the far store, working sets and the life of snapshots are nobody's engine's:
 * they are in snapshots/, which drives any engine through this port.
 *
 * An engine that can't save sandboxes has `images: null`; nobody guesses. An unknown outcome of a restore is a failed restore: the
 * engine destroys what it started before it throws.
 */
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import type { Phase } from "../model/phases.ts";
import type { SentTraffic } from "../model/sent-requests.ts";
import type { SnapshotSecrets } from "./snapshot-disk.ts";
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
  /** Ends it. Resolves when nothing of it is left. May be called twice, and after `exited`. */
  destroy(): Promise<void>;
  /** Resolves when `destroy` has ended, whatever came of it. */
  readonly gone: Promise<void>;
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

/** Facts of a snapshot that an engine has written to this host's disk. */
export interface CapturedSnapshot {
  /** Memory that is not all zero. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Content that was not on the disk before. */
  readonly newBytes: number;
  /** TCP connections with the outside that were open, and are closed in every clone. */
  readonly cutConnections: number;
  /** Starts count from the call of `capture`. */
  readonly phases: readonly Phase[];
}

/** An engine's way to save a sandbox and to make clones of it. */
export interface EngineImages {
  /** Names the engine and all that a clone's host must have in common with this one. An image of another one is never restored. */
  readonly fingerprint: string;
  /**
   * Saves a sandbox whose supervisor is parked, sealed with `secrets`, and ends its processes. When it resolves the image is whole and
   * durable on this host's disk; when it throws none is. The caller destroys the sandbox.
   */
  capture(sandbox: Sandbox, snapshotId: SnapshotId, secrets: SnapshotSecrets): Promise<CapturedSnapshot>;
  /**
   * Makes a clone: its supervisor presents the parked calls through `link.calls`. Throws SANDBOX_SNAPSHOT_DAMAGED or
   * SANDBOX_UNKNOWN before anything runs where the image is not whole, or not there.
   */
  restore(spec: SandboxSpec, snapshotId: SnapshotId, dataKey: Buffer): Promise<Sandbox>;
}

export interface Engine {
  readonly name: string;
  /** Null with the reason in `snapshotsProblem`. */
  readonly images: EngineImages | null;
  readonly snapshotsProblem: string | null;
  create(spec: SandboxSpec): Promise<Sandbox>;
  close(): Promise<void>;
}
