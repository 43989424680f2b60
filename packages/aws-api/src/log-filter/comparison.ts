/** The right side of a condition: a number, a text in which `*` stands for anything, or an expression. */
import { Expression } from "./expression.ts";
import { LogFilterError } from "./filter.ts";
import type { PatternReader } from "./pattern-reader.ts";

const OPERATORS = ["!=", ">=", "<=", "=", ">", "<"] as const;
type Operator = (typeof OPERATORS)[number];

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const BARE = /[^\s"%()[\]{},&|=<>!]+/y;

export interface Comparison {
  /** What it costs for each character that it looks at. */
  readonly weight: number;
  holds(value: string | number): boolean;
}

export function readOperator(reader: PatternReader): Operator | null {
  reader.skipBlanks();
  return OPERATORS.find((operator) => reader.take(operator)) ?? null;
}

/** Reads what a value is compared with. */
export function readComparison(reader: PatternReader, operator: Operator): Comparison {
  reader.skipBlanks();
  if (reader.isAt("%")) return negated(operator, "expressions", ofExpression(new Expression(reader.readExpression())));
  if (reader.isAt('"')) return negated(operator, "texts", ofText(reader.readQuoted('"')));
  const bare = reader.takeMatch(BARE);
  if (bare === null) throw reader.unexpected();
  return NUMBER.test(bare) ? ofNumber(operator, bare) : negated(operator, "texts", ofText(bare));
}

function negated(operator: Operator, kind: string, comparison: Comparison): Comparison {
  if (operator === "=") return comparison;
  if (operator === "!=") return { weight: comparison.weight, holds: (value) => !comparison.holds(value) };
  throw new LogFilterError(`Invalid filter pattern: ${kind} are compared by = and != only, not by ${operator}`);
}

function ofExpression(expression: Expression): Comparison {
  return { weight: expression.weight, holds: (value) => expression.test(String(value)) };
}

/** Compares a whole text. Its parts between `*` are looked for one after the other, so that the time is linear. */
function ofText(text: string): Comparison {
  const [first = "", ...rest] = text.split("*");
  const last = rest.pop();
  if (last === undefined) return { weight: 1, holds: (value) => String(value) === text };
  return {
    weight: 1 + rest.length,
    holds: (value) => {
      const whole = String(value);
      if (!whole.startsWith(first) || !whole.endsWith(last) || whole.length < first.length + last.length) return false;
      let at = first.length;
      for (const part of rest) {
        const found = whole.indexOf(part, at);
        if (found === -1) return false;
        at = found + part.length;
      }
      return at <= whole.length - last.length;
    },
  };
}

function ofNumber(operator: Operator, literal: string): Comparison {
  const wanted = Number(literal);
  const numberOf = (value: string | number): number =>
    typeof value === "number" ? value : NUMBER.test(value) ? Number(value) : Number.NaN;
  const compare: Readonly<Record<Operator, (value: string | number) => boolean>> = {
    "=": (value) => numberOf(value) === wanted || value === literal,
    "!=": (value) => numberOf(value) !== wanted && value !== literal,
    ">": (value) => numberOf(value) > wanted,
    "<": (value) => numberOf(value) < wanted,
    ">=": (value) => numberOf(value) >= wanted,
    "<=": (value) => numberOf(value) <= wanted,
  };
  return { weight: 1, holds: compare[operator] };
}
