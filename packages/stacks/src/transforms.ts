/**
 * Applies the transforms that a template names: `Fn::Transform` inside of it first, the deepest before those around
 * them, then the section Transform in its order (AWS's "macro evaluation order").
 */
import { Loops } from "@thaw/template/language/for-each";
import type { Evaluator } from "@thaw/template/language/evaluator";
import { UNRESOLVED } from "@thaw/template/language/outcome";
import type { Report } from "@thaw/template/problem";
import { type ParsedTemplate, parseSnippet, type Template, templateOf } from "@thaw/template/template";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { type GivenParameters, type ReadParameter, readStackParameters } from "./parameters.ts";
import type { StackPlace } from "./prepared.ts";
import { createEvaluator } from "./scope.ts";
import { TemplateError } from "./template-error.ts";

export const SAM = "AWS::Serverless-2016-10-31";
export const LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions";
export const INCLUDE = "AWS::Include";

export interface TransformInput {
  readonly template: ParsedTemplate;
  readonly place: StackPlace;
  /** As `prepare` takes them. */
  readonly parameters: GivenParameters;
  readonly ssm: ReadonlyMap<string, string>;
  readonly needs: TransformNeeds;
}

export interface TransformNeeds {
  /** AWS's library. */
  sam(request: SamRequest): Promise<SamOutcome>;
  /** Text of an object of S3. Throws TemplateError where it is not there, or too large. */
  include(bucket: string, key: string): Promise<string>;
}

export interface SamRequest {
  readonly template: TemplateMap;
  readonly parameters: Readonly<Record<string, TemplateValue>>;
  readonly region: string;
}

export type SamOutcome =
  | { readonly kind: "transformed"; readonly template: TemplateMap }
  | { readonly kind: "refused"; readonly message: string };

/** A snippet may not make a template that nobody could give as a text. */
const INCLUDES_MAX = 100;
const INCLUDED_MAX = 1024 * 1024;
const NAME = "Template format error";

/**
 * Gives the processed template; one without transforms as it is. Throws TemplateError with AWS's text where it has one.
 */
export async function applyTransforms(input: TransformInput): Promise<TemplateMap> {
  const { Transform: named, ...sections } = await includeAll(input);
  const transforms = listOf(named);
  let processed: TemplateMap = sections;
  for (const transform of transforms) processed = await apply(transform, processed, input);
  checkLoops(processed);
  return processed;
}

async function apply(transform: TemplateValue, sections: TemplateMap, input: TransformInput): Promise<TemplateMap> {
  const name = isTemplateMap(transform) ? transform["Name"] : transform;
  if (name === INCLUDE && isTemplateMap(transform)) {
    const { evaluator } = contextOf(sections, input, INCLUDE);
    return { ...sections, ...mapOf(await include(transform, evaluator, input.needs, "Transform")) };
  }
  if (name === LANGUAGE_EXTENSIONS) return extend(sections, input);
  if (name === SAM) return transformSam(sections, input);
  throw unknownTransform(name, input.place);
}

function unknownTransform(name: TemplateValue | undefined, { accountId }: StackPlace): TemplateError {
  const text = String(name);
  if (!text.startsWith("AWS::"))
    return new TemplateError(
      `No transform named ${accountId}::${text} found. Thaw runs no macros: give the template that it would make.`,
    );
  return new TemplateError(
    `No transform named ${text} found. Thaw has ${[SAM, LANGUAGE_EXTENSIONS, INCLUDE].join(", ")}.`,
  );
}

interface Context {
  readonly template: Template;
  readonly read: ReadonlyMap<string, ReadParameter>;
  readonly evaluator: Evaluator;
  readonly report: Report;
}

/** What a transform knows: parameters and mappings. `name`: of the transform, for its errors. */
function contextOf(sections: TemplateMap, { place, parameters, ssm }: TransformInput, name: string): Context {
  const template = templateOf({ sections }, NAME);
  const read = readStackParameters(template, parameters, ssm);
  const fail = (at: string, reason: string): void => {
    throw new TemplateError(`Transform ${name} failed with: ${at} ${reason}`);
  };
  const report: Report = { error: fail, unsupported: fail, note: () => undefined };
  const evaluator = createEvaluator(
    {
      place,
      mappings: template.mappings,
      parameter: (each) => read.get(each)?.value,
      condition: () => undefined,
      importValue: () => undefined,
      resources: null,
    },
    report,
  );
  return { template, read, evaluator, report };
}

/** Puts snippets in the place of each `Fn::Transform`. */
async function includeAll(input: TransformInput): Promise<TemplateMap> {
  const { sections } = input.template;
  let count = 0;
  let characters = 0;
  const needs: Pick<TransformNeeds, "include"> = {
    async include(bucket, key) {
      const text = await input.needs.include(bucket, key);
      characters += text.length;
      if (characters > INCLUDED_MAX) throw failed(`its snippets have more than ${INCLUDED_MAX} characters together`);
      return text;
    },
  };
  let context: Context | null = null;
  const walk = async (value: TemplateValue, place: string): Promise<TemplateValue> => {
    if (isTemplateList(value)) {
      const items: TemplateValue[] = [];
      for (const [index, item] of value.entries()) items.push(await walk(item, `${place}[${index}]`));
      return items;
    }
    if (!isTemplateMap(value)) return value;
    const members: Array<readonly [string, TemplateValue]> = [];
    for (const [key, member] of Object.entries(value))
      if (key !== "Fn::Transform") members.push([key, await walk(member, place === "" ? key : `${place}.${key}`)]);
    if (!Object.hasOwn(value, "Fn::Transform")) return Object.fromEntries(members);
    for (const call of listOf(value["Fn::Transform"])) {
      if (!isTemplateMap(call) || call["Name"] !== INCLUDE)
        throw unknownTransform(isTemplateMap(call) ? call["Name"] : call, input.place);
      if (++count > INCLUDES_MAX) throw failed(`the template has more than ${INCLUDES_MAX} snippets`);
      context ??= contextOf(sections, input, INCLUDE);
      const snippet = await include(call, context.evaluator, needs, place);
      if (Object.keys(value).length === 1) return snippet;
      members.push(...Object.entries(mapOf(snippet)));
    }
    return Object.fromEntries(members);
  };
  return (await walk(sections, "")) as TemplateMap;
}

