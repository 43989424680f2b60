import { expect, it } from "vitest";
import { queryValues } from "./query-values.ts";

it.for([
  ["", []],
  [
    "a=1&b=&a=2",
    [
      ["a", ["1", "2"]],
      ["b", [""]],
    ],
  ],
  [
    "a=b+c%20d&__proto__=1",
    [
      ["a", ["b c d"]],
      ["__proto__", ["1"]],
    ],
  ],
  ["?a", [["?a", [""]]]],
] as const)("%s", ([query, values]) => {
  expect([...queryValues(query)]).toEqual(values);
});
