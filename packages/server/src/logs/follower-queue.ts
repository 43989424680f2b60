/**
 * Events that a follower has not read yet. When it is too slow the oldest ones are dropped, and a line says how many.
 */
import type { LogEvent } from "../ports/log-store.ts";

export class FollowerQueue {
  readonly #lengthMax: number;
  #events: LogEvent[] = [];
  #droppedCount = 0;
  #isEnded = false;
  #wake: (() => void) | null = null;

  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  put(event: LogEvent): void {
    if (this.#events.length >= this.#lengthMax) {
      this.#droppedCount += this.#events.length;
      this.#events = [];
    }
    this.#events.push(event);
    this.#notify();
  }

  end(): void {
    this.#isEnded = true;
    this.#notify();
  }

  /** Waits for the next event; null at the end. */
  async take(): Promise<LogEvent | null> {
    while (this.#events.length === 0) {
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const first = this.#events[0];
    if (this.#droppedCount > 0 && first !== undefined) {
      const message = `[thaw] ${this.#droppedCount} log events were left out: the reader is too slow.`;
      this.#droppedCount = 0;
      return { ...first, message };
    }
    return this.#events.shift() ?? null;
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
