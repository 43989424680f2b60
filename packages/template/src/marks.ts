/**
 * A mark stands in texts for a value that is put there later. It has private characters of Unicode only, so no
 * delimiter of `Fn::Split` takes one apart.
 */
const BEGIN = "\u{F0000}";
const END = "\u{F0001}";
/** A key's characters are ASCII; they lie this much higher in a mark. */
const SHIFT = 0xf_0100;
const MARK = /\u{F0000}([^\u{F0000}\u{F0001}]*)\u{F0001}/gu;

/** Stands for what whoever knows the key puts there. Its characters are ASCII. */
export function mark(key: string): string {
  return `${BEGIN}${shifted(key, SHIFT)}${END}`;
}

function shifted(text: string, by: number): string {
  return Array.from(text, (character) => String.fromCodePoint((character.codePointAt(0) ?? 0) + by)).join("");
}

/** Puts something in the place of each mark. */
export function replaceMarks(text: string, replace: (key: string) => string): string {
  return text.replaceAll(MARK, (_mark, inside: string) => replace(shifted(inside, -SHIFT)));
}

export function hasMark(text: string): boolean {
  return text.includes(BEGIN);
}
