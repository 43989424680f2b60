/**
 * A queue between one who tells and a reader who may be slow. It is bounded: what has no more room is counted, and the
 * reader is told how many it missed where they would have been.
 */
import type { Clock } from "./clock.ts";

export interface Skipped {
  readonly skipped: number;
}

export interface SkippingQueueOptions<T> {
  readonly lengthMax: number;
  /** Of all items together, in the unit of `sizeOf`; left out: any. */
  readonly sizeMax?: number;
  readonly sizeOf?: (item: T) => number;
  /**
   * Where it is given, the reader gets what was told within a moment at once. So neither is the one who tells held up,
   * nor does each item become a write of its own.
   */
  readonly gather?: Pick<Clock, "after">;
}

/** The moment. */
export const GATHER_MS = 50;
/** The moment ends when there is this much. */
const GATHERED_MAX = 1_000;

export class SkippingQueue<T> {
  readonly #lengthMax: number;
  readonly #sizeMax: number;
  readonly #sizeOf: (item: T) => number;
  readonly #gather: Pick<Clock, "after"> | null;
  #items: T[] = [];
  #size = 0;
  #skipped = 0;
  #isEnded = false;
  #wake: (() => void) | null = null;
  /** Ends the moment in which items are gathered; null: there is none. */
  #endGathering: (() => void) | null = null;

  constructor({ lengthMax, sizeMax = Number.POSITIVE_INFINITY, sizeOf = () => 0, gather }: SkippingQueueOptions<T>) {
    this.#lengthMax = lengthMax;
    this.#sizeMax = sizeMax;
    this.#sizeOf = sizeOf;
    this.#gather = gather ?? null;
  }

  put(item: T): void {
    if (this.#isEnded) return;
    const size = this.#sizeOf(item);
    // After something was skipped the reader has to come first: what it gets keeps its order.
    const hasRoom =
      this.#skipped === 0 &&
      this.#items.length < this.#lengthMax &&
      (this.#items.length === 0 || this.#size + size <= this.#sizeMax);
    if (hasRoom) {
      this.#items.push(item);
      this.#size += size;
    } else this.#skipped++;
    if (this.#skipped > 0 || this.#items.length >= GATHERED_MAX) this.#endGathering?.();
    this.#notify();
  }

  end(): void {
    this.#isEnded = true;
    this.#endGathering?.();
    this.#notify();
  }

  /** Gives the items until the end, those that are there together. One reader. */
  async *drain(): AsyncGenerator<ReadonlyArray<T | Skipped>> {
    for (;;) {
      while (this.#items.length === 0) {
        if (this.#isEnded) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      await this.#gathered();
      yield this.#take();
    }
  }

  #take(): ReadonlyArray<T | Skipped> {
    const items = this.#items;
    const skipped = this.#skipped;
    this.#items = [];
    this.#size = 0;
    this.#skipped = 0;
    return skipped > 0 ? [...items, { skipped }] : items;
  }

  async #gathered(): Promise<void> {
    const gather = this.#gather;
    if (gather === null || this.#isEnded || this.#skipped > 0 || this.#items.length >= GATHERED_MAX) return;
    await new Promise<void>((resolve) => {
      const cancel = gather.after(GATHER_MS, resolve);
      this.#endGathering = () => {
        cancel();
        resolve();
      };
    });
    this.#endGathering = null;
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