/** The snippet that a call names. Its own short forms of functions are read as those of a template. */
async function include(
  call: TemplateMap,
  evaluator: Evaluator,
  needs: Pick<TransformNeeds, "include">,
  place: string,
): Promise<TemplateValue> {
  const parameters = call["Parameters"];
  const given = isTemplateMap(parameters) ? parameters["Location"] : undefined;
  const location = given === undefined ? undefined : evaluator.value(given, `${place}.Location`);
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(typeof location === "string" ? location : "") ?? [];
  if (bucket === undefined || key === undefined)
    throw failed("The value of the Location parameter must be an object of S3, as s3://BUCKET/KEY.");
  const snippet = readSnippet(await needs.include(bucket, key), `s3://${bucket}/${key}`);
  if (JSON.stringify(snippet).includes('"Fn::Transform":'))
    throw failed(`s3://${bucket}/${key} has Fn::Transform of its own, which is not supported`);
  return snippet;
}

function readSnippet(text: string, name: string): TemplateValue {
  try {
    return parseSnippet(text, name);
  } catch (error) {
    throw failed((error as Error).message);
  }
}

function failed(reason: string): TemplateError {
  return new TemplateError(`Transform ${INCLUDE} failed with: ${reason}`);
}

/**
 * Loops, and attributes of resources that a function decides. What the other functions of this transform give is
 * evaluated with all others, when their values are known.
 */
function extend(sections: TemplateMap, input: TransformInput): TemplateMap {
  const { template, evaluator, report } = contextOf(sections, input, LANGUAGE_EXTENSIONS);
  const loops = new Loops(evaluator, report);
  const unrolled = Object.fromEntries(
    Object.entries({ Conditions: template.conditions, Resources: template.resources, Outputs: template.outputs })
      .filter(([section]) => sections[section] !== undefined)
      .map(([section, value]) => [section, loops.unroll(value, section)]),
  );
  const resources = Object.entries(unrolled["Resources"] ?? {}).map(([id, resource]): [string, TemplateValue] => [
    id,
    isTemplateMap(resource) ? withPolicies(resource, `Resources.${id}`, evaluator) : resource,
  ]);
  return { ...sections, ...unrolled, Resources: Object.fromEntries(resources) };
}

function withPolicies(resource: TemplateMap, place: string, evaluator: Evaluator): TemplateMap {
  const policies = ["DeletionPolicy", "UpdateReplacePolicy"].flatMap((name): Array<[string, TemplateValue]> => {
    const policy = resource[name];
    if (!isTemplateMap(policy)) return [];
    const value = evaluator.value(policy, `${place}.${name}`);
    return value === undefined || value === UNRESOLVED ? [] : [[name, value]];
  });
  return { ...resource, ...Object.fromEntries(policies) };
}

/**
 * A parameter with NoEcho is unknown to the library, which else would write its value, or its default, into the
 * template that is kept and shown: a reference to it stays one.
 */
async function transformSam(sections: TemplateMap, input: TransformInput): Promise<TemplateMap> {
  const { template, read } = contextOf(sections, input, SAM);
  const open = [...read].filter(([, { isSecret }]) => !isSecret);
  const parameters = Object.fromEntries(
    Object.entries(template.parameters).map(([name, { Default: byDefault, ...others }]) => [
      name,
      byDefault === undefined || read.get(name)?.isSecret === true ? others : { ...others, Default: byDefault },
    ]),
  );
  const outcome = await input.needs.sam({
    template: { ...sections, ...(sections["Parameters"] === undefined ? {} : { Parameters: parameters }) },
    parameters: Object.fromEntries(open.map(([name, { value }]) => [name, value])),
    region: input.place.region,
  });
  if (outcome.kind === "refused") throw new TemplateError(outcome.message);
  return sections["Parameters"] === undefined
    ? outcome.template
    : { ...outcome.template, Parameters: sections["Parameters"] };
}

/** A loop without the transform that has it is a name that no resource may have. */
function checkLoops(sections: TemplateMap): void {
  for (const section of ["Resources", "Outputs", "Conditions"]) {
    const part = sections[section];
    const loop = isTemplateMap(part) ? Object.keys(part).find((key) => key.startsWith("Fn::ForEach")) : undefined;
    if (loop !== undefined)
      throw new TemplateError(`${NAME}: [/${section}/${loop}] needs the transform ${LANGUAGE_EXTENSIONS}`);
  }
}

function mapOf(snippet: TemplateValue): TemplateMap {
  if (isTemplateMap(snippet)) return snippet;
  throw failed("a snippet beside other members must be a map");
}

function listOf(value: TemplateValue | undefined): readonly TemplateValue[] {
  if (value === undefined || value === null) return [];
  return isTemplateList(value) ? value : [value];
}
