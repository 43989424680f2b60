import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { isLike } from "./like.ts";

fc.configureGlobal({ seed: 1 });

/** By trying everything: short texts only. */
function reference(pattern: string, text: string): boolean {
  const [first, rest] = [pattern[0], pattern.slice(1)];
  if (first === undefined) return text === "";
  if (first === "*") return reference(rest, text) || (text !== "" && reference(pattern, text.slice(1)));
  return text !== "" && (first === "?" || first === text[0]) && reference(rest, text.slice(1));
}

it("is what trying everything gives", () => {
  const patterns = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
  const texts = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 });
  fc.assert(
    fc.property(patterns, texts, (pattern, text) => {
      expect(isLike(pattern, text)).toBe(reference(pattern, text));
    }),
    { numRuns: 5000 },
  );
});

it("looks for each part between stars once", () => {
  const looks = vi.spyOn(String.prototype, "indexOf");
  try {
    expect(isLike(`*${"a".repeat(7000)}b*b*`, "a".repeat(15_000))).toBe(false);
    expect(looks).toHaveBeenCalledTimes(1);
  } finally {
    looks.mockRestore();
  }
});
