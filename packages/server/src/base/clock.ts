/** Time, injected: tests live through months. Only this file touches the real one. */
export interface Clock {
  /** Reads the wall clock: milliseconds since the epoch. */
  nowMs(): number;
  /** Reads the monotonic clock, for durations: milliseconds with fractions. */
  monotonicMs(): number;
  /** Calls back once after `delayMs`; the returned function cancels. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Node's setTimeout overflows past this and fires at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), DELAY_MS_MAX));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Keeps this process until it is told to end: neither timers of the clock nor listeners for signals do. */
export function keepProcess(): void {
  setInterval(() => undefined, DELAY_MS_MAX);
}
