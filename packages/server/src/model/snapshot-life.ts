/** Decisions on when a version's snapshot is removed, and when it is tried again. Pure. */
import type { RegenerationFailure } from "./function-record.ts";

/** Number of failed Inits, while the old snapshot is still restored, after which the version becomes Inactive. */
export const REFRESH_ATTEMPTS_MAX = 3;

const RETRY_DELAYS_MS = [60_000, 600_000, 3_600_000];
const RETRY_DELAY_MS_MAX = 6 * 3_600_000;

export function isIdleTooLong(lastUseMs: number, nowMs: number, idleMs: number | null): boolean {
  return idleMs !== null && nowMs - lastUseMs >= idleMs;
}

/** Reckons when Init may be tried again after it failed, milliseconds since the epoch. */
export function retryAtMs(failure: RegenerationFailure | null): number {
  if (failure === null) return 0;
  if (failure.isFinal === true) return Infinity;
  return failure.failedAtMs + (RETRY_DELAYS_MS[failure.attempts - 1] ?? RETRY_DELAY_MS_MAX);
}
