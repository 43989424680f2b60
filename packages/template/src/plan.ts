/**
 * A template as a plan: layers, functions, versions and aliases, and the list of all that has no meaning here. Nothing
 * is dropped silently: a property is in the plan, in the list of problems or in that of notes.
 *
 * ```text
 *  template.ts ─► language/* ─► references.ts ─► resources/* ─► plan
 *  reads          evaluates     what names       one file for each
 *                               stand for        kind of resource
 * ```
 * Everything behind template.ts is pure.
 */
import { type EnvironmentOverrides, noteUnused, overrideVariables } from "./environment-overrides.ts";
import { defaultFunctionName } from "./function-names.ts";
import { noteGlobals, withGlobals } from "./globals.ts";
import { Conditions } from "./language/conditions.ts";
import { Evaluator } from "./language/evaluator.ts";
import { Loops } from "./language/for-each.ts";
import { readParameters } from "./language/parameters.ts";
import { UNRESOLVED } from "./language/outcome.ts";
import { checkRules } from "./language/rules.ts";
import { refuseLateValues } from "./late-values.ts";
import { noteText } from "./notes.ts";
import type { Plan } from "./planned.ts";
import type { Note, Problem, Report } from "./problem.ts";
import {
  FUNCTION_TYPES,
  LAYER_TYPES,
  type MadeUp,
  parameterScope,
  type ReferenceInput,
  References,
  type StackPlace,
} from "./references.ts";
import { notedBecause } from "./resource-types.ts";
import { readAlias } from "./resources/alias.ts";
import { readEventInvoke } from "./resources/event-invoke.ts";
import { isTaken } from "./resources/function-properties.ts";
import { readFunction, SAM_FUNCTION } from "./resources/function.ts";
import { readLayer, SAM_LAYER } from "./resources/layer.ts";
import { NOT_SUPPORTED, type Planning, type ResourceReader } from "./resources/planning.ts";
import { readPermission } from "./resources/permission.ts";
import { readUrl } from "./resources/url.ts";
import { readVersion } from "./resources/version.ts";
import type { Template } from "./template.ts";
import { isScalar, isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "./value.ts";

export interface PlanOptions extends StackPlace {
  /** Values of parameters. */
  readonly overrides: Readonly<Record<string, string>>;
  /** Values of functions' variables. */
  readonly environment?: EnvironmentOverrides;
}

const URL_TYPE = "AWS::Lambda::Url";
const PERMISSION_TYPE = "AWS::Lambda::Permission";
const READERS: Readonly<Record<string, ResourceReader>> = {
  [SAM_FUNCTION]: readFunction,
  "AWS::Lambda::Function": readFunction,
  [SAM_LAYER]: readLayer,
  "AWS::Lambda::LayerVersion": readLayer,
  "AWS::Lambda::Version": readVersion,
  "AWS::Lambda::Alias": readAlias,
  [URL_TYPE]: readUrl,
  [PERMISSION_TYPE]: readPermission,
  "AWS::Lambda::EventInvokeConfig": readEventInvoke,
};
const RESOURCE_KEYS = new Set([
  "Type",
  "Properties",
  "Metadata",
  "DependsOn",
  "Condition",
  "DeletionPolicy",
  "UpdateReplacePolicy",
  "IgnoreGlobals",
]);
const TRANSFORMS = new Set(["AWS::Serverless-2016-10-31", "AWS::LanguageExtensions"]);
const VARIABLES = ".Environment.Variables.";

/** What was found so far. */
class Findings implements Report {
  readonly problems: Problem[] = [];
  readonly notes: Note[] = [];
  readonly #seen = new Set<string>();

  error(place: string, reason: string): void {
    this.#add(place, reason, () => this.problems.push({ place, reason, kind: "error" }));
  }

  unsupported(place: string, reason: string): void {
    this.#add(place, reason, () => this.problems.push({ place, reason, kind: "unsupported" }));
  }

  note(place: string, text: string): void {
    this.#add(place, text, () => this.notes.push({ place, text }));
  }

  #add(place: string, text: string, add: () => void): void {
    const key = `${place} ${text}`;
    if (!this.#seen.has(key)) add();
    this.#seen.add(key);
  }
}

/** A template with its loops unrolled, and what is needed to evaluate the rest. */
interface Prepared {
  readonly template: Template;
  readonly findings: Findings;
  readonly references: References;
  readonly evaluator: Evaluator;
  readonly isPresent: (part: TemplateValue, place: string) => boolean;
}

export function planTemplate(template: Template, options: PlanOptions): Plan {
  const findings = new Findings();
  const prepared = prepare(template, options, findings);
  for (const section of template.others) findings.unsupported(section, NOT_SUPPORTED);
  for (const transform of template.transforms)
    if (!TRANSFORMS.has(transform)) findings.unsupported("Transform", `${transform} is a macro, which Thaw can't run`);
  const planning: Planning = {
    evaluator: prepared.evaluator,
    report: findings,
    names: nameFunctions(prepared, options),
    layerNames: nameLayers(prepared, options),
    stack: options,
    layers: [],
    functions: [],
    versions: [],
    aliases: [],
    urls: [],
    permissions: [],
    eventInvokes: [],
  };
  for (const logicalId of Object.keys(prepared.template.resources))
    addResource(prepared, planning, logicalId, options.environment ?? {});
  noteUnused(options.environment ?? {}, new Set([...planning.names].flat()), findings);
  noteGlobals(template, findings);
  noteText(template, findings, (logicalId) => planning.names.has(logicalId) || planning.layerNames.has(logicalId));
  const madeUp = noteMadeUp(prepared);
  const { layers, functions, permissions, eventInvokes } = refuseLateValues(planning, findings);
  const { versions, aliases, urls } = planning;
  const outputs = readOutputs(prepared);
  const functionNames = [...planning.names].flatMap(([logicalId, name]) => {
    const resource = prepared.template.resources[logicalId] ?? null;
    return prepared.isPresent(resource, `Resources.${logicalId}`) ? [name] : [];
  });
  return {
    functionNames,
    layers,
    functions,
    versions,
    aliases,
    urls,
    permissions,
    eventInvokes,
    outputs,
    problems: findings.problems,
    notes: findings.notes,
    madeUp,
  };
}

function prepare(template: Template, stack: PlanOptions, findings: Findings): Prepared {
  const parameters = readParameters({ declared: template.parameters, overrides: stack.overrides }, findings);
  let conditions: Conditions | null = null;
  const condition: ReferenceInput["condition"] = (name, place) => conditions?.isTrue(name, place) ?? UNRESOLVED;
  const input: ReferenceInput = { stack, parameters, mappings: template.mappings, condition };
  // A rule or a condition that nothing uses is no reason to stop because only AWS knows it.
  const lenient: Report = {
    error: (place, reason) => findings.error(place, reason),
    unsupported: (place, reason) => findings.note(place, `can't be evaluated: it ${reason}`),
    note: (place, text) => findings.note(place, text),
  };
  const byParameters = new Evaluator(parameterScope(input, lenient), lenient);
  const loops = new Loops(new Evaluator(parameterScope(input, findings), findings), findings);
  conditions = new Conditions(loops.unroll(template.conditions, "Conditions"), findings);
  conditions.evaluateWith(byParameters);
  conditions.checkAll();
  checkRules(template.rules, byParameters, findings);
  const resources = loops.unroll(template.resources, "Resources");
  const outputs = loops.unroll(template.outputs, "Outputs");
  const references = new References(input, findings);
  const isPresent = (part: TemplateValue, place: string): boolean => {
    const name = isTemplateMap(part) ? part["Condition"] : undefined;
    return name === undefined || condition(String(name), `${place}.Condition`) === true;
  };
  references.declare(resources, (logicalId) => isPresent(resources[logicalId] ?? null, `Resources.${logicalId}`));
  const evaluator = new Evaluator(references, findings);
  return { template: { ...template, resources, outputs }, findings, references, evaluator, isPresent };
}

/** Reads the names first: resources refer to one another. */
function nameFunctions(
  { template, references, findings, isPresent }: Prepared,
  options: PlanOptions,
): Map<string, string> {
  const names = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const [logicalId, resource] of Object.entries(template.resources)) {
    if (!isTemplateMap(resource) || !FUNCTION_TYPES.has(String(resource["Type"]))) continue;
    const own = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
    const name = references.readName(own["FunctionName"]) ?? defaultFunctionName(options.stackName, logicalId);
    names.set(logicalId, name);
    references.nameFunction(logicalId, name);
    if (resource["Type"] === SAM_FUNCTION) nameSamAlias(template, references, logicalId, resource, own, name);
    if (!isPresent(resource, `Resources.${logicalId}`)) continue;
    const other = owners.get(name);
    if (other !== undefined)
      findings.error(`Resources.${logicalId}`, `has the name ${name}, as Resources.${other} has`);
    owners.set(name, logicalId);
  }
  for (const [logicalId, resource] of Object.entries(template.resources)) {
    if (!isTemplateMap(resource) || resource["Type"] !== "AWS::Lambda::Alias") continue;
    const own = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
    const alias = references.readName(own["Name"]);
    const of = functionOf(own["FunctionName"], names) ?? references.readName(own["FunctionName"]);
    if (alias !== null && of !== null) references.nameAlias(logicalId, of, alias);
  }
  nameUrls(template, references, names);
  return names;
}

