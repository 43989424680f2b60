/**
 * Engines make sandboxes and, where they can, save and restore them. Owned by worker/ and snapshots/, implemented in
 * engines/*.
 *
 * An engine does what only it can do. Keys, chunks, the far store, working sets and the life of snapshots are nobody's
 * engine's: they are in snapshots/, which drives any engine through this port.
 *
 * An engine that can't save sandboxes has `images: null`; nobody guesses. An unknown outcome of a restore is a failed
 * restore: the engine destroys what it started before it throws.
 */
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import type { Phase } from "../model/phases.ts";
import type { SentTraffic } from "../model/sent-requests.ts";
import type { SnapshotSecrets } from "./snapshot-disk.ts";
import type { SupervisorLink } from "./supervisor.ts";

/** Directory of the host by the operator's name for it, read-write at `/mnt/MOUNT`. */
export interface FileSystemMount {
  readonly name: string;
  readonly mount: string;
}

/** Specification of a sandbox. It has names, never paths; sandboxd resolves them. */
export interface SandboxSpec {
  readonly environmentId: EnvironmentId;
  /** `host`, the name of an installed root file system, or `image`: the code is the root. */
  readonly root: string;
  /** Name of a language directory, mounted on /var/lang. */
  readonly lang: string | null;
  /** Programs to find in /var/lang/bin: path inside the root by name. Absent: those of `lang`. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Name of a runtime client directory, mounted on /var/runtime; null with an image, and only there. */
  readonly client: string | null;
  /** Name of the unpacked code, mounted on /var/task; of an image it is the root. */
  readonly task: string;
  readonly opt: string | null;
  readonly uid: number;
  readonly memorySizeMib: number;
  readonly tmpSizeMib: number;
  readonly fileSystems: readonly FileSystemMount[];
  /** Ports of the host that it may reach besides those that all may, as `A.B.C.D:PORT`. */
  readonly hostPorts: readonly string[];
  /** True where it may reach the server's services, at port 80 of `host.thaw.internal`. */
  readonly callsServices: boolean;
  /** True where its traffic to the outside is kept for `observe`. */
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
  /** True for a clone whose memory could not come because the snapshot is damaged. */
  readonly snapshotDamaged: boolean;
}

export interface Sandbox {
  readonly environmentId: EnvironmentId;
  readonly link: SupervisorLink;
  /**
   * Phases of its making; starts count from the call of `create` or `restore`. Always recorded: they are the product.
   */
  readonly phases: readonly Phase[];
  /** Resolves when the sandbox's processes ended without `destroy` or a snapshot. */
  readonly exited: Promise<SandboxExit>;
  /** Takes effect in the order in which it is asked for with `thaw` and `boost`: nobody has to wait for one before. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /**
   * Lifts the CPU limit (Init and Restore), or sets it in proportion to memory: 1,769 MiB is one vCPU. A sandbox starts
   * boosted.
   */
  boost(on: boolean): Promise<void>;
  usage(options?: { readonly reset?: boolean }): Promise<SandboxUsage>;
  observe(): Promise<SandboxObservation>;
  /** Ends it. Resolves when nothing of it is left. May be called twice, and after `exited`. */
  destroy(): Promise<void>;
  /** Resolves when `destroy` has ended, whatever came of it. */
  readonly gone: Promise<void>;
}

/** Facts that the kernel knows of the function's processes at this moment. */
export interface SandboxObservation {
  readonly processes: ReadonlyArray<{
    readonly name: string;
    readonly threads: number;
    readonly threadNames: Readonly<Record<string, number>>;
    readonly timers: number;
  }>;
  /** Packets to the outside. */
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** UDP datagrams, to the inside too: 0 for a clone that asked no name server. */
  readonly sentDatagrams: number;
  /** Peers (`ADDRESS:PORT`) of TCP connections that are there, or were closed a moment ago. */
  readonly peers: readonly string[];
  /**
   * TCP traffic since the sandbox was made; bounded. Null where its specification did not ask for it, or it can't be
   * read on this host.
   */
  readonly sent: SentTraffic | null;
}

/** Facts of an image that an engine has written to this host's disk. */
export interface CapturedSnapshot {
  /** Size of the memory that is not all zero. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Size of the content that was not on the disk before. */
  readonly newBytes: number;
  /** Number of TCP connections with the outside that were open, and are closed in every clone. */
  readonly cutConnections: number;
  /** Phases of the capture; starts count from its call. */
  readonly phases: readonly Phase[];
}

/** An engine's way to save a sandbox and to make clones of it. */
export interface EngineImages {
  /**
   * Names the engine and all that a clone's host must have in common with this one. An image of another one is never
   * restored.
   */
  readonly fingerprint: string;
  /**
   * Saves a sandbox whose supervisor is parked, sealed with `secrets`, and ends its processes. When it resolves the
   * image is whole and durable on this host's disk; when it throws none is. The caller destroys the sandbox.
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
  /** Null where it can save nothing; `snapshotsProblem` has the reason. */
  readonly images: EngineImages | null;
  readonly snapshotsProblem: string | null;
  create(spec: SandboxSpec): Promise<Sandbox>;
  close(): Promise<void>;
}
