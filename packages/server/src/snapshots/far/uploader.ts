/** Uploads a snapshot of this host: the chunks that the far store lacks, the working set, and the manifest last. */
import type { SnapshotId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { chunkNameOf, chunkNamesOf, readClear, readManifestHeader, SnapshotDamagedError } from "../format/envelope.ts";
import type { Collector } from "./collector.ts";
import { EARLY_PART_SIZE_BYTES, EARLY_PARTS_MAX, packEarlyParts } from "./early-parts.ts";
import { chunkKey, DRAFTS, earlyKey, type FarStore, manifestKey, workingSetKey } from "./far-store.ts";
import type { LocalFiles } from "./local-files.ts";

interface Uploaded {
  /** Number of chunks that were put; the others were there. */
  readonly chunks: number;
  readonly bytes: number;
}

export class Uploader {
  readonly #far: FarStore;
  readonly #files: LocalFiles;
  readonly #collector: Collector;
  readonly #random: Random;

  constructor(far: FarStore, files: LocalFiles, collector: Collector, random: Random) {
    this.#far = far;
    this.#files = files;
    this.#collector = collector;
    this.#random = random;
  }

  /**
   * Uploads all that is missing. Chunks written here since `newSinceMs` are taken for new without asking the store.
   * `isWanted` is asked before each step; returns null when it says no.
   */
  async upload(id: SnapshotId, newSinceMs: number, isWanted: () => boolean): Promise<Uploaded | null> {
    const manifest = await this.#files.readManifest(id);
    if (manifest === null || !isWanted()) return null;
    const clear = readClear(manifest);
    const names = new Set(chunkNamesOf(clear));
    await this.#far.claim();
    const draft = `${DRAFTS}${id}.${this.#random.uuid()}`;
    await this.#far.put(draft, manifest.subarray(0, clear.sealedAt));
    try {
      await this.#collector.waitFor(names);
      let [chunks, bytes] = [0, 0];
      await this.#far.slots.each(names, async (name) => {
        const size = isWanted() ? await this.#putChunk(name, newSinceMs) : 0;
        if (size > 0) chunks++;
        bytes += size;
      });
      await this.#uploadEarly(id, [...names].slice(0, readManifestHeader(clear).earlyChunks), isWanted);
      await this.uploadWorkingSet(id, isWanted);
      if (!isWanted()) return null;
      await this.#far.put(manifestKey(id), manifest);
      await this.#files.markUploaded(id, manifest);
      return { chunks, bytes };
    } finally {
      await this.#far.remove(draft);
    }
  }

  /** Leaves out chunks that are not here any more. */
  async #uploadEarly(id: SnapshotId, names: readonly string[], isWanted: () => boolean): Promise<void> {
    const files: Buffer[] = [];
    let sizeBytes = 0;
    for (const name of names) {
      const file = await this.#files.readChunk(name);
      if (file === null) continue;
      sizeBytes += file.length;
      if (sizeBytes > EARLY_PART_SIZE_BYTES * EARLY_PARTS_MAX) break;
      files.push(file);
    }
    await this.#far.slots.each([...packEarlyParts(files).entries()], async ([part, content]) => {
      if (isWanted()) await this.#far.put(earlyKey(id, part), content);
    });
  }

  async uploadWorkingSet(id: SnapshotId, isWanted: () => boolean): Promise<void> {
    const workingSet = await this.#files.readWorkingSet(id);
    if (workingSet !== null && isWanted()) await this.#far.put(workingSetKey(id), workingSet);
  }

  /** Tells whether another host has since laid out the chunks anew: the manifest of this host is the older one. */
  async isOlder(id: SnapshotId): Promise<boolean> {
    const [near, far] = [await this.#files.readManifest(id), await this.#far.get(manifestKey(id))];
    return (
      near !== null &&
      far !== null &&
      readManifestHeader(readClear(near)).generation < readManifestHeader(readClear(far)).generation
    );
  }

  /** Puts a chunk and returns its size in bytes. A chunk that is damaged here is not put. */
  async #putChunk(name: string, newSinceMs: number): Promise<number> {
    const found = await this.#files.statChunk(name);
    const isNew = found !== null && found.modifiedMs >= newSinceMs;
    if (!isNew && (await this.#far.has(chunkKey(name)))) return 0;
    const file = await this.#files.readChunk(name);
    if (file === null || chunkNameOf(file) !== name)
      throw new SnapshotDamagedError(`chunk ${name} is neither whole here nor in the far store`);
    await this.#far.put(chunkKey(name), file);
    return file.length;
  }
}
