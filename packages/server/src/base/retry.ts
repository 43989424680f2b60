/** Repeated calls to something that may be slow, away or wrong for a moment. Each has a time limit, and pauses grow. */
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly attemptsMax: number;
  /** Time limit of one attempt, milliseconds; its signal is aborted then. */
  readonly attemptMs: number;
  /** Time limit of all attempts together, milliseconds. */
  readonly totalMs: number;
  /** Pause before the second attempt, milliseconds. It doubles each time; half of it is drawn at random. */
  readonly pauseMs: number;
  readonly isTransient: (error: unknown) => boolean;
}

const PAUSE_MS_MAX = 2000;

export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.after(delayMs, resolve));
}

/**
 * Repeats until an attempt succeeds. Rejects with the last attempt's error, an AbortError when that one took too long.
 */
export async function retry<T>(options: RetryOptions, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, random } = options;
  const endMs = clock.monotonicMs() + options.totalMs;
  for (let attempts = 1; ; attempts++) {
    const leftMs = endMs - clock.monotonicMs();
    try {
      return await withLimit(clock, Math.min(options.attemptMs, leftMs), attempt);
    } catch (error) {
      const pauseMs = Math.min(options.pauseMs * 2 ** (attempts - 1), PAUSE_MS_MAX) * (0.5 + random.fraction() / 2);
      const isOver = attempts >= options.attemptsMax || clock.monotonicMs() + pauseMs >= endMs;
      if (isOver || !(isAbort(error) || options.isTransient(error))) throw error;
      await pause(clock, pauseMs);
    }
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}

/** Runs one attempt. A result that arrives after the limit is ignored, since the attempt may ignore its signal. */
async function withLimit<T>(clock: Clock, limitMs: number, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let cancel: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(limitMs, () => {
      const error = new DOMException("It took too long.", "TimeoutError");
      controller.abort(error);
      reject(error);
    });
  });
  try {
    return await Promise.race([attempt(controller.signal), late]);
  } finally {
    cancel();
  }
}
