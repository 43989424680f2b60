/**
 * The snapshots of the installation that are in the far store, for one host: published there, brought here when wanted,
 * kept the same when a working set grows or the chunks are laid out anew, and removed.
 *
 * Writes of one snapshot are in order; what is removed is not written any more.
 */
import type { Clock } from "../../base/clock.ts";
import { ThawError } from "../../model/platform-errors.ts";
import type { SnapshotId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { retry } from "../../base/retry.ts";
import {
  chunkNamesOf,
  ENVELOPE_SIZE_BYTES_MAX,
  openEnvelope,
  readClear,
  readManifestHeader,
  readWorkingSetHeader,
  SnapshotDamagedError,
} from "../format/envelope.ts";
import { type SnapshotStore, SnapshotStoreError } from "../../ports/snapshot-store.ts";
import { ChunkCache } from "./chunk-cache.ts";
import { ChunkFetcher } from "./chunk-fetcher.ts";
import { EarlyChunks } from "./early-chunks.ts";
import { Collector } from "./collector.ts";
import { FarStore, manifestKey, snapshotPrefix, workingSetKey } from "./far-store.ts";
import { LocalFiles } from "./local-files.ts";
import { Uploader } from "./uploader.ts";

export type FarEvent =
  | { readonly kind: "chunk-fetched"; readonly bytes: number; readonly durationMs: number }
  | { readonly kind: "chunk-failed"; readonly chunk: string; readonly answer: string; readonly error: unknown }
  | { readonly kind: "snapshot-fetched"; readonly snapshotId: SnapshotId; readonly bytes: number }
  /** A manifest of this host was damaged or older, and was replaced. */
  | { readonly kind: "manifest-replaced"; readonly snapshotId: SnapshotId }
  | {
      readonly kind: "snapshot-uploaded";
      readonly snapshotId: SnapshotId;
      readonly chunks: number;
      readonly bytes: number;
    }
  | { readonly kind: "chunks-evicted"; readonly chunks: number; readonly bytes: number }
  | { readonly kind: "chunks-collected"; readonly chunks: number };

interface FarOptions {
  readonly store: SnapshotStore;
  readonly dataDir: string;
  readonly installation: string;
  readonly cacheSizeBytesMax: number;
  /** Time for which no manifest must have named a chunk before the round of the whole store removes it. */
  readonly graceMs: number;
  readonly onEvent: (event: FarEvent) => void;
}

interface Services extends FarOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly onProblem: (what: string, error: unknown) => void;
}

const ROUND_MS = 3_600_000;
/** Limits within a restore, which may take 10 s. */
const FETCH_LIMITS = { attemptsMax: Number.POSITIVE_INFINITY, attemptMs: 3000, totalMs: 10_000, pauseMs: 50 };
const LIST_LIMITS = { attemptsMax: 1, attemptMs: 10_000, totalMs: 10_000, pauseMs: 50 };
const DOUBTS_MAX = 4;

/** Error of a restore whose files did not come from the store in time. */
class RestoreLateError extends ThawError {
  constructor(snapshotId: SnapshotId, cause: unknown) {
    super("SANDBOX_RESTORE_TIMEOUT", {
      publicMessage: "The snapshot did not come from the snapshot store in time.",
      detail: { snapshotId },
      cause,
    });
  }
}

export class FarSnapshots {
  readonly chunks: ChunkFetcher;
  readonly cache: ChunkCache;
  readonly #services: Services;
  readonly #files: LocalFiles;
  readonly #far: FarStore;
  readonly #collector: Collector;
  readonly #uploader: Uploader;
  readonly #early: EarlyChunks;
  /** Last write of each snapshot that was asked for. */
  readonly #writes = new Map<SnapshotId, Promise<unknown>>();
  readonly #fetches = new Map<SnapshotId, Promise<void>>();
  /** Snapshots that are never written again. */
  readonly #removed = new Set<SnapshotId>();
  /** Removed snapshots that may still be afar. */
  readonly #owed = new Set<SnapshotId>();
  #isClosed = false;
  #cancelRound: () => void = () => undefined;

