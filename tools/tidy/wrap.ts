/** Wraps comments that are too wide; the formatters leave them as they are. */

import { COLUMNS_MAX, widthOf } from "./rules.ts";

const ONE_LINE_BLOCK = /^(\s*)\/\*\* (.*) \*\/$/;
/** A line of a comment that is prose: no list, no table, no picture, no tag. */
const PROSE = /^(\s*(?:\*|\/\/[/!]?|#) )(?=[^\s|@#*<-])(?!```)(.*)$/;
const NEW_PARAGRAPH = /^(?:[\s|@#*/<-]|\d+\.|<p>)/;

/** The text with every wide comment wrapped, from its first wide line to the end of its paragraph. */
export function wrapComments(text: string): string {
  const lines = text.split("\n");
  const done: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const wide = widthOf(line) > COLUMNS_MAX;
    const block = wide ? ONE_LINE_BLOCK.exec(line) : null;
    const prose = wide ? PROSE.exec(line) : null;
    if (block !== null) {
      const [, indent = "", words = ""] = block;
      done.push(`${indent}/**`, ...fill(`${indent} * `, words), `${indent} */`);
    } else if (prose !== null) {
      const [, prefix = "", first = ""] = prose;
      const words = [first];
      while (continues(lines[at + 1], prefix)) words.push((lines[++at] ?? "").slice(prefix.length));
      done.push(...fill(prefix, words.join(" ")));
    } else {
      done.push(line);
    }
  }
  return done.join("\n");
}

function continues(line: string | undefined, prefix: string): boolean {
  const rest = line?.startsWith(prefix) === true ? line.slice(prefix.length) : "";
  return rest !== "" && !NEW_PARAGRAPH.test(rest);
}

function fill(prefix: string, text: string): string[] {
  const lines: string[] = [];
  let line = prefix;
  for (const word of text.split(/\s+/)) {
    if (line !== prefix && widthOf(line) + 1 + widthOf(word) > COLUMNS_MAX) {
      lines.push(line);
      line = prefix;
    }
    line += line === prefix ? word : ` ${word}`;
  }
  return [...lines, line];
}
