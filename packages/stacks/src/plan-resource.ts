/** What becomes of one resource: the change that is shown, and what that lets others know of it. */
import { type Outcome, UNRESOLVED } from "@thaw/template/language/outcome";
import { isScalar, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { evaluatorOf, isKnown } from "./evaluate.ts";
import type { ChangeAttribute, ChangeDetail, PolicyAction, ResourceChange } from "./planned.ts";
import type { Prepared, PreparedResource } from "./prepared.ts";
import { changeOfProperty, needsReplacement } from "./property-changes.ts";
import { referencesOf } from "./references.ts";
import type { PropertyChange, ResourceType, ResourceTypes } from "./resource-type.ts";
import { KNOWN_AFTER_APPLY, type ResourceFacts } from "./scope.ts";
import type { DeletionPolicy, StackResource } from "./stack-resource.ts";
import { attributeOf, sameValue } from "./values.ts";

export type Row = StackResource;

/** What others may know of a resource before anything is made. `attributes`: they may change, the thing stays. */
export interface Known {
  readonly effect: "none" | "attributes" | "maybe replaced" | "replaced";
  readonly row: Row | null;
}

interface ResourceInput {
  readonly id: string;
  readonly resource: PreparedResource;
  readonly row: Row | undefined;
  readonly target: Prepared;
  readonly previous: Prepared | null;
  /** Of all that it needs. */
  readonly known: ReadonlyMap<string, Known>;
  readonly types: ResourceTypes;
}

interface Planned {
  readonly change: ResourceChange | null;
  readonly known: Known;
}

/** Its template may be another one under the same address, so it is always looked at. */
const NESTED = "AWS::CloudFormation::Stack";
const RECREATION = { update: "Never", maybe: "Conditionally", replace: "Always" } as const;

export function planResource(input: ResourceInput): Planned {
  const { id, resource, row, types } = input;
  const after = valuesOf(input);
  if (row === undefined || (row.isIncomplete && row.status === "CREATE_FAILED")) {
    const change = { ...baseOf(input, after), action: "Add", physicalId: null, before: null } as const;
    return { change, known: { effect: "replaced", row: null } };
  }
  const type = types.find(resource.type);
  const details = [
    ...propertyDetails(input, row, type, after.properties),
    ...(type?.isTaggable === true && !sameValue(row.tags, input.target.tags) ? [attributeDetail("Tags")] : []),
    ...(mayDiffer(row.metadata, after.metadata) ? [attributeDetail("Metadata")] : []),
    ...(row.deletionPolicy === resource.deletionPolicy ? [] : [attributeDetail("DeletionPolicy")]),
    ...(row.updateReplacePolicy === resource.updateReplacePolicy ? [] : [attributeDetail("UpdateReplacePolicy")]),
  ];
  const isAgain = row.status === "UPDATE_FAILED" || row.status === "DELETE_FAILED";
  if (details.length === 0 && !isAgain) return { change: null, known: { effect: "none", row } };
  const replacement = replacementOf(input, row, type, after, details);
  const scope = [...new Set(details.map(({ attribute }) => attribute))];
  const change: ResourceChange = {
    ...baseOf(input, after),
    action: "Modify",
    logicalId: id,
    physicalId: row.physicalId,
    replacement,
    policyAction: replacement === "True" ? replacePolicy(resource.updateReplacePolicy) : null,
    scope,
    details,
    before: contextOf(row.properties, row.metadata),
  };
  return { change, known: { effect: effectOf(replacement, scope), row } };
}

function effectOf(replacement: ResourceChange["replacement"], scope: readonly ChangeAttribute[]): Known["effect"] {
  if (replacement === "True") return "replaced";
  if (replacement === "Conditional") return "maybe replaced";
  return scope.includes("Properties") || scope.includes("Tags") ? "attributes" : "none";
}

function baseOf({ id, resource }: ResourceInput, { known, metadata }: Values) {
  return {
    logicalId: id,
    type: resource.type,
    replacement: null,
    policyAction: null,
    scope: [],
    details: [],
    after: contextOf(known, metadata),
  };
}

function contextOf(properties: TemplateMap, metadata: TemplateMap | null): TemplateMap {
  return { Properties: properties, ...(metadata === null ? {} : { Metadata: metadata }) };
}

function replacePolicy(policy: DeletionPolicy): PolicyAction {
  if (policy === "Snapshot") return "ReplaceAndSnapshot";
  return policy === "Delete" ? "ReplaceAndDelete" : "ReplaceAndRetain";
}

/** A value, and what made it unknown. */
interface Traced {
  readonly value: Outcome;
  readonly causes: readonly Cause[];
}

interface Cause {
  readonly entity: string;
  readonly source: "ResourceReference" | "ResourceAttribute";
  readonly evaluation: "Static" | "Dynamic";
}

interface Values {
  readonly properties: ReadonlyMap<string, Traced>;
  /** Properties that are present, unknown ones by their sign. */
  readonly known: TemplateMap;
  readonly metadata: TemplateMap | null;
}

function valuesOf({ id, resource, target, known }: ResourceInput): Values {
  let causes: Cause[] = [];
  const unknown = (entity: string, source: Cause["source"], own: Known | undefined): typeof UNRESOLVED => {
    const isSure = own === undefined || own.effect === "replaced";
    causes.push({ entity, source, evaluation: isSure ? "Static" : "Dynamic" });
    return UNRESOLVED;
  };
  const facts: ResourceFacts = {
    ref(name) {
      const own = known.get(name);
      const isStill = own !== undefined && (own.effect === "none" || own.effect === "attributes");
      return isStill && own.row !== null
        ? (own.row.ref ?? own.row.physicalId ?? "")
        : unknown(name, "ResourceReference", own);
    },
    attribute(name, attribute) {
      const own = known.get(name);
      const value = own?.effect === "none" ? attributeOf(own.row?.attributes ?? {}, attribute) : undefined;
      return value ?? unknown(`${name}.${attribute}`, "ResourceAttribute", own);
    },
  };
  const evaluator = evaluatorOf(target, facts);
  const evaluate = (part: TemplateMap, place: string): ReadonlyMap<string, Traced> =>
    new Map(
      Object.entries(part).map(([key, raw]) => {
        causes = [];
        const value = evaluator.value(raw, `Resources.${id}.${place}.${key}`);
        return [key, { value, causes }];
      }),
    );
  const properties = evaluate(resource.properties, "Properties");
  const metadata = resource.metadata === null ? null : shownOf(evaluate(resource.metadata, "Metadata"));
  return { properties, known: shownOf(properties), metadata };
}

function shownOf(values: ReadonlyMap<string, Traced>): TemplateMap {
  return Object.fromEntries(
    [...values].flatMap(
      ([key, { value }]): Array<[string, TemplateValue]> =>
        value === undefined ? [] : [[key, value === UNRESOLVED ? KNOWN_AFTER_APPLY : value]],
    ),
  );
}

/** Unknown parts count as the same. */
function mayDiffer(before: TemplateMap | null, after: TemplateMap | null): boolean {
  if (before === null || after === null) return before !== after;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].some((key) => {
    const value = after[key];
    return (value === undefined || isKnown(value)) && !sameValue(before[key], value);
  });
}

