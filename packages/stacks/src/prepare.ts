/** Makes of a template, its parameters and what is around the stack what a run needs. */
import { Conditions } from "@thaw/template/language/conditions";
import { checkRules } from "@thaw/template/language/rules";
import { UNRESOLVED } from "@thaw/template/language/outcome";
import type { Template } from "@thaw/template/template";
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import { checkTemplateInSteps } from "./check-template.ts";
import { checkProperties, checkTypes, hasAttribute } from "./check-resources.ts";
import { evaluateOutputs, evaluateResource } from "./evaluate.ts";
import { type GivenParameters, neededSsmParameters, type ReadParameter, readStackParameters } from "./parameters.ts";
import type { Prepared, PreparedParameter, StackPlace } from "./prepared.ts";
import { prepareOutputs, prepareResources } from "./prepare-parts.ts";
import type { ResourceTypes } from "./resource-type.ts";
import { createEvaluator, noAttribute, type ResourceFacts } from "./scope.ts";
import { HIDDEN, type Secret, secretMark } from "./secrets.ts";
import type { Tags } from "./stack-resource.ts";
import { finish, type Steps } from "./steps.ts";
import { STRICT, TemplateError } from "./template-error.ts";

export { neededSsmParameters, TemplateError };

/** Characters of the properties of all resources, as JSON: a plan and a run keep each of them several times. */
const PROPERTIES_MAX = 16 * 1024 * 1024;

export interface PrepareInput {
  /** After the transform. */
  readonly template: Template;
  readonly place: StackPlace;
  readonly tags: Tags;
  /** Parameters as given, those with UsePreviousValue by their earlier values; a secret one with its plain value. */
  readonly parameters: GivenParameters;
  /** Values of SSM parameters, by their names. */
  readonly ssm: ReadonlyMap<string, string>;
  /** Exports of other stacks: values by names. */
  readonly exports: ReadonlyMap<string, string>;
  readonly types: ResourceTypes;
  /** A keyed digest, which tells a changed secret from one that is the same. Its characters are ASCII, no blanks. */
  readonly digest: (text: string) => string;
}

export interface PrepareResult {
  readonly prepared: Prepared;
  /** Plain values of NoEcho parameters, for the runner to seal. */
  readonly secrets: readonly Secret[];
}

/** Throws TemplateError with the first thing that is wrong. */
export function prepare(input: PrepareInput): PrepareResult {
  return finish(prepareInSteps(input));
}

export function* prepareInSteps(input: PrepareInput): Steps<PrepareResult> {
  const { template, types } = input;
  const problem = (yield* checkTemplateInSteps(template)) ?? unappliedTransforms(template);
  if (problem !== null) throw new TemplateError(problem);
  const read = readStackParameters(template, input.parameters, input.ssm);
  const imports = new Map<string, string>();
  const importValue = (name: string): string | undefined => {
    const value = input.exports.get(name);
    if (value !== undefined) imports.set(name, value);
    return value;
  };
  const conditions = decideConditions(input, read, importValue);
  const { parameters, secrets } = hideParameters(read, input.digest);
  const { place, tags } = input;
  const base = { place, tags, parameters, mappings: template.mappings, conditions };
  const before: Prepared = { ...base, imports: {}, resources: {}, outputs: {} };
  const resources = yield* prepareResources(template.resources, before, types);
  checkTypes(resources, types);
  const outputs = yield* prepareOutputs(template.outputs, conditions, resources);
  const whole: Prepared = { ...before, resources, outputs };
  yield* checkParts(whole, types, importValue);
  return { prepared: { ...whole, imports: Object.fromEntries(imports) }, secrets };
}

/** Whoever prepares a template has had it transformed before. */
function unappliedTransforms({ transforms }: Template): string | null {
  return transforms.length === 0 ? null : `Template error: the transforms [${transforms.join(", ")}] were not applied`;
}

/** Conditions and rules see plain values: what they say of a secret is not the secret. */
function decideConditions(
  { template, place }: PrepareInput,
  read: ReadonlyMap<string, ReadParameter>,
  importValue: (name: string) => string | undefined,
): Readonly<Record<string, boolean>> {
  const conditions = new Conditions(template.conditions, STRICT);
  const truthOf = (name: string, at: string): boolean | undefined => {
    const truth = conditions.isTrue(name, at);
    return truth === UNRESOLVED ? undefined : truth;
  };
  const evaluator = createEvaluator({
    place,
    mappings: template.mappings,
    parameter: (name) => read.get(name)?.value,
    condition: truthOf,
    importValue,
    resources: null,
  });
  conditions.evaluateWith(evaluator);
  conditions.checkAll();
  checkRules(template.rules, evaluator, STRICT);
  const names = Object.keys(template.conditions);
  return Object.fromEntries(names.map((name) => [name, truthOf(name, `Conditions.${name}`) === true]));
}

function hideParameters(
  read: ReadonlyMap<string, ReadParameter>,
  digest: (text: string) => string,
): { readonly parameters: Record<string, PreparedParameter>; readonly secrets: readonly Secret[] } {
  const secrets: Secret[] = [];
  const hide = (name: string, value: string): string => {
    const secret = { name, digest: digest(value), value };
    secrets.push(secret);
    return secretMark(secret);
  };
  const parameters = Object.fromEntries(
    [...read].map(([name, { value, given, resolved, isSecret }]): [string, PreparedParameter] => {
      if (!isSecret) return [name, { value, given, resolved, isSecret }];
      const hidden = typeof value === "string" ? hide(name, value) : value.map((each) => hide(name, each));
      return [name, { value: hidden, given: HIDDEN, resolved: resolved === null ? null : HIDDEN, isSecret }];
    }),
  );
  return { parameters, secrets };
}

/** Evaluates all that can be, so that a mistake is found before anything is made. */
function* checkParts(
  prepared: Prepared,
  types: ResourceTypes,
  importValue: (name: string) => string | undefined,
): Steps<void> {
  const { resources } = prepared;
  const facts: ResourceFacts = {
    ref: (id) => (Object.hasOwn(resources, id) ? UNRESOLVED : undefined),
    attribute(id, attribute) {
      const type = types.find(resources[id]?.type ?? "");
      if (type === null || !hasAttribute(type, attribute)) throw noAttribute(id, attribute);
      return UNRESOLVED;
    },
  };
  let characters = 0;
  for (const [id, resource] of Object.entries(resources)) {
    yield;
    const type = types.find(resource.type);
    const { properties } = evaluateResource(prepared, id, resource, facts, importValue);
    characters += JSON.stringify(properties).length;
    if (characters > PROPERTIES_MAX)
      throw new TemplateError(
        `Template error: the properties of all resources have more than ${PROPERTIES_MAX} characters together`,
      );
    if (type !== null) checkProperties(id, type, properties);
  }
  const names = evaluateOutputs(prepared, facts, importValue).flatMap(({ exportName }) => exportName ?? []);
  const double = names.find((name, at) => names.indexOf(name) !== at);
  if (double !== undefined)
    throw new TemplateError(`Template format error: Output exports are duplicated: [${double}]`);
}

/** A template that was read as a value: what a transform gave. Gives its text for `parseTemplate`. */
export function textOfTemplate(value: TemplateMap): string {
  if (!isTemplateMap(value["Resources"])) throw new TemplateError("Template format error: it has no Resources");
  return JSON.stringify(value);
}
