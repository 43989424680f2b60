/** Patterns of JSON messages: `{ ($.level = "ERROR") && ($.items[*].price > 10) }`. */
import { type Comparison, readComparison, readOperator } from "./comparison.ts";
import { type Condition, readCondition } from "./condition.ts";
import type { LogFilter } from "./filter.ts";
import type { PatternReader } from "./pattern-reader.ts";

/** A property, an index, or every one of them. */
type Step = { readonly name: string } | { readonly index: number } | "every";

const NAME = /[\p{L}\p{N}_-]+/uy;
/** The document, with a step behind it. */
const ROOT = /\$(?=\.[\p{L}\p{N}_*-]|\[)/uy;
const INDEX = /\d{1,9}/y;
/** What is read as JSON at all. */
const OPENING = /^\s*[{[]/;
/** Reading JSON costs more than looking for text. */
const PARSE_WEIGHT = 4;

/** Reads a pattern, of which the opening brace is next. */
export function readJsonPattern(reader: PatternReader): LogFilter {
  reader.expect("{");
  const condition = readCondition(reader, () => readSelection(reader));
  reader.skipBlanks();
  reader.expect("}");
  return {
    weight: PARSE_WEIGHT + condition.weight,
    test(message) {
      if (!OPENING.test(message)) return false;
      let document: unknown;
      try {
        document = JSON.parse(message);
      } catch {
        return false;
      }
      return condition.holds(document);
    },
  };
}

function readSelection(reader: PatternReader): Condition<unknown> {
  const steps = readSelector(reader);
  const operator = readOperator(reader);
  if (operator !== null) {
    const comparison = readComparison(reader, operator);
    return {
      weight: comparison.weight,
      holds: (document) => some(document, steps, (value) => compare(comparison, value)),
    };
  }
  if (takeWord(reader, "NOT")) {
    if (!takeWord(reader, "EXISTS")) throw reader.unexpected();
    return { weight: 1, holds: (document) => !some(document, steps, () => true) };
  }
  if (takeWord(reader, "IS")) {
    const wanted = [true, false, null].find((value) => takeWord(reader, String(value).toUpperCase()));
    if (wanted !== undefined)
      return { weight: 1, holds: (document) => some(document, steps, (value) => value === wanted) };
  }
  throw reader.unexpected();
}

function takeWord(reader: PatternReader, word: string): boolean {
  reader.skipBlanks();
  return reader.take(word) || reader.take(word.toLowerCase());
}

function readSelector(reader: PatternReader): readonly Step[] {
  reader.skipBlanks();
  if (reader.takeMatch(ROOT) === null) throw reader.unexpected();
  const steps: Step[] = [];
  for (;;) {
    if (reader.take(".")) steps.push(readName(reader));
    else if (reader.take("[")) steps.push(readBracket(reader));
    else return steps;
  }
}

function readName(reader: PatternReader): Step {
  if (reader.take("*")) return "every";
  const name = reader.takeMatch(NAME);
  if (name === null) throw reader.unexpected();
  return { name };
}

function readBracket(reader: PatternReader): Step {
  const step = readBracketed(reader);
  reader.expect("]");
  return step;
}

function readBracketed(reader: PatternReader): Step {
  if (reader.take("*")) return "every";
  if (reader.isAt("'")) return { name: reader.readQuoted("'") };
  if (reader.isAt('"')) return { name: reader.readQuoted('"') };
  const index = reader.takeMatch(INDEX);
  if (index === null) throw reader.unexpected();
  return { index: Number(index) };
}

/** Whether one of the values that a selector finds is as wanted. Each value of a document is seen once at most. */
function some(value: unknown, [step, ...rest]: readonly Step[], isWanted: (value: unknown) => boolean): boolean {
  if (step === undefined) return isWanted(value);
  if (typeof value !== "object" || value === null) return false;
  if (step === "every") return Object.values(value).some((item) => some(item, rest, isWanted));
  const key = "name" in step ? step.name : String(step.index);
  if (Array.isArray(value) ? "name" in step : "index" in step) return false;
  return Object.hasOwn(value, key) && some((value as Record<string, unknown>)[key], rest, isWanted);
}

/** Objects and lists equal no text, so that they are no value that differs from one either. */
function compare(comparison: Comparison, value: unknown): boolean {
  if (typeof value === "string" || typeof value === "number") return comparison.holds(value);
  return typeof value === "boolean" && comparison.holds(String(value));
}
