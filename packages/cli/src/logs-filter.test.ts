import { expect, it } from "vitest";
import { parseFilter } from "./logs-filter.ts";

it("takes the patterns of CloudWatch Logs", () => {
  const isWanted = parseFilter('{ $.level = "ERROR" }');
  expect([isWanted('{"level":"ERROR"}'), isWanted("ERROR")]).toEqual([true, false]);
});

it.for<[string, RegExp]>([
  ["  ", /nothing to look for/],
  ['"open', /the quote "open is not closed$/],
  ["a:b", /^--filter a:b: Invalid character\(s\) in term ':'\. .* stand in quotes: /],
])("%s is refused by a sentence", ([pattern, reason]) => {
  expect(() => parseFilter(pattern)).toThrow(reason);
});
