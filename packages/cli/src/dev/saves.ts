/**
 * Collects what was saved until it has settled: an editor writes a file in several steps, and a tool writes many files.
 */

/** Quiet time after which a save is over. */
const SETTLE_MS = 30;
/** Where it does not become quiet, such as where a program writes a log into the folder. */
const SETTLE_MAX_MS = 500;

export interface Saved {
  readonly roots: ReadonlySet<string>;
  /** Time of the first event, by the clock of `performance.now()`. */
  readonly atMs: number;
}

export class Saves {
  readonly #settled: () => void;
  #roots = new Set<string>();
  #firstMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #isSettled = false;

  /** `settled` is called when there is something to take. */
  constructor(settled: () => void) {
    this.#settled = settled;
  }

  add(root: string): void {
    const nowMs = performance.now();
    if (this.#roots.size === 0) this.#firstMs = nowMs;
    this.#roots.add(root);
    if (this.#timer !== null) clearTimeout(this.#timer);
    const restMs = Math.max(this.#firstMs + SETTLE_MAX_MS - nowMs, 0);
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#isSettled = true;
        this.#settled();
      },
      Math.min(SETTLE_MS, restMs),
    );
  }

  /** Null: nothing has settled. */
  take(): Saved | null {
    if (!this.#isSettled) return null;
    const saved = { roots: this.#roots, atMs: this.#firstMs };
    this.#roots = new Set();
    this.#isSettled = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    return saved;
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
