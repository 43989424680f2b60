/** Brings a snapshot's early parts (early-parts.ts) to a host that has nothing of it, while the restore begins. */
import { chunkNameOf } from "../format/envelope.ts";
import type { SnapshotId } from "../../base/ids.ts";
import { earlyKey, type FarStore } from "./far-store.ts";
import { EARLY_PART_SIZE_BYTES, readEarlyPart } from "./early-parts.ts";

export interface EarlyChunksOptions {
  readonly far: FarStore;
  /** A chunk of the snapshot that has come, checked. */
  readonly store: (name: string, file: Buffer) => Promise<void>;
}

export class EarlyChunks {
  readonly #options: EarlyChunksOptions;
  /** Chunks on their way: resolved when they are here, or will not come so. */
  readonly #coming = new Map<string, PromiseWithResolvers<void>>();

  constructor(options: EarlyChunksOptions) {
    this.#options = options;
  }

  /** Undefined: it does not come in a part. Never rejects. */
  waitFor(name: string): Promise<void> | undefined {
    return this.#coming.get(name)?.promise;
  }

  /**
   * `names`: chunks of the snapshot that are missing here. Resolves when nothing more of them comes. Never rejects: what did not come
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

  /** One attempt; null where there is none. */
  read(id: SnapshotId, part: number): Promise<Buffer | null> {
    return this.#options.far.getNow(earlyKey(id, part), EARLY_PART_SIZE_BYTES);
  }

  async #take(part: Buffer | null): Promise<void> {
    await Promise.all(
      (part === null ? [] : readEarlyPart(part).files).map(async (file) => {
        const name = chunkNameOf(file);
        if (!this.#coming.has(name)) return;
        // A full disk is told by who asks for the chunk by its name.
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
