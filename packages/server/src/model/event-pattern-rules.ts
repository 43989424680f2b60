/**
 * Rules for the values of one field in an event pattern: what the list at a pattern's leaf holds. The texts of refusals
 * are those of AWS's open-source matcher, which EventBridge shows: https://github.com/aws/event-ruler
 */
import { isMap } from "@thaw/installation/json-map";
import { EventPatternError, type Json } from "./event-json.ts";
import { readNetwork } from "./ip-network.ts";

/** A value of an event that is neither an object nor a list. */
export type Plain = null | boolean | number | string;
/** Hears of the work that is more than a comparison. Throws where an event has taken too much of it. */
export interface Steps {
  step(count?: number): void;
}
type Test = (value: Plain, steps: Steps) => boolean;

/** What one field's values are tested by; any of it is enough. */
export interface LeafRules {
  readonly literals: ReadonlySet<Plain>;
  readonly tests: readonly Test[];
  /** True where the pattern asks for a field that is not there. */
  readonly wantsAbsence: boolean;
}

/** Throws an EventPatternError where the list is none of rules. */
export function readLeaf(list: readonly Json[]): LeafRules {
  if (list.length === 0) throw new EventPatternError("Empty arrays are not allowed");
  const literals = new Set<Plain>();
  const tests: Test[] = [];
  let wantsAbsence = false;
  for (const rule of list) {
    if (Array.isArray(rule)) throw new EventPatternError("Match value must be String, number, true, false, or null");
    if (!isMap(rule)) literals.add(rule as Plain);
    else if (rule["exists"] === false && Object.keys(rule).length === 1) wantsAbsence = true;
    else tests.push(readTest(rule));
  }
  return { literals, tests, wantsAbsence };
}

function readTest(rule: { readonly [key: string]: Json }): Test {
  const [comparison, ...others] = Object.entries(rule);
  if (comparison === undefined) throw new EventPatternError("Match expression name not found");
  const [name, operand] = comparison;
  const read = COMPARISONS.get(name);
  if (read === undefined) throw new EventPatternError(`Unrecognized match type ${name}`);
  const test = read(operand);
  if (others.length === 0) return test;
  throw new EventPatternError(
    name === "numeric" || name === "anything-but"
      ? "Too many elements in numeric expression"
      : "Only one key allowed in match expression",
  );
}

const COMPARISONS: ReadonlyMap<string, (operand: Json) => Test> = new Map([
  ["exists", readExists],
  ["prefix", (operand: Json): Test => readEnd("prefix", operand)],
  ["suffix", (operand: Json): Test => readEnd("suffix", operand)],
  ["equals-ignore-case", (operand: Json): Test => ignoringCase(textOf("equals-ignore-case", operand))],
  ["anything-but", readAnythingBut],
  ["numeric", readNumeric],
  ["wildcard", (operand: Json): Test => wildcard(textOf("wildcard", operand))],
  ["cidr", readCidr],
]);

/** The one that asks for absence has been read before. */
function readExists(operand: Json): Test {
  if (operand !== true) throw new EventPatternError("exists match pattern must be either true or false.");
  return () => true;
}

type End = "prefix" | "suffix";
/** Characters beside the end of a text that may decide about a letter in it: a sigma has two small forms. */
const CONTEXT_LENGTH = 8;

function readEnd(end: End, operand: Json): Test {
  if (!isMap(operand)) return hasEnd(end, textOf(end, operand));
  const [comparison, ...others] = Object.entries(operand);
  const title = end === "prefix" ? "Prefix" : "Suffix";
  if (comparison === undefined) throw new EventPatternError(`${title} expression name not found`);
  const [name, text] = comparison;
  if (name !== "equals-ignore-case") throw new EventPatternError(`Unsupported ${end} pattern: ${name}`);
  const wanted = textOf(name, text).toLowerCase();
  const test = hasEnd(end, wanted);
  if (others.length > 0) throw new EventPatternError("Only one key allowed in match expression");
  // No more of the value is read than the rule is long; small letters are never fewer.
  const length = wanted.length + CONTEXT_LENGTH;
  return (value, steps) =>
    typeof value === "string" &&
    test((end === "prefix" ? value.slice(0, length) : value.slice(-length)).toLowerCase(), steps);
}

function hasEnd(end: End, text: string): Test {
  return end === "prefix"
    ? (value) => typeof value === "string" && value.startsWith(text)
    : (value) => typeof value === "string" && value.endsWith(text);
}

/** A longer value is another one: small letters are never fewer. */
function ignoringCase(text: string): Test {
  const lower = text.toLowerCase();
  return (value) => typeof value === "string" && value.length <= lower.length && value.toLowerCase() === lower;
}

function textOf(name: string, operand: Json | undefined): string {
  if (typeof operand === "string") return operand;
  throw new EventPatternError(`${name} match pattern must be a string`);
}

function readAnythingBut(operand: Json): Test {
  if (isMap(operand)) return readAnythingButTest(operand);
  const values = new Set(Array.isArray(operand) ? operand : [operand]);
  const kinds = new Set([...values].map((value: Json) => typeof value));
  if (![...kinds].every((kind) => kind === "string" || kind === "number"))
    throw new EventPatternError(
      Array.isArray(operand)
        ? "Inside anything but list, start|null|boolean is not supported."
        : "Value of anything-but must be an array or single string/number value.",
    );
  if (kinds.size !== 1)
    throw new EventPatternError(
      "Inside anything but list, either all values are number or string, mixed type is not supported",
    );
  return (value) => !values.has(value);
}

