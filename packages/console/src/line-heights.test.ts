import { expect, it } from "vitest";
import { placeLines } from "./line-heights.ts";

/** What is in sight is drawn whole, at its place, for each place that can be looked at. */
it("draws all that is in sight, where it lies, and no more than the margin beyond", () => {
  const heights = Array.from({ length: 200 }, (_, at) => 20 * (1 + (at % 7)));
  const all = heights.reduce((sum, each) => sum + each, 0);
  for (let top = 0; top <= all; top += 13) {
    const { first, until, above, total } = placeLines(heights, { top, height: 300 }, 2);
    expect(total).toBe(all);
    expect(above).toBe(heights.slice(0, first).reduce((sum, each) => sum + each, 0));
    const below = above + heights.slice(first, until).reduce((sum, each) => sum + each, 0);
    expect(above).toBeLessThanOrEqual(top);
    expect(below).toBeGreaterThanOrEqual(Math.min(top + 300, all));
    // 300 pixels are 15 lines at most, and two of them may be in sight in part.
    expect(until - first).toBeLessThanOrEqual(17 + 4);
  }
});

it("has nothing to place where there is nothing", () => {
  expect(placeLines([], { top: 0, height: 600 }, 10)).toEqual({ first: 0, until: 0, seen: 0, above: 0, total: 0 });
});
