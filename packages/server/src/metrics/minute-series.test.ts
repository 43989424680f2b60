/** Series of minutes: counts and quantiles, what is old, and how much is kept. */
import { expect, it } from "vitest";
import { type CountedInvocation, MinuteSeries, SERIES_MINUTES } from "./minute-series.ts";

const MINUTE_MS = 60_000;
const START_MS = 1_700_000_040_000;
const ARN = "arn:aws:lambda:us-east-1:000000000000:function:f";
const all = (): boolean => true;

function ended(changes: Partial<CountedInvocation> = {}): CountedInvocation {
  return { outcome: "success", isCold: false, durationMs: 10, restoreDurationMs: null, ...changes };
}

it("counts what ended in each minute, and leaves out minutes without any", () => {
  const series = new MinuteSeries();
  series.count(ARN, START_MS, ended());
  series.count(ARN, START_MS + 1, ended({ outcome: "timeout", durationMs: 3000 }));
  series.count(ARN, START_MS + 2, ended({ isCold: true, restoreDurationMs: 44 }));
  series.count(ARN, START_MS + 3, ended({ outcome: "throttled", durationMs: null }));
  series.count(ARN, START_MS + 2 * MINUTE_MS, ended({ outcome: "platform-error", durationMs: null }));
  const points = series.points(all, START_MS + 3 * MINUTE_MS, 10);
  expect(points).toEqual([
    {
      atMs: START_MS - (START_MS % MINUTE_MS),
      invocations: 3,
      errors: 1,
      throttles: 1,
      platformErrors: 0,
      coldStarts: 1,
      duration: { p50: expect.any(Number), p90: expect.any(Number), max: 3000 },
      restore: { p50: expect.any(Number), p90: expect.any(Number), max: 44 },
    },
    expect.objectContaining({ invocations: 0, platformErrors: 1, duration: null, restore: null }),
  ]);
  expect(series.counts(ARN, START_MS + MINUTE_MS, 2)).toMatchObject({ invocations: 3, throttles: 1 });
  expect(series.chart(ARN, START_MS + 2 * MINUTE_MS, 4)).toEqual([0, 3, 0, 0]);
  expect(series.points(() => false, START_MS, 10)).toEqual([]);
});

it("estimates quantiles within the class that holds them, never above the largest", () => {
  const series = new MinuteSeries();
  for (let ms = 1; ms <= 1000; ms++) series.count(ARN, START_MS, ended({ durationMs: ms }));
  const [point] = series.points(all, START_MS, 1);
  expect(point?.duration?.p50).toBeCloseTo(500, -1);
  expect(point?.duration?.p90).toBeCloseTo(900, -1);
  expect(point?.duration?.max).toBe(1000);
  const few = new MinuteSeries();
  few.count(ARN, START_MS, ended({ durationMs: 800_000 }));
  expect(few.points(all, START_MS, 1)[0]?.duration).toMatchObject({ max: 800_000 });
  expect(few.points(all, START_MS, 1)[0]?.duration?.p90).toBeLessThanOrEqual(800_000);
});

it("keeps the shape of a minute with more invocations than a class can count", () => {
  const series = new MinuteSeries();
  for (let count = 0; count < 100_000; count++) series.count(ARN, START_MS, ended({ durationMs: 3 }));
  for (let count = 0; count < 25_000; count++) series.count(ARN, START_MS, ended({ durationMs: 200 }));
  const [point] = series.points(all, START_MS, 1);
  expect(point?.invocations).toBe(125_000);
  expect(point?.duration?.p50).toBeLessThan(5);
  expect(point?.duration?.p90).toBeGreaterThan(100);
});

it("keeps six hours of the five hundred functions that were used last", () => {
  const series = new MinuteSeries();
  for (let minute = 0; minute <= 2 * SERIES_MINUTES; minute++)
    series.count(ARN, START_MS + minute * MINUTE_MS, ended());
  const nowMs = START_MS + 2 * SERIES_MINUTES * MINUTE_MS;
  expect(series.points(all, nowMs, SERIES_MINUTES)).toHaveLength(SERIES_MINUTES);
  // An hour that reaches into the six is whole.
  expect(series.points(all, nowMs, 10 * SERIES_MINUTES).length).toBeLessThanOrEqual(SERIES_MINUTES + 60);
  for (let count = 0; count < 600; count++) series.count(`${ARN}${count}`, nowMs + (count + 1) * MINUTE_MS, ended());
  expect(series.counts(ARN, nowMs, 1).invocations).toBe(0);
  const kept = Array.from({ length: 600 }, (_, count) =>
    series.counts(`${ARN}${count}`, nowMs + 700 * MINUTE_MS, 700),
  ).filter(({ invocations }) => invocations > 0);
  expect(kept).toHaveLength(500);
});

it("sums functions up", () => {
  const series = new MinuteSeries();
  for (const name of ["a", "b"])
    series.count(`${ARN}-${name}`, START_MS, ended({ durationMs: name === "a" ? 1 : 900 }));
  expect(series.points(all, START_MS, 1)).toMatchObject([{ invocations: 2, duration: { max: 900 } }]);
  series.forget((arn) => arn.endsWith("-b"));
  expect(series.points(all, START_MS, 1)).toMatchObject([{ invocations: 1, duration: { max: 1 } }]);
});
