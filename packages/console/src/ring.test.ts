import { expect, it } from "vitest";
import { Ring } from "./ring.ts";

it("keeps the newest in their order", () => {
  const ring = new Ring<number>(3);
  expect(ring.slice(0, 9)).toEqual([]);
  for (let at = 1; at <= 7; at++) {
    expect(ring.push(at)).toBe(at > 3 ? at - 3 : undefined);
    const kept = Array.from({ length: at }, (_, index) => index + 1).slice(-3);
    expect(ring.slice(0, 9)).toEqual(kept);
    expect(ring.length).toBe(kept.length);
  }
  expect(ring.slice(1, 2)).toEqual([6]);
  expect(ring.slice(-5, 1)).toEqual([5]);
  expect(ring.added).toBe(7);
  ring.clear();
  expect(ring.length).toBe(0);
  ring.push(8);
  expect(ring.slice(0, 9)).toEqual([8]);
});
