/** Foreign text on a screen, of a browser or a terminal: what nobody sees, and what changes how the rest is read. */

/**
 * Marks that turn the order of what is read, lines that break where no line ends, the byte order mark, and what takes
 * no room or looks like a blank: two texts that differ by one of these look the same. The joiners U+200C and U+200D are
 * none of them: scripts and emoji are written with them.
 */
export const UNSEEN_MARKS =
  // The last two are the halves of tags, each of which takes two of JavaScript's characters.
  /[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|\u034f|\udb40(?=[\udc00-\udc7f])|(?<=\udb40)[\udc00-\udc7f]/g;

/** Shows a character as `\u001b`, which is what it is in JSON, too. */
export function asEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
