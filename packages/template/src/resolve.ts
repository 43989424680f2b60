/**
 * Values of a template: parameters, Ref, Fn::Sub, Fn::GetAtt, Fn::Join. What can't be resolved is a problem with its
 * place, and undefined: the member that it is the value of is left out, as with AWS::NoValue. Nothing is ever made of
 * half a value.
 */
import type { Problem } from "./problem.ts";
import { isTemplateMap, type Template, type TemplateMap, type TemplateValue } from "./template.ts";

export interface ResolveContext {
  readonly parameters: Readonly<Record<string, string>>;
  readonly region: string;
  readonly accountId: string;
  readonly stackName: string;
  /** `Ref` of a resource: its name; null where it is not one of ours. */
  refOf(logicalId: string): string | null;
  attributeOf(logicalId: string, attribute: string): string | null;
}

export class Resolver {
  readonly #context: ResolveContext;
  readonly #problems: Problem[];

  constructor(context: ResolveContext, problems: Problem[]) {
    this.#context = context;
    this.#problems = problems;
  }

  resolve(value: TemplateValue, place: string): TemplateValue | undefined {
    if (Array.isArray(value))
      return value
        .map((item: TemplateValue, index) => this.resolve(item, `${place}[${index}]`))
        .filter((item) => item !== undefined);
    if (!isTemplateMap(value)) return value;
    const keys = Object.keys(value);
    const [only] = keys;
    if (keys.length === 1 && only !== undefined && (only === "Ref" || only.startsWith("Fn::")))
      return this.#call(only, value[only] as TemplateValue, place);
    return this.#resolveMembers(value, place);
  }

  #resolveMembers(value: TemplateMap, place: string): TemplateMap {
    const members: Record<string, TemplateValue> = {};
    for (const [key, member] of Object.entries(value)) {
      const resolved = this.resolve(member, `${place}.${key}`);
      if (resolved !== undefined) members[key] = resolved;
    }
    return members;
  }

  #call(name: string, argument: TemplateValue, place: string): TemplateValue | undefined {
    switch (name) {
      case "Ref":
        return this.#reference(String(argument), place);
      case "Fn::GetAtt": {
        const [logicalId = "", ...rest] = Array.isArray(argument) ? argument.map(String) : String(argument).split(".");
        return this.#attribute(logicalId, rest.join("."), place);
      }
      case "Fn::Sub":
        return this.#substitute(argument, place);
      case "Fn::Join": {
        return this.#join(argument, place);
      }
      default:
        return this.#unknown(place, name);
    }
  }

  #join(argument: TemplateValue, place: string): TemplateValue | undefined {
    const [separator, parts] = Array.isArray(argument) ? (argument as readonly TemplateValue[]) : [];
    if (typeof separator !== "string" || !Array.isArray(parts))
      return this.#unknown(place, "Fn::Join of something that is no list");
    const resolved = this.resolve(parts as TemplateValue, place) as readonly TemplateValue[];
    return resolved.length === parts.length ? resolved.join(separator) : undefined;
  }

  #reference(name: string, place: string): TemplateValue | undefined {
    if (name === "AWS::NoValue") return undefined;
    const pseudo: Readonly<Record<string, string>> = {
      "AWS::Region": this.#context.region,
      "AWS::AccountId": this.#context.accountId,
      "AWS::StackName": this.#context.stackName,
      "AWS::Partition": "aws",
      "AWS::URLSuffix": "amazonaws.com",
    };
    return (
      pseudo[name] ?? this.#context.parameters[name] ?? this.#context.refOf(name) ?? this.#unknown(place, `Ref ${name}`)
    );
  }

  #attribute(logicalId: string, attribute: string, place: string): TemplateValue | undefined {
    return this.#context.attributeOf(logicalId, attribute) ?? this.#unknown(place, `GetAtt ${logicalId}.${attribute}`);
  }

  #substitute(argument: TemplateValue, place: string): TemplateValue | undefined {
    const [text, own] = Array.isArray(argument) ? [String(argument[0]), argument[1]] : [String(argument), {}];
    const variables = (isTemplateMap(own) ? this.resolve(own, place) : {}) as TemplateMap;
    let isWhole = true;
    const filled = text.replaceAll(/\$\{(!?)([^}]+)\}/g, (_whole, literal: string, name: string) => {
      if (literal === "!") return `\${${name}}`;
      if (Object.hasOwn(variables, name)) return String(variables[name]);
      const at = name.indexOf(".");
      const found =
        at === -1 ? this.#reference(name, place) : this.#attribute(name.slice(0, at), name.slice(at + 1), place);
      isWhole &&= found !== undefined;
      return String(found);
    });
    return isWhole ? filled : undefined;
  }

  #unknown(place: string, what: string): undefined {
    this.#problems.push({ place, reason: `${what} can't be resolved here` });
    return undefined;
  }
}

export function readParameters(
  template: Template,
  overrides: Readonly<Record<string, string>>,
  problems: Problem[],
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, parameter] of Object.entries(template.Parameters ?? {})) {
    const value = overrides[name] ?? parameter["Default"];
    if (value === undefined)
      problems.push({
        place: `Parameters.${name}`,
        reason: `has no default; give it with --parameter-overrides ${name}=VALUE`,
      });
    else values[name] = String(value);
    const allowed = parameter["AllowedValues"];
    if (value !== undefined && Array.isArray(allowed) && !allowed.map(String).includes(String(value)))
      problems.push({ place: `Parameters.${name}`, reason: `'${String(value)}' is not one of ${allowed.join(", ")}` });
  }
  for (const name of Object.keys(overrides))
    if (template.Parameters?.[name] === undefined)
      problems.push({ place: `Parameters.${name}`, reason: "is not in the template" });
  return values;
}
