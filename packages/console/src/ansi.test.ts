import { expect, it } from "vitest";
import { readAnsi } from "./ansi.ts";

const plain = (text: string) => ({ text, color: null, isBold: false });

it("reads colours and weight", () => {
  expect(readAnsi("a\u001b[31mb\u001b[1mc\u001b[39md\u001b[0me\u001b[97mf\u001b[mg")).toEqual([
    plain("a"),
    { text: "b", color: 1, isBold: false },
    { text: "c", color: 1, isBold: true },
    { text: "d", color: null, isBold: true },
    plain("e"),
    { text: "f", color: 15, isBold: false },
    plain("g"),
  ]);
  expect(readAnsi("\u001b[38;5;31mx\u001b[48;2;1;2;3my")).toEqual([plain("x"), plain("y")]);
});

it("leaves markup as the text that it is", () => {
  expect(readAnsi("<img src=x onerror=alert(1)>&amp;")).toEqual([plain("<img src=x onerror=alert(1)>&amp;")]);
});

it.each([
  ["a\u0000b\u0007\u009bc", "abc"],
  ["tab\tstays", "tab\tstays"],
  ["\u202eevil\u2066", "\\u202eevil\\u2066"],
  ["\u001b[2J\u001b[Hclean\u001b]0;title\u0007", "clean]0;title"],
  ["\u001b", ""],
  ["\u001b[", ""],
  ["\u001b[31", ""],
  ["\u001b[31äx", "äx"],
])("takes out what is no text: %j", (line, text) => {
  const runs = readAnsi(line);
  expect(runs.map((run) => run.text).join("")).toBe(text);
});

it("is linear, also where no sequence ends", () => {
  const line = "\u001b[".repeat(200_000);
  expect(readAnsi(line)).toEqual([]);
  expect(readAnsi(`${"\u001b[1;".repeat(100_000)}ä`).at(-1)?.text).toBe("ä");
});
