/** What a part of a template refers to: parameters, pseudo parameters, resources, and conditions. */
import { isCall, isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";

export interface Reference {
  /** `value`: `Ref`, `Fn::GetAtt` or a variable of `Fn::Sub`. `condition`: the name in `Fn::If` or `Condition`. */
  readonly kind: "value" | "condition";
  readonly name: string;
  /** Of a resource; null: the thing itself. */
  readonly attribute: string | null;
}

const VARIABLE = /\$\{([^!}][^}]*)\}/g;

/** Truth values of conditions, by their names. */
export type ConditionValues = Readonly<Record<string, boolean>>;

/** Gives all of them, in the order of the text; with conditions, only those of branches that are taken. */
export function* referencesOf(
  value: TemplateValue | undefined,
  conditions: ConditionValues = {},
): Generator<Reference> {
  if (isTemplateList(value)) {
    for (const each of value) yield* referencesOf(each, conditions);
  } else if (isCall(value)) yield* referencesOfCall(value, conditions);
  else if (isTemplateMap(value)) for (const each of Object.values(value)) yield* referencesOf(each, conditions);
}

function* referencesOfCall(call: TemplateMap, conditions: ConditionValues): Generator<Reference> {
  const [[name, argument] = ["", null]] = Object.entries(call);
  if (name === "Ref" && typeof argument === "string") yield named(argument);
  else if (name === "Fn::GetAtt") yield* attribute(argument, conditions);
  else if (name === "Fn::Sub") yield* substituted(argument, conditions);
  else if (name === "Fn::If" && isTemplateList(argument)) {
    const [condition, ...branches] = argument;
    if (typeof condition === "string") yield { kind: "condition", name: condition, attribute: null };
    for (const branch of taken(branches, condition, conditions)) yield* referencesOf(branch, conditions);
  } else yield* referencesOf(argument, conditions);
}

function taken(
  branches: readonly TemplateValue[],
  condition: TemplateValue | undefined,
  conditions: ConditionValues,
): readonly TemplateValue[] {
  if (typeof condition !== "string" || !Object.hasOwn(conditions, condition)) return branches;
  return conditions[condition] === true ? branches.slice(0, 1) : branches.slice(1);
}

/** Both forms: a list of two, or a text with a dot. */
function* attribute(argument: TemplateValue, conditions: ConditionValues): Generator<Reference> {
  const parts = typeof argument === "string" ? argument.split(".") : isTemplateList(argument) ? argument : [];
  const [name, ...rest] = parts;
  if (typeof name === "string") yield { kind: "value", name, attribute: rest.map(String).join(".") };
  // A name may be computed, that of a resource may not.
  for (const each of rest) yield* referencesOf(each, conditions);
}

/** Names of the call's own variables are none of the template. */
function* substituted(argument: TemplateValue, conditions: ConditionValues): Generator<Reference> {
  const [text, own] = isTemplateList(argument) ? argument : [argument, undefined];
  const variables = isTemplateMap(own) ? own : {};
  if (typeof text === "string")
    // Behind the last brace there is no variable, and each search for one would go over all that is left.
    for (const [, inner = ""] of text.slice(0, text.lastIndexOf("}") + 1).matchAll(VARIABLE)) {
      const name = inner.trim();
      if (!Object.hasOwn(variables, name)) yield named(name);
    }
  yield* referencesOf(variables, conditions);
}

/** `Name.Attribute` in a text; a pseudo parameter has colons and no dot. */
function named(text: string): Reference {
  const at = text.indexOf(".");
  return at === -1
    ? { kind: "value", name: text, attribute: null }
    : { kind: "value", name: text.slice(0, at), attribute: text.slice(at + 1) };
}
