/** Texts in other encodings than UTF-8 are refused in words: read as UTF-8 they would be another text. */
import { expect, it } from "vitest";
import { CommandError } from "./command-error.ts";
import { decodeUserText } from "./user-text.ts";

const TEXT = "Resources: {}\nÄ: ü\n";

const swapped = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16();
const utf16 = Buffer.from(TEXT, "utf16le");
const utf32 = Buffer.from(Array.from(TEXT, (each) => [...Buffer.from(each, "utf16le"), 0, 0]).flat());

it.for([
  ["UTF-16LE", "with its mark", Buffer.concat([Buffer.from([0xff, 0xfe]), utf16])],
  ["UTF-16BE", "with its mark", Buffer.concat([Buffer.from([0xfe, 0xff]), swapped(utf16)])],
  ["UTF-16LE", "without a mark", utf16],
  ["UTF-16BE", "without a mark", swapped(utf16)],
  ["UTF-32LE", "with its mark", Buffer.concat([Buffer.from([0xff, 0xfe, 0, 0]), utf32])],
  ["UTF-32BE", "with its mark", Buffer.concat([Buffer.from([0, 0, 0xfe, 0xff]), utf32])],
] as const)("names %s, %s, and says how to make UTF-8 of it", ([encoding, , bytes]) => {
  const told = new CommandError(
    `t.yaml: its text is in ${encoding}, and only UTF-8 is read. Save it as UTF-8, in an editor or by: iconv -f ${encoding.slice(0, 6)} -t UTF-8 OLD > NEW`,
  );
  expect(() => decodeUserText(bytes, "t.yaml")).toThrow(told);
});

it("names the line that is in another encoding", () => {
  const told = "t.yaml: line 2 is not UTF-8, and may be in Latin-1 or Windows-1252. Save the file as UTF-8";
  expect(() => decodeUserText(Buffer.from(TEXT, "latin1"), "t.yaml")).toThrow(told);
});

it("reads UTF-8, with a mark and without, and a file with nothing in it", () => {
  expect(decodeUserText(Buffer.from(TEXT), "t")).toBe(TEXT);
  expect(decodeUserText(Buffer.from(`\ufeff${TEXT}`), "t")).toBe(TEXT);
  expect(decodeUserText(Buffer.alloc(0), "t")).toBe("");
  expect(decodeUserText(Buffer.from("7"), "t")).toBe("7");
});
