/** Keywords about lists and objects, and about several schemas for one value. */
import { isMap } from "@thaw/installation/json-map";
import { canonical, type Check, type CompileParts, type Schema, SchemaError, wholeNumber } from "./check.ts";
import { costOf, expressionOf } from "./values.ts";

type MakeCheck = (value: unknown, schema: Schema, parts: CompileParts) => Check | null;

export const OF_PARTS: Readonly<Record<string, MakeCheck>> = {
  items: (_given, schema, parts) => itemsCheck(schema, parts),
  minItems(given) {
    const limit = wholeNumber(given, "minItems");
    return ofLists(({ length }) => length >= limit, `: must have at least ${limit} items`);
  },
  maxItems(given) {
    const limit = wholeNumber(given, "maxItems");
    return ofLists(({ length }) => length <= limit, `: must have at most ${limit} items`);
  },
  uniqueItems(given) {
    if (given !== true) return null;
    return (value, meter) =>
      !Array.isArray(value) || new Set(value.map((each) => canonical(each, meter))).size === value.length
        ? null
        : ": must not have the same item twice";
  },
  required(given) {
    const names = namesOf(given, "required");
    return (value, meter) => {
      if (!isMap(value)) return null;
      meter.spend(names.length);
      const missing = names.find((name) => !Object.hasOwn(value, name));
      return missing === undefined ? null : `/${missing}: is required`;
    };
  },
  minProperties(given) {
    const limit = wholeNumber(given, "minProperties");
    return ofObjects((names) => names.length >= limit, `: must have at least ${limit} properties`);
  },
  maxProperties(given) {
    const limit = wholeNumber(given, "maxProperties");
    return ofObjects((names) => names.length <= limit, `: must have at most ${limit} properties`);
  },
  properties: (_given, schema, parts) => propertiesCheck(schema, parts),
  patternProperties: (_given, schema, parts) =>
    schema["properties"] === undefined ? propertiesCheck(schema, parts) : null,
  additionalProperties: (_given, schema, parts) =>
    schema["properties"] === undefined && schema["patternProperties"] === undefined
      ? propertiesCheck(schema, parts)
      : null,
  dependencies: dependenciesCheck,
  allOf(given, _schema, parts) {
    const checks = checksOf(given, "allOf", parts);
    return (value, meter) => firstProblem(checks, value, meter);
  },
  anyOf(given, _schema, parts) {
    const checks = checksOf(given, "anyOf", parts);
    return (value, meter) =>
      checks.some((check) => check(value, meter) === null) ? null : ": must match a schema of anyOf";
  },
  oneOf(given, _schema, parts) {
    const checks = checksOf(given, "oneOf", parts);
    return (value, meter) =>
      checks.filter((check) => check(value, meter) === null).length === 1
        ? null
        : ": must match exactly one schema of oneOf";
  },
  not(given, _schema, { sub }) {
    const check = sub(given, "not");
    return (value, meter) => (check(value, meter) === null ? ": must not match the schema of not" : null);
  },
};

type Meter = Parameters<Check>[1];

export function firstProblem(checks: readonly Check[], value: unknown, meter: Meter): string | null {
  for (const check of checks) {
    const problem = check(value, meter);
    if (problem !== null) return problem;
  }
  return null;
}

function checksOf(given: unknown, name: string, { sub }: CompileParts): readonly Check[] {
  if (!Array.isArray(given) || given.length === 0) throw new SchemaError(`${name} must be a list of schemas`);
  return given.map((each, index) => sub(each, `${name}/${index}`));
}

function ofLists(test: (list: readonly unknown[]) => boolean, problem: string): Check {
  return (value) => (!Array.isArray(value) || test(value) ? null : problem);
}

function ofObjects(test: (names: readonly string[]) => boolean, problem: string): Check {
  return (value, meter) => {
    if (!isMap(value)) return null;
    const names = Object.keys(value);
    meter.spend(names.length);
    return test(names) ? null : problem;
  };
}

/** A list of schemas, one for each position, and what holds for those behind it; or one schema for all. */
function itemsCheck({ items, additionalItems }: Schema, parts: CompileParts): Check {
  const own = Array.isArray(items) ? items.map((each, index) => parts.sub(each, `items/${index}`)) : [];
  const others = Array.isArray(items) ? restOf(additionalItems, "additionalItems", parts) : parts.sub(items, "items");
  return (value, meter) => {
    if (!Array.isArray(value)) return null;
    for (const [index, item] of value.entries()) {
      const problem = (own[index] ?? others)(item, meter);
      if (problem !== null) return `/${index}${problem}`;
    }
    return null;
  };
}

/** What holds for parts that no other keyword names. */
function restOf(given: unknown, name: string, { sub }: CompileParts): Check {
  if (given === undefined || given === true) return () => null;
  if (given === false) return () => ": is not allowed";
  return sub(given, name);
}

/** Properties by their names and by patterns of names; the others by `additionalProperties`. */
function propertiesCheck(schema: Schema, parts: CompileParts): Check {
  const named = new Map(
    entriesOf(schema["properties"], "properties").map(([name, each]) => [name, parts.sub(each, `properties/${name}`)]),
  );
  const patterns = entriesOf(schema["patternProperties"], "patternProperties").map(([source, each]) => ({
    expression: expressionOf(source, parts.expression),
    check: parts.sub(each, `patternProperties/${source}`),
  }));
  const others = restOf(schema["additionalProperties"], "additionalProperties", parts);
  return (value, meter) => {
    if (!isMap(value)) return null;
    for (const name of Object.keys(value)) {
      meter.spend(1);
      const own = named.get(name);
      const matching = patterns.filter(({ expression: { test, size } }) => {
        meter.spend(costOf(name, size));
        return test(name);
      });
      const checks = [...(own === undefined ? [] : [own]), ...matching.map(({ check }) => check)];
      const problem = firstProblem(checks.length === 0 ? [others] : checks, value[name], meter);
      if (problem !== null) return `/${name}${problem}`;
    }
    return null;
  };
}

/** Where a property is there, others must be, or the whole must match a schema. */
function dependenciesCheck(given: unknown, _schema: Schema, parts: CompileParts): Check {
  const all = entriesOf(given, "dependencies").map(([name, each]) => {
    const check = Array.isArray(each)
      ? OF_PARTS["required"]?.(each, {}, parts)
      : parts.sub(each, `dependencies/${name}`);
    return { name, check: check ?? (() => null) };
  });
  return (value, meter) => {
    if (!isMap(value)) return null;
    meter.spend(all.length);
    const found = all.filter(({ name }) => Object.hasOwn(value, name)).map(({ check }) => check);
    return firstProblem(found, value, meter);
  };
}

function entriesOf(given: unknown, name: string): ReadonlyArray<readonly [string, unknown]> {
  if (given === undefined) return [];
  if (!isMap(given)) throw new SchemaError(`${name} must be a map`);
  return Object.entries(given);
}

function namesOf(given: unknown, name: string): readonly string[] {
  if (!Array.isArray(given) || !given.every((each) => typeof each === "string"))
    throw new SchemaError(`${name} must be a list of names, as in draft 4`);
  return given;
}
