/**
 * What names in a template stand for: parameters, pseudo parameters, our functions, layers, versions and aliases, and
 * resources that are not ours. A value that is known only after the deployment is a mark (`marks.ts`).
 */
import { attributeOf, givenName, isMadeBySam } from "./foreign.ts";
import { Evaluator, type Scope } from "./language/evaluator.ts";
import { type Outcome, UNRESOLVED, type Unresolved } from "./language/outcome.ts";
import type { Parameters } from "./language/parameters.ts";
import { layerMark, urlMark, versionMark } from "./marks.ts";
import type { Report } from "./problem.ts";
import { isScalar, isTemplateMap, type TemplateMap, type TemplateValue } from "./value.ts";

export interface StackPlace {
  readonly region: string;
  readonly accountId: string;
  readonly stackName: string;
}

/** A made-up value of a resource that Thaw does not have. */
export interface MadeUp {
  readonly place: string;
  readonly logicalId: string;
  readonly value: string;
}

interface Known {
  readonly type: string;
  readonly properties: TemplateMap;
  readonly isPresent: boolean;
}

export interface ReferenceInput {
  readonly stack: StackPlace;
  readonly parameters: Parameters;
  readonly mappings: { readonly [name: string]: TemplateMap };
  readonly condition: (name: string, place: string) => boolean | Unresolved;
}

const SILENT: Report = { error: () => {}, unsupported: () => {}, note: () => {} };
export const LAYER_TYPES = new Set(["AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion"]);
export const FUNCTION_TYPES = new Set(["AWS::Serverless::Function", "AWS::Lambda::Function"]);
const VERSION_TYPE = "AWS::Lambda::Version";
const ALIAS_TYPE = "AWS::Lambda::Alias";
/** Attributes of a function beside its ARN that are known only to AWS. */
const SNAPSHOT_ATTRIBUTE = "SnapStartResponse";

/** Names in conditions, rules and loops: parameters and pseudo parameters only. */
export function parameterScope(input: ReferenceInput, report: Report): Scope {
  return {
    region: input.stack.region,
    mappings: input.mappings,
    condition: input.condition,
    guesses: () => 0,
    refer(name, place) {
      const found = referParameter(input, name, place, report);
      if (found !== null) return found;
      report.error(place, `refers to ${name}, which is no parameter`);
      return UNRESOLVED;
    },
    attribute(logicalId, attribute, place) {
      report.error(place, `has Fn::GetAtt of ${logicalId}.${attribute} where only parameters are known`);
      return UNRESOLVED;
    },
  };
}

/** Names in resources and outputs. */
export class References implements Scope {
  readonly region: string;
  readonly mappings: { readonly [name: string]: TemplateMap };
  /** Made-up values that were given, in their order. */
  readonly madeUp: MadeUp[] = [];
  readonly #input: ReferenceInput;
  readonly #report: Report;
  readonly #resources = new Map<string, Known>();
  readonly #names = new Map<string, string>();
  readonly #layers = new Map<string, string>();
  readonly #aliases = new Map<string, readonly [functionName: string, alias: string]>();
  /** ARNs of what URLs belong to; null: the template names it in a way that only an evaluation tells. */
  readonly #urls = new Map<string, string | null>();
  /** Evaluates names, which may need parameters, and says nothing about those that it can't. */
  readonly #naming: Evaluator;
  #guesses = 0;
  #samResources: readonly string[] = [];

  constructor(input: ReferenceInput, report: Report) {
    this.region = input.stack.region;
    this.mappings = input.mappings;
    this.#input = input;
    this.#report = report;
    this.#naming = new Evaluator(parameterScope(input, SILENT), SILENT);
  }

  /** A name that needs nothing but parameters; null where it needs more, or there is none. */
  readName(value: TemplateValue | undefined): string | null {
    const found = value === undefined ? undefined : this.#naming.value(value, "");
    return isScalar(found) ? String(found) : null;
  }

