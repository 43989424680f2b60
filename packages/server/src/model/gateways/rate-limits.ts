/** How many requests a stage lets in, as AWS says it: a rate that fills a bucket, and how much the bucket holds. */

/** Null: no limit of this kind. */
export interface RateLimits {
  readonly ratePerS: number | null;
  readonly burst: number | null;
}

export const UNLIMITED: RateLimits = { ratePerS: null, burst: null };

/** A limit that one of several has not is that of all. */
export function limitsOf(own: RateLimits | undefined, ofAll: RateLimits | undefined): RateLimits {
  return {
    ratePerS: own?.ratePerS ?? ofAll?.ratePerS ?? null,
    burst: own?.burst ?? ofAll?.burst ?? null,
  };
}

export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** Takes a token. The bucket is what it is afterwards; a new one is full. */
export function taken(
  before: Bucket | null,
  { ratePerS, burst }: RateLimits,
  nowMs: number,
): { readonly isAdmitted: boolean; readonly bucket: Bucket } {
  const rate = ratePerS ?? Number.POSITIVE_INFINITY;
  const size = burst ?? Math.ceil(rate);
  const gained = before === null || rate === Number.POSITIVE_INFINITY ? size : ((nowMs - before.atMs) / 1000) * rate;
  const tokens = Math.min(size, (before?.tokens ?? 0) + gained);
  const isAdmitted = rate > 0 && tokens >= 1;
  return { isAdmitted, bucket: { tokens: isAdmitted ? tokens - 1 : tokens, atMs: nowMs } };
}
