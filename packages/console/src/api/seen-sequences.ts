/** Tells events that are new by their numbers, of which the last are kept. */
const KEPT_MAX = 20_000;

export class SeenSequences {
  /** The oldest first. */
  readonly #seen = new Set<number>();

  has(sequence: number): boolean {
    return this.#seen.has(sequence);
  }

  /** True for a number that was not taken before. */
  take(sequence: number): boolean {
    if (this.#seen.has(sequence)) return false;
    this.#seen.add(sequence);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= KEPT_MAX) break;
      this.#seen.delete(oldest);
    }
    return true;
  }
}