/** By the name inside of anything-but; how one text of it is matched. */
const EXCLUDED: ReadonlyMap<string, (text: string) => Test> = new Map([
  ["prefix", (text: string): Test => hasEnd("prefix", notEmpty(text))],
  ["suffix", (text: string): Test => hasEnd("suffix", notEmpty(text))],
  ["equals-ignore-case", ignoringCase],
  ["wildcard", wildcard],
]);

function readAnythingButTest(operand: { readonly [key: string]: Json }): Test {
  const [comparison, ...others] = Object.entries(operand);
  if (comparison === undefined) throw new EventPatternError("Anything-But expression name not found");
  const [name, given] = comparison;
  const make = EXCLUDED.get(name);
  if (make === undefined) throw new EventPatternError(`Unsupported anything-but pattern: ${name}`);
  if (isMap(given) || typeof given === "boolean" || given === null)
    throw new EventPatternError("Value of anything-but must be an array or single string/number value.");
  const texts: readonly Json[] = Array.isArray(given) ? given : [given];
  if (texts.length === 0) throw new EventPatternError("Empty arrays are not allowed");
  const tests = texts.map((text) => {
    if (typeof text === "string") return make(text);
    throw new EventPatternError(NO_TEXT[name] ?? "prefix/suffix match pattern must be a string");
  });
  if (others.length > 0) throw new EventPatternError("Too many elements in numeric expression");
  return (value, steps) => !tests.some((test) => test(value, steps));
}

const NO_TEXT: Readonly<Record<string, string>> = {
  "equals-ignore-case": "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
  wildcard: "wildcard match pattern must be a string",
};

function notEmpty(text: string): string {
  if (text === "") throw new EventPatternError("Null prefix/suffix not allowed");
  return text;
}

/** One relation, or two that bound a range: `[">", 0, "<=", 5]`. */
function readNumeric(operand: Json): Test {
  if (!Array.isArray(operand)) throw new EventPatternError("Value of numeric must be an array.");
  const [first, bound, second, top, ...others] = operand as readonly Json[];
  if (typeof first !== "string") throw new EventPatternError(`Invalid member in numeric match: ${String(first)}`);
  const lower = relation(first, bound, "Unrecognized numeric range operator");
  if (operand.length === 2) return (value) => typeof value === "number" && lower(value);
  if (!first.startsWith(">")) throw new EventPatternError("Too many elements in numeric expression");
  if (typeof second !== "string") throw new EventPatternError(`Bad value in numeric range: ${String(second)}`);
  if (!second.startsWith("<")) throw new EventPatternError(`Bad numeric range operator: ${second}`);
  const upper = relation(second, top, "Bad numeric range operator");
  if (others.length > 0) throw new EventPatternError("Too many terms in numeric range expression");
  if (Number(bound) > Number(top)) throw new EventPatternError("Bottom must be less than top");
  return (value) => typeof value === "number" && lower(value) && upper(value);
}

function relation(name: string, bound: Json | undefined, unknown: string): (value: number) => boolean {
  const compare = RELATIONS.get(name);
  if (compare === undefined) throw new EventPatternError(`${unknown}: ${name}`);
  if (typeof bound !== "number")
    throw new EventPatternError(`Value of ${name === "=" ? "equals" : name} must be numeric`);
  return (value) => compare(value, bound);
}

const RELATIONS: ReadonlyMap<string, (value: number, bound: number) => boolean> = new Map([
  ["=", (value: number, bound: number): boolean => value === bound],
  [">", (value: number, bound: number): boolean => value > bound],
  [">=", (value: number, bound: number): boolean => value >= bound],
  ["<", (value: number, bound: number): boolean => value < bound],
  ["<=", (value: number, bound: number): boolean => value <= bound],
]);

/** Takes each part of the text from the left: the time is linear in the value for each part. */
function wildcard(text: string): Test {
  const parts = partsOfWildcard(text);
  const [first = "", ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return (value) => value === first;
  return (value, steps) => {
    if (typeof value !== "string" || value.length < first.length + last.length) return false;
    if (!value.startsWith(first) || !value.endsWith(last)) return false;
    const end = value.length - last.length;
    let at = first.length;
    for (const part of rest) {
      // Two characters are looked at in the time of a comparison.
      steps.step((end - at) >> 1);
      const found = value.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

/** Splits at each `*`; a backslash makes it, or itself, a character. Positions are those of the quoted text. */
function partsOfWildcard(text: string): readonly string[] {
  const parts = [""];
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "*") {
      if (text[at + 1] === "*") throw new EventPatternError(`Consecutive wildcard characters at pos ${at + 1}`);
      parts.push("");
      continue;
    }
    const next = text[at + 1];
    if (character === "\\" && next !== "*" && next !== "\\")
      throw new EventPatternError(`Invalid escape character at pos ${at + 1}`);
    parts.push(`${parts.pop() ?? ""}${character === "\\" ? text.charAt(++at) : character}`);
  }
  return parts;
}

function readCidr(operand: Json): Test {
  if (typeof operand !== "string") throw new EventPatternError("prefix match pattern must be a string");
  const isOfNetwork = readNetwork(operand);
  return (value) => typeof value === "string" && isOfNetwork(value);
}
