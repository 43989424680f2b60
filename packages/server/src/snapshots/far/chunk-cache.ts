/**
 * Keeps the chunks of this host within a limit. Only chunks that the far store has are evicted: those named by a
 * manifest that is there too.
 * Chunks of snapshots restored longest ago go first. A clone that still needs one asks for it again.
 */
import type { Clock } from "../../base/clock.ts";
import type { SnapshotId } from "../../base/ids.ts";
import { chunkNamesOf } from "../format/envelope.ts";
import type { LocalFiles } from "./local-files.ts";

/** Part of the limit that eviction goes down to, so that the next chunk does not reach it again. */
const EVICT_TO = 0.9;
/** Age of a chunk below which whoever asked for it may still be reading it. */
const FRESH_MS = 5000;

export interface ChunkCacheOptions {
  readonly files: LocalFiles;
  readonly clock: Clock;
  readonly sizeBytesMax: number;
  readonly onEvicted: (chunks: number, bytes: number) => void;
  readonly onProblem: (what: string, error: unknown) => void;
}

export class ChunkCache {
  readonly #options: ChunkCacheOptions;
  readonly #usedMs = new Map<SnapshotId, number>();
  /** Number of snapshots being made: sandboxd counts on chunks that it has seen, before a manifest names them. */
  #writers = 0;
  /** Lower bound of the size; counted anew by each eviction. */
  #sizeBytes = 0;
  #running: Promise<void> | null = null;
  /** Cancels the next attempt; null where none waits. Until then all that could go is too fresh. */
  #cancelAgain: (() => void) | null = null;

  constructor(options: ChunkCacheOptions) {
    this.#options = options;
  }

  used(id: SnapshotId): void {
    const nowMs = this.#options.clock.nowMs();
    this.#usedMs.set(id, nowMs);
    void this.#options.files.touch(id, nowMs);
  }

  forget(id: SnapshotId): void {
    this.#usedMs.delete(id);
  }

  added(bytes: number): Promise<void> {
    this.#sizeBytes += bytes;
    return this.#sizeBytes > this.#options.sizeBytesMax && this.#cancelAgain === null
      ? this.evict()
      : Promise.resolve();
  }

  /** Runs `write`; nothing is evicted meanwhile. */
  async whileWriting<T>(write: () => Promise<T>): Promise<T> {
    this.#writers++;
    try {
      await this.#running;
      return await write();
    } finally {
      this.#writers--;
    }
  }

  /** Evicts down to the limit, as far as that goes. */
  evict(): Promise<void> {
    this.#running ??= this.#evict().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  close(): void {
    this.#cancelAgain?.();
  }

  async #evict(): Promise<void> {
    const { files, clock, sizeBytesMax, onEvicted } = this.#options;
    if (!Number.isFinite(sizeBytesMax) || this.#writers > 0) return;
    const chunks = await files.listChunks();
    this.#sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.sizeBytes, 0);
    if (this.#sizeBytes <= sizeBytesMax) return;
    const usedMs = await this.#readUses();
    const freshMs = clock.nowMs() - FRESH_MS;
    const evictable = chunks.filter((chunk) => usedMs.has(chunk.name));
    const oldest = evictable
      .filter((chunk) => chunk.modifiedMs <= freshMs)
      .toSorted((a, b) => (usedMs.get(a.name) ?? 0) - (usedMs.get(b.name) ?? 0));
    let [count, bytes] = [0, 0];
    for (const chunk of oldest) {
      if (this.#sizeBytes <= sizeBytesMax * EVICT_TO || this.#writers > 0) break;
      await files.removeChunk(chunk.name);
      this.#sizeBytes -= chunk.sizeBytes;
      count++;
      bytes += chunk.sizeBytes;
    }
    if (count > 0) onEvicted(count, bytes);
    if (this.#sizeBytes > sizeBytesMax && count < evictable.length) this.#again();
  }

  /** Tries again later: some chunks were too fresh, or a snapshot was begun. */
  #again(): void {
    const { clock, onProblem } = this.#options;
    this.#cancelAgain?.();
    this.#cancelAgain = clock.after(FRESH_MS, () => {
      this.#cancelAgain = null;
      this.evict().catch((error: unknown) => onProblem("evict chunks", error));
    });
  }

  /** Reads when each chunk that the far store has was last used. */
  async #readUses(): Promise<ReadonlyMap<string, number>> {
    const { files } = this.#options;
    const uses = new Map<string, number>();
    for (const id of await files.listSnapshots()) {
      const uploadedMs = await files.uploadedMs(id);
      const clear = await files.readManifestClear(id).catch(() => null);
      if (uploadedMs === null || clear === null) continue;
      const usedMs = this.#usedMs.get(id) ?? uploadedMs;
      for (const name of chunkNamesOf(clear)) uses.set(name, Math.max(uses.get(name) ?? 0, usedMs));
    }
    return uses;
  }
}
