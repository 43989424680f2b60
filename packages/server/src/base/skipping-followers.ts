/** Readers of what happens, each with a wish and a bounded queue of its own. */
import type { Skipped, SkippingQueue } from "./skipping-queue.ts";

const FOLLOWERS_MAX = 32;

interface Follower<Item, Told> {
  readonly isWanted: (item: Item) => boolean;
  readonly queue: SkippingQueue<Told>;
}

export class SkippingFollowers<Item, Told = Item> {
  readonly #newQueue: () => SkippingQueue<Told>;
  readonly #toTold: (item: Item) => Told;
  readonly #followers = new Set<Follower<Item, Told>>();

  /** `toTold`: what a follower gets of an item. */
  constructor(newQueue: () => SkippingQueue<Told>, toTold: (item: Item) => Told) {
    this.#newQueue = newQueue;
    this.#toTold = toTold;
  }

  get isEmpty(): boolean {
    return this.#followers.size === 0;
  }

  tell(item: Item): void {
    for (const { isWanted, queue } of this.#followers) if (isWanted(item)) queue.put(this.#toTold(item));
  }

  /**
   * Goes on until the signal, with what comes together. Null: there are too many. `before` gives what comes first, if
   * it is not too many.
   */
  follow(
    isWanted: (item: Item) => boolean,
    signal: AbortSignal,
    before: () => readonly Told[] = () => [],
  ): AsyncIterable<ReadonlyArray<Told | Skipped>> | null {
    if (this.#followers.size >= FOLLOWERS_MAX) return null;
    const follower = { isWanted, queue: this.#newQueue() };
    const first = before();
    this.#followers.add(follower);
    const end = (): void => {
      this.#followers.delete(follower);
      follower.queue.end();
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    return (async function* () {
      try {
        if (first.length > 0) yield first;
        yield* follower.queue.drain();
      } finally {
        end();
      }
    })();
  }
}
