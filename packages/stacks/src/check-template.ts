/**
 * CloudFormation's own check of a template, before anything is evaluated. Texts are AWS's where they are known; clients
 * show them, and some compare them.
 */
import type { Template } from "@thaw/template/template";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { conditionCycle, foreignInConditions } from "./check-conditions.ts";
import { cyclesOf, dependsOn, graphInSteps } from "./graph.ts";
import { parameterProblem } from "./parameters.ts";
import { referencesOf } from "./references.ts";
import { finish, type Steps } from "./steps.ts";

/** AWS's quotas. */
const RESOURCES_MAX = 500;
const PARAMETERS_MAX = 200;
const OUTPUTS_MAX = 200;
const ID = /^[A-Za-z0-9]{1,255}$/;
const RESOURCE_KEYS = new Set([
  "Condition",
  "CreationPolicy",
  "DeletionPolicy",
  "DependsOn",
  // A comment. No guide of AWS's names it, and its service takes it.
  "Description",
  "Metadata",
  "Properties",
  "Type",
  "UpdatePolicy",
  "UpdateReplacePolicy",
  // Read by the SAM transform.
  "Connectors",
  "IgnoreGlobals",
]);
const PARAMETER_KEYS = new Set([
  "AllowedPattern",
  "AllowedValues",
  "ConstraintDescription",
  "Default",
  "Description",
  "MaxLength",
  "MaxValue",
  "MinLength",
  "MinValue",
  "NoEcho",
  "Type",
]);
const OUTPUT_KEYS = new Set(["Condition", "Description", "Export", "Value"]);

/** Gives the first thing that is wrong, as AWS's ValidationError says it; null: nothing. */
export function checkTemplate(template: Template): string | null {
  return finish(checkTemplateInSteps(template));
}

export function* checkTemplateInSteps(template: Template): Steps<string | null> {
  return (
    sizes(template) ??
    sections(template) ??
    members(template) ??
    conditionCycle(template.conditions) ??
    // Other macros than SAM's, which makes resources of its own, may make any.
    (template.transforms.length === 0 ? yield* references(template) : null)
  );
}

function sizes({ resources, parameters, outputs }: Template): string | null {
  const [resourceCount, parameterCount, outputCount] = [resources, parameters, outputs].map(
    (section) => Object.keys(section).length,
  ) as [number, number, number];
  if (resourceCount === 0) return format("At least one Resources member must be defined.");
  if (resourceCount > RESOURCES_MAX)
    return format(`Number of resources, ${resourceCount}, is greater than maximum allowed, ${RESOURCES_MAX}`);
  if (parameterCount > PARAMETERS_MAX)
    return format(`Number of parameters, ${parameterCount}, is greater than maximum allowed, ${PARAMETERS_MAX}`);
  if (outputCount > OUTPUTS_MAX)
    return format(`Number of outputs, ${outputCount}, is greater than maximum allowed, ${OUTPUTS_MAX}`);
  return null;
}

function sections({ others }: Template): string | null {
  return others.length === 0 ? null : `Invalid template property or properties [${others.join(", ")}]`;
}

function members({ parameters, resources, outputs }: Template): string | null {
  for (const [name, parameter] of Object.entries(parameters)) {
    const unknown = Object.keys(parameter).find((key) => !PARAMETER_KEYS.has(key));
    if (unknown !== undefined) return `Invalid template parameter property '${unknown}'`;
    const problem = parameterProblem(name, parameter);
    if (problem !== null) return problem;
  }
  return resourceMembers(resources) ?? outputMembers(outputs, resources);
}

function resourceMembers(resources: TemplateMap): string | null {
  for (const [id, resource] of Object.entries(resources)) {
    if (isMacro(id)) continue;
    if (!ID.test(id)) return format(`Resource name ${id} is non alphanumeric.`);
    if (!isTemplateMap(resource)) return format(`[/Resources/${id}] resource definition is malformed`);
    const unknown = Object.keys(resource).filter((key) => !RESOURCE_KEYS.has(key));
    if (unknown.length > 0) return `Invalid template resource property '${unknown[0]}'`;
    const misplaced = misplacedCall(resource);
    if (misplaced !== null) return misplaced;
  }
  return null;
}

