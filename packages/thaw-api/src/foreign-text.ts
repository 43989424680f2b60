/** Foreign text on a screen, of a browser or a terminal: what nobody sees, and what changes how the rest is read. */

/** Marks that turn the order of what is read, lines that break where no line ends, and the byte order mark. */
export const UNSEEN_MARKS = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Shows a character as `\u001b`, which is what it is in JSON, too. */
export function asEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
