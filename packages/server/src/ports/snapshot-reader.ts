/** Shows and checks snapshots without a sandbox. Owned by http/ and control/, implemented in snapshots/. */
import type { SnapshotId } from "../base/ids.ts";
import type { SnapshotKey } from "./snapshots.ts";

/** Pages (of 4 KiB) without a gap between them. */
export interface RegionSummary {
  /** First address in hexadecimal digits. */
  readonly address: string;
  readonly pages: number;
  readonly zeroPages: number;
  readonly lazyPages: number;
}

export interface SpaceSummary {
  /** Process id inside the sandbox; 0: memory that processes share. */
  readonly pid: number;
  readonly pages: number;
  readonly zeroPages: number;
  /** Number of pages that come on demand. */
  readonly lazyPages: number;
  /** Number of pages that are put in place before the clone runs. */
  readonly eagerPages: number;
  readonly regions: readonly RegionSummary[];
}

export interface SnapshotContents {
  readonly snapshotId: SnapshotId;
  readonly createdAt: string;
  readonly fingerprint: string;
  /** Number of times that the chunks were laid out by the working set. */
  readonly generation: number;
  /** KMSKeyArn; null: the installation's own key. */
  readonly keyArn: string | null;
  readonly memoryBytes: number;
  readonly storedBytes: number;
  readonly spaces: readonly SpaceSummary[];
  readonly images: ReadonlyArray<{ readonly name: string; readonly sizeBytes: number }>;
  readonly disk: ReadonlyArray<{
    readonly path: string;
    readonly kind: string;
    readonly sizeBytes: number;
    readonly storedBytes: number;
  }>;
  /** Chunks of the snapshot. `shared` ones are named by another snapshot of this account too. */
  readonly chunks: {
    readonly count: number;
    readonly bytes: number;
    readonly shared: number;
    readonly sharedBytes: number;
    readonly missing: number;
  };
  /** Working set; null where none was recorded yet, or it can't be trusted (`verify` says why). */
  readonly workingSet: { readonly recordings: number; readonly pages: number } | null;
}

export interface Verification {
  readonly snapshotId: SnapshotId;
  readonly isWhole: boolean;
  readonly chunks: number;
  /** Number of chunks that were read from the far store: this host does not have them, or has them damaged. */
  readonly chunksFromAfar: number;
  readonly bytes: number;
  /** Faults in plain words. A damaged working set is a fault but no damage: it is only a help. Nor is a file that is
   * damaged here and whole in the far store: a restore takes it from there. */
  readonly problems: readonly string[];
}

export interface SnapshotReader {
  /**
   * Shows a snapshot's contents. Reads manifests only: no page is decrypted. Throws where the manifest can't be read.
   */
  inspect(snapshotId: SnapshotId, key: SnapshotKey): Promise<SnapshotContents>;
  /**
   * Reads and authenticates all of a snapshot, without bringing it here. `isLocal`: only the files that are here.
   * Rejects where the far store does not answer.
   */
  verify(snapshotId: SnapshotId, key: SnapshotKey, isLocal: boolean): Promise<Verification>;
}
