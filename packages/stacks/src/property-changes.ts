/** What differs between the properties of a thing as it is and as it is to be, and what that asks for. */
import { isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import type { PropertyChange, ResourceType } from "./resource-type.ts";
import { sameValue } from "./values.ts";

const WEIGHT: Readonly<Record<PropertyChange, number>> = { update: 0, maybe: 1, replace: 2 };
const ANY = "*";

/** Names of properties that differ, in their order. */
export function changedKeys(before: TemplateMap, after: TemplateMap): readonly string[] {
  const keys = new Set([...Object.keys(after), ...Object.keys(before)]);
  return [...keys].filter((key) => !sameValue(before[key], after[key]));
}

/** What a change of one property does: of one that the type's table names by its members, the gravest of theirs. */
export function changeOfProperty(
  type: ResourceType | null,
  key: string,
  before: TemplateValue | undefined,
  after: TemplateValue | undefined,
): PropertyChange {
  const table = type?.properties ?? {};
  const own = Object.hasOwn(table, key) ? table[key] : undefined;
  if (own !== undefined) return own;
  const named = Object.entries(table).filter(
    ([name]) => name.startsWith(`${key}.`) && !sameValue(memberOf(before, name, key), memberOf(after, name, key)),
  );
  const gravest = named.map(([, change]) => change).toSorted((a, b) => WEIGHT[b] - WEIGHT[a])[0];
  return gravest ?? table[ANY] ?? "update";
}

/** The member at `Code.S3Key` below `Code`; a list on the way is compared as a whole. */
function memberOf(value: TemplateValue | undefined, name: string, key: string): TemplateValue | undefined {
  let found = value;
  for (const part of name.slice(key.length + 1).split(".")) {
    if (!isTemplateMap(found)) return found;
    found = found[part];
  }
  return found;
}

/** Says of values that are all known whether the thing is replaced. */
export function needsReplacement(
  type: ResourceType | null,
  before: TemplateMap,
  after: TemplateMap,
  isReplaced: (before: TemplateMap, after: TemplateMap) => boolean,
): boolean {
  const changes = changedKeys(before, after).map((key) => changeOfProperty(type, key, before[key], after[key]));
  return changes.includes("replace") || (changes.includes("maybe") && isReplaced(before, after));
}
