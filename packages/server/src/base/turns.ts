/** Lets the server serve others in the middle of work on many things: a list that came from outside may be long. */
import { setImmediate } from "node:timers/promises";
import type { Clock } from "./clock.ts";

const TURN_MS_MAX = 20;

/** Carries out work that a generator does in steps, and lets others have their turn between them. */
export async function inTurns<T>(clock: Pick<Clock, "monotonicMs">, steps: Generator<void, T>): Promise<T> {
  const turns = new Turns(clock);
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    await turns.next();
  }
}

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
