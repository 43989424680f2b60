/** Generated documents keep to 120 columns, as those that are written by hand. */
const COLUMNS_MAX = 120;
/** Leaves room for the two spaces that break a line. */
const WRAPPED_COLUMNS_MAX = 118;

/** Wraps lines between words; items of lists with a hanging indent. Tables, headings and code stay as they are. */
export function wrapMarkdown(text: string): string {
  let isFenced = false;
  return text
    .split("\n")
    .map((line) => {
      if (line.startsWith("```")) isFenced = !isFenced;
      const stays = isFenced || line.length <= COLUMNS_MAX || line.startsWith("|") || line.startsWith("#");
      return stays ? line : wrapLine(line);
    })
    .join("\n");
}

function wrapLine(line: string): string {
  const indent = /^ *(?:- )?/.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  let current = indent.trimEnd();
  for (const word of line.slice(indent.length).split(" ")) {
    const isFirst = current.trim() === "" || current === indent.trimEnd();
    const next = isFirst ? `${lines.length === 0 ? indent : " ".repeat(indent.length)}${word}` : `${current} ${word}`;
    if (next.length <= WRAPPED_COLUMNS_MAX || isFirst || word === "") current = next;
    else {
      lines.push(current);
      current = `${" ".repeat(indent.length)}${word}`;
    }
  }
  return [...lines, current].join("\n");
}
