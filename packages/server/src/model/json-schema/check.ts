/** What keywords of a schema become. */
import { isMap } from "@thaw/installation/json-map";
import type { Meter } from "./meter.ts";

/** Null: the value is as the schema wants it. Otherwise says what is wrong, after the path to it. */
export type Check = (value: unknown, meter: Meter) => string | null;

/** Whether a text has what an expression describes, in time that is linear in the text. */
export interface LinearExpression {
  readonly test: (text: string) => boolean;
  /** Grows with the expression. */
  readonly size: number;
}

/** Throws an error that says what of an expression is not supported. */
export type CompileExpression = (source: string) => LinearExpression;

/** Says what of a schema can't be checked. */
export class SchemaError extends Error {}

/** What the makers of checks are given. */
export interface CompileParts {
  /** The check of a schema inside this one. */
  readonly sub: (schema: unknown, name: string) => Check;
  readonly expression: CompileExpression;
}

export type Schema = Readonly<Record<string, unknown>>;

/** A text is more work than a comparison. */
const CANONICAL_STEPS = 4;

/** Text of a JSON value that is the same for equal values. */
export function canonical(value: unknown, meter: Meter): string {
  meter.enter();
  meter.spend(CANONICAL_STEPS);
  const text = Array.isArray(value)
    ? `[${value.map((each) => canonical(each, meter)).join(",")}]`
    : isMap(value)
      ? `{${Object.keys(value)
          .toSorted()
          .map((name) => `${JSON.stringify(name)}:${canonical(value[name], meter)}`)
          .join(",")}}`
      : JSON.stringify(value);
  meter.spend(text.length >> 3);
  meter.leave();
  return text;
}

export function wholeNumber(value: unknown, name: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new SchemaError(`${name} must be a whole number that is not negative`);
  return value;
}