/** SAM's transform gives a layer the name of its logical id, CloudFormation one with the stack's. */
function nameLayers({ template, references }: Prepared, { stackName }: PlanOptions): Map<string, string> {
  const names = new Map<string, string>();
  for (const [logicalId, resource] of Object.entries(template.resources)) {
    if (!isTemplateMap(resource) || !LAYER_TYPES.has(String(resource["Type"]))) continue;
    const own = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
    const byDefault = resource["Type"] === SAM_LAYER ? logicalId : defaultFunctionName(stackName, logicalId);
    const name = references.readName(own["LayerName"]) ?? byDefault;
    names.set(logicalId, name);
    references.nameLayer(logicalId, name);
  }
  return names;
}

/** SAM's transform calls the URL of F `FUrl`. */
function nameUrls(template: Template, references: References, names: ReadonlyMap<string, string>): void {
  for (const [logicalId, resource] of Object.entries(template.resources)) {
    const type = isTemplateMap(resource) ? resource["Type"] : undefined;
    if (!isTemplateMap(resource) || (type !== URL_TYPE && type !== SAM_FUNCTION)) continue;
    const own = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
    if (type === URL_TYPE) {
      const of = functionOf(own["TargetFunctionArn"], names);
      references.nameUrl(logicalId, of, references.readName(own["Qualifier"]));
      continue;
    }
    const merged = withGlobals(template, resource, own);
    if (merged["FunctionUrlConfig"] === undefined) continue;
    const alias = references.readName(merged["AutoPublishAlias"]);
    references.nameUrl(`${logicalId}Url`, names.get(logicalId) ?? null, alias);
  }
}

