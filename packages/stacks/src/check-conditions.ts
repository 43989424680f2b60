/** Checks the conditions of a template for what can't be decided: names that are none, and circles. */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { cyclesOf, type Graph } from "./graph.ts";
import { referencesOf } from "./references.ts";

type Named = Readonly<Record<string, unknown>>;

/**
 * Gives the first thing that is wrong, as AWS's ValidationError says it; null: nothing. AWS refuses circles; its text
 * for them is not known.
 */
export function conditionCycle(conditions: TemplateMap): string | null {
  const graph: Graph = new Map(Object.entries(conditions).map(([name, value]) => [name, new Set(conditionsIn(value))]));
  const [cycle] = cyclesOf(graph);
  return cycle === undefined
    ? null
    : `Template format error: Circular dependency between conditions: [${cycle.join(", ")}]`;
}

/** For a template whose transforms have run: before, they may bring what is missing. */
export function foreignInConditions(conditions: TemplateMap, parameters: Named): string | null {
  for (const value of Object.values(conditions)) {
    const unknown = [...conditionsIn(value)].find((name) => !Object.hasOwn(conditions, name));
    if (unknown !== undefined)
      return `Template format error: Unresolved condition dependency ${unknown} in the Conditions block of the template`;
    const others = [...referencesOf(value)].flatMap(({ kind, name, attribute }) =>
      kind === "value" && (attribute !== null || !isParameter(name, parameters)) ? [name] : [],
    );
    if (others.length > 0)
      return `Template format error: Unresolved dependencies [${[...new Set(others)].join(", ")}]. Cannot reference resources in the Conditions block of the template`;
  }
  return null;
}

function isParameter(name: string, parameters: Named): boolean {
  return name.startsWith("AWS::") || Object.hasOwn(parameters, name);
}

/** Names after `Condition`, and first in `Fn::If`. Not by recursion over what a name stands for. */
function* conditionsIn(value: TemplateValue): Generator<string> {
  if (isTemplateList(value)) for (const each of value) yield* conditionsIn(each);
  if (!isTemplateMap(value)) return;
  for (const [key, member] of Object.entries(value)) {
    if (key === "Condition" && typeof member === "string") yield member;
    if (key === "Fn::If" && isTemplateList(member) && typeof member[0] === "string") yield member[0];
    yield* conditionsIn(member);
  }
}
