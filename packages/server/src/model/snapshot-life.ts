/** When a version's snapshot goes, and when it is tried again: pure decisions. */
import type { RegenerationFailure } from "./function-record.ts";

/** A function's Init that fails so often while the old snapshot is still restored makes the version Inactive. */
export const REFRESH_ATTEMPTS_MAX = 3;

const RETRY_DELAYS_MS = [60_000, 600_000, 3_600_000];
const RETRY_DELAY_MS_MAX = 6 * 3_600_000;

export function isIdleTooLong(lastUseMs: number, nowMs: number, idleMs: number | null): boolean {
  return idleMs !== null && nowMs - lastUseMs >= idleMs;
}

/** When Init may be tried again after it failed. */
export function retryAtMs(failure: RegenerationFailure | null): number {
  if (failure === null) return 0;
  return failure.failedAtMs + (RETRY_DELAYS_MS[failure.attempts - 1] ?? RETRY_DELAY_MS_MAX);
}
