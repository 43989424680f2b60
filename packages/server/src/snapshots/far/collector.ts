/**
 * Removes chunks of the far store that no manifest names, beside uploads of any host, and with a crash of any of them
 * at any time.
 *
 * Two promises in writing, each written before the other side's is read, so that one of them always sees the other:
 *
 * ```text
 * uploader:   draft (names to come) ─► reads `collecting`, waits while one of its chunks is in there ─► has? put
 * collector:  collecting (names to remove, until when) ─► reads drafts, then manifests, spares their names ─► removes
 * ```
 *
 * Drafts before manifests: a draft goes only after its manifest is there. A promise that a crash left ends by itself: a
 * collector's after a minute (it removes nothing later), a draft after an hour (no upload lasts so long). Hosts' clocks
 * may differ by seconds.
 */
import type { Clock } from "../../base/clock.ts";
import type { SnapshotId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { pause } from "../../base/retry.ts";
import { SnapshotStoreError } from "../../ports/snapshot-store.ts";
import { chunkNamesOf, clearSizeOf, type EnvelopeClear, isChunkName, readClear } from "../format/envelope.ts";
import { CHUNKS, chunkKey, COLLECTING, DRAFTS, type FarStore, manifestKey, ORPHANS } from "./far-store.ts";

const BATCH_MAX = 4096;
const LEASE_MS = 60_000;
/** A promise, with what hosts' clocks may differ by. */
const PROMISE_MS_MAX = LEASE_MS + 30_000;
/** How long an upload waits for promises, whoever writes new ones. */
const WAIT_MS_MAX = 10 * 60_000;
/** Time within which calls in flight end. */
const LEASE_MARGIN_MS = 25_000;
const DRAFT_LIFETIME_MS = 3_600_000;
const WAIT_STEP_MS = 200;
const CLEAR_GUESS_BYTES = 64 * 1024;
const RECORD_SIZE_BYTES_MAX = 64 * 1024 * 1024;

export interface CollectorOptions {
  readonly far: FarStore;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Time for which no manifest must have named a chunk: longer than the life of a clone that has an older manifest
   * open.
   */
  readonly graceMs: number;
}

interface Batch {
  readonly removed: number;
  /** Names of chunks that are there still, and may go. */
  readonly late: readonly string[];
  /** What the store said last of one that it did not remove. */
  readonly failure: { readonly error: unknown } | null;
}

export class Collector {
  readonly #options: CollectorOptions;
  /** Names in manifests that were read, with the tag of the version read. */
  readonly #known = new Map<string, { readonly tag: string; readonly names: readonly string[] }>();

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /**
   * Waits until no collector is about to remove one of these chunks. The draft that names them must be there already.
   * Throws a SnapshotStoreError where promises to remove them never end.
   */
  async waitFor(names: ReadonlySet<string>): Promise<void> {
    const { far, clock } = this.#options;
    const startMs = clock.monotonicMs();
    const seenMs = new Map<string, number>();
    while (clock.monotonicMs() - startMs < WAIT_MS_MAX) {
      let isFree = true;
      for (const { key } of await far.list(COLLECTING)) {
        const firstMs = seenMs.get(key) ?? clock.monotonicMs();
        seenMs.set(key, firstMs);
        // No collector promises more: whatever a record says, it is nobody's by then.
        if (clock.monotonicMs() - firstMs >= PROMISE_MS_MAX) continue;
        const promise = parsePromise(await far.get(key, RECORD_SIZE_BYTES_MAX));
        if (promise !== null && promise.untilMs > clock.nowMs() && promise.names.some((name) => names.has(name)))
          isFree = false;
      }
      if (isFree) return;
      await pause(clock, WAIT_STEP_MS);
    }
    throw new SnapshotStoreError("STORE_UNAVAILABLE", {
      why: "collectors promise to remove its chunks again and again",
    });
  }

  /**
   * Removes those of `names` that no manifest names. Returns their number. A slow store is asked again for what it did
   * not remove in time, as long as it removes some: the round of the whole store comes to it hours later. Throws what
   * the store said where it removes none.
   */
  async collect(names: Iterable<string>): Promise<number> {
    const all = [...names];
    let removed = 0;
    while (all.length > 0) {
      const batch = await this.#collectBatch(all.splice(-BATCH_MAX));
      removed += batch.removed;
      if (batch.removed > 0) all.push(...batch.late);
      else if (batch.failure !== null) throw batch.failure.error;
    }
    return removed;
  }

  /**
   * Goes through the whole store: removes chunks that no manifest has named for long, and leftovers of crashes. Returns
   * the number of chunks.
   */
  async collectAll(): Promise<number> {
    const { far, clock, graceMs } = this.#options;
    await this.#removeLeftovers();
    const present = (await far.list(CHUNKS))
      .map((object) => object.key.slice(object.key.lastIndexOf("/") + 1))
      .filter(isChunkName);
    const named = await this.#readNamed();
    const known = parseOrphans(await far.get(ORPHANS, RECORD_SIZE_BYTES_MAX));
    const nowMs = clock.nowMs();
    const orphans = new Map(
      present.filter((name) => !named.has(name)).map((name) => [name, Math.min(known.get(name) ?? nowMs, nowMs)]),
    );
    const due = [...orphans].filter(([, sinceMs]) => sinceMs + graceMs <= nowMs).map(([name]) => name);
    for (const name of due) orphans.delete(name);
    if (orphans.size > 0 || known.size > 0)
      await far.put(ORPHANS, Buffer.from(JSON.stringify({ format: 1, orphans: Object.fromEntries(orphans) })));
    return this.collect(due);
  }

  async #collectBatch(names: readonly string[]): Promise<Batch> {
    const { far, clock, random } = this.#options;
    const key = `${COLLECTING}${random.uuid()}`;
    const untilMs = clock.nowMs() + LEASE_MS;
    await far.put(key, Buffer.from(JSON.stringify({ format: 1, untilMs, names })));
    const late: string[] = [];
    let removed = 0;
    let failure: Batch["failure"] = null;
    try {
      const named = await this.#readNamed();
      const unnamed = names.filter((name) => !named.has(name));
      await far.slots.each(unnamed, async (name) => {
        try {
          if (clock.nowMs() > untilMs - LEASE_MARGIN_MS) late.push(name);
          else await far.removeNow(chunkKey(name)).then(() => removed++);
        } catch (error) {
          late.push(name);
          failure = { error };
        }
      });
    } finally {
      await far.remove(key);
    }
    return { removed, late, failure };
  }

  /**
   * Reads all names. Throws where a manifest can't be read, which stops the collection: its chunks may be needed yet.
   */
  async #readNamed(): Promise<ReadonlySet<string>> {
    const { far } = this.#options;
    const drafts = await far.list(DRAFTS);
    const named = new Set<string>();
    const read = async (key: string, tag: string): Promise<void> => {
      const known = this.#known.get(key);
      const names = known?.tag === tag ? known.names : await this.#readNames(key);
      // A manifest that has gone names nothing any more.
      if (names === null) return;
      this.#known.set(key, { tag, names });
      for (const name of names) named.add(name);
    };
    await far.slots.each(drafts, ({ key, tag }) => read(key, tag));
    const manifests = [...(await far.listSnapshots()).values()].flatMap(({ manifest }) =>
      manifest === null ? [] : [manifest],
    );
    await far.slots.each(manifests, ({ key, tag }) => read(key, tag));
    const present = new Set([...drafts, ...manifests].map(({ key }) => key));
    for (const key of this.#known.keys()) if (!present.has(key)) this.#known.delete(key);
    return named;
  }

  async #readNames(key: string): Promise<readonly string[] | null> {
    const clear = await readFarClear(this.#options.far, key);
    return clear === null ? null : chunkNamesOf(clear);
  }

  async #removeLeftovers(): Promise<void> {
    const { far, clock } = this.#options;
    const deadMs = clock.nowMs() - DRAFT_LIFETIME_MS;
    for (const { key, modifiedMs } of [...(await far.list(DRAFTS)), ...(await far.list(COLLECTING))])
      if (modifiedMs < deadMs) await far.remove(key);
    for (const { manifest, others } of (await far.listSnapshots()).values()) {
      if (manifest !== null) continue;
      for (const { key, modifiedMs } of others) if (modifiedMs < deadMs) await far.remove(key);
    }
  }

  /** Reads the names in a manifest of the far store; null where there is none. */
  namesOf(id: SnapshotId): Promise<readonly string[] | null> {
    return this.#readNames(manifestKey(id));
  }
}

/** Reads the clear part of a manifest or a draft. Throws SnapshotDamagedError. */
async function readFarClear(far: FarStore, key: string): Promise<EnvelopeClear | null> {
  const start = await far.get(key, CLEAR_GUESS_BYTES);
  if (start === null) return null;
  const needed = clearSizeOf(start);
  if (needed <= start.length) return readClear(start.subarray(0, needed));
  const whole = await far.get(key, needed);
  return whole === null ? null : readClear(whole);
}

/**
 * Reads a promise; null where it is of another version, or nonsense: somebody may be collecting, but names nothing of
 * ours.
 */
function parsePromise(file: Buffer | null): { readonly untilMs: number; readonly names: readonly string[] } | null {
  const promise = parseJson(file);
  const { untilMs, names } = promise;
  return typeof untilMs === "number" && Array.isArray(names) ? { untilMs, names: names as string[] } : null;
}

function parseOrphans(file: Buffer | null): ReadonlyMap<string, number> {
  const { orphans } = parseJson(file);
  if (typeof orphans !== "object" || orphans === null) return new Map();
  return new Map(Object.entries(orphans).filter((entry): entry is [string, number] => typeof entry[1] === "number"));
}

function parseJson(file: Buffer | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(file?.toString("utf8") ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