/** SAM's transform calls the alias of F that is named live `FAliaslive`. */
function nameSamAlias(
  template: Template,
  references: References,
  logicalId: string,
  resource: TemplateMap,
  own: TemplateMap,
  name: string,
): void {
  const alias = references.readName(withGlobals(template, resource, own)["AutoPublishAlias"]);
  if (alias !== null) references.nameAlias(`${logicalId}Alias${alias}`, name, alias);
}

function functionOf(value: TemplateValue | undefined, names: ReadonlyMap<string, string>): string | null {
  if (!isTemplateMap(value)) return null;
  const attribute = value["Fn::GetAtt"];
  const logicalId = value["Ref"] ?? (isTemplateList(attribute) ? attribute[0] : attribute);
  return typeof logicalId === "string" ? (names.get(logicalId.split(".")[0] ?? "") ?? null) : null;
}

function addResource(
  prepared: Prepared,
  planning: Planning,
  logicalId: string,
  environment: EnvironmentOverrides,
): void {
  const { template, findings, evaluator, isPresent } = prepared;
  const resource = template.resources[logicalId];
  const place = `Resources.${logicalId}`;
  if (!isTemplateMap(resource)) return findings.error(place, "must be a map with a Type");
  if (!isPresent(resource, place))
    return findings.note(place, `is left out: its condition ${String(resource["Condition"])} is not true`);
  const type = String(resource["Type"]);
  const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (read === undefined) return sayForeign(findings, logicalId, type);
  sayAttributes(findings, resource, place);
  if (type === PERMISSION_TYPE) return addPermission(prepared, planning, logicalId, resource);
  const own = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
  const name = planning.names.get(logicalId);
  const merged = type === SAM_FUNCTION ? withGlobals(template, resource, own) : own;
  const whole = name === undefined ? merged : overrideVariables(merged, logicalId, name, environment, findings);
  refuseNulls(whole, place, findings);
  const properties = evaluator.value(takenOf(whole, type), place);
  return read(planning, {
    logicalId,
    type,
    place,
    properties: isTemplateMap(properties) ? properties : {},
    given: whole,
    metadata: isTemplateMap(resource["Metadata"]) ? resource["Metadata"] : {},
    isRetained: String(resource["DeletionPolicy"] ?? "Delete").startsWith("Retain"),
  });
}

/**
 * No function needs a permission to be what it is, so one that can't be had is no reason to stop: those of event
 * sources name what is not here.
 */
