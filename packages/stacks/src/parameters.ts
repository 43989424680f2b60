/** The parameters of an operation, in AWS's rules and words. */
import { constraintOf, isType, type ParameterValue, splitList, SSM_VALUE } from "@thaw/template/language/parameters";
import { Patterns } from "@thaw/template/language/patterns";
import type { Template } from "@thaw/template/template";
import { isScalar, type TemplateMap } from "@thaw/template/value";
import { TemplateError } from "./template-error.ts";

export type GivenParameters = Readonly<Record<string, string>>;

export interface ReadParameter {
  /** Plain. */
  readonly value: ParameterValue;
  readonly given: string;
  /** What SSM gave; null: it is none of SSM. */
  readonly resolved: string | null;
  readonly isSecret: boolean;
}

/** AWS's quota. */
const BYTES_MAX = 4096;

/** Names of SSM parameters whose values are needed. Throws TemplateError for what is wrong before they are known. */
export function neededSsmParameters({ parameters }: Template, given: GivenParameters): readonly string[] {
  return neededSsm(parameters, textsOf(parameters, given));
}

/** Throws TemplateError. */
export function readStackParameters(
  { parameters }: Template,
  given: GivenParameters,
  ssm: ReadonlyMap<string, string>,
): ReadonlyMap<string, ReadParameter> {
  const texts = textsOf(parameters, given);
  const missing = neededSsm(parameters, texts).filter((name) => !ssm.has(name));
  if (missing.length > 0)
    throw new TemplateError(`Unable to fetch parameters [${missing.join(",")}] from parameter store for this account.`);
  const patterns = new Patterns();
  return new Map(
    Object.entries(parameters).map(([name, parameter]) => {
      const text = texts.get(name) ?? "";
      const isSsm = String(parameter["Type"]).startsWith(SSM_VALUE);
      const resolved = isSsm ? (ssm.get(text) ?? "") : null;
      return [
        name,
        {
          value: valueOf(name, parameter, resolved ?? text, patterns),
          given: text,
          resolved,
          isSecret: String(parameter["NoEcho"] ?? false) === "true",
        },
      ];
    }),
  );
}

type Declared = Readonly<Record<string, TemplateMap>>;

function neededSsm(declared: Declared, texts: ReadonlyMap<string, string>): readonly string[] {
  return Object.entries(declared).flatMap(([name, { Type: type }]) =>
    String(type).startsWith(SSM_VALUE) ? [texts.get(name) ?? ""] : [],
  );
}

/** What was given for each, or its default. */
function textsOf(declared: Declared, given: GivenParameters): ReadonlyMap<string, string> {
  const foreign = Object.keys(given).filter((name) => !Object.hasOwn(declared, name));
  if (foreign.length > 0) throw new TemplateError(`Parameters: [${foreign.join(", ")}] do not exist in the template`);
  const texts = new Map<string, string>();
  const missing: string[] = [];
  for (const [name, parameter] of Object.entries(declared)) {
    const problem = parameterProblem(name, parameter);
    if (problem !== null) throw new TemplateError(problem);
    const value = Object.hasOwn(given, name) ? given[name] : parameter["Default"];
    if (isScalar(value)) texts.set(name, String(value));
    else missing.push(name);
  }
  if (missing.length > 0) throw new TemplateError(`Parameters: [${missing.join(", ")}] must have values`);
  return texts;
}

/** Gives what is wrong with a declaration, in AWS's words; null: nothing. */
export function parameterProblem(name: string, parameter: TemplateMap): string | null {
  const { Type: type, Default: byDefault } = parameter as Record<string, unknown>;
  if (typeof type !== "string") return `Template format error: Every Parameters object must contain a Type member.`;
  if (!isType(type)) return `Template format error: Unrecognized parameter type: ${type}`;
  if (byDefault === undefined) return null;
  if (!isScalar(byDefault)) return `Template format error: Every Default member must be a string.`;
  return Buffer.byteLength(String(byDefault)) > BYTES_MAX
    ? `Template format error: Parameter '${name}' default value length exceeds ${BYTES_MAX}`
    : null;
}

function valueOf(name: string, parameter: TemplateMap, text: string, patterns: Patterns): ParameterValue {
  const declared = String(parameter["Type"]);
  const type = declared.startsWith(SSM_VALUE) ? declared.slice(SSM_VALUE.length, -1) : declared;
  if (Buffer.byteLength(text) > BYTES_MAX)
    throw new TemplateError(`Parameter '${name}' must contain at most ${BYTES_MAX} characters`);
  const isList = type === "CommaDelimitedList" || type.startsWith("List<");
  const items = isList ? splitList(text) : [text];
  for (const item of items) {
    const wrong = constraintOf(parameter, type, item, patterns);
    if (wrong !== null) throw new TemplateError(wrongValue(name, parameter, wrong));
  }
  return isList ? items : text;
}

/** The values that are allowed are not told: AWS does not either. */
function wrongValue(name: string, parameter: TemplateMap, wrong: string): string {
  const description = parameter["ConstraintDescription"];
  if (isScalar(description)) return `Parameter ${name} failed to satisfy constraint: ${String(description)}`;
  return `Parameter '${name}' ${wrong.replace(/^(must be one of AllowedValues): .*$/s, "$1")}`;
}
