/** Figures and axes: known values. */
import { expect, it } from "vitest";
import { distributionOf, tickStep } from "./statistics.ts";

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

it.each([0.1, 1, 5.9, 6.1, 37, 60, 61, 999, 1e6])("marks an axis of %d ms at most six times", (endMs) => {
  const step = tickStep(endMs);
  expect(endMs / step).toBeLessThanOrEqual(6);
  expect(String(step)).toMatch(/^[125]0*$/);
});
