/**
 * Matches a text with a pattern of `*` and `?`, as policies have them. Takes each part between stars at its first place
 * behind the one before. The texts are foreign, so parts without a `?` are looked for by `indexOf`: a comparison at
 * each place takes the product of both lengths.
 */
export function isLike(pattern: string, text: string): boolean {
  const [first = "", ...parts] = pattern.split("*");
  const last = parts.pop();
  if (last === undefined) return first.length === text.length && isAt(first, text, 0);
  const end = text.length - last.length;
  if (end < first.length || !isAt(first, text, 0) || !isAt(last, text, end)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = part.includes("?") ? find(part, text, at) : text.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

function find(part: string, text: string, from: number): number {
  for (let at = from; at + part.length <= text.length; at++) if (isAt(part, text, at)) return at;
  return -1;
}

/** `?` stands for one character. */
function isAt(part: string, text: string, start: number): boolean {
  for (let at = 0; at < part.length; at++) {
    const wanted = part.charCodeAt(at);
    if (wanted !== QUESTION_MARK && wanted !== text.charCodeAt(start + at)) return false;
  }
  return true;
}

const QUESTION_MARK = 0x3f;
