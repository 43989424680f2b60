/** Lets the server serve others in the middle of work on many things: a list that came from outside may be long. */
import { setImmediate } from "node:timers/promises";
import type { Clock } from "./clock.ts";

const TURN_MS_MAX = 20;

export class Turns {
  readonly #clock: Pick<Clock, "monotonicMs">;
  #beganMs: number;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
    this.#beganMs = clock.monotonicMs();
  }

  /** Resolves at once while this turn is short, else in a later turn. */
  async next(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#beganMs < TURN_MS_MAX) return;
    await setImmediate();
    this.#beganMs = this.#clock.monotonicMs();
  }
}
