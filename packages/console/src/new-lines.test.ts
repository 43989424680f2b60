import { expect, it } from "vitest";
import { newLinesInWords } from "./new-lines.ts";

it("says something new a few times only, however many lines come", () => {
  const said = new Set(Array.from({ length: 10_001 }, (_, count) => newLinesInWords(count)));
  expect([...said]).toEqual([
    "",
    "There are new lines.",
    "There are more than 10 new lines.",
    "There are more than 100 new lines.",
    "There are more than 1000 new lines.",
  ]);
});
