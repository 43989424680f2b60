/**
 * Matches a text with a pattern of `*` and `?`, as policies have them. Goes back to the last `*` only, so that the time
 * is at most the product of both lengths.
 */
export function isLike(pattern: string, text: string): boolean {
  let at = 0;
  let of = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    if (pattern[of] === "*") {
      star = of++;
      starAt = at;
    } else if (of < pattern.length && (pattern[of] === "?" || pattern[of] === text[at])) {
      of++;
      at++;
    } else if (star >= 0) {
      of = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (pattern[of] === "*") of++;
  return of === pattern.length;
}
