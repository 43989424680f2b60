/**
 * Names in a template stay as they are written. A key `No` is a text, as all keys are, so `Condition: No` must not
 * become YAML 1.1's false: the condition would name nothing.
 */
import { type Document, isMap, isPair, isScalar, isSeq, visit, type YAMLMap, type YAMLSeq } from "yaml";

/** Calls of a map with one key, and how many arguments are names. */
const CALLS: Readonly<Record<string, number>> = { Ref: 1, "Fn::GetAtt": 2, "Fn::If": 1, "Fn::FindInMap": 3 };
const TESTS: ReadonlySet<string> = new Set(["Fn::And", "Fn::Or", "Fn::Not"]);
/** Attributes that name things, by section. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  Resources: ["Type", "Condition", "DependsOn"],
  Outputs: ["Condition"],
};
/** Sections in which a map with the only key `Condition` is a call. */
const OF_CONDITIONS: readonly string[] = ["Conditions", "Rules"];

export function keepNames({ contents }: Document.Parsed): void {
  if (!isMap(contents)) return;
  for (const { key, value } of contents.items) {
    const section = isScalar(key) ? String(key.value) : "";
    const attributes = ATTRIBUTES[section];
    if (attributes !== undefined && isMap(value))
      for (const part of value.items) keepAttributes(part.value, attributes);
    if (isMap(value) || isSeq(value)) keepInside(value, OF_CONDITIONS.includes(section));
  }
}

/** In the arguments of a call that was written as a tag. */
export function keepNamesOfCall(call: string, node: YAMLMap | YAMLSeq): void {
  keepArguments(call, node);
  keepInside(node, TESTS.has(call));
}

function keepAttributes(part: unknown, attributes: readonly string[]): void {
  if (!isMap(part)) return;
  for (const { key, value } of part.items)
    if (isScalar(key) && attributes.includes(String(key.value))) {
      keep(value);
      if (isSeq(value)) value.items.forEach(keep);
    }
}

function keepInside(node: YAMLMap | YAMLSeq, withConditions: boolean): void {
  visit(node, {
    Map(_key, { items }) {
      const [only, ...more] = items;
      if (more.length > 0 || !isPair(only) || !isScalar(only.key)) return;
      const name = String(only.key.value);
      if (name === "Condition" && withConditions) keep(only.value);
      else keepArguments(name, only.value);
    },
  });
}

function keepArguments(call: string, value: unknown): void {
  const count = Object.hasOwn(CALLS, call) ? (CALLS[call] ?? 0) : 0;
  if (count === 0) return;
  keep(value);
  if (isSeq(value)) value.items.slice(0, count).forEach(keep);
}

function keep(node: unknown): void {
  if (!isScalar(node) || node.type !== "PLAIN" || node.tag !== undefined || node.source === undefined) return;
  if (typeof node.value === "boolean" || typeof node.value === "number") node.value = node.source;
}
