/** What a reader of screens is told of new lines: a tail must not be read aloud line by line. */
export function newLinesInWords(count: number): string {
  if (count === 0) return "";
  if (count <= 10) return "There are new lines.";
  return `There are more than ${10 ** (String(count - 1).length - 1)} new lines.`;
}
