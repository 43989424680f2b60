/**
 * Chunks that this host lacks, or has damaged, fetched while a clone waits for them: checked by name before they are
 * put into the directory, one fetch for one chunk, several at once.
 */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { retry } from "../../base/retry.ts";
import { Slots } from "../../base/slots.ts";
import { CHUNK_FILE_SIZE_BYTES_MAX, chunkNameOf, isChunkName } from "../format/envelope.ts";
import { type SnapshotStore, SnapshotStoreError } from "../../ports/snapshot-store.ts";
import { chunkKey } from "./far-store.ts";
import type { LocalFiles } from "./local-files.ts";
import type { ChunkAnswer } from "../../ports/snapshot-disk.ts";

const FETCHES_AT_ONCE_MAX = 16;
/** One attempt: a healthy store answers in tens of milliseconds. */
const ATTEMPT_MS = 3000;
/** Who waits gives up after 12 s. */
const TOTAL_MS = 11_000;
const PAUSE_MS = 50;
/** So often a store may say that there is none, or give another content, before it is believed. */
const DOUBTS_MAX = 4;

export interface ChunkFetcherOptions {
  readonly store: SnapshotStore;
  readonly files: LocalFiles;
  /** Undefined: it is not on its way. */
  readonly coming: (name: string) => Promise<void> | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly onFetched: (name: string, sizeBytes: number, durationMs: number) => void;
  readonly onFailed: (name: string, answer: ChunkAnswer, error: unknown) => void;
}

/** No object, or not the one of this name. */
class Doubt extends Error {}

export class ChunkFetcher {
  readonly #options: ChunkFetcherOptions;
  readonly #slots = new Slots(FETCHES_AT_ONCE_MAX);
  readonly #flights = new Map<string, Promise<ChunkAnswer>>();

  constructor(options: ChunkFetcherOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  fetch(name: string, isDamaged: boolean): Promise<ChunkAnswer> {
    if (!isChunkName(name)) return Promise.resolve("nowhere");
    const flight = `${name} ${isDamaged}`;
    const flying = this.#flights.get(flight);
    if (flying !== undefined) return flying;
    const started = this.#begin(name, isDamaged).finally(() => this.#flights.delete(flight));
    this.#flights.set(flight, started);
    return started;
  }

  async #begin(name: string, isDamaged: boolean): Promise<ChunkAnswer> {
    if (!isDamaged) await this.#options.coming(name);
    return this.#slots.run(() => this.#fetch(name, isDamaged));
  }

  async #fetch(name: string, isDamaged: boolean): Promise<ChunkAnswer> {
    const { files, clock, random, onFetched, onFailed } = this.#options;
    const startMs = clock.monotonicMs();
    let doubts = 0;
    const isTransient = (error: unknown): boolean =>
      error instanceof Doubt ? ++doubts < DOUBTS_MAX : error instanceof SnapshotStoreError && error.transient;
    const limits = {
      attemptsMax: Number.POSITIVE_INFINITY,
      attemptMs: ATTEMPT_MS,
      totalMs: TOTAL_MS,
      pauseMs: PAUSE_MS,
    };
    try {
      if (!isDamaged && (await files.statChunk(name)) !== null) return "here";
      const file = await retry({ clock, random, ...limits, isTransient }, (signal) => this.#attempt(name, signal));
      await files.writeChunk(name, file);
      onFetched(name, file.length, clock.monotonicMs() - startMs);
      return "here";
    } catch (error) {
      const answer = error instanceof Doubt && doubts >= DOUBTS_MAX ? "nowhere" : "late";
      onFailed(name, answer, error);
      return answer;
    }
  }

  async #attempt(name: string, signal: AbortSignal): Promise<Buffer> {
    const file = await this.#options.store.get(chunkKey(name), CHUNK_FILE_SIZE_BYTES_MAX + 1, signal);
    if (file === null) throw new Doubt("the store has no such chunk");
    if (chunkNameOf(file) !== name) throw new Doubt(`the store gave another content (${file.length} bytes)`);
    return file;
  }
}
