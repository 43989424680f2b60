import { expect, it } from "vitest";
import { hasTooManyParts, PARTS_MAX } from "./answer-parts.ts";

const of = (value: unknown): boolean => hasTooManyParts(Buffer.from(JSON.stringify(value)));

it("counts members and items, and nothing within texts", () => {
  expect(of(Array.from({ length: PARTS_MAX }, () => 1))).toBe(false);
  expect(of(Array.from({ length: PARTS_MAX + 1 }, () => 1))).toBe(true);
  expect(of({ a: '\\",'.repeat(PARTS_MAX), b: "\\", c: ",".repeat(PARTS_MAX) })).toBe(false);
  expect(hasTooManyParts(Buffer.from(`"${",".repeat(PARTS_MAX)}`))).toBe(false);
});
