/**
 * A guide whose commands are run as they stand there, and whose outputs are compared. A block of `sh` is run, the block
 * of `text` behind it is what it prints: `…` in a line stands for anything, a line of its own for any lines. A comment
 * `<!-- test: … -->` before a block of `sh` says that the test does it in another way, or not at all.
 */

export interface Step {
  readonly line: number;
  readonly commands: string;
  /** What the guide says that they print; null: it shows nothing. */
  readonly expected: string | null;
  /** Text of the comment before the block; null: it is run as it stands. */
  readonly note: string | null;
}

const NOTE = /^<!-- test: (.{1,200}) -->$/;
const VARIES = "…";

/** Reads the blocks of a guide, in their order. */
export function readSteps(guide: string): readonly Step[] {
  const steps: Step[] = [];
  const lines = guide.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const kind = /^```(\w*)$/.exec(lines[at] ?? "")?.[1];
    if (kind === undefined) continue;
    const end = lines.indexOf("```", at + 1);
    const text = lines.slice(at + 1, end).join("\n");
    if (kind === "sh") {
      const note = NOTE.exec(lines[at - 1] ?? "")?.[1] ?? null;
      steps.push({ line: at + 1, commands: text, expected: null, note });
    } else if (kind === "text") {
      const last = steps.pop();
      if (last === undefined || last.expected !== null) throw new Error(`line ${at + 1}: an output of no commands`);
      steps.push({ ...last, expected: text });
    }
    at = end;
  }
  return steps;
}

/** Says where an output is not what a guide shows; null: it is. */
export function differs(expected: string, actual: string): string | null {
  const lines = actual.trimEnd().split("\n");
  let at = 0;
  let maySkip = false;
  for (const wanted of expected.split("\n")) {
    if (wanted === VARIES) {
      maySkip = true;
      continue;
    }
    if (maySkip) while (at < lines.length && !fits(wanted, lines[at] ?? "")) at++;
    if (at >= lines.length || !fits(wanted, lines[at] ?? ""))
      return `the guide shows\n${wanted}\nand the output is\n${actual}`;
    at++;
    maySkip = false;
  }
  return maySkip || at === lines.length ? null : `the guide shows nothing of\n${lines.slice(at).join("\n")}`;
}

/** Whether a line is the wanted one but for what varies. */
function fits(wanted: string, line: string): boolean {
  const [first = "", ...others] = wanted.split(VARIES);
  const last = others.pop();
  if (last === undefined) return line === wanted;
  if (!line.startsWith(first)) return false;
  let rest = line.slice(first.length);
  for (const part of others) {
    const found = rest.indexOf(part);
    if (found < 0) return false;
    rest = rest.slice(found + part.length);
  }
  return rest.endsWith(last);
}
