/** Calls to something that may be slow, away or wrong for a moment: each with a limit of its own, repeated with growing pauses. */
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly attemptsMax: number;
  /** Of one attempt; its signal is aborted then. */
  readonly attemptMs: number;
  /** Of all of them. */
  readonly totalMs: number;
  /** Before the second attempt; doubles each time, between half and all of it. */
  readonly pauseMs: number;
  readonly isTransient: (error: unknown) => boolean;
}

const PAUSE_MS_MAX = 2000;

export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.after(delayMs, resolve));
}

/** Rejects with the last attempt's error; with an AbortError where that one took too long. */
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

/** The attempt may ignore its signal: its late end is nobody's then. */
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
