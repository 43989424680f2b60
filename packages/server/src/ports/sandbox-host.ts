/**
 * The privileged side that makes sandboxes: sandboxd. Owned by engines/*, implemented in sandboxd/.
 * Wire form and meaning of each call: docs/formats/sandboxd-protocol.md.
 */
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import type { Phase } from "../model/phases.ts";
import type { CapturedSnapshot, SandboxExit, SandboxObservation, SandboxSpec, SandboxUsage } from "./engine.ts";
import type { SnapshotDisk, SnapshotSecrets } from "./snapshot-disk.ts";

export interface HostFacts {
  readonly criuVersion: string | null;
  readonly criuProblem: string | null;
  readonly cgroupVersion: "v1" | "v2";
  readonly cpuFingerprint: string;
  /** Hash of the supervisor's program, which is part of every snapshot; null where it can't be read. */
  readonly supervisorBuild: string | null;
  readonly kernel: string;
  readonly hasNetwork: boolean;
  readonly tmpQuota: "loop" | "tmpfs";
}

/** The rules on the host that keep sandboxes from the host and from each other. */
export interface NetworkState {
  /** How often they were gone or changed, and have been put back. */
  readonly rulesRestored: number;
  /** Reason why they could not be put back: no sandbox is made then. Null: they are in place. */
  readonly problem: string | null;
}

export interface HostedSandbox {
  /** Path of the supervisor's socket. */
  readonly controlSocket: string;
  /** Phases of its making; starts count from the request. */
  readonly phases: readonly Phase[];
  /** Resolves when the supervisor ended without `destroy` or `snapshot`; also when sandboxd itself is gone. */
  readonly exited: Promise<SandboxExit>;
}

/** Engines of sandboxd, by their names in its protocol and in manifests. */
export type HostEngine = "criu";

/** A snapshot to make a clone of. It is refused where its fingerprint is another one. */
export interface HostRestore {
  readonly snapshotId: SnapshotId;
  readonly fingerprint: string;
  readonly dataKey: Buffer;
}

/** A snapshot to take. */
export interface HostCapture {
  readonly snapshotId: SnapshotId;
  readonly fingerprint: string;
  readonly secrets: SnapshotSecrets;
}

/** Where the server listens for functions: ports of this host's loopback. */
export interface HostDoor {
  readonly port: number;
  /** As PEM. */
  readonly certificate: string;
  /** Null: no function may reach the services. */
  readonly servicesPort: number | null;
}

export interface SandboxHost extends SnapshotDisk {
  readonly facts: HostFacts;
  /** Resolves when the connection to sandboxd ended: nothing of the host can be used any more. */
  readonly lost: Promise<void>;
  create(engine: HostEngine, spec: SandboxSpec): Promise<HostedSandbox>;
  restore(engine: HostEngine, spec: SandboxSpec, from: HostRestore): Promise<HostedSandbox>;
  snapshot(engine: HostEngine, environmentId: EnvironmentId, capture: HostCapture): Promise<CapturedSnapshot>;
  network(): Promise<NetworkState>;
  /**
   * Lets sandboxes that are made from now on reach the door as port 443 of `host.thaw.internal`, and shows them the
   * certificate as `/etc/thaw-ca.pem`; and those whose specification says so reach the services as port 80.
   */
  openDoor(door: HostDoor): Promise<void>;
  observe(environmentId: EnvironmentId): Promise<SandboxObservation>;
  freeze(environmentId: EnvironmentId): Promise<void>;
  thaw(environmentId: EnvironmentId): Promise<void>;
  boost(environmentId: EnvironmentId, on: boolean): Promise<void>;
  usage(environmentId: EnvironmentId, reset: boolean): Promise<SandboxUsage>;
  destroy(environmentId: EnvironmentId): Promise<void>;
  close(): void;
}