function propertyDetails(
  input: ResourceInput,
  row: Row,
  type: ResourceType | null,
  properties: ReadonlyMap<string, Traced>,
): readonly ChangeDetail[] {
  const keys = new Set([...properties.keys(), ...Object.keys(row.properties)]);
  const details = [...keys].flatMap((key) => {
    const { value, causes } = properties.get(key) ?? { value: undefined, causes: [] };
    const before = row.properties[key];
    const after = value === UNRESOLVED ? KNOWN_AFTER_APPLY : value;
    if (causes.length === 0 && sameValue(before, after)) return [];
    const change = causes.length > 0 ? unknownChange(type, key) : changeOfProperty(type, key, before, after);
    return detailsOf(input, key, change, { before, after, causes });
  });
  const isAutomatic = details.length === 0 && input.resource.type === NESTED;
  return isAutomatic
    ? [{ ...attributeDetail("Properties"), evaluation: "Dynamic", changeSource: "Automatic" }]
    : details;
}

/** Of a property whose members are named, the first that says something: which of them changes is not known. */
function unknownChange(type: ResourceType | null, key: string): PropertyChange {
  const table = Object.entries(type?.properties ?? {});
  const named = table.filter(([name]) => name.startsWith(`${key}.`)).map(([, change]) => change);
  if (named.length === 0) return changeOfProperty(type, key, undefined, undefined);
  return named.every((change) => change === named[0]) ? (named[0] ?? "update") : "maybe";
}

