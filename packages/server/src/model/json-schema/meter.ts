/** Steps that a check of a value by a schema may take: both are foreign, and a check blocks the server. */

/** Less than half a second, however made; a body of 6 MB takes one to three million steps by an ordinary schema. */
export const STEPS_MAX = 5_000_000;
const DEPTH_MAX = 1000;

/** Says that a check was given up. */
export class TooMuchWork extends Error {}

export class Meter {
  #left: number;
  #depth = 0;

  constructor(steps = STEPS_MAX) {
    this.#left = steps;
  }

  /** Throws TooMuchWork where no steps are left. */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new TooMuchWork("the check takes too many steps");
  }

  /** Throws TooMuchWork where values, or references that lead to one another, are too deep. */
  enter(): void {
    this.spend(1);
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw new TooMuchWork(`the check is more than ${DEPTH_MAX} levels deep`);
  }

  leave(): void {
    this.#depth -= 1;
  }
}
