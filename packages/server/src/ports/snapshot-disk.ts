/**
 * Snapshots on the disk of this host, whichever engine made them: sealed files and chunks. Owned by snapshots/,
 * implemented by sandboxd/. Form of the files: docs/formats/snapshot.md.
 */
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";

/** Keys of 32 bytes each. */
export interface SnapshotSecrets {
  /** Seals the snapshot's own files. */
  readonly dataKey: Buffer;
  /** Seals the account's chunks: equal content is stored once for it. */
  readonly chunkSecret: Buffer;
}

/** Findings of a search through a snapshot. Secrets are counted, never given out. */
export interface SnapshotFindings {
  /** Number of times that each needle is in the memory of the function's processes. */
  readonly needles: readonly number[];
  readonly secrets: ReadonlyArray<{ readonly kind: string; readonly values: number; readonly places: number }>;
  /** The largest files of `/tmp`. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly size: number }>;
  readonly fileCount: number;
  readonly searchedBytes: number;
}

/** Pages that a clone touched up to its first response, and how its memory came. */
export interface WorkingSetInfo {
  /** True where this clone's pages were added. */
  readonly isMerged: boolean;
  /** Size of the merged working set. */
  readonly pages: number;
  readonly recordings: number;
  readonly faults: number;
  readonly prefetchedPages: number;
  /** Counted from the beginning of the restore; 0 where nothing was prefetched. */
  readonly prefetchStartMs: number;
  readonly prefetchEndMs: number;
  /**
   * Time spent on authenticating and decrypting chunks that no earlier clone had read, for all clones restored
   * meanwhile.
   */
  readonly decryptMs: number;
}

/**
 * here: the chunk is in the directory. nowhere: there is none to be had, the snapshot is damaged. late: it may come
 * another time, so the invoke ends as a timeout and not as damage.
 */
export type ChunkAnswer = "here" | "nowhere" | "late";

export interface SnapshotDisk {
  /** Lists whole snapshots. */
  listSnapshots(): Promise<readonly SnapshotId[]>;
  /** Removes a snapshot, not its chunks. Nothing to do where there is none. */
  removeSnapshot(snapshotId: SnapshotId): Promise<void>;
  /** Removes chunks that no snapshot of this host names. */
  collectChunks(): Promise<void>;
  /**
   * Ends the recording of a clone. Its pages are merged into the snapshot's working set, unless that has those of
   * `recordingsMax` clones already.
   */
  recordWorkingSet(environmentId: EnvironmentId, recordingsMax: number): Promise<WorkingSetInfo>;
  /** Lays the chunks out by the working set. */
  repack(snapshotId: SnapshotId, secrets: SnapshotSecrets): Promise<void>;
  /** Searches for `needles`, bytes each (4 to 4096), and for secrets that can be told by their form. */
  search(snapshotId: SnapshotId, dataKey: Buffer, needles: readonly Buffer[]): Promise<SnapshotFindings>;
  /** Names who fetches a chunk that the disk lacks (or has damaged) into its directory. Until then it is nowhere. */
  onChunkWanted(fetch: (chunk: string, isDamaged: boolean) => Promise<ChunkAnswer>): void;
}
