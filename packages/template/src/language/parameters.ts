/** Parameters of a template: their types, constraints and values, in CloudFormation's rules. */
import type { Report } from "../problem.ts";
import { isScalar, isTemplateList, type Scalar, type TemplateMap, type TemplateValue } from "../value.ts";
import { UNRESOLVED, type Unresolved } from "./outcome.ts";
import { Patterns } from "./patterns.ts";

export type ParameterValue = string | readonly string[];

export interface Parameters {
  /** UNRESOLVED: the value is in SSM, or there is none. */
  readonly values: ReadonlyMap<string, ParameterValue | Unresolved>;
  /** Names of those with an error that was reported: what needs them need not say it again. */
  readonly broken: ReadonlySet<string>;
}

export interface ParameterInput {
  readonly declared: { readonly [name: string]: TemplateMap };
  readonly overrides: Readonly<Record<string, string>>;
}

const KEYS = new Set([
  "Type",
  "Default",
  "Description",
  "NoEcho",
  "AllowedValues",
  "AllowedPattern",
  "ConstraintDescription",
  "MinLength",
  "MaxLength",
  "MinValue",
  "MaxValue",
]);
export const SSM_VALUE = "AWS::SSM::Parameter::Value<";
const NUMBER = /^[-+]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][-+]?[0-9]{1,3})?$/;

/** Reads all parameters. What is not allowed is an error, and no value. */
export function readParameters({ declared, overrides }: ParameterInput, report: Report): Parameters {
  const values = new Map<string, ParameterValue | Unresolved>();
  const broken = new Set<string>();
  const patterns = new Patterns();
  for (const [name, parameter] of Object.entries(declared)) {
    const given = Object.hasOwn(overrides, name) ? overrides[name] : undefined;
    const error = (place: string, reason: string): void => {
      broken.add(name);
      report.error(place, reason);
    };
    values.set(name, readParameter({ name, parameter, given, patterns }, { ...report, error }));
  }
  for (const name of Object.keys(overrides))
    if (!Object.hasOwn(declared, name)) report.error(`Parameters.${name}`, "is not in the template");
  return { values, broken };
}

interface OneParameter {
  readonly name: string;
  readonly parameter: TemplateMap;
  readonly given: string | undefined;
  readonly patterns: Patterns;
}

function readParameter(
  { name, parameter, given, patterns }: OneParameter,
  report: Report,
): ParameterValue | Unresolved {
  const place = `Parameters.${name}`;
  for (const key of Object.keys(parameter))
    if (!KEYS.has(key)) report.error(`${place}.${key}`, "is no member of a parameter");
  const type = parameter["Type"];
  if (typeof type !== "string" || !isType(type)) {
    report.error(`${place}.Type`, `must be a type of CloudFormation's parameters, not ${JSON.stringify(type ?? null)}`);
    return UNRESOLVED;
  }
  const value = given ?? parameter["Default"];
  if (value === undefined) {
    report.error(place, `has no default; give it with --parameter-overrides ${name}=VALUE`);
    return UNRESOLVED;
  }
  if (!isScalar(value)) {
    report.error(`${place}.Default`, "must be a text or a number; a list is one text with commas");
    return UNRESOLVED;
  }
  if (type.startsWith(SSM_VALUE)) return UNRESOLVED;
  const isList = type === "CommaDelimitedList" || type.startsWith("List<");
  const items = isList ? splitList(value) : [String(value)];
  for (const item of items) {
    const wrong = violation(parameter, type, item, patterns);
    if (wrong === null) continue;
    report.error(place, wrong);
    return UNRESOLVED;
  }
  return isList ? items : (items[0] ?? "");
}

export function isType(type: string): boolean {
  return (
    ["String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"].includes(type) ||
    /^(?:List<)?AWS::[A-Za-z0-9:]+>?$/.test(type) ||
    type.startsWith(SSM_VALUE)
  );
}

export function splitList(value: Scalar): readonly string[] {
  return value === ""
    ? []
    : String(value)
        .split(",")
        .map((item) => item.trim());
}

/** Predicate of a sentence about a value that is not allowed; null: it is. */
function violation(parameter: TemplateMap, type: string, value: string, patterns: Patterns): string | null {
  const wrong = constraintOf(parameter, type, value, patterns);
  if (wrong === null) return null;
  const isHidden = String(parameter["NoEcho"] ?? false) === "true";
  const description = parameter["ConstraintDescription"];
  const why = isScalar(description) ? `: ${String(description)}` : "";
  return `can't be ${isHidden ? "**** (NoEcho)" : `'${value}'`}: it ${wrong}${why}`;
}

/** Says what a value must be and is not, in AWS's words where it has some; null: nothing. */
export function constraintOf(parameter: TemplateMap, type: string, value: string, patterns: Patterns): string | null {
  const { AllowedValues: allowed, AllowedPattern: pattern } = parameter as Record<string, TemplateValue>;
  const isNumber = type === "Number" || type === "List<Number>";
  if (isNumber && !NUMBER.test(value)) return "must be a number";
  if (isTemplateList(allowed) && !allowed.map(String).includes(value))
    return `must be one of AllowedValues: ${allowed.map(String).join(", ")}`;
  const limit = (key: string): number | null => (isScalar(parameter[key]) ? Number(parameter[key]) : null);
  const [least, most, short, long] = [limit("MinValue"), limit("MaxValue"), limit("MinLength"), limit("MaxLength")];
  if (isNumber && least !== null && Number(value) < least) return `must be a number not less than ${least}`;
  if (isNumber && most !== null && Number(value) > most) return `must be a number not greater than ${most}`;
  if (short !== null && value.length < short) return `must contain at least ${short} characters`;
  if (long !== null && value.length > long) return `must contain at most ${long} characters`;
  return typeof pattern === "string" ? patterns.violation(pattern, value) : null;
}
