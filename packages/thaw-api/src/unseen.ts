/** Tells events that are new from those that a connection that begins again gives once more. */

interface Placed {
  readonly timestampMs: number;
  readonly logStream: string;
  readonly message: string;
}

/** Two events may be alike in everything, so those of the last millisecond are counted. */
export class Unseen {
  sinceMs: number;
  #seen = new Map<string, number>();
  #again = new Map<string, number>();

  constructor(sinceMs: number) {
    this.sinceMs = sinceMs;
  }

  /** A connection begins, with the events from `sinceMs` on. */
  begin(): void {
    this.#again = new Map(this.#seen);
  }

  /** True for an event that no connection before gave. */
  take({ timestampMs, logStream, message }: Placed): boolean {
    const key = `${logStream}\n${message}`;
    if (timestampMs === this.sinceMs) {
      const left = this.#again.get(key) ?? 0;
      if (left > 0) {
        this.#again.set(key, left - 1);
        return false;
      }
    }
    if (timestampMs > this.sinceMs) {
      this.sinceMs = timestampMs;
      this.#seen.clear();
    }
    if (timestampMs === this.sinceMs) this.#seen.set(key, (this.#seen.get(key) ?? 0) + 1);
    return true;
  }
}