function outputMembers(outputs: TemplateMap, resources: TemplateMap): string | null {
  for (const [id, output] of Object.entries(outputs)) {
    if (isMacro(id)) continue;
    if (!ID.test(id)) return format(`Output name ${id} is non alphanumeric.`);
    if (!isTemplateMap(output)) return format(`[/Outputs/${id}] 'null' values are not allowed in templates`);
    if (output["Value"] === undefined)
      return format(`Output ${id} is malformed. The Value field of every Outputs member must be specified.`);
    const unknown = Object.keys(output).find((key) => !OUTPUT_KEYS.has(key));
    if (unknown !== undefined) return `Invalid template output property '${unknown}'`;
    const misplaced = misplacedCall(output) ?? exportedName(id, output["Export"], resources);
    if (misplaced !== null) return misplaced;
  }
  return null;
}

/** The name must be known before anything is made. Two blanks: AWS's text has them. */
function exportedName(id: string, exported: TemplateValue | undefined, resources: TemplateMap): string | null {
  if (!isTemplateMap(exported)) return null;
  const name = exported["Name"];
  const isOfResource = [...referencesOf(name)].some(
    (each) => each.kind === "value" && Object.hasOwn(resources, each.name),
  );
  if (!isOfResource && !callsAny(name, ["Fn::ImportValue", "Fn::GetAZs"])) return null;
  return format(
    `Output ${id} is malformed.  The Name field of Export must not depend on any resources, imported values, or Fn::GetAZs.`,
  );
}

function callsAny(value: TemplateValue | undefined, names: readonly string[]): boolean {
  if (isTemplateList(value)) return value.some((each) => callsAny(each, names));
  if (!isTemplateMap(value)) return false;
  return Object.entries(value).some(([key, member]) => names.includes(key) || callsAny(member, names));
}

/** Says whether a name of a section is a call that a transform puts others in the place of. */
function isMacro(id: string): boolean {
  return id === "Fn::Transform" || id.startsWith("Fn::ForEach::");
}

/** Names only: an intrinsic function there, or anything else, would be left out without a word. */
function misplacedCall({ Condition: condition, DependsOn: given }: TemplateMap): string | null {
  if (condition !== undefined && typeof condition !== "string")
    return format("Every Condition member must be a string.");
  const names = isTemplateList(given) ? given : given === undefined ? [] : [given];
  return names.every((each) => typeof each === "string") ? null : format("Every DependsOn value must be a string.");
}

function* references(template: Template): Steps<string | null> {
  const { resources, conditions, parameters, outputs } = template;
  for (const [section, part] of [
    ["Resources", resources],
    ["Outputs", outputs],
  ] as const) {
    const names = yield* missing(part, template);
    if (names.size > 0)
      return format(
        `Unresolved resource dependencies [${[...names].join(", ")}] in the ${section} block of the template`,
      );
  }
  const foreign = foreignInConditions(conditions, parameters);
  if (foreign !== null) return foreign;
  for (const part of [...Object.values(resources), ...Object.values(outputs)]) {
    yield;
    const own = isTemplateMap(part) ? part["Condition"] : undefined;
    const named = [...referencesOf(part)].flatMap(({ kind, name }) => (kind === "condition" ? [name] : []));
    const unknown = [...(typeof own === "string" ? [own] : []), ...named].find(
      (name) => !Object.hasOwn(conditions, name),
    );
    if (unknown !== undefined)
      return format(`Unresolved condition dependency ${unknown} in the Resources block of the template`);
  }
  const [cycle] = cyclesOf(yield* graphInSteps(resources));
  return cycle === undefined ? null : `Circular dependency between resources: [${cycle.join(", ")}]`;
}

/** Names that a section refers to, and that are nothing of the template. */
function* missing(section: TemplateMap, { resources, parameters }: Template): Steps<ReadonlySet<string>> {
  const isKnown = (name: string): boolean =>
    name.startsWith("AWS::") || Object.hasOwn(resources, name) || Object.hasOwn(parameters, name);
  const found = new Set<string>();
  for (const part of Object.values(section)) {
    yield;
    for (const name of isTemplateMap(part) ? dependsOn(part) : []) if (!isKnown(name)) found.add(name);
    for (const { kind, name } of referencesOf(part)) if (kind === "value" && !isKnown(name)) found.add(name);
  }
  return found;
}

function format(text: string): string {
  return `Template format error: ${text}`;
}
