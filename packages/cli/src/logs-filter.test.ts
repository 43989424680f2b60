import { it } from "vitest";
import { parseFilter } from "./logs-filter.ts";

const MESSAGES = ["ERROR: no such order", "WARN: order - late", 'INFO "order" done', "[ERROR] second\nline"];

it.for<[string, readonly number[]]>([
  ["ERROR", [0, 3]],
  ["error", []],
  ["ERROR order", [0]],
  ["order ERROR", [0]],
  ['"such order"', [0]],
  ["?WARN ?INFO", [1, 2]],
  ["order ?WARN ?INFO", [1, 2]],
  ["order -WARN", [0, 2]],
  ['-"such order" order', [1, 2]],
  ["order - late", [1]],
  ['"\\"order\\""', [2]],
  ['"[ERROR]"', [3]],
  ["ERROR].*", []],
])("%s", ([pattern, expected], { expect }) => {
  const isWanted = parseFilter(pattern);
  expect(MESSAGES.flatMap((message, index) => (isWanted(message) ? [index] : []))).toEqual(expected);
});

it.for<[string, RegExp]>([
  ["{ $.level = ERROR }", /for JSON.*not supported.*in quotes/],
  ["[a, b]", /not supported/],
  ["%a.*b%", /not supported/],
  ["  ", /nothing to look for/],
  ['"open', /quote is not closed/],
])("%s is refused by a sentence", ([pattern, reason], { expect }) => {
  expect(() => parseFilter(pattern)).toThrow(reason);
});
