/** Brings a snapshot's early parts (early-parts.ts) to a host that has nothing of it, while the restore begins. */
import { chunkNameOf } from "../format/envelope.ts";
import type { SnapshotId } from "../../base/ids.ts";
import { earlyKey, type FarStore } from "./far-store.ts";
import { EARLY_PART_SIZE_BYTES, readEarlyPart } from "./early-parts.ts";

export interface EarlyChunksOptions {
  readonly far: FarStore;
  /** Stores a chunk that has come and was checked. */
  readonly store: (name: string, file: Buffer) => Promise<void>;
}

export class EarlyChunks {
  readonly #options: EarlyChunksOptions;
  /** Chunks on their way. Each resolves when the chunk is here, or will not come in a part. */
  readonly #coming = new Map<string, PromiseWithResolvers<void>>();

  constructor(options: EarlyChunksOptions) {
    this.#options = options;
  }

  /** Waits for a chunk; undefined where it does not come in a part. Never rejects. */
  waitFor(name: string): Promise<void> | undefined {
    return this.#coming.get(name)?.promise;
  }

  /**
   * Brings chunks that are missing here (`names`). Resolves when no more of them come. Never rejects: a chunk that did
   * not come
   * is asked for by its name.
   */
  async bring(id: SnapshotId, first: Promise<Buffer | null>, names: readonly string[]): Promise<void> {
    const wanted = names.filter((name) => !this.#coming.has(name));
    for (const name of wanted) this.#coming.set(name, Promise.withResolvers());
    try {
      const part = await first.catch(() => null);
      if (wanted.length === 0 || part === null) return;
      const { parts } = readEarlyPart(part);
      const others = Array.from({ length: Math.max(parts - 1, 0) }, (_, index) =>
        this.read(id, index + 1).catch(() => null),
      );
      await Promise.all([part, ...others].map(async (each) => this.#take(await each)));
    } finally {
      for (const name of wanted) this.#end(name);
    }
  }

  /** Reads a part in one attempt; null where there is none. */
  read(id: SnapshotId, part: number): Promise<Buffer | null> {
    return this.#options.far.getNow(earlyKey(id, part), EARLY_PART_SIZE_BYTES);
  }

  async #take(part: Buffer | null): Promise<void> {
    await Promise.all(
      (part === null ? [] : readEarlyPart(part).files).map(async (file) => {
        const name = chunkNameOf(file);
        if (!this.#coming.has(name)) return;
        // Not told here: whoever asks for the chunk by its name meets the full disk too.
        await this.#options.store(name, file).catch(() => undefined);
        this.#end(name);
      }),
    );
  }

  #end(name: string): void {
    this.#coming.get(name)?.resolve();
    this.#coming.delete(name);
  }
}
