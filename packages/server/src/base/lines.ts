/**
 * Lines of a protocol: they end with a newline and with nothing else. Node's readline ends them at U+2028 and U+2029,
 * too, which JSON leaves as they are in texts, so that a text could break its line in two.
 */
import type { Readable } from "node:stream";

/** Tells each line of a stream of UTF-8. One that has no end yet is kept. */
export function onLines(stream: Readable, tell: (line: string) => void): void {
  /** Pieces of the line that is not whole; joined once, however many they are. */
  let pieces: string[] = [];
  stream.setEncoding("utf8").on("data", (text: string) => {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      pieces.push(text.slice(start, end));
      start = end + 1;
      const line = pieces.join("");
      pieces = [];
      tell(line);
    }
    if (start < text.length) pieces.push(text.slice(start));
  });
}

const SEPARATORS = /[\u0085\u2028\u2029]/g;

/** Writes a document as a line that every reader takes for one, also those that end lines at other characters. */
export function jsonLine(document: unknown): string {
  const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `${JSON.stringify(document).replaceAll(SEPARATORS, escaped)}\n`;
}