function addPermission(
  { references, findings }: Prepared,
  planning: Planning,
  logicalId: string,
  resource: TemplateMap,
): void {
  const place = `Resources.${logicalId}`;
  const report: Report = {
    error: (at, reason) => findings.error(at, reason),
    unsupported: (at, reason) => findings.note(at, `is left out: it ${reason}`),
    note: (at, text) => findings.note(at, text),
  };
  const own = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
  const before = references.madeUp.length;
  const properties = new Evaluator(references, report).value(own, place);
  const [madeUp] = references.madeUp.splice(before);
  if (madeUp !== undefined) return findings.note(place, `is left out: it names ${madeUp.logicalId}, which is not here`);
  if (!isTemplateMap(properties)) return;
  readPermission(
    { ...planning, report },
    {
      logicalId,
      type: PERMISSION_TYPE,
      place,
      properties,
      given: own,
      metadata: {},
      isRetained: false,
    },
  );
}

/** The properties that a plan takes; the others are not evaluated, for what they name does not matter here. */
function takenOf(properties: TemplateMap, type: string): TemplateMap {
  if (!FUNCTION_TYPES.has(type)) return properties;
  return Object.fromEntries(Object.entries(properties).filter(([key]) => isTaken(type === SAM_FUNCTION, key)));
}

function sayForeign(findings: Findings, logicalId: string, type: string): void {
  const reason = notedBecause(logicalId, type);
  const place = `Resources.${logicalId}`;
  if (reason !== null) findings.note(place, `(${type}) is left out: ${reason}`);
  else if (/^(?:AWS|Custom|Alexa)::/.test(type)) findings.unsupported(place, `${type} is not supported`);
  else findings.error(place, `has the type ${type}, which is no type of CloudFormation`);
}

function sayAttributes(findings: Findings, resource: TemplateMap, place: string): void {
  const isSam = String(resource["Type"]).startsWith("AWS::Serverless::");
  for (const key of Object.keys(resource)) {
    if (RESOURCE_KEYS.has(key)) continue;
    if (key === "Connectors") findings.note(`${place}.${key}`, "has no effect: there is no IAM here");
    else if (key === "CreationPolicy" || key === "UpdatePolicy") findings.unsupported(`${place}.${key}`, NOT_SUPPORTED);
    // SAM's transform drops what it does not know here; CloudFormation itself does not.
    else if (isSam) findings.note(`${place}.${key}`, "has no effect: it is no attribute of a resource");
    else findings.error(`${place}.${key}`, "is no attribute of a resource");
  }
}

function refuseNulls(value: TemplateValue, place: string, findings: Findings): void {
  if (value === null) return findings.error(place, "is null, and null values are not allowed in templates");
  if (isTemplateList(value)) return value.forEach((item, index) => refuseNulls(item, `${place}[${index}]`, findings));
  if (isTemplateMap(value))
    for (const [key, member] of Object.entries(value)) refuseNulls(member, `${place}.${key}`, findings);
  return undefined;
}

/** Separates functions' variables, which may be wrong because of it, from the rest. */
function noteMadeUp({ references, findings }: Prepared): readonly MadeUp[] {
  const [variables, others]: [MadeUp[], MadeUp[]] = [[], []];
  for (const each of references.madeUp) (each.place.includes(VARIABLES) ? variables : others).push(each);
  for (const { place, logicalId, value } of others)
    findings.note(place, `names ${logicalId}, which is not here: it gets ${value}`);
  references.madeUp.length = 0;
  return variables;
}

function readOutputs({ template, references, findings, isPresent }: Prepared): Record<string, string> {
  const outputs: Record<string, string> = {};
  // No function needs an output, so one that can't be had is no reason to stop.
  const evaluator = new Evaluator(references, {
    error: (place, reason) => findings.error(place, reason),
    unsupported: (place, reason) => findings.note(place, `is left out: it ${reason}`),
    note: (place, text) => findings.note(place, text),
  });
  for (const [name, output] of Object.entries(template.outputs)) {
    const place = `Outputs.${name}`;
    if (!isTemplateMap(output) || output["Value"] === undefined || output["Value"] === null) {
      findings.error(place, "must be a map with a Value");
      continue;
    }
    if (!isPresent(output, place)) continue;
    const value = evaluator.value(output["Value"], place);
    const [madeUp] = references.madeUp.splice(0);
    if (madeUp !== undefined) findings.note(place, `is left out: it names ${madeUp.logicalId}, which is not here`);
    else if (isScalar(value)) outputs[name] = String(value);
    else if (value !== undefined && value !== UNRESOLVED) findings.error(place, "must be a text");
    if (output["Export"] !== undefined) findings.note(`${place}.Export`, "has no effect: no other stack can import it");
  }
  return outputs;
}