  constructor(services: Services) {
    const { store, clock, random, dataDir, onEvent } = services;
    this.#services = services;
    this.#files = new LocalFiles(dataDir, random);
    this.#far = new FarStore({ ...services });
    this.#collector = new Collector({ far: this.#far, clock, random, graceMs: services.graceMs });
    this.#uploader = new Uploader(this.#far, this.#files, this.#collector, random);
    const onEvicted = (chunks: number, bytes: number): void => onEvent({ kind: "chunks-evicted", chunks, bytes });
    this.cache = new ChunkCache({
      files: this.#files,
      clock,
      sizeBytesMax: services.cacheSizeBytesMax,
      onEvicted,
      onProblem: services.onProblem,
    });
    const onFetched = (bytes: number, durationMs: number): void => {
      onEvent({ kind: "chunk-fetched", bytes, durationMs });
      this.#background("evict chunks", this.cache.added(bytes));
    };
    this.#early = new EarlyChunks({
      far: this.#far,
      store: async (name, file) => {
        const startMs = clock.monotonicMs();
        await this.#files.writeChunk(name, file);
        onFetched(file.length, clock.monotonicMs() - startMs);
      },
    });
    this.chunks = new ChunkFetcher({
      store,
      files: this.#files,
      coming: (name) => this.#early.waitFor(name),
      clock,
      random,
      onFetched: (_name, bytes, durationMs) => onFetched(bytes, durationMs),
      onFailed: (chunk, answer, error) => onEvent({ kind: "chunk-failed", chunk, answer, error }),
    });
  }

  /** Objects of the store by key, for readers. */
  get files(): Pick<FarStore, "get"> {
    return this.#far;
  }

  /**
   * Claims the store for this installation. Throws ForeignStoreError where it is another's, SnapshotStoreError where it
   * can't be reached.
   */
  claim(): Promise<void> {
    return this.#far.claim();
  }

  /** Uploads a snapshot that was begun at `newSinceMs`. It is whole and durable there when this resolves. */
  publish(id: SnapshotId, newSinceMs: number): Promise<void> {
    return this.#write(id, () => this.#upload(id, newSinceMs, () => true));
  }

  /** Brings the far store up to date in the background, after a change of the working set or the manifest. */
  changed(id: SnapshotId, newSinceMs: number): void {
    this.#background(
      `upload changes of ${id}`,
      this.#write(id, async () => {
        const isWanted = (): boolean => !this.#removed.has(id) && !this.#isClosed;
        if ((await this.#files.uploadedMs(id)) !== null) return this.#uploader.uploadWorkingSet(id, isWanted);
        await this.#upload(id, newSinceMs, isWanted);
      }),
    );
  }

  /** Brings the manifest and the working set here, where they are not. */
  async ensure(id: SnapshotId, dataKey: Buffer): Promise<void> {
    if (await this.#files.hasManifest(id)) return;
    const flying = this.#fetches.get(id);
    if (flying !== undefined) return flying;
    const fetching = this.#fetch(id, dataKey).finally(() => this.#fetches.delete(id));
    this.#fetches.set(id, fetching);
    await fetching;
  }

  /** Replaces a manifest that can't be restored. True where the far store had another one, which is here now. */
  async refresh(id: SnapshotId, dataKey: Buffer): Promise<boolean> {
    const far = await this.#read(id, manifestKey(id), (file) => checkManifest(id, dataKey, file));
    const near = await this.#files.readManifest(id);
    if (far === null || near?.equals(far) === true) return false;
    if (near === null) await this.#files.addSnapshot(id, far, null);
    else await this.#files.replaceManifest(id, far);
    this.#services.onEvent({ kind: "manifest-replaced", snapshotId: id });
    return true;
  }

  /** Lists snapshots that are whole in the far store. Rejects where that takes too long: the start waits for it. */
  async list(): Promise<readonly SnapshotId[]> {
    const { clock, random } = this.#services;
    const found = await retry({ clock, random, ...LIST_LIMITS, isTransient: () => false }, () =>
      this.#far.listSnapshots(),
    );
    return [...found].filter(([, { manifest }]) => manifest !== null).map(([id]) => id);
  }

  /**
   * Makes a snapshot unreadable and returns the chunks that it named, for `collect`. A store that does not answer is
   * asked again
   * by the next round, or at the next start, when nobody names the snapshot any more.
   */
  async remove(id: SnapshotId): Promise<readonly string[]> {
    this.#removed.add(id);
    this.#owed.add(id);
    this.cache.forget(id);
    try {
      return await this.#write(id, () => this.#removeFar(id));
    } catch (error) {
      this.#services.onProblem(`remove ${id} from the snapshot store`, error);
      return [];
    }
  }

  async collect(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const chunks = await this.#collector.collect(names);
    if (chunks > 0) this.#services.onEvent({ kind: "chunks-collected", chunks });
  }

  /**
   * Starts the work in the background: uploads snapshots that are only here, removes those that nobody names, then
   * makes a round every hour.
   */
  begin(named: ReadonlySet<SnapshotId>): void {
    this.#background("bring the snapshot store up to date", this.#begin(named));
  }

  /** Ends; the next start takes up what was under way. */
  close(): void {
    this.#isClosed = true;
    this.#cancelRound();
    this.cache.close();
    this.#far.close();
  }

  async #begin(named: ReadonlySet<SnapshotId>): Promise<void> {
    await this.#far.claim();
    for (const id of await this.#files.listSnapshots()) {
      if (this.#isClosed) return;
      if (!named.has(id) || (await this.#files.uploadedMs(id)) !== null || (await this.#uploader.isOlder(id))) continue;
      this.changed(id, Number.POSITIVE_INFINITY);
    }
    // Another host may be about to name it: what it has just published is left alone.
    const deadMs = this.#services.clock.nowMs() - this.#services.graceMs;
    const near = new Set(await this.#files.listSnapshots());
    for (const [id, { manifest }] of await this.#far.listSnapshots()) {
      if (manifest !== null && !named.has(id) && !near.has(id) && manifest.modifiedMs < deadMs)
        await this.collect(await this.remove(id));
    }
    await this.cache.evict();
    await this.#round();
  }

  async #round(): Promise<void> {
    if (this.#isClosed) return;
    this.#cancelRound = this.#services.clock.after(ROUND_MS, () => this.#background("collect chunks", this.#round()));
    for (const id of this.#owed) await this.collect(await this.#write(id, () => this.#removeFar(id)));
    const chunks = await this.#collector.collectAll();
    if (chunks > 0) this.#services.onEvent({ kind: "chunks-collected", chunks });
  }

  async #upload(id: SnapshotId, newSinceMs: number, isWanted: () => boolean): Promise<void> {
    const uploaded = await this.#uploader.upload(id, newSinceMs, isWanted);
    if (uploaded !== null) this.#services.onEvent({ kind: "snapshot-uploaded", snapshotId: id, ...uploaded });
  }

  async #removeFar(id: SnapshotId): Promise<readonly string[]> {
    await this.#far.claim();
    // The next round finds the chunks of a manifest that can't be read.
    const names = await this.#collector.namesOf(id).catch((error: unknown) => {
      if (error instanceof SnapshotDamagedError) return [];
      throw error;
    });
    await this.#far.remove(manifestKey(id));
    for (const { key } of await this.#far.list(snapshotPrefix(id))) await this.#far.remove(key);
    this.#owed.delete(id);
    return names ?? [];
  }

  async #fetch(id: SnapshotId, dataKey: Buffer): Promise<void> {
    const early = this.#early.read(id, 0);
    // Nobody waits for it where there is no manifest.
    early.catch(() => undefined);
    const [manifest, workingSet] = await Promise.all([
      this.#read(id, manifestKey(id), (file) => checkManifest(id, dataKey, file)),
      // Only a help.
      this.#read(id, workingSetKey(id), (file) => checkWorkingSet(id, dataKey, file), 1).catch(() => null),
    ]);
    if (manifest === null) throw new SnapshotDamagedError(`${id} is neither here nor in the snapshot store`);
    const clear = readClear(manifest);
    const names = chunkNamesOf(clear).slice(0, readManifestHeader(clear).earlyChunks);
    const missing = await this.#files.missingChunks(names);
    this.#background(`bring the first chunks of ${id}`, this.#early.bring(id, early, missing));
    await this.#files.addSnapshot(id, manifest, workingSet);
    this.#services.onEvent({
      kind: "snapshot-fetched",
      snapshotId: id,
      bytes: manifest.length + (workingSet?.length ?? 0),
    });
  }

  /**
   * Reads and checks an object. Null where the store says, more than once, that there is none. Throws
   * SnapshotDamagedError or RestoreLateError.
   */
  async #read(
    id: SnapshotId,
    key: string,
    check: (file: Buffer) => void,
    doubtsMax = DOUBTS_MAX,
  ): Promise<Buffer | null> {
    const { store, clock, random } = this.#services;
    let doubts = 0;
    const isTransient = (error: unknown): boolean =>
      error instanceof SnapshotDamagedError
        ? ++doubts < doubtsMax
        : error instanceof SnapshotStoreError && error.transient;
    try {
      return await retry({ clock, random, ...FETCH_LIMITS, isTransient }, async (signal) => {
        const file = await store.get(key, ENVELOPE_SIZE_BYTES_MAX + 1, signal);
        if (file === null && doubts + 1 >= doubtsMax) return null;
        if (file === null) throw new SnapshotDamagedError("the store has no such object");
        check(file);
        return file;
      });
    } catch (error) {
      if (error instanceof SnapshotDamagedError) throw error;
      throw new RestoreLateError(id, error);
    }
  }

  #write<T>(id: SnapshotId, write: () => Promise<T>): Promise<T> {
    const before = this.#writes.get(id) ?? Promise.resolve();
    const done = before.then(write, write);
    const settled = done
      .catch(() => undefined)
      .finally(() => {
        if (this.#writes.get(id) === settled) this.#writes.delete(id);
      });
    this.#writes.set(id, settled);
    return done;
  }

  #background(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!this.#isClosed) this.#services.onProblem(what, error);
    });
  }
}

function checkManifest(id: SnapshotId, dataKey: Buffer, file: Buffer): void {
  const { clear } = openEnvelope(dataKey, file);
  if (readManifestHeader(clear).snapshot !== id)
    throw new SnapshotDamagedError("its manifest belongs to another snapshot");
}

function checkWorkingSet(id: SnapshotId, dataKey: Buffer, file: Buffer): void {
  if (readWorkingSetHeader(openEnvelope(dataKey, file).clear).snapshot !== id)
    throw new SnapshotDamagedError("it belongs to another snapshot");
}
