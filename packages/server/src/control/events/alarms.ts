/**
 * Times of the wall clock at which something is to be carried out, by key. One timer for all of them, and none where
 * there is nothing to come. It looks at the clock each minute at least, since a wall clock may be set.
 */
import type { Clock } from "../../base/clock.ts";

/** Longest time between two looks at the wall clock while something is to come. */
const LOOK_MS_MAX = 60_000;
/** Time until what has failed is tried again: the store could not be read or written. */
const RETRY_MS = 5000;

/** A wall clock that is behind by more than this was set back. */
const SET_BACK_MS = 60_000;

interface Handlers {
  /** Carries out what is due, and says when it is due next; null: never. Where it rejects, it is called again. */
  readonly ring: (key: string, dueMs: number) => Promise<number | null>;
  readonly onProblem: (key: string, error: unknown) => void;
  /** Hears that the wall clock was set back: what is to come may be due earlier than it was said. */
  readonly onSetBack: () => void;
}

export class Alarms {
  readonly #clock: Clock;
  readonly #handlers: Handlers;
  readonly #due = new Map<string, number>();
  #cancel: (() => void) | null = null;
  #ringing: Promise<void> | null = null;
  #isClosed = false;

  constructor(clock: Clock, handlers: Handlers) {
    this.#clock = clock;
    this.#handlers = handlers;
  }

  /** Null: there is nothing to come for the key. */
  set(key: string, dueMs: number | null): void {
    if (dueMs === null) this.#due.delete(key);
    else this.#due.set(key, dueMs);
    this.#arm();
  }

  keys(): readonly string[] {
    return [...this.#due.keys()];
  }

  /** Resolves when what is being carried out has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#ringing;
  }

  #arm(delayMsMin = 0): void {
    // What rings now arms when it has ended.
    if (this.#isClosed || this.#ringing !== null) return;
    this.#cancel?.();
    this.#cancel = null;
    const earliestMs = [...this.#due.values()].reduce(
      (least, dueMs) => Math.min(least, dueMs),
      Number.POSITIVE_INFINITY,
    );
    if (earliestMs === Number.POSITIVE_INFINITY) return;
    const [wallMs, monotonicMs] = [this.#clock.nowMs(), this.#clock.monotonicMs()];
    const delayMs = Math.min(LOOK_MS_MAX, Math.max(delayMsMin, earliestMs - wallMs));
    this.#cancel = this.#clock.after(delayMs, () => {
      const passedMs = this.#clock.monotonicMs() - monotonicMs;
      if (this.#clock.nowMs() - wallMs < passedMs - SET_BACK_MS) this.#handlers.onSetBack();
      this.#ringing = this.#ringAll();
    });
  }

  async #ringAll(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const due = [...this.#due].filter(([, dueMs]) => dueMs <= nowMs).toSorted(([, a], [, b]) => a - b);
    let hasFailed = false;
    for (const [key, dueMs] of due) {
      if (this.#isClosed) break;
      try {
        const nextMs = await this.#handlers.ring(key, dueMs);
        // Who has set it meanwhile knows more.
        if (this.#due.get(key) !== dueMs) continue;
        if (nextMs === null) this.#due.delete(key);
        else this.#due.set(key, nextMs);
      } catch (error) {
        hasFailed = true;
        this.#handlers.onProblem(key, error);
      }
    }
    this.#ringing = null;
    this.#arm(hasFailed ? RETRY_MS : 0);
  }
}
