/** Figures and durations: known values, and what is refused. */
import { expect, it } from "vitest";
import { parseDuration } from "./duration.ts";
import { distributionOf } from "./statistics.ts";
import { tickStep } from "./svg.ts";

it("gives quartiles as R, NumPy and Excel do, in any order, and keeps outliers", () => {
  expect(distributionOf([9, 1, 3, 2, 1009])).toEqual({
    count: 5,
    min: 1,
    q1: 2,
    p50: 3,
    q3: 9,
    p90: expect.closeTo(609),
    max: 1009,
  });
  const ten = distributionOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect([ten?.q1, ten?.p50, ten?.q3, ten?.p90]).toEqual([3.25, 5.5, 7.75, 9.1]);
  expect(distributionOf([7])).toEqual({ count: 1, min: 7, q1: 7, p50: 7, q3: 7, p90: 7, max: 7 });
  expect(distributionOf([])).toBeNull();
});

it("reads durations with their unit, and nothing else", () => {
  const good = { "50ms": 50, "1.5s": 1500, "0.25ms": 0.25, "9999999s": 9_999_999_000 };
  for (const [text, ms] of Object.entries(good)) expect(parseDuration(text)).toBe(ms);
  const bad = ["", "50", "ms", "50 ms", "50MS", "-1ms", "+1ms", "1e3ms", "0ms", "0.0s", ".5s", "5.s", "1m", "1.2345s"];
  for (const text of [...bad, "12345678ms", "Infinitys", "NaNms", "50ms\n", "٥ms", "0x1s"])
    expect([text, parseDuration(text)]).toEqual([text, null]);
});

it.for([
  [1, 1],
  [6, 1],
  [7, 2],
  [900, 200],
  [1000, 200],
  [61_000, 20_000],
])("marks an axis of %d ms each %d ms", ([end = 0, step], { expect }) => {
  expect(tickStep(end)).toBe(step);
});
