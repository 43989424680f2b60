import Ajv from "ajv-draft-04";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SchemaError } from "./check.ts";
import { compileSchema, type Documents, type Verdict } from "./compile.ts";
import { loadLinearExpressions } from "./linear-expressions.ts";

const expressions = await loadLinearExpressions();

function compile(schema: unknown, others: Readonly<Record<string, unknown>> = {}): (value: unknown) => Verdict {
  const all: Readonly<Record<string, unknown>> = { own: schema, ...others };
  const documents: Documents = {
    nameOf: (address) => (Object.hasOwn(all, address) ? address : null),
    read: (name) => all[name],
  };
  return compileSchema("own", documents, expressions);
}

function problemOf(schema: unknown, value: unknown): string | null {
  const verdict = compile(schema)(value);
  if (verdict.kind !== "checked") throw new Error(verdict.kind);
  return verdict.problem;
}

describe("a schema of draft 4", () => {
  it.each([
    [{ type: "object", required: ["name"] }, {}, "/name: is required"],
    [{ properties: { a: { items: { type: "integer" } } } }, { a: [1, 2, 1.5] }, "/a/2: must be of type integer"],
    [{ minimum: 1, exclusiveMinimum: true }, 1, ": must be more than 1"],
    [{ multipleOf: 0.1 }, 0.3, null],
    [{ multipleOf: 0.1 }, 0.35, ": must be a multiple of 0.1"],
    [{ maxLength: 1 }, "\u{1f600}", null],
    [{ maxLength: 1 }, "ab", ": must have at most 1 characters"],
    [{ enum: [{ a: 1, b: [2] }] }, { b: [2], a: 1 }, null],
    [
      { uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      ": must not have the same item twice",
    ],
    [
      { additionalProperties: false, properties: { a: {} } },
      JSON.parse('{"__proto__":1,"b":2}') as unknown,
      "/__proto__: is not allowed",
    ],
    [{ additionalProperties: false, patternProperties: { "^x-": {} } }, { "x-a": 1, b: 2 }, "/b: is not allowed"],
    [{ pattern: "^[a-z]+$" }, "A", ": must match ^[a-z]+$"],
    [{ format: "email" }, "a", ": must be of format email"],
    [{ format: "date-time" }, "2026-11-30T08:00:00+0100", null],
    [{ format: "date-time" }, "2026-13-30T08:00:00Z", ": must be of format date-time"],
    [{ format: "ipv4" }, "1.2.3.4", null],
    [{ format: "ipv6" }, "1.2.3.4", ": must be of format ipv6"],
    [{ format: "made-up" }, "a", null],
    [{ constructor: { type: "string" }, toString: 1 }, 1, null],
    [{ type: ["string", "null"] }, 1, ": must be of type string or null"],
    [{ dependencies: { a: ["b"] } }, { a: 1 }, "/b: is required"],
    [{ oneOf: [{ type: "number" }, { type: "integer" }] }, 1, ": must match exactly one schema of oneOf"],
    [{ not: { type: "string" } }, "a", ": must not match the schema of not"],
  ])("%j says of %j: %j", (schema, given, problem) => {
    expect(problemOf(schema, given)).toBe(problem);
  });

  it("may refer to itself, to its parts and to other documents", () => {
    const tree = { properties: { left: { $ref: "#" }, leaf: { $ref: "#/definitions/a~1b" } }, definitions: {} };
    const check = compile(
      { ...tree, definitions: { "a/b": { $ref: "other#/definitions/leaf" } } },
      { other: { definitions: { leaf: { type: "string" } } } },
    );
    expect(check({ left: { left: { leaf: "a" } } })).toEqual({ kind: "checked", problem: null });
    expect(check({ left: { left: { leaf: 1 } } })).toEqual({
      kind: "checked",
      problem: "/left/left/leaf: must be of type string",
    });
  });

  it.each([
    [{ $ref: "https://example.com/schema" }, "leads to no model"],
    [{ $ref: "#/definitions/none" }, "is not there"],
    [{ $ref: "#/%zz" }, "is no pointer"],
    [{ $ref: 1 }, "$ref must be a text"],
    [{ type: "file" }, "is no type of draft 4"],
    [{ properties: { a: { required: true } } }, "required must be a list of names"],
    [{ exclusiveMinimum: 3, minimum: 1 }, "exclusiveMinimum must be true or false"],
    [{ pattern: "(?=a)b" }, "is not supported"],
    [{ pattern: "a".repeat(1001) }, "at most 1000 characters"],
    [{ allOf: [] }, "allOf must be a list"],
    [{ items: 1 }, "must be a map"],
    [{ minLength: -1 }, "minLength must be a whole number"],
    [[...Array(120)].reduce<object>((inner) => ({ not: inner }), {}), "at most 100 levels"],
    [{ allOf: [...Array(10_000)].map(() => ({})) }, "at most 10000 schemas"],
    [{ allOf: [...Array(201)].map(() => ({ pattern: "a" })) }, "at most 200 patterns"],
    [{ allOf: [...Array(11)].map(() => ({ pattern: "a".repeat(1000) })) }, "of 10000 characters together"],
    [{ allOf: [...Array(30)].map(() => ({ pattern: "a{1000}" })) }, "repeat too much"],
  ])("is refused: %#", (schema, message) => {
    expect(() => compile(schema)).toThrow(SchemaError);
    expect(() => compile(schema)).toThrow(message);
  });
});

describe("a check is given up", () => {
  const double = (name: string): object => ({ allOf: [{ $ref: name }, { $ref: name }] });
  const doubled = Object.fromEntries([...Array(40)].map((_, i) => [`d${i}`, double(`#/definitions/d${i + 1}`)]));
  it.each([
    ["a schema that leads to itself", { $ref: "#" }, 1],
    ["one that asks twice at each step", { ...double("#/definitions/d0"), definitions: { ...doubled, d40: {} } }, 1],
    ["a value that is too deep", { items: { $ref: "#" } }, JSON.parse("[".repeat(5000) + "]".repeat(5000))],
    ["many numbers that are far apart", { items: { multipleOf: 1e-300 } }, [...Array(100_000)].map(() => 1e300)],
    ["a deep value in a set", { uniqueItems: true }, [JSON.parse("[".repeat(5000) + "]".repeat(5000))]],
    ["a long text and a large expression", { pattern: "(?:a?){200}a{200}b" }, "a".repeat(1_000_000)],
  ])("%s", (_what, schema, value) => {
    expect(compile(schema)(value)).toEqual({ kind: "tooMuch" });
  });
});

describe("beside Ajv", () => {
  const ajv = new Ajv.default({ strict: false, logger: false, validateFormats: false });
  const values = fc.jsonValue({ maxDepth: 2 }).map(plainOf);
  const names = fc.constantFrom("a", "b", "c");
  const size = fc.integer({ min: 0, max: 3 });
  const few = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { minLength: 1, maxLength: 2 });
  const plain: ReadonlyArray<readonly [string, fc.Arbitrary<unknown>]> = [
    ["type", fc.constantFrom("array", "boolean", "integer", "null", "number", "object", "string")],
    ["type", fc.constant(["string", "integer"])],
    ["enum", fc.uniqueArray(values, { minLength: 1, maxLength: 3, selector: (each) => JSON.stringify(each) })],
    ["minimum", size],
    ["maximum", size],
    ["multipleOf", fc.constantFrom(1, 2, 0.5)],
    ["minLength", size],
    ["maxLength", size],
    ["pattern", fc.constantFrom("^a", "b$", "[0-9]+", "^(?:a|b)*$")],
    ["minItems", size],
    ["maxItems", size],
    ["uniqueItems", fc.boolean()],
    ["required", fc.uniqueArray(names, { minLength: 1 })],
    ["minProperties", size],
    ["maxProperties", size],
    ["dependencies", fc.dictionary(names, fc.uniqueArray(names, { minLength: 1 }), { maxKeys: 1 })],
  ];
  const withParts = (sub: fc.Arbitrary<object>): typeof plain => [
    ...plain,
    ["items", fc.oneof(sub, few(sub))],
    ["additionalItems", fc.oneof(fc.boolean(), sub)],
    ["properties", fc.dictionary(names, sub, { maxKeys: 2 })],
    ["patternProperties", fc.dictionary(fc.constantFrom("^a", "b"), sub, { maxKeys: 2 })],
    ["additionalProperties", fc.oneof(fc.boolean(), sub)],
    ["allOf", few(sub)],
    ["anyOf", few(sub)],
    ["oneOf", few(sub)],
    ["not", sub],
  ];
  const schemaOf = (keywords: typeof plain): fc.Arbitrary<object> =>
    fc
      .array(fc.oneof(...keywords.map(([name, of]) => fc.tuple(fc.constant(name), of))), { maxLength: 4 })
      .map((entries): object => Object.fromEntries(entries));
  const schema = schemaOf(withParts(schemaOf(withParts(schemaOf(plain)))));
  const value = fc
    .oneof(
      values,
      fc.integer({ min: -1, max: 5 }),
      fc.string({ unit: fc.constantFrom("a", "b", "0", "\u{1f600}"), maxLength: 4 }),
      fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), values), { maxLength: 4 }),
      fc.dictionary(names, values),
    )
    .map(plainOf);

  it("verdicts are the same", () => {
    fc.assert(
      fc.property(schema, fc.array(value, { minLength: 1, maxLength: 5 }), (made, all) => {
        const [own, other] = [compile(made), ajv.compile(made)];
        for (const each of all) {
          const verdict = own(each);
          expect([each, verdict.kind === "checked" && verdict.problem === null]).toEqual([each, other(each)]);
        }
      }),
      // One seed: where Ajv rounds numbers, it is not always right itself.
      { numRuns: 300, seed: 1 },
    );
  });
});

/**
 * A value as a body has it, with ordinary objects. Of a number that is written with an exponent Ajv takes the mantissa
 * for its whole part, and half of the smallest number is 0.
 */
function plainOf(made: unknown): unknown {
  return JSON.parse(JSON.stringify(made), (_name, value: unknown) =>
    typeof value === "number" && value !== 0 && (Math.abs(value) > 1e15 || Math.abs(value) < 1e-15) ? 1 : value,
  ) as unknown;
}
