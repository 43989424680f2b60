import { expect, it } from "vitest";
import { type Bucket, type RateLimits, taken } from "./rate-limits.ts";

/** Which of requests at these times come in. */
function admitted(limits: RateLimits, timesMs: readonly number[]): readonly boolean[] {
  let bucket: Bucket | null = null;
  return timesMs.map((nowMs) => {
    const next = taken(bucket, limits, nowMs);
    bucket = next.bucket;
    return next.isAdmitted;
  });
}

it.for<readonly [string, RateLimits, readonly number[], readonly boolean[]]>([
  [
    "a burst, then the rate",
    { ratePerS: 2, burst: 3 },
    [0, 0, 0, 0, 499, 500, 501],
    [true, true, true, false, false, true, false],
  ],
  ["a bucket is never fuller than it can be", { ratePerS: 10, burst: 1 }, [0, 10_000, 10_001], [true, true, false]],
  ["a rate alone holds a second of it", { ratePerS: 2, burst: null }, [0, 0, 0], [true, true, false]],
  ["a rate below one", { ratePerS: 0.5, burst: 1 }, [0, 1999, 2000], [true, false, true]],
  ["nothing by a rate of zero", { ratePerS: 0, burst: 5 }, [0, 10_000], [false, false]],
  ["nothing by a burst of zero", { ratePerS: 5, burst: 0 }, [0, 10_000], [false, false]],
  ["all without limits", { ratePerS: null, burst: null }, [0, 0, 0], [true, true, true]],
])("%s", ([, limits, times, expected]) => {
  expect(admitted(limits, times)).toEqual(expected);
});
