/** How `thaw dev` is told to end: by a signal, by a key, or because nobody reads any more what it says. */

/** A signal may come twice for one Ctrl-C: from the terminal, and from a program that started this one. */
const SAME_MS = 500;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const INTERRUPTED = 130;

export class Ending {
  readonly #stop = new AbortController();
  readonly #sayWhatRemains: () => void;
  readonly #onSignal = (): void => {
    if (!this.signal.aborted || performance.now() - this.#begunMs > SAME_MS) this.begin();
  };
  #begunMs = 0;

  /** `sayWhatRemains`: said where the end is not waited for. */
  constructor(sayWhatRemains: () => void) {
    this.#sayWhatRemains = sayWhatRemains;
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    // Whoever read has gone (`| head`), or the terminal has: the stack is still to be deleted.
    for (const stream of [process.stdout, process.stderr])
      stream.removeAllListeners("error").on("error", () => this.#stop.abort());
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Ends the work; at once where that was asked for before. */
  begin(): void {
    if (!this.signal.aborted) {
      this.#begunMs = performance.now();
      this.#stop.abort();
    } else {
      this.#sayWhatRemains();
      process.exit(INTERRUPTED);
    }
  }

  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }
}
