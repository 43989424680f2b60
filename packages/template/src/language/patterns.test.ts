import { expect, it } from "vitest";
import { Patterns } from "./patterns.ts";

/** Some 2 to the 20th steps before the second choice is tried. */
const SLOW = "(a+)+b|[^]*";
const VALUE = "a".repeat(20);

it("the patterns of one template have a time together, whether or not their values match", () => {
  const patterns = new Patterns();
  const said = new Set<string | null>();
  for (let tries = 0; tries < 1000 && !said.has(tooLong); tries++) said.add(patterns.violation(SLOW, VALUE));
  expect(said).toContain(tooLong);
  expect(patterns.violation("a+", "a")).toContain("take too long");
  expect(new Patterns().violation("a+", "a")).toBe(null);
});

const tooLong = `must match pattern ${SLOW}, which can't be tried (the patterns of this template take too long)`;

it("a pattern sees its own value only, and nothing of the program", () => {
  const patterns = new Patterns();
  expect(patterns.violation("a{1,3}", "aa")).toBe(null);
  expect(patterns.violation("a{1,3}", "b")).toBe("must match pattern a{1,3}");
  expect(patterns.violation("${process.exit(1)}", "x")).toMatch(/^must match pattern/);
});
