/**
 * Snapshots as the worker uses them: sealed, listed, kept here and afar, restored by the engine. Owned by worker/,
 * implemented in snapshots/.
 */
import type { SnapshotId } from "../base/ids.ts";
import type { Phase } from "../model/phases.ts";
import type { CapturedSnapshot, Sandbox, SandboxSpec } from "./engine.ts";
import type { SnapshotFindings, WorkingSetInfo } from "./snapshot-disk.ts";

/**
 * Key that a snapshot's own files are sealed with, in the form that is stored. Without it the snapshot can't be read.
 */
export interface SnapshotKey {
  /** KMSKeyArn of the function; null: the installation's own key. */
  readonly keyArn: string | null;
  /** Base64. */
  readonly wrapped: string;
}

export interface SnapshotInfo extends CapturedSnapshot {
  readonly snapshotId: SnapshotId;
  readonly key: SnapshotKey;
  /** Starts count from the call of `take`. */
  readonly phases: readonly Phase[];
}

/** The function that a snapshot is of, as far as its keys follow from it. */
export interface SnapshotOwner {
  /** Equal content is stored once within an account, never beyond it. */
  readonly accountId: string;
  /** KMSKeyArn of the function; null: the installation's own key. */
  readonly kmsKeyArn: string | null;
}

/** A whole snapshot that this host may restore. */
export interface ListedSnapshot {
  readonly snapshotId: SnapshotId;
  /**
   * True where it is on this host: made by it, or fetched for a version that it had. One that is only afar may be
   * another host's, which is about to name it.
   */
  readonly isHere: boolean;
}

export interface Snapshots {
  /** The engine's: a snapshot with another fingerprint is never restored. */
  readonly fingerprint: string;
  /**
   * Parks the supervisor, takes the snapshot and ends the sandbox, whether it succeeds or not. When it resolves the
   * snapshot is whole and durable, afar too; when it throws nothing of it is left.
   */
  take(sandbox: Sandbox, snapshotId: SnapshotId, owner: SnapshotOwner): Promise<SnapshotInfo>;
  /**
   * Makes a clone: its supervisor presents the parked calls through `link.calls`. Checks the snapshot before anything
   * runs.
   */
  restore(spec: SandboxSpec, snapshotId: SnapshotId, key: SnapshotKey): Promise<Sandbox>;
  /**
   * Says that a clone has sent its first response. Pages touched up to here are its working set, and later restores
   * bring them ahead.
   */
  responded(
    sandbox: Sandbox,
    snapshotId: SnapshotId,
    key: SnapshotKey,
    owner: Pick<SnapshotOwner, "accountId">,
  ): Promise<WorkingSetInfo>;
  /** Searches for `needles`, bytes each (4 to 4096), and for secrets that can be told by their form. */
  search(snapshotId: SnapshotId, key: SnapshotKey, needles: readonly Buffer[]): Promise<SnapshotFindings>;
  /** Makes a snapshot unreadable, then removes the chunks that it alone named. */
  remove(snapshotId: SnapshotId): Promise<void>;
  /** Lists what is here, and what can be fetched. Rejects where that can't be told now. */
  list(): Promise<readonly ListedSnapshot[]>;
  /** Removes what nobody names, and what crashes left. Called once at start; what takes long goes on afterwards. */
  sweep(named: ReadonlySet<SnapshotId>): Promise<void>;
}
