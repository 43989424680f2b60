/**
 * Removes contents that nothing names any more while the server runs: some time after something may have become
 * unnamed, and again for as long as something unnamed is still used. Nothing runs in between.
 */
import type { Clock } from "../base/clock.ts";

export interface ContentSweeperOptions {
  readonly clock: Clock;
  readonly delayMs: number;
  /** Returns how many contents that nothing names are still there. */
  readonly sweep: () => Promise<number>;
  readonly onProblem: (what: string, error: unknown) => void;
}

export class ContentSweeper {
  readonly #options: ContentSweeperOptions;
  #cancel: (() => void) | null = null;
  #sweeping: Promise<void> | null = null;
  #isDueAgain = false;
  #isClosed = false;

  constructor(options: ContentSweeperOptions) {
    this.#options = options;
  }

  /** Sweeps in `delayMs`, once for all that ask until then. */
  due(): void {
    if (this.#isClosed || this.#cancel !== null) return;
    if (this.#sweeping !== null) {
      this.#isDueAgain = true;
      return;
    }
    this.#cancel = this.#options.clock.after(this.#options.delayMs, () => {
      this.#cancel = null;
      this.#sweeping = this.#sweep();
    });
  }

  /** Begins nothing more, and waits for what runs. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    this.#cancel = null;
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { sweep, onProblem } = this.#options;
    this.#isDueAgain = false;
    let left = 0;
    try {
      left = await sweep();
    } catch (error) {
      // Tried again when something else becomes unnamed, or by the next start: a full disk fails in each minute.
      onProblem("remove code that nothing names", error);
    }
    this.#sweeping = null;
    if (left > 0 || this.#isDueAgain) this.due();
  }
}
