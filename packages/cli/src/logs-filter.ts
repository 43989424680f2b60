/**
 * Filters of log events, in CloudWatch's words for plain text ("Filter pattern syntax" of CloudWatch Logs): each term
 * must be in the event, `?term` says that one of several is enough, `-term` must not be there; quotes keep blanks
 * together. Case matters. Terms are text, no expressions, so that the time is linear in what is read.
 */
import { CommandError } from "@thaw/installation/command-error";

export type LogFilter = (message: string) => boolean;

interface Term {
  readonly sign: "" | "?" | "-";
  readonly text: string;
}

const BLANK = /\s/;

/** Throws a CommandError for a pattern that means something else on AWS. */
export function parseFilter(pattern: string): LogFilter {
  const first = pattern.trim()[0] ?? "";
  if (first === "") throw new CommandError("--filter: there is nothing to look for");
  if (first === "{" || first === "[" || first === "%") {
    throw new CommandError(
      `--filter ${pattern}: patterns of CloudWatch for JSON ({…}), columns ([…]) and expressions (%…%) are not supported. ` +
        "To look for this text, put it in quotes: --filter '\"…\"'",
    );
  }
  const terms = readTerms(pattern);
  const of = (sign: Term["sign"]): readonly string[] =>
    terms.filter((term) => term.sign === sign).map((term) => term.text);
  const [all, any, none] = [of(""), of("?"), of("-")];
  return (message) =>
    all.every((text) => message.includes(text)) &&
    (any.length === 0 || any.some((text) => message.includes(text))) &&
    !none.some((text) => message.includes(text));
}

function readTerms(pattern: string): readonly Term[] {
  const terms: Term[] = [];
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at] ?? "";
    if (BLANK.test(character)) {
      at++;
      continue;
    }
    const sign = character === "?" || character === "-" ? character : "";
    const [text, end] = readText(pattern, at + sign.length);
    // A sign alone is text: "a - b".
    terms.push(text === "" ? { sign: "", text: sign } : { sign, text });
    at = end;
  }
  return terms;
}

/** Reads a word or a quoted text; returns where it ends. */
function readText(pattern: string, start: number): readonly [string, number] {
  let text = "";
  if (pattern[start] !== '"') {
    let end = start;
    while (end < pattern.length && !BLANK.test(pattern[end] ?? "")) end++;
    return [pattern.slice(start, end), end];
  }
  for (let at = start + 1; at < pattern.length; at++) {
    if (pattern[at] === '"') return [text, at + 1];
    if (pattern[at] === "\\" && (pattern[at + 1] === '"' || pattern[at + 1] === "\\")) at++;
    text += pattern[at];
  }
  throw new CommandError(`--filter ${pattern}: a quote is not closed`);
}
