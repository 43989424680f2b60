/** Patterns of messages in columns: `[ip, user, ..., status = 4*, bytes > 1000]`. */
import { readComparison, readOperator } from "./comparison.ts";
import { type Condition, readCondition } from "./condition.ts";
import { type LogFilter, LogFilterError } from "./filter.ts";
import type { PatternReader } from "./pattern-reader.ts";

const NAME = /[\p{L}\p{N}_-]+/uy;
const BARE = /\S+/y;
const BLANKS = /\s+/y;
/** What keeps the blanks of a column together, and where it ends. */
const CLOSING: Readonly<Record<string, string>> = { '"': '"', "[": "]" };
/** Stands for any number of columns. */
const ANY = "...";

type Column = Condition<string> | typeof ANY;

/** Reads a pattern, of which the opening bracket is next. */
export function readColumnsPattern(reader: PatternReader): LogFilter {
  reader.expect("[");
  const columns: Column[] = [];
  do columns.push(readColumn(reader));
  while (takeComma(reader));
  reader.expect("]");
  const gap = columns.indexOf(ANY);
  if (gap !== columns.lastIndexOf(ANY))
    throw new LogFilterError("Invalid filter pattern: '...' can stand once in a pattern");
  const named = columns.filter((column) => column !== ANY);
  const split = gap === -1 ? named.length : gap;
  return {
    weight: 2 + named.reduce((sum, { weight }) => sum + weight, 0),
    test(message) {
      const found = columnsOf(message);
      if (gap === -1 ? found.length !== named.length : found.length < named.length) return false;
      return named.every((column, index) => {
        const value = index < split ? found[index] : found[found.length - named.length + index];
        return column.holds(value ?? "");
      });
    },
  };
}

function takeComma(reader: PatternReader): boolean {
  reader.skipBlanks();
  return reader.take(",");
}

function readColumn(reader: PatternReader): Column {
  reader.skipBlanks();
  if (reader.take(ANY)) return ANY;
  return readCondition(reader, () => readSingle(reader));
}

/** A name alone says that the column is there. */
function readSingle(reader: PatternReader): Condition<string> {
  if (reader.takeMatch(NAME) === null) throw reader.unexpected();
  const operator = readOperator(reader);
  return operator === null ? { weight: 0, holds: () => true } : readComparison(reader, operator);
}

/** Columns of a message: what stands in quotes or brackets is one, without them. Looks at no character twice. */
function columnsOf(message: string): readonly string[] {
  // Asked once: a message of opening brackets would else be searched from each of them.
  const last = new Map(Object.values(CLOSING).map((closing) => [closing, message.lastIndexOf(closing)]));
  const columns: string[] = [];
  for (let at = endOf(BLANKS, message, 0); at < message.length; ) {
    const closing = CLOSING[message[at] ?? ""] ?? "";
    const isClosed = (last.get(closing) ?? -1) > at;
    const end = isClosed ? message.indexOf(closing, at + 1) : endOf(BARE, message, at);
    columns.push(message.slice(isClosed ? at + 1 : at, end));
    at = endOf(BLANKS, message, isClosed ? end + 1 : end);
  }
  return columns;
}

function endOf(expression: RegExp, text: string, from: number): number {
  expression.lastIndex = from;
  return expression.test(text) ? expression.lastIndex : from;
}
