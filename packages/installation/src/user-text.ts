/** Files of text that people write, in UTF-8. What is not is refused in words: it would be read as another text. */
import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { CommandError } from "./command-error.ts";

interface Mark {
  readonly bytes: readonly number[];
  readonly encoding: string;
}

/** Byte order marks of other encodings, the longer ones first. */
const MARKS: readonly Mark[] = [
  { bytes: [0xff, 0xfe, 0, 0], encoding: "UTF-32LE" },
  { bytes: [0, 0, 0xfe, 0xff], encoding: "UTF-32BE" },
  { bytes: [0xff, 0xfe], encoding: "UTF-16LE" },
  { bytes: [0xfe, 0xff], encoding: "UTF-16BE" },
];
const UTF8_MARK = "\ufeff";

/** Throws CommandError where the text is not UTF-8, and what `readFileSync` throws. */
export function readUserText(path: string): string {
  return decodeUserText(readFileSync(path), path);
}

/** `name`: of the file, for the error. Throws CommandError where the text is not UTF-8. */
export function decodeUserText(bytes: Buffer, name: string): string {
  const encoding = otherEncoding(bytes);
  if (encoding !== null)
    throw new CommandError(
      `${name}: its text is in ${encoding}, and only UTF-8 is read. Save it as UTF-8, in an editor or by: ` +
        `iconv -f ${encoding.slice(0, "UTF-16".length)} -t UTF-8 OLD > NEW`,
    );
  if (!isUtf8(bytes))
    throw new CommandError(
      `${name}: line ${lineOfOther(bytes)} is not UTF-8, and may be in Latin-1 or Windows-1252. Save the file as UTF-8`,
    );
  const text = bytes.toString("utf8");
  return text.startsWith(UTF8_MARK) ? text.slice(UTF8_MARK.length) : text;
}

/** The encoding that a text begins in, by its mark or by a first character of ASCII; null: it may be UTF-8. */
function otherEncoding(bytes: Buffer): string | null {
  const marked = MARKS.find(({ bytes: mark }) => mark.every((byte, at) => bytes[at] === byte));
  if (marked !== undefined) return marked.encoding;
  const [first, second] = bytes;
  if (first === undefined || second === undefined || (first === 0) === (second === 0)) return null;
  return first === 0 ? "UTF-16BE" : "UTF-16LE";
}

/** The number of the first line that is not UTF-8: no other line has bytes of its characters. */
function lineOfOther(bytes: Buffer): number {
  let line = 1;
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf("\n", from);
    const until = end === -1 ? bytes.length : end;
    if (!isUtf8(bytes.subarray(from, until))) return line;
    from = until + 1;
  }
  return line;
}
