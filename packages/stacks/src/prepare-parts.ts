/** Resources and outputs whose condition is true, and what each needs. */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { dependsOn } from "./graph.ts";
import { type ConditionValues, referencesOf } from "./references.ts";
import type { Prepared, PreparedOutput, PreparedResource } from "./prepared.ts";
import type { ResourceTypes } from "./resource-type.ts";
import { createEvaluator } from "./scope.ts";
import type { DeletionPolicy } from "./stack-resource.ts";
import type { Steps } from "./steps.ts";
import { TemplateError } from "./template-error.ts";

const POLICIES: readonly string[] = ["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"];

/** Throws TemplateError. `prepared` has all but resources and outputs. */
export function* prepareResources(
  declared: TemplateMap,
  prepared: Prepared,
  types: ResourceTypes,
): Steps<Readonly<Record<string, PreparedResource>>> {
  const { conditions } = prepared;
  const present = Object.entries(declared).flatMap(([id, resource]): Array<[string, TemplateMap]> => {
    return isTemplateMap(resource) && isPresent(resource, conditions) ? [[id, resource]] : [];
  });
  const ids = new Set(present.map(([id]) => id));
  const policyOf = createPolicyReader(prepared, types);
  const made: Array<readonly [string, PreparedResource]> = [];
  for (const [id, resource] of present) {
    yield;
    const properties = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
    const metadata = isTemplateMap(resource["Metadata"]) ? resource["Metadata"] : null;
    refuseNulls(properties, `/Resources/${id}/Properties`);
    refusePolicies(id, resource);
    const type = String(resource["Type"]);
    const needs = new Set(dependsOn(resource).filter((name) => ids.has(name)));
    const refers = [properties, metadata ?? {}].flatMap((part) => resourcesIn(part, prepared, declared));
    checkPresent(refers, ids, "Resources");
    for (const name of refers) needs.add(name);
    const deletionPolicy = policyOf(id, type, "DeletionPolicy", resource);
    const updateReplacePolicy = policyOf(id, type, "UpdateReplacePolicy", resource);
    made.push([id, { type, properties, metadata, needs: [...needs], deletionPolicy, updateReplacePolicy }]);
  }
  return Object.fromEntries(made);
}

/** Throws TemplateError. */
export function* prepareOutputs(
  declared: TemplateMap,
  conditions: ConditionValues,
  resources: Readonly<Record<string, PreparedResource>>,
): Steps<Readonly<Record<string, PreparedOutput>>> {
  const ids = new Set(Object.keys(resources));
  const made: Array<readonly [string, PreparedOutput]> = [];
  for (const [id, output] of Object.entries(declared)) {
    if (!isTemplateMap(output) || !isPresent(output, conditions)) continue;
    yield;
    const value = output["Value"] ?? null;
    const found = [...referencesOf(value, conditions)].filter(({ kind }) => kind === "value");
    const names = found.map(({ name }) => name).filter((name) => Object.hasOwn(resources, name));
    checkPresent(names, ids, "Outputs");
    const exported = output["Export"];
    const exportName = isTemplateMap(exported) ? (exported["Name"] ?? null) : null;
    if (exported !== undefined && exportName === null)
      throw new TemplateError(
        `Template format error: Output ${id} is malformed. The Name field of every Export member must be specified.`,
      );
    const description = output["Description"];
    made.push([id, { value, description: typeof description === "string" ? description : null, exportName }]);
  }
  return Object.fromEntries(made);
}

function isPresent(part: TemplateMap, conditions: ConditionValues): boolean {
  const condition = part["Condition"];
  return typeof condition !== "string" || conditions[condition] === true;
}

/** Names of the template's resources that a part needs, on the branches that are taken. */
function resourcesIn(part: TemplateValue, { conditions }: Prepared, declared: TemplateMap): readonly string[] {
  return [...referencesOf(part, conditions)].flatMap(({ kind, name }) =>
    kind === "value" && Object.hasOwn(declared, name) ? [name] : [],
  );
}

/** Refuses references to resources whose condition is false. */
function checkPresent(names: readonly string[], ids: ReadonlySet<string>, section: string): void {
  const absent = [...new Set(names)].filter((name) => !ids.has(name));
  if (absent.length > 0)
    throw new TemplateError(
      `Template format error: Unresolved resource dependencies [${absent.join(", ")}] in the ${section} block of the template`,
    );
}

/** Of an alias: CodeDeploy's, which SAM writes for a gradual deployment. The alias is shifted at once. */
const SHIFT = "CodeDeployLambdaAliasUpdate";

/** Refuses what would be taken and not done. */
function refusePolicies(id: string, { CreationPolicy: creation, UpdatePolicy: update }: TemplateMap): void {
  const refuse = (what: string, why: string): never => {
    throw new TemplateError(`Template error: Resources.${id}.${what} is not supported by Thaw: ${why}`);
  };
  if (creation !== undefined) refuse("CreationPolicy", "nothing signals a stack. Leave it out");
  const others = isTemplateMap(update) ? Object.keys(update).filter((key) => key !== SHIFT) : [];
  if (others.length > 0) refuse(`UpdatePolicy.${others[0] ?? ""}`, "it is for groups of machines. Leave it out");
}

function refuseNulls(value: TemplateValue, at: string): void {
  if (value === null) throw new TemplateError(`[${at}] 'null' values are not allowed in templates`);
  if (typeof value !== "object") return;
  const members = isTemplateList(value) ? value.entries() : Object.entries(value);
  for (const [key, each] of members) refuseNulls(each, `${at}/${key}`);
}

type Attribute = "DeletionPolicy" | "UpdateReplacePolicy";

/** A policy may be computed of parameters, with AWS::LanguageExtensions. */
function createPolicyReader(prepared: Prepared, types: ResourceTypes) {
  const evaluator = createEvaluator({
    place: prepared.place,
    mappings: prepared.mappings,
    parameter: (name) => prepared.parameters[name]?.value,
    condition: (name) => prepared.conditions[name],
    importValue: () => undefined,
    resources: null,
  });
  return (id: string, type: string, attribute: Attribute, resource: TemplateMap): DeletionPolicy => {
    const given = resource[attribute];
    if (given === undefined) return "Delete";
    const policy = evaluator.value(given, `Resources.${id}.${attribute}`);
    const isKnown = typeof policy === "string" && POLICIES.includes(policy);
    if (!isKnown || (attribute === "UpdateReplacePolicy" && policy === "RetainExceptOnCreate"))
      throw new TemplateError(`Template format error: Unrecognized ${attribute} ${String(policy)} for resource ${id}`);
    if (policy === "Snapshot" && types.find(type)?.canSnapshot === false)
      throw new TemplateError(`Template error: resource type ${type} does not support deletion policy Snapshot`);
    return policy as DeletionPolicy;
  };
}
