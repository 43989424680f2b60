/**
 * Tells events that are new from those that a connection that begins again gives once more. An event may carry an
 * earlier time than the last one that was shown: environments write side by side, and clients of PutLogEvents give
 * times of their own. So a connection begins again some minutes before the newest event, and what was seen is left out.
 */

interface Placed {
  readonly timestampMs: number;
  readonly logStream: string;
  readonly message: string;
}

/** An event that is written later than this behind a newer one, while no connection is there, is missed. */
const WINDOW_MS = 600_000;
/** Events that are remembered, and their texts together: with more, the window is shorter. */
const EVENTS_MAX = 10_000;
const TEXT_LENGTH_MAX = 8 * 1024 * 1024;

/** How often each event was seen, by time and text: two may be alike in everything. */
type Seen = Map<number, Map<string, number>>;

export class Unseen {
  #sinceMs: number;
  #newestMs = -Infinity;
  /** Time up to which nothing of the past is thrown away: not at each event. */
  #pruneAtMs = -Infinity;
  #seen: Seen = new Map();
  #again: Seen = new Map();
  #events = 0;
  #textLength = 0;
  readonly #limits: { readonly events: number; readonly windowMs: number };

  constructor(sinceMs: number, limits = { events: EVENTS_MAX, windowMs: WINDOW_MS }) {
    this.#sinceMs = sinceMs;
    this.#limits = limits;
  }

  /** The time from which on a connection is to give events. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** A connection begins, with the events from `sinceMs` on. */
  begin(): void {
    this.#prune();
    this.#again = new Map([...this.#seen].map(([timeMs, counts]) => [timeMs, new Map(counts)]));
  }

  /** True for an event that no connection before gave. */
  take({ timestampMs, logStream, message }: Placed): boolean {
    const key = `${logStream}\n${message}`;
    const again = this.#again.get(timestampMs);
    const left = again?.get(key) ?? 0;
    if (left > 0) {
      again?.set(key, left - 1);
      return false;
    }
    // No connection gives it again.
    if (timestampMs < this.#sinceMs) return true;
    const counts = this.#seen.get(timestampMs) ?? new Map<string, number>();
    this.#seen.set(timestampMs, counts.set(key, (counts.get(key) ?? 0) + 1));
    this.#events++;
    this.#textLength += key.length;
    this.#newestMs = Math.max(this.#newestMs, timestampMs);
    if (this.#newestMs >= this.#pruneAtMs || this.#isFull(1)) this.#prune();
    return true;
  }

  #isFull(part: number): boolean {
    return this.#events > this.#limits.events * part || this.#textLength > TEXT_LENGTH_MAX * part;
  }

  /** Forgets what is before the window; where that is too much, the older half. */
  #prune(): void {
    const { windowMs } = this.#limits;
    this.#pruneAtMs = this.#newestMs + windowMs / 10;
    const isFull = this.#isFull(1);
    let fromMs = Math.max(this.#sinceMs, this.#newestMs - windowMs);
    for (const timeMs of [...this.#seen.keys()].toSorted((a, b) => a - b)) {
      if (timeMs >= fromMs && !(isFull && this.#isFull(0.5))) break;
      for (const [key, count] of this.#seen.get(timeMs) ?? []) {
        this.#events -= count;
        this.#textLength -= key.length * count;
      }
      this.#seen.delete(timeMs);
      fromMs = Math.max(fromMs, timeMs + 1);
    }
    if (Number.isFinite(fromMs)) this.#sinceMs = fromMs;
  }
}
