/** Evaluates resources and outputs of a prepared template by what is known of its resources. */
import { type Outcome, UNRESOLVED } from "@thaw/template/language/outcome";
import { isScalar, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import type { Prepared, PreparedResource } from "./prepared.ts";
import { createEvaluator, KNOWN_AFTER_APPLY, type ResourceFacts } from "./scope.ts";
import { TemplateError } from "./template-error.ts";

export interface EvaluatedResource {
  /** Without those that `AWS::NoValue` leaves out; unknown ones have KNOWN_AFTER_APPLY. */
  readonly properties: TemplateMap;
  readonly metadata: TemplateMap | null;
}

export interface EvaluatedOutput {
  readonly key: string;
  readonly value: string;
  readonly description: string | null;
  readonly exportName: string | null;
}

type ImportValue = (name: string) => string | undefined;

/** Throws TemplateError. `importValue`: else those that the template was prepared with. */
export function evaluateResource(
  prepared: Prepared,
  logicalId: string,
  resource: PreparedResource,
  facts: ResourceFacts,
  importValue?: ImportValue,
): EvaluatedResource {
  const evaluator = evaluatorOf(prepared, facts, importValue);
  const members = (part: TemplateMap, place: string): TemplateMap =>
    present(Object.entries(part).map(([key, value]) => [key, evaluator.value(value, `${place}.${key}`)]));
  const place = `Resources.${logicalId}`;
  return {
    properties: members(resource.properties, `${place}.Properties`),
    metadata: resource.metadata === null ? null : members(resource.metadata, `${place}.Metadata`),
  };
}

/** Gives members that have a value. */
function present(members: ReadonlyArray<readonly [string, Outcome]>): TemplateMap {
  return Object.fromEntries(
    members.flatMap(
      ([key, value]): Array<[string, TemplateValue]> =>
        value === undefined ? [] : [[key, value === UNRESOLVED ? KNOWN_AFTER_APPLY : value]],
    ),
  );
}

/** Throws TemplateError. */
export function evaluateOutputs(
  prepared: Prepared,
  facts: ResourceFacts,
  importValue?: ImportValue,
): readonly EvaluatedOutput[] {
  const evaluator = evaluatorOf(prepared, facts, importValue);
  const text = (value: TemplateValue, place: string, problem: string): string => {
    const found = evaluator.value(value, place);
    if (found === UNRESOLVED) return KNOWN_AFTER_APPLY;
    if (!isScalar(found)) throw new TemplateError(`Template format error: ${problem}`);
    return String(found);
  };
  return Object.entries(prepared.outputs).map(([key, { value, description, exportName }]) => ({
    key,
    value: text(value, `Outputs.${key}.Value`, "The Value field of every Outputs member must evaluate to a String."),
    description,
    exportName:
      exportName === null
        ? null
        : text(exportName, `Outputs.${key}.Export.Name`, `Output ${key} has an Export whose Name is no String.`),
  }));
}

/** An evaluator over all that the template has. */
export function evaluatorOf(prepared: Prepared, facts: ResourceFacts, importValue?: ImportValue) {
  const { place, mappings, parameters, conditions, imports } = prepared;
  return createEvaluator({
    place,
    mappings,
    parameter: (name) => (Object.hasOwn(parameters, name) ? parameters[name]?.value : undefined),
    condition: (name) => (Object.hasOwn(conditions, name) ? conditions[name] : undefined),
    importValue: importValue ?? ((name) => (Object.hasOwn(imports, name) ? imports[name] : undefined)),
    resources: facts,
  });
}

export function isKnown(value: TemplateValue): boolean {
  if (typeof value === "string") return !value.includes(KNOWN_AFTER_APPLY);
  if (Array.isArray(value)) return value.every(isKnown);
  return !isTemplateMap(value) || Object.values(value).every(isKnown);
}
