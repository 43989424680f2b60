/**
 * A template as a plan: functions, versions and aliases, and the list of all that has no meaning here. Nothing is
 * dropped silently: a property is either in the plan or in the list.
 *
 * ```text
 *  template.ts ─► resolve.ts ─► resources/* ─► plan
 *  reads          fills in       one file for each kind of resource
 * ```
 */
import type { Plan } from "./planned.ts";
import type { Problem } from "./problem.ts";
import { readParameters, type ResolveContext, Resolver } from "./resolve.ts";
import { readAlias } from "./resources/alias.ts";
import { readFunction, SAM_FUNCTION } from "./resources/function.ts";
import type { Planning, ResourceReader } from "./resources/planning.ts";
import { readVersion } from "./resources/version.ts";
import { isTemplateMap, type Template, type TemplateMap, type TemplateValue } from "./template.ts";

export interface PlanOptions {
  readonly region: string;
  readonly accountId: string;
  readonly stackName: string;
  readonly overrides: Readonly<Record<string, string>>;
}

const FUNCTION = "AWS::Lambda::Function";
const VERSION = "AWS::Lambda::Version";

const READERS: Readonly<Record<string, ResourceReader>> = {
  [SAM_FUNCTION]: readFunction,
  [FUNCTION]: readFunction,
  [VERSION]: readVersion,
  "AWS::Lambda::Alias": readAlias,
};
/** Known to SAM's own tools, nothing to deploy. */
const RESOURCE_KEYS = new Set(["Type", "Properties", "Metadata", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy"]);
const SECTIONS = new Set([
  "AWSTemplateFormatVersion",
  "Transform",
  "Description",
  "Metadata",
  "Globals",
  "Parameters",
  "Resources",
  "Outputs",
]);

export function planTemplate(template: Template, options: PlanOptions): Plan {
  const problems: Problem[] = [];
  const parameters = readParameters(template, options.overrides, problems);
  const names = functionNames(template, options, parameters);
  const arnOf = (name: string): string => `arn:aws:lambda:${options.region}:${options.accountId}:function:${name}`;
  const context: ResolveContext = {
    ...options,
    parameters,
    refOf: (logicalId) =>
      names.get(logicalId) ?? (template.Resources[logicalId]?.["Type"] === VERSION ? `version:${logicalId}` : null),
    attributeOf: (logicalId, attribute) => {
      const name = names.get(logicalId);
      if (name !== undefined && attribute === "Arn") return arnOf(name);
      return template.Resources[logicalId]?.["Type"] === VERSION && attribute === "Version"
        ? `version:${logicalId}`
        : null;
    },
  };
  const planning: Planning = {
    template,
    resolver: new Resolver(context, problems),
    names,
    functions: [],
    versions: [],
    aliases: [],
    refuse: (place, reason = "is not supported") => void problems.push({ place, reason }),
  };
  for (const section of Object.keys(template)) if (!SECTIONS.has(section)) planning.refuse(section);
  for (const logicalId of Object.keys(template.Resources)) addResource(planning, logicalId);
  for (const section of Object.keys(template.Globals ?? {}))
    if (section !== "Function") planning.refuse(`Globals.${section}`);
  const { functions, versions, aliases } = planning;
  return { functions, versions, aliases, outputs: readOutputs(planning), problems };
}

/** Reads the names first: resources refer to one another. */
function functionNames(
  template: Template,
  options: PlanOptions,
  parameters: Readonly<Record<string, string>>,
): Map<string, string> {
  const names = new Map<string, string>();
  const silent = new Resolver({ ...options, parameters, refOf: () => null, attributeOf: () => null }, []);
  for (const [logicalId, resource] of Object.entries(template.Resources)) {
    if (resource["Type"] !== SAM_FUNCTION && resource["Type"] !== FUNCTION) continue;
    const given = isTemplateMap(resource["Properties"]) ? resource["Properties"]["FunctionName"] : undefined;
    const name = given === undefined ? undefined : silent.resolve(given, "");
    names.set(logicalId, name === undefined ? `${options.stackName}-${logicalId}` : String(name));
  }
  return names;
}

function addResource(planning: Planning, logicalId: string): void {
  const resource = planning.template.Resources[logicalId] as TemplateMap;
  const place = `Resources.${logicalId}`;
  const type = String(resource["Type"]);
  for (const key of Object.keys(resource)) if (!RESOURCE_KEYS.has(key)) planning.refuse(`${place}.${key}`);
  const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (read === undefined) return planning.refuse(place, `${type} is not supported`);
  const own = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
  const merged = type === SAM_FUNCTION ? withGlobals(planning.template, own) : own;
  return read(planning, {
    logicalId,
    type,
    place,
    properties: planning.resolver.resolve(merged, place) as TemplateMap,
  });
}

function withGlobals(template: Template, own: TemplateMap): TemplateMap {
  const globals = template.Globals?.["Function"];
  return isTemplateMap(globals) ? merge(globals, own) : own;
}

function readOutputs({ template, resolver }: Planning): Readonly<Record<string, string>> {
  const outputs: Record<string, string> = {};
  for (const [name, output] of Object.entries(template.Outputs ?? {})) {
    const value = resolver.resolve(output["Value"] as TemplateValue, `Outputs.${name}`);
    if (value !== undefined) outputs[name] = String(value);
  }
  return outputs;
}

function merge(base: TemplateMap, over: TemplateMap): TemplateMap {
  const merged: Record<string, TemplateValue> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    if (isTemplateMap(below) && isTemplateMap(value)) merged[key] = merge(below, value);
    else if (Array.isArray(below) && Array.isArray(value) && key !== "Architectures")
      merged[key] = [...(below as TemplateValue[]), ...(value as TemplateValue[])];
    else merged[key] = value;
  }
  return merged;
}
