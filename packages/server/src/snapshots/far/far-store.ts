/**
 * The far store with its keys, its retries and its owner.
 *
 * ```text
 * PREFIX/installation                     whose it is: written once
 *        chunks/ab/abcd…                  named by content
 *        snapshots/snap-…/manifest        put last: what it names is there
 *                         working-set
 *                         early-0, early-1, …    chunks that a restore needs first, many in one (early-chunks.ts)
 *        drafts/snap-….RANDOM             clear part of a manifest whose chunks are on their way
 *        collecting/RANDOM                names that a collector is about to remove, until when (JSON)
 *        orphans                          since when which chunks are named by nobody (JSON)
 * ```
 */
import type { Clock } from "../../base/clock.ts";
import { ThawError } from "../../model/platform-errors.ts";
import { isSnapshotId, type SnapshotId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { isAbort, retry } from "../../base/retry.ts";
import { Slots } from "../../base/slots.ts";
import { ENVELOPE_SIZE_BYTES_MAX } from "../format/envelope.ts";
import { type SnapshotStore, SnapshotStoreError, type StoredObject } from "../../ports/snapshot-store.ts";

export const CHUNKS = "chunks/";
export const DRAFTS = "drafts/";
export const COLLECTING = "collecting/";
export const ORPHANS = "orphans";
const SNAPSHOTS = "snapshots/";
const OWNER = "installation";
const OWNER_SIZE_BYTES_MAX = 1024;
const CALLS_AT_ONCE_MAX = 16;
const LIMITS = { attemptsMax: 5, attemptMs: 10_000, totalMs: 25_000, pauseMs: 100 };
/** Limits of a put: the line may be slow, and carries other chunks at the same time. */
const PUT_LIMITS = { ...LIMITS, attemptMs: 60_000, totalMs: 120_000 };
const ONCE = { ...LIMITS, attemptsMax: 1 };
const NOW = { ...ONCE, attemptMs: 3000, totalMs: 3000 };

export const chunkKey = (name: string): string => `${CHUNKS}${name.slice(0, 2)}/${name}`;
export const manifestKey = (id: SnapshotId): string => `${SNAPSHOTS}${id}/manifest`;
export const snapshotPrefix = (id: SnapshotId): string => `${SNAPSHOTS}${id}/`;
export const earlyKey = (id: SnapshotId, part: number): string => `${SNAPSHOTS}${id}/early-${part}`;
export const workingSetKey = (id: SnapshotId): string => `${SNAPSHOTS}${id}/working-set`;

/** Error of a store that belongs to another installation: two in one place would remove each other's snapshots. */
export class ForeignStoreError extends ThawError {
  constructor(store: string) {
    super("STORE_FOREIGN", {
      publicMessage: `The snapshot store ${store} belongs to another installation of Thaw (another secret). Give this one a prefix of its own.`,
      detail: { store },
    });
  }
}

export interface FarStoreOptions {
  readonly store: SnapshotStore;
  /** Name of the installation, the same for all its hosts. */
  readonly installation: string;
  readonly clock: Clock;
  readonly random: Random;
}

export class FarStore {
  readonly store: SnapshotStore;
  readonly #options: FarStoreOptions;
  /**
   * Slots for all calls together. Uploads and collections do not starve one another, since each is many short calls.
   */
  readonly slots = new Slots(CALLS_AT_ONCE_MAX);
  readonly #closing = new AbortController();
  #owned: Promise<void> | null = null;

  constructor(options: FarStoreOptions) {
    this.store = options.store;
    this.#options = options;
  }

  /**
   * Claims the store for this installation, before anything else. Throws ForeignStoreError or SnapshotStoreError; the
   * next call tries again.
   */
  claim(): Promise<void> {
    this.#owned ??= this.#claim().catch((error: unknown) => {
      this.#owned = null;
      throw error;
    });
    return this.#owned;
  }

  async put(key: string, content: Buffer): Promise<void> {
    await this.#call((signal) => this.store.put(key, content, signal), PUT_LIMITS);
  }

  get(key: string, sizeBytesMax: number = ENVELOPE_SIZE_BYTES_MAX): Promise<Buffer | null> {
    return this.#call((signal) => this.store.get(key, sizeBytesMax, signal));
  }

  /** Reads in one attempt, which a restore can wait for. */
  getNow(key: string, sizeBytesMax: number): Promise<Buffer | null> {
    return this.#call((signal) => this.store.get(key, sizeBytesMax, signal), NOW);
  }

  has(key: string): Promise<boolean> {
    return this.#call((signal) => this.store.has(key, signal));
  }

  async remove(key: string): Promise<void> {
    await this.#call((signal) => this.store.remove(key, signal));
  }

  /** Removes in one attempt of at most 10 s: what is not done then is not done later. */
  async removeNow(key: string): Promise<void> {
    await this.#call((signal) => this.store.remove(key, signal), ONCE);
  }

  async list(prefix: string): Promise<StoredObject[]> {
    await this.claim();
    return this.#call((signal) => this.store.list(prefix, signal));
  }

  /** Lists each snapshot's manifest object and its optional objects (working set, early parts). */
  async listSnapshots(): Promise<
    ReadonlyMap<SnapshotId, { readonly manifest: StoredObject | null; readonly others: readonly StoredObject[] }>
  > {
    const found = new Map<SnapshotId, { manifest: StoredObject | null; others: StoredObject[] }>();
    for (const object of await this.list(SNAPSHOTS)) {
      const [id = "", file] = object.key.slice(SNAPSHOTS.length).split("/");
      if (!isSnapshotId(id)) continue;
      const entry = found.get(id) ?? { manifest: null, others: [] };
      if (file === "manifest") entry.manifest = object;
      else entry.others.push(object);
      found.set(id, entry);
    }
    return found;
  }

  /** Aborts what is under way; the next start takes it up. */
  close(): void {
    this.#closing.abort();
    this.store.close();
  }

  async #claim(): Promise<void> {
    const { installation } = this.#options;
    const ours = Buffer.from(JSON.stringify({ format: 1, installation }));
    const isNew = await this.#call((signal) => this.store.putNew(OWNER, ours, signal));
    if (isNew) return;
    const found = await this.get(OWNER, OWNER_SIZE_BYTES_MAX);
    // Another host's first start, a moment ago, is ours as well.
    if (found?.equals(ours) !== true) throw new ForeignStoreError(this.store.name);
  }

  async #call<T>(attempt: (signal: AbortSignal) => Promise<T>, limits = LIMITS): Promise<T> {
    const { clock, random } = this.#options;
    const closing = this.#closing.signal;
    const isTransient = (error: unknown): boolean =>
      error instanceof SnapshotStoreError && error.transient && !closing.aborted;
    try {
      closing.throwIfAborted();
      return await retry({ clock, random, ...limits, isTransient }, (signal) =>
        attempt(AbortSignal.any([signal, closing])),
      );
    } catch (error) {
      throw isAbort(error) ? new SnapshotStoreError("STORE_UNAVAILABLE", { store: this.store.name }, error) : error;
    }
  }
}
