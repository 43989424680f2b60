/**
 * A line of a log as runs of text with the 16 colours of terminals. A log is foreign text: what is not a colour is
 * taken out or shown as an escape, and nothing of it becomes markup.
 */
import { asEscape, UNSEEN_MARKS } from "@thaw/thaw-api/foreign-text";

export interface Run {
  readonly text: string;
  /** 0 to 15; null: the page's own. */
  readonly color: number | null;
  readonly isBold: boolean;
}

const ESCAPE = "\u001b";
/** Parameters of an escape sequence; a longer one is none. */
const PARAMETERS_LENGTH_MAX = 64;
const IS_PARAMETER = /^[0-9;:<=>?!]$/;
/** All controls but the tab. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

/** Reads a line; time and size are linear in its length. */
export function readAnsi(line: string): readonly Run[] {
  const runs: Run[] = [];
  let color: number | null = null;
  let isBold = false;
  let at = 0;
  const add = (text: string): void => {
    const shown = showUnseen(text);
    if (shown !== "") runs.push({ text: shown, color, isBold });
  };
  while (at < line.length) {
    const found = line.indexOf(ESCAPE, at);
    if (found === -1) break;
    add(line.slice(at, found));
    const sequence = readSequence(line, found);
    at = sequence.end;
    if (sequence.codes === null) continue;
    for (const code of sequence.codes) {
      if (code === 0) [color, isBold] = [null, false];
      else if (code === 1) isBold = true;
      else if (code === 22) isBold = false;
      else if (code === 39) color = null;
      else if (code >= 30 && code <= 37) color = code - 30;
      else if (code >= 90 && code <= 97) color = code - 82;
      // What follows are parts of a colour of another palette.
      else if (code === 38 || code === 48) break;
    }
  }
  add(line.slice(at));
  return runs;
}

/** The end of the escape sequence at `start`, and its codes where it is one of colours. */
function readSequence(line: string, start: number): { readonly end: number; readonly codes: readonly number[] | null } {
  if (line[start + 1] !== "[") return { end: start + 1, codes: null };
  let end = start + 2;
  while (end - start < PARAMETERS_LENGTH_MAX && IS_PARAMETER.test(line[end] ?? "")) end++;
  const final = line[end] ?? "";
  if (!/^[@-~]$/.test(final)) return { end, codes: null };
  const codes =
    final === "m"
      ? line
          .slice(start + 2, end)
          .split(";")
          .map(Number)
      : null;
  return { end: end + 1, codes };
}

/** Controls are taken out; marks that change how a line is read are shown. */
export function showUnseen(text: string): string {
  return text.replace(CONTROLS, "").replace(UNSEEN_MARKS, asEscape);
}
