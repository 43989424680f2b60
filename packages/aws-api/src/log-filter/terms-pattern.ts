/** Patterns of plain text: `ERROR "no such order" -retry`, `?ERROR ?WARN`, `%ERR.*42%`. */
import { Expression } from "./expression.ts";
import { invalidCharacters, type LogFilter } from "./filter.ts";
import type { PatternReader } from "./pattern-reader.ts";

type Sign = "" | "?" | "-";

const WORD = /[\p{L}\p{N}_]+/uy;

/**
 * Reads a pattern up to its end. Each term must be in the message, those with `-` must not; where all are marked with
 * `?`, one is enough. AWS ignores the marked ones beside others.
 */
export function readTermsPattern(reader: PatternReader): LogFilter {
  const terms: Record<Sign, LogFilter[]> = { "": [], "?": [], "-": [] };
  for (reader.skipBlanks(); !reader.isAtEnd; reader.skipBlanks()) {
    const sign = reader.isAt("?") ? "?" : reader.isAt("-") ? "-" : "";
    terms[sign].push(readTerm(reader, sign));
  }
  const { "": all, "-": none } = terms;
  const any = all.length + none.length === 0 ? terms["?"] : [];
  return {
    weight: [...all, ...none, ...any].reduce((sum, { weight }) => sum + weight, 1),
    test: (message) =>
      all.every((term) => term.test(message)) &&
      !none.some((term) => term.test(message)) &&
      (any.length === 0 || any.some((term) => term.test(message))),
  };
}

function readTerm(reader: PatternReader, sign: Sign): LogFilter {
  reader.take(sign);
  if (reader.isAt("%")) return new Expression(reader.readExpression());
  if (reader.isAt('"')) return ofText(reader.readQuoted('"'));
  const word = reader.takeMatch(WORD);
  if (word === null) throw reader.isAtBlank ? invalidCharacters(sign) : reader.unexpected();
  if (!reader.isAtBlank) throw reader.unexpected();
  return ofText(word);
}

function ofText(text: string): LogFilter {
  return { weight: 1, test: (message) => message.includes(text) };
}
