/**
 * The work of making snapshots, a few at a time. Jobs that a caller waits for come before those in the background;
 * among callers each function has its turn, so that one that publishes much does not keep the others waiting;
 * background work goes in the order given.
 */
export interface SnapshotJob {
  readonly key: string;
  readonly functionName: string;
  readonly isBackground: boolean;
  /** True for a job that may have ended the last life of the server: nothing runs beside it, and it goes first. */
  readonly isAlone: boolean;
  run(signal: AbortSignal): Promise<void>;
}

export interface SnapshotJobLimits {
  readonly snapshotsAtOnceMax: number;
  readonly refreshesAtOnceMax: number;
}

interface Entry extends SnapshotJob {
  isBackground: boolean;
  readonly abort: AbortController;
  done: Promise<void> | null;
}

export class SnapshotJobs {
  readonly #limits: SnapshotJobLimits;
  readonly #onProblem: (what: string, error: unknown) => void;
  /** Jobs by their keys, in the order of arrival. */
  readonly #entries = new Map<string, Entry>();
  /** Counts up with each start of a function's job. */
  readonly #lastStart = new Map<string, number>();
  #starts = 0;
  #isClosing = false;

  constructor(limits: SnapshotJobLimits, onProblem: (what: string, error: unknown) => void) {
    this.#limits = limits;
    this.#onProblem = onProblem;
  }

  get size(): number {
    return this.#entries.size;
  }

  stateOf(key: string): "waiting" | "running" | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    return entry.done === null ? "waiting" : "running";
  }

  /** Adds a job, unless one with its key is there: somebody now waits for that one if `isBackground` is false. */
  add(job: SnapshotJob): void {
    if (this.#isClosing) return;
    const known = this.#entries.get(job.key);
    if (known !== undefined) known.isBackground &&= job.isBackground;
    else
      this.#entries.set(job.key, {
        ...job,
        run: (signal) => job.run(signal),
        abort: new AbortController(),
        done: null,
      });
    this.#pump();
  }

  /** Its signal tells a running job; it is known by its key until it has ended. */
  cancel(key: string): void {
    const entry = this.#entries.get(key);
    entry?.abort.abort();
    if (entry?.done === null) this.#entries.delete(key);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const entries = [...this.#entries.values()];
    for (const { key } of entries) this.cancel(key);
    await Promise.all(entries.map((entry) => entry.done ?? Promise.resolve()));
  }

  #pump(): void {
    for (let next = this.#choose(); next !== null && !this.#isClosing; next = this.#choose()) this.#start(next);
  }

  #start(entry: Entry): void {
    this.#lastStart.set(entry.functionName, ++this.#starts);
    entry.done = Promise.resolve()
      .then(() => entry.run(entry.abort.signal))
      .catch((error: unknown) => this.#onProblem(`snapshot ${entry.key}`, error))
      .finally(() => {
        this.#entries.delete(entry.key);
        if (![...this.#entries.values()].some((other) => other.functionName === entry.functionName))
          this.#lastStart.delete(entry.functionName);
        this.#pump();
      });
  }

  #choose(): Entry | null {
    const entries = [...this.#entries.values()];
    const running = entries.filter((entry) => entry.done !== null);
    if (running.length >= this.#limits.snapshotsAtOnceMax || running.some((entry) => entry.isAlone)) return null;
    const waiting = entries.filter((entry) => entry.done === null);
    const alone = waiting.find((entry) => entry.isAlone);
    if (alone !== undefined) return running.length === 0 ? alone : null;
    const asked = waiting.filter((entry) => !entry.isBackground);
    if (asked.length > 0)
      return asked.reduce((best, entry) => (this.#rank(entry, running) < this.#rank(best, running) ? entry : best));
    if (running.filter((entry) => entry.isBackground).length >= this.#limits.refreshesAtOnceMax) return null;
    return waiting[0] ?? null;
  }

  /** Fewest running first, then the one whose last start is the longest ago. */
  #rank(entry: Entry, running: readonly Entry[]): number {
    const own = running.filter((other) => other.functionName === entry.functionName).length;
    return own * 1e12 + (this.#lastStart.get(entry.functionName) ?? 0);
  }
}
