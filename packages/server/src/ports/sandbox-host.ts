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

export interface SandboxHost extends SnapshotDisk {
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
  ): Promise<CapturedSnapshot>;
  observe(environmentId: EnvironmentId): Promise<SandboxObservation>;
  freeze(environmentId: EnvironmentId): Promise<void>;
  thaw(environmentId: EnvironmentId): Promise<void>;
  boost(environmentId: EnvironmentId, on: boolean): Promise<void>;
  usage(environmentId: EnvironmentId, reset: boolean): Promise<SandboxUsage>;
  destroy(environmentId: EnvironmentId): Promise<void>;
  close(): void;
}
