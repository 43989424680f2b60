/**
 * A queue between one who tells and a reader who may be slow. It is bounded: what has no more room is counted, and the
 * reader is told how many it missed where they would have been.
 */
export interface Skipped {
  readonly skipped: number;
}

export class SkippingQueue<T> {
  readonly #lengthMax: number;
  readonly #sizeMax: number;
  readonly #sizeOf: (item: T) => number;
  #items: T[] = [];
  #size = 0;
  #skipped = 0;
  #isEnded = false;
  #wake: (() => void) | null = null;

  /** `sizeMax`: of all items together, in the unit of `sizeOf`. */
  constructor(lengthMax: number, sizeMax = Number.POSITIVE_INFINITY, sizeOf: (item: T) => number = () => 0) {
    this.#lengthMax = lengthMax;
    this.#sizeMax = sizeMax;
    this.#sizeOf = sizeOf;
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
    this.#notify();
  }

  end(): void {
    this.#isEnded = true;
    this.#notify();
  }

  /** Gives the items until the end. One reader. */
  async *drain(): AsyncGenerator<T | Skipped> {
    for (;;) {
      const items = this.#items;
      const skipped = this.#skipped;
      this.#items = [];
      this.#size = 0;
      this.#skipped = 0;
      yield* items;
      if (skipped > 0) yield { skipped };
      if (this.#items.length > 0 || this.#skipped > 0) continue;
      if (this.#isEnded) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
