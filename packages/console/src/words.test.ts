import { expect, it } from "vitest";
import { ago, counted, inBytes, inMilliseconds, inWords } from "./words.ts";

it.each([
  [0, "0 s"],
  [59.4, "59 s"],
  [60, "1 min"],
  [3599, "59 min 59 s"],
  [3661, "1 h 1 min"],
  [90_000, "1 d 1 h"],
  [-5, "0 s"],
])("%d s is %s", (seconds, words) => {
  expect(inWords(seconds)).toBe(words);
});

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [200 * 2 ** 20, "200 MiB"],
  [2 ** 50, "1024 TiB"],
])("%d bytes are %s", (bytes, words) => {
  expect(inBytes(bytes)).toBe(words);
});

it("says how long ago, and never that something will be", () => {
  expect(ago(1000, 1000)).toBe("now");
  expect(ago(2000, 1000)).toBe("now");
  expect(ago(0, 3_700_000)).toBe("1 h ago");
  expect(ago(0, 45_000)).toBe("45 s ago");
});

it("counts and measures", () => {
  expect([counted(1, "version"), counted(0, "version")]).toEqual(["1 version", "0 versions"]);
  expect([inMilliseconds(1.25), inMilliseconds(31.6)]).toEqual(["1.3 ms", "32 ms"]);
});
