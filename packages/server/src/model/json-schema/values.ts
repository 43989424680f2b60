/** Keywords about values that have no parts, and about all values. */
import { addressBits } from "../ip-network.ts";
import { isMap } from "@thaw/installation/json-map";
import { canonical, type Check, type CompileParts, type Schema, SchemaError, wholeNumber } from "./check.ts";
import { Meter } from "./meter.ts";

type MakeCheck = (value: unknown, schema: Schema, parts: CompileParts) => Check | null;

const EXPRESSION_LENGTH_MAX = 1000;
/** Numbers with up to 600 digits are divided. */
const DECIMAL_STEPS = 100;
const IS_OF: Readonly<Record<string, (value: unknown) => boolean>> = {
  array: Array.isArray,
  boolean: (value) => typeof value === "boolean",
  integer: Number.isInteger,
  null: (value) => value === null,
  number: (value) => typeof value === "number",
  object: isMap,
  string: (value) => typeof value === "string",
};

const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:?\d\d)$/;
/** Those of draft 4. Others say nothing, as the draft wants it. */
const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  "date-time": (text) => TIME.test(text) && !Number.isNaN(Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"))),
  email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
  hostname: (text) => text.length <= 253 && text.split(".").every((label) => LABEL.test(label)),
  ipv4: (text) => addressBits(text) === 32,
  ipv6: (text) => addressBits(text) === 128,
  uri: (text) => URL.canParse(text),
};

export const OF_VALUES: Readonly<Record<string, MakeCheck>> = {
  type(given) {
    const names = [...new Set<unknown>(Array.isArray(given) ? given : [given])];
    const tests = names.map((name) => {
      const test = typeof name === "string" && Object.hasOwn(IS_OF, name) ? IS_OF[name] : undefined;
      if (test === undefined) throw new SchemaError(`${JSON.stringify(name)?.slice(0, 60)} is no type of draft 4`);
      return test;
    });
    const problem = `: must be of type ${names.join(" or ")}`;
    return (value) => (tests.some((test) => test(value)) ? null : problem);
  },
  enum(given) {
    if (!Array.isArray(given) || given.length === 0) throw new SchemaError("enum must be a list of values");
    const meter = new Meter();
    const allowed = new Set(given.map((each) => canonical(each, meter)));
    return (value, spent) => (allowed.has(canonical(value, spent)) ? null : ": must be one of the values of enum");
  },
  minimum(given, { exclusiveMinimum }) {
    const limit = numberOf(given, "minimum");
    const isExclusive = flagOf(exclusiveMinimum, "exclusiveMinimum");
    const problem = `: must be ${isExclusive ? "more than" : "at least"} ${limit}`;
    return ofNumbers((value) => (isExclusive ? value > limit : value >= limit), problem);
  },
  maximum(given, { exclusiveMaximum }) {
    const limit = numberOf(given, "maximum");
    const isExclusive = flagOf(exclusiveMaximum, "exclusiveMaximum");
    const problem = `: must be ${isExclusive ? "less than" : "at most"} ${limit}`;
    return ofNumbers((value) => (isExclusive ? value < limit : value <= limit), problem);
  },
  multipleOf(given) {
    const unit = numberOf(given, "multipleOf");
    if (unit <= 0) throw new SchemaError("multipleOf must be more than 0");
    const problem = `: must be a multiple of ${unit}`;
    return (value, meter) => {
      if (typeof value !== "number") return null;
      if (Number.isSafeInteger(value) && Number.isSafeInteger(unit)) return value % unit === 0 ? null : problem;
      meter.spend(DECIMAL_STEPS);
      return Number.isFinite(value) && isMultiple(value, unit) ? null : problem;
    };
  },
  minLength(given) {
    const limit = wholeNumber(given, "minLength");
    return ofTexts(
      (text) => text.length >= 2 * limit || (text.length >= limit && lengthOf(text) >= limit),
      `: must have at least ${limit} characters`,
    );
  },
  maxLength(given) {
    const limit = wholeNumber(given, "maxLength");
    // A character has one or two units.
    return ofTexts(
      (text) => text.length <= limit || (text.length <= 2 * limit && lengthOf(text) <= limit),
      `: must have at most ${limit} characters`,
    );
  },
  pattern(given, _schema, { expression }) {
    const { test, size } = expressionOf(given, expression);
    const problem = `: must match ${String(given)}`;
    return (value, meter) => {
      if (typeof value !== "string") return null;
      meter.spend(costOf(value, size));
      return test(value) ? null : problem;
    };
  },
  format(given) {
    const test = typeof given === "string" && Object.hasOwn(FORMATS, given) ? FORMATS[given] : undefined;
    return test === undefined ? null : ofTexts(test, `: must be of format ${String(given)}`);
  },
};

export function expressionOf(given: unknown, compile: CompileParts["expression"]): ReturnType<typeof compile> {
  if (typeof given !== "string") throw new SchemaError("a pattern must be a text");
  if (given.length > EXPRESSION_LENGTH_MAX)
    throw new SchemaError(`a pattern has at most ${EXPRESSION_LENGTH_MAX} characters`);
  try {
    return compile(given);
  } catch (error) {
    if (error instanceof SchemaError) throw error;
    throw new SchemaError(
      `the pattern ${given.slice(0, 100)} is not supported (${(error as Error).message.slice(0, 200)}): look-around and references to groups have no linear time`,
      { cause: error },
    );
  }
}

/** Each character may be compared with each part of an expression. */
export function costOf(text: string, size: number): number {
  return 1 + Math.ceil((text.length * size) / 4);
}

function ofNumbers(test: (value: number) => boolean, problem: string): Check {
  return (value) => (typeof value !== "number" || test(value) ? null : problem);
}

function ofTexts(test: (text: string) => boolean, problem: string): Check {
  return (value, meter) => {
    if (typeof value !== "string") return null;
    meter.spend(value.length >> 1);
    return test(value) ? null : problem;
  };
}

/** Characters as JSON Schema counts them. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** Decimal, as the numbers were written: 0.3 is a multiple of 0.1. */
function isMultiple(value: number, unit: number): boolean {
  const [left, right] = [decimalOf(value), decimalOf(unit)];
  const exponent = Math.min(left.exponent, right.exponent);
  const scaled = ({ digits, exponent: own }: ReturnType<typeof decimalOf>): bigint =>
    digits * 10n ** BigInt(own - exponent);
  return scaled(left) % scaled(right) === 0n;
}

function decimalOf(value: number): { readonly digits: bigint; readonly exponent: number } {
  const [mantissa = "", exponent = "0"] = String(value).split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

function numberOf(value: unknown, name: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new SchemaError(`${name} must be a number`);
  return value;
}

function flagOf(value: unknown, name: string): boolean {
  if (value !== undefined && typeof value !== "boolean")
    throw new SchemaError(`${name} must be true or false, as in draft 4`);
  return value === true;
}