interface PropertyValues {
  readonly before: TemplateValue | undefined;
  readonly after: TemplateValue | undefined;
  readonly causes: readonly Cause[];
}

function detailsOf(
  input: ResourceInput,
  key: string,
  change: PropertyChange,
  { before, after, causes }: PropertyValues,
): readonly ChangeDetail[] {
  const base = {
    attribute: "Properties",
    name: key,
    requiresRecreation: RECREATION[change],
    path: `/Properties/${key}`,
    attributeChangeType: before === undefined ? "Add" : after === undefined ? "Remove" : "Modify",
    beforeValue: textOf(before),
    afterValue: textOf(after),
  } as const;
  const direct = (evaluation: ChangeDetail["evaluation"]): ChangeDetail => {
    return { ...base, evaluation, changeSource: "DirectModification", causingEntity: null };
  };
  const parameters = changedParameters(input, key);
  const isEdited = isRawChanged(input, key);
  const found: ChangeDetail[] = uniqueCauses(causes).map(({ entity, source, evaluation }) => {
    return { ...base, evaluation, changeSource: source, causingEntity: entity };
  });
  for (const name of parameters)
    found.push({ ...base, evaluation: "Static", changeSource: "ParameterReference", causingEntity: name });
  if (isEdited || found.length === 0) found.push(direct("Static"));
  // AWS tells a changed parameter twice: as such, and as a modification whose value is evaluated later.
  else if (parameters.length > 0) found.push(direct("Dynamic"));
  return found;
}

function uniqueCauses(causes: readonly Cause[]): readonly Cause[] {
  return [...new Map(causes.map((each) => [`${each.source} ${each.entity}`, each])).values()];
}

/** Parameters that the property names, and whose value is another one. */
function changedParameters({ resource, target, previous }: ResourceInput, key: string): readonly string[] {
  const names = [...referencesOf(resource.properties[key], target.conditions)].map(({ name }) => name);
  return [...new Set(names)].filter((name) => {
    const [now, before] = [target, previous].map((each) => each?.parameters[name]?.value);
    return now !== undefined && before !== undefined && !sameValue(now, before);
  });
}

/** Says whether the text of the property is another one. */
function isRawChanged({ id, resource, previous }: ResourceInput, key: string): boolean {
  const before = previous?.resources[id];
  return before !== undefined && !sameValue(before.properties[key], resource.properties[key]);
}

function attributeDetail(attribute: ChangeAttribute): ChangeDetail {
  return {
    attribute,
    name: null,
    requiresRecreation: "Never",
    evaluation: "Static",
    changeSource: "DirectModification",
    causingEntity: null,
    path: `/${attribute}`,
    attributeChangeType: "Modify",
    beforeValue: null,
    afterValue: null,
  };
}

function textOf(value: TemplateValue | undefined): string | null {
  if (value === undefined || value === null) return null;
  return isScalar(value) ? String(value) : JSON.stringify(value);
}

function replacementOf(
  { resource, types }: ResourceInput,
  row: Row,
  type: ResourceType | null,
  { properties, known }: Values,
  details: readonly ChangeDetail[],
): "True" | "False" | "Conditional" {
  if (row.isIncomplete) return "True";
  const isAlways = details.some(
    ({ requiresRecreation, evaluation }) => requiresRecreation === "Always" && evaluation === "Static",
  );
  if (isAlways) return "True";
  if (details.every(({ requiresRecreation }) => requiresRecreation === "Never")) return "False";
  const isAllKnown = [...properties.values()].every(({ causes }) => causes.length === 0);
  if (!isAllKnown) return "Conditional";
  const isReplaced = needsReplacement(type, row.properties, known, (before, after) =>
    types.isReplaced(resource.type, before, after),
  );
  return isReplaced ? "True" : "False";
}
