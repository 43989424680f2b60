/** A type of resources as the planner needs it, from AWS's own specification. */
import type { ResourceType } from "@thaw/stacks/resource-type";
import { TYPE_SPECS, type TypeSpec } from "./generated/type-specs.ts";

export interface TypeOptions {
  readonly kind?: ResourceType["kind"];
  /** Properties of AWS's that Thaw does not have: a template with one is refused by its name, unless it is empty. */
  readonly without?: readonly string[];
  /** What to do instead of one of them, where there is something; for the others: `leave it out`. */
  readonly instead?: Readonly<Record<string, string>>;
  readonly lacksValues?: NonNullable<ResourceType["lacksValues"]>;
  /** In place of AWS's own. */
  readonly attributes?: readonly string[] | null;
  readonly nameProperty?: string | null;
  readonly canSnapshot?: boolean;
}

/** Throws where AWS's specification, as far as tools/generate-resource-types.ts took it over, has no such type. */
export function describeType(name: string, options: TypeOptions = {}): ResourceType {
  const spec = specOf(name);
  const instead = options.instead ?? {};
  const without = new Set([...(options.without ?? []), ...Object.keys(instead)]);
  const all = [...wordsOf(spec.update), ...wordsOf(spec.replace), ...wordsOf(spec.maybe)];
  const unknown = [...without].filter((each) => !all.includes(each));
  if (unknown.length > 0) throw new Error(`${name} has no property ${unknown.join(", ")}`);
  const taken = (names: string, effect: "update" | "replace" | "maybe") =>
    wordsOf(names).flatMap((each) => (without.has(each) ? [] : [[each, effect] as const]));
  return {
    name,
    kind: options.kind ?? "real",
    properties: Object.fromEntries([
      ...taken(spec.update, "update"),
      ...taken(spec.replace, "replace"),
      ...taken(spec.maybe, "maybe"),
    ]),
    lacks: Object.fromEntries([...without].map((each) => [each, instead[each] ?? "leave it out"])),
    lacksValues: options.lacksValues ?? {},
    required: wordsOf(spec.required),
    attributes: options.attributes === undefined ? wordsOf(spec.attributes) : options.attributes,
    nameProperty: options.nameProperty === undefined ? spec.nameProperty : options.nameProperty,
    isTaggable: spec.tagProperty !== null,
    canSnapshot: options.canSnapshot ?? false,
  };
}

function specOf(name: string): TypeSpec {
  const spec = Object.hasOwn(TYPE_SPECS, name) ? TYPE_SPECS[name] : undefined;
  if (spec === undefined) throw new Error(`${name} is not described: add it to tools/generate-resource-types.ts`);
  return spec;
}

function wordsOf(names: string): readonly string[] {
  return names === "" ? [] : names.split(" ");
}
