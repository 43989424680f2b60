import { expect, it } from "vitest";
import { showControls } from "./terminal.ts";

it.for<[string, string]>([
  ["\u001b[31mred\u001b[0m", "\\u001b[31mred\\u001b[0m"],
  ["\u009b31m and \u007f", "\\u009b31m and \\u007f"],
  ["bell \u0007, back \b, nul \0", "bell \\u0007, back \\u0008, nul \\u0000"],
  ["first\rsecond\r\nthird\n", "first\nsecond\nthird\n"],
  ["tab\tand é€😀\u00a0", "tab\tand é€😀\u00a0"],
  ["abc\u202edcba\u2066", "abc\\u202edcba\\u2066"],
  ["pay\u200bpal, soft\u00adhyphen, join\u2060ed", "pay\\u200bpal, soft\\u00adhyphen, join\\u2060ed"],
  ["fillers \u3164\u115f\uffa0", "fillers \\u3164\\u115f\\uffa0"],
  ["tags \u{e0041}\u{e007f}", "tags \\udb40\\udc41\\udb40\\udc7f"],
  // Scripts and emoji are written with these.
  ["👩\u200d🚀 می\u200cخواهم ❤\ufe0f", "👩\u200d🚀 می\u200cخواهم ❤\ufe0f"],
])("%j", ([text, shown]) => {
  expect(showControls(text)).toBe(shown);
});

it("leaves a JSON document one", () => {
  const value = { text: "\u001b]0;title\u0007 \u009b1A \u202e \r\n" };
  expect(JSON.parse(showControls(JSON.stringify(value)))).toEqual(value);
});
