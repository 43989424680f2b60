/**
 * Filter patterns of CloudWatch Logs: plain terms, JSON, columns, expressions
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html). Case matters. The time is
 * linear in the text that is looked at, whatever the pattern.
 */
import { readColumnsPattern } from "./columns-pattern.ts";
import { type LogFilter, LogFilterError } from "./filter.ts";
import { readJsonPattern } from "./json-pattern.ts";
import { PatternReader } from "./pattern-reader.ts";
import { readTermsPattern } from "./terms-pattern.ts";

export { type LogFilter, LogFilterError } from "./filter.ts";

/** AWS's limit of the expressions in one pattern. */
const EXPRESSIONS_MAX = 2;

/** Reads a pattern; an empty one matches every message. Throws a LogFilterError for what CloudWatch Logs refuses. */
export function parseLogFilter(pattern: string): LogFilter {
  const reader = new PatternReader(pattern);
  reader.skipBlanks();
  const filter = readPattern(reader);
  if (reader.expressionCount > EXPRESSIONS_MAX)
    throw new LogFilterError(`Invalid filter pattern: more than ${EXPRESSIONS_MAX} expressions in one pattern`);
  return filter;
}

function readPattern(reader: PatternReader): LogFilter {
  if (!reader.isAt("{") && !reader.isAt("[")) return readTermsPattern(reader);
  const filter = reader.isAt("{") ? readJsonPattern(reader) : readColumnsPattern(reader);
  reader.skipBlanks();
  if (!reader.isAtEnd) throw reader.unexpected();
  return filter;
}