  /** Tells which resources there are. Those under a false condition are known, and absent. */
  declare(resources: TemplateMap, isPresent: (logicalId: string) => boolean): void {
    for (const [logicalId, resource] of Object.entries(resources)) {
      if (!isTemplateMap(resource)) continue;
      const properties = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
      this.#resources.set(logicalId, { type: String(resource["Type"]), properties, isPresent: isPresent(logicalId) });
    }
    this.#samResources = [...this.#resources].flatMap(([id, { type }]) =>
      type.startsWith("AWS::Serverless::") ? [id] : [],
    );
  }

  nameFunction(logicalId: string, name: string): void {
    this.#names.set(logicalId, name);
  }

  nameLayer(logicalId: string, name: string): void {
    this.#layers.set(logicalId, name);
  }

  nameAlias(logicalId: string, functionName: string, alias: string): void {
    this.#aliases.set(logicalId, [functionName, alias]);
  }

  nameUrl(logicalId: string, functionName: string | null, qualifier: string | null): void {
    const name = qualifier === null ? functionName : `${functionName ?? ""}:${qualifier}`;
    this.#urls.set(logicalId, functionName === null || name === null ? null : this.functionArn(name));
  }

  condition(name: string, place: string): boolean | Unresolved {
    return this.#input.condition(name, place);
  }

  guesses(): number {
    return this.#guesses;
  }

  functionArn(name: string): string {
    const { region, accountId } = this.#input.stack;
    return `arn:aws:lambda:${region}:${accountId}:function:${name}`;
  }

  refer(name: string, place: string): Outcome {
    const parameter = referParameter(this.#input, name, place, this.#report);
    if (parameter !== null) return parameter;
    const own = this.#names.get(name);
    if (own !== undefined && this.#isPresent(name, place)) return own;
    // SAM's own: `F.Version` and `F.Alias` of a function with AutoPublishAlias.
    const at = name.indexOf(".");
    if (at !== -1) return this.attribute(name.slice(0, at), name.slice(at + 1), place);
    if (!this.#isKnown(name, place)) return UNRESOLVED;
    const alias = this.#aliases.get(name);
    if (alias !== undefined) return this.functionArn(alias.join(":"));
    const version = this.#urls.get(name) ?? this.#layerArn(name) ?? this.#versionArn(name);
    return version ?? this.#makeUp(name, place, (known) => this.#nameOf(name, known));
  }

  attribute(logicalId: string, attribute: string, place: string): Outcome {
    if (!this.#isKnown(logicalId, place)) return UNRESOLVED;
    const urlOf = this.#urls.get(logicalId);
    if (urlOf !== undefined && attribute === "FunctionUrl") return urlMark(logicalId);
    if (typeof urlOf === "string" && attribute === "FunctionArn") return urlOf;
    const own = this.#names.get(logicalId);
    if (own !== undefined) return this.#ownAttribute(logicalId, own, attribute, place);
    const layer = this.#layerArn(logicalId);
    if (layer !== null) return this.#layerAttribute(logicalId, layer, attribute, place);
    const known = this.#resources.get(logicalId);
    if (known?.type === VERSION_TYPE && attribute === "Version") return versionMark(logicalId);
    if (known?.type === VERSION_TYPE && attribute === "FunctionArn") return this.#versionArn(logicalId) ?? UNRESOLVED;
    if (known?.type === ALIAS_TYPE && attribute === "AliasArn") return this.refer(logicalId, place);
    return this.#makeUp(logicalId, place, (resource) =>
      attributeOf(resource?.type ?? "", this.#nameOf(logicalId, resource), attribute, this.#input.stack),
    );
  }

  /** `Ref` of a layer is the ARN of its version; null: it is no layer. */
  #layerArn(logicalId: string): string | null {
    const name = this.#layers.get(logicalId);
    const { region, accountId } = this.#input.stack;
    return name === undefined ? null : `arn:aws:lambda:${region}:${accountId}:layer:${name}:${layerMark(logicalId)}`;
  }

  #layerAttribute(logicalId: string, arn: string, attribute: string, place: string): Outcome {
    // SAM's transform makes the second of the first.
    if (attribute === "LayerVersionArn" || attribute === "Arn") return arn;
    this.#report.error(place, `needs ${logicalId}.${attribute}, which a layer does not have`);
    return UNRESOLVED;
  }

  #ownAttribute(logicalId: string, name: string, attribute: string, place: string): Outcome {
    if (attribute === "Arn") return this.functionArn(name);
    const properties = this.#resources.get(logicalId)?.properties ?? {};
    const alias = this.readName(properties["AutoPublishAlias"]);
    if (alias !== null && attribute === "Alias") return this.functionArn(`${name}:${alias}`);
    if (alias !== null && attribute === "Version") return `${this.functionArn(name)}:${versionMark(logicalId)}`;
    if (attribute.startsWith(SNAPSHOT_ATTRIBUTE))
      this.#report.unsupported(place, `needs ${logicalId}.${attribute}, which is known only after the deployment`);
    else this.#report.error(place, `needs ${logicalId}.${attribute}, which a function does not have`);
    return UNRESOLVED;
  }

  /** `Ref` of a version is its ARN; null: it is no version, or one of a function that is not in the template. */
  #versionArn(logicalId: string): string | null {
    const known = this.#resources.get(logicalId);
    if (known?.type !== VERSION_TYPE) return null;
    const of = known.properties["FunctionName"];
    const ref = isTemplateMap(of) ? (of["Ref"] ?? firstOf(of["Fn::GetAtt"])) : of;
    const name = typeof ref === "string" ? (this.#names.get(ref) ?? ref) : "";
    return name === "" ? null : `${this.functionArn(name)}:${versionMark(logicalId)}`;
  }

  #isKnown(logicalId: string, place: string): boolean {
    if (this.#resources.has(logicalId)) return this.#isPresent(logicalId, place);
    if (isMadeBySam(logicalId, this.#samResources)) return true;
    this.#report.error(place, `refers to ${logicalId}, which is not in the template`);
    return false;
  }

  #isPresent(logicalId: string, place: string): boolean {
    if (this.#resources.get(logicalId)?.isPresent !== false) return true;
    this.#report.error(place, `refers to ${logicalId}, whose condition is false`);
    return false;
  }

  #nameOf(logicalId: string, known: Known | undefined): string {
    return this.readName(givenName(known?.properties ?? {})) ?? logicalId;
  }

  #makeUp(logicalId: string, place: string, make: (known: Known | undefined) => string): string {
    const value = make(this.#resources.get(logicalId));
    this.#guesses++;
    this.madeUp.push({ place, logicalId, value });
    return value;
  }
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : typeof value === "string" ? value.split(".")[0] : undefined;
}

/** The value of a parameter or pseudo parameter; null: there is none of this name. */
function referParameter(input: ReferenceInput, name: string, place: string, report: Report): Outcome | null {
  const { region, accountId, stackName } = input.stack;
  const pseudo: Readonly<Record<string, string | readonly string[]>> = {
    "AWS::Region": region,
    "AWS::AccountId": accountId,
    "AWS::StackName": stackName,
    "AWS::StackId": `arn:aws:cloudformation:${region}:${accountId}:stack/${stackName}/00000000-0000-0000-0000-000000000000`,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NotificationARNs": [],
  };
  if (Object.hasOwn(pseudo, name)) return pseudo[name] as string;
  const parameter = input.parameters.values.get(name);
  if (parameter === undefined) return null;
  if (parameter === UNRESOLVED && !input.parameters.broken.has(name))
    report.unsupported(place, `needs the parameter ${name}, which names an SSM parameter; Thaw can't fetch those yet`);
  return parameter;
}
