import { expect, it } from "vitest";
import { SeenSequences } from "./seen-sequences.ts";

it("takes each number once, and keeps the last ones only", () => {
  const seen = new SeenSequences();
  expect([3, 1, 3, 2, 1].map((sequence) => seen.take(sequence))).toEqual([true, true, false, true, false]);
  for (let sequence = 10; sequence < 20_010; sequence++) seen.take(sequence);
  expect(seen.has(3)).toBe(false);
  expect(seen.has(20_009)).toBe(true);
  expect(seen.take(20_009)).toBe(false);
});
