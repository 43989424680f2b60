/**
 * Patterns of filter criteria: EventBridge's language, as far as event source mappings have it.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax
 */
type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Deeper ones are refused: what reads a pattern calls itself for each level. */
const DEPTH_MAX = 100;
const RELATIONS = new Set(["=", ">", ">=", "<", "<="]);

/** True where the text is a pattern: an object whose leaves are lists of values and comparisons. */
export function isEventPattern(text: string): boolean {
  let pattern: Json;
  try {
    pattern = JSON.parse(text) as Json;
  } catch {
    return false;
  }
  return isPattern(pattern, 0);
}

function isPattern(pattern: Json, depth: number): boolean {
  if (!isObject(pattern) || depth > DEPTH_MAX) return false;
  return Object.entries(pattern).every(([name, value]) => {
    if (name === "$or" && Array.isArray(value))
      return value.length > 1 && value.every((each: Json) => isPattern(each, depth + 1));
    return Array.isArray(value) ? value.length > 0 && value.every(isRule) : isPattern(value, depth + 1);
  });
}

function isRule(rule: Json): boolean {
  if (!isObject(rule)) return !Array.isArray(rule);
  const [comparison, ...others] = Object.entries(rule);
  if (comparison === undefined || others.length > 0) return false;
  const [name, value] = comparison;
  return COMPARISONS.get(name)?.(value) ?? false;
}

/** By name; the check of what is compared with. */
const COMPARISONS: ReadonlyMap<string, (value: Json) => boolean> = new Map([
  ["exists", (value: Json): boolean => typeof value === "boolean"],
  ["prefix", isTextOrIgnoringCase],
  ["suffix", isTextOrIgnoringCase],
  ["equals-ignore-case", isText],
  ["anything-but", isExcluded],
  ["numeric", isNumeric],
]);

/** A value, some values, or the beginning or end of one. */
function isExcluded(value: Json): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isPlain);
  if (!isObject(value)) return isPlain(value);
  return Object.keys(value).length === 1 && ["prefix", "suffix"].some((name) => isText(value[name]));
}

/** One relation, or two that bound a range: `[">", 0, "<=", 5]`. */
function isNumeric(value: Json): boolean {
  if (!Array.isArray(value) || (value.length !== 2 && value.length !== 4)) return false;
  return value.every((part: Json, index) =>
    index % 2 === 0 ? typeof part === "string" && RELATIONS.has(part) : typeof part === "number",
  );
}

function isTextOrIgnoringCase(value: Json): boolean {
  if (!isObject(value)) return isText(value);
  return Object.keys(value).length === 1 && isText(value["equals-ignore-case"]);
}

function isText(value: Json | undefined): boolean {
  return typeof value === "string";
}

function isPlain(value: Json): boolean {
  return typeof value === "string" || typeof value === "number";
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
