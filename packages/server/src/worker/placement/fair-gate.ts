/**
 * A gate that lets at most `limit` through at once. Among the waiting functions the one that holds the fewest places is
 * next; among equals the one whose last turn is the longest ago.
 */
import type { Clock } from "../../base/clock.ts";

interface Waiter {
  readonly functionKey: string;
  finish(isIn: boolean): void;
}

export class FairGate {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #held = new Map<string, number>();
  /** Number of the last turn of each function that still waits or holds. */
  readonly #lastTurn = new Map<string, number>();
  #turns = 0;
  #heldCount = 0;
  #waiting: Waiter[] = [];
  #isClosed = false;

  constructor(limit: number, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  /** Takes a place, or waits for one. False when the time is over or the gate was closed: then nothing is held. */
  enter(functionKey: string, waitMs: number): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    if (this.#heldCount < this.#limit) {
      this.#hold(functionKey);
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const waiter: Waiter = {
        functionKey,
        finish: (isIn) => {
          cancel();
          this.#waiting = this.#waiting.filter((other) => other !== waiter);
          if (isIn) this.#hold(functionKey);
          resolve(isIn);
        },
      };
      const cancel = this.#clock.after(waitMs, () => waiter.finish(false));
      this.#waiting.push(waiter);
    });
  }

  leave(functionKey: string): void {
    const held = (this.#held.get(functionKey) ?? 0) - 1;
    if (held > 0) this.#held.set(functionKey, held);
    else this.#held.delete(functionKey);
    this.#heldCount--;
    if (held <= 0 && !this.#waiting.some((waiter) => waiter.functionKey === functionKey))
      this.#lastTurn.delete(functionKey);
    const [first, ...rest] = this.#waiting;
    if (first === undefined) return;
    rest.reduce((best, waiter) => (this.#isBefore(waiter, best) ? waiter : best), first).finish(true);
  }

  /** Tells all that wait no, and everybody from here on. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiting) waiter.finish(false);
  }

  #isBefore(a: Waiter, b: Waiter): boolean {
    const [heldByA, heldByB] = [this.#held.get(a.functionKey) ?? 0, this.#held.get(b.functionKey) ?? 0];
    if (heldByA !== heldByB) return heldByA < heldByB;
    return (this.#lastTurn.get(a.functionKey) ?? 0) < (this.#lastTurn.get(b.functionKey) ?? 0);
  }

  #hold(functionKey: string): void {
    this.#lastTurn.set(functionKey, ++this.#turns);
    this.#held.set(functionKey, (this.#held.get(functionKey) ?? 0) + 1);
    this.#heldCount++;
  }
}
