/** A clock that tests move. Wall clock and monotonic time advance together. */
import type { Clock } from "../clock.ts";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  #nowMs: number;
  #monotonicMs = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs: number = Date.UTC(2026, 10, 23, 9, 0, 0)) {
    this.#nowMs = startMs;
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { atMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Fires what is due, in order; what each timer set going has settled before the next one fires. */
  async advance(deltaMs: number): Promise<void> {
    const untilMs = this.#monotonicMs + deltaMs;
    await settle();
    for (let timer = this.#nextDue(untilMs); timer !== null; timer = this.#nextDue(untilMs)) {
      this.#moveTo(timer.atMs);
      this.#timers.delete(timer);
      timer.callback();
      await settle();
    }
    this.#moveTo(untilMs);
  }

  /** Sets the wall clock, as an operator does: the time that has passed stays. */
  setBy(deltaMs: number): void {
    this.#nowMs += deltaMs;
  }

  /** Moves time without yielding: for a step that takes time by itself. */
  spend(deltaMs: number): void {
    this.#moveTo(this.#monotonicMs + deltaMs);
  }

  #moveTo(monotonicMs: number): void {
    this.#nowMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }

  #nextDue(untilMs: number): Timer | null {
    let due: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue;
      if (due === null || timer.atMs < due.atMs || (timer.atMs === due.atMs && timer.order < due.order)) due = timer;
    }
    return due;
  }
}

/** Lets everything run that needs no time: each turn of the event loop empties the queue of microtasks. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
