/** How many members and items a response may have: all of them are looked at, and the server does nothing else then. */

/** Far above what any client takes: Node.js and Python stop at some hundred headers. */
export const PARTS_MAX = 5000;

const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const QUOTE = 0x22;

/**
 * Says whether JSON has more members and items than a response may have, without reading it: a result of 6 MB may have
 * a million. Of bytes that are no JSON it says anything.
 */
export function hasTooManyParts(json: Buffer): boolean {
  let commas = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === COMMA && ++commas >= PARTS_MAX) return true;
    if (byte === QUOTE) at = endOfText(json, at + 1);
  }
  return false;
}

/** The place of the quote that ends a text; the end of the bytes where there is none. */
function endOfText(json: Buffer, start: number): number {
  let at = start;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at;
}
