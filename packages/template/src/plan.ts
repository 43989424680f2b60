/**
 * A template as a plan: functions, versions and aliases, and the list of all that has no meaning here. Nothing is
 * dropped silently: a property is either in the plan or in the list.
 */
import type { Problem } from "./problem.ts";
import { readParameters, type ResolveContext, Resolver } from "./resolve.ts";
import { isTemplateMap, type Template, type TemplateMap, type TemplateValue } from "./template.ts";

export interface PlannedFunction {
  readonly logicalId: string;
  readonly name: string;
  /** Members of CreateFunction, without the code. */
  readonly config: TemplateMap;
  readonly code: PlannedCode;
  readonly tags: Readonly<Record<string, string>>;
  readonly autoPublishAlias: string | null;
  /** Text of thaw.prime.json: the events of `Metadata.Thaw.Prime`. */
  readonly primes: string | null;
  readonly reservedConcurrency: number | null;
  /** Environments kept ready for the alias that is published. */
  readonly provisionedConcurrency: number | null;
}

export type PlannedCode =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "object"; readonly bucket: string; readonly key: string }
  | { readonly kind: "inline"; readonly text: string };

export interface PlannedVersion {
  readonly logicalId: string;
  readonly functionName: string;
  readonly description: string | null;
  readonly provisionedConcurrency: number | null;
}

export interface PlannedAlias {
  readonly logicalId: string;
  readonly functionName: string;
  readonly name: string;
  /** A number, `$LATEST`, or the logical id of a planned version. */
  readonly version: string;
  readonly description: string | null;
  readonly provisionedConcurrency: number | null;
}

export interface Plan {
  readonly functions: readonly PlannedFunction[];
  readonly versions: readonly PlannedVersion[];
  readonly aliases: readonly PlannedAlias[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

export interface PlanOptions {
  readonly region: string;
  readonly accountId: string;
  readonly stackName: string;
  readonly overrides: Readonly<Record<string, string>>;
}

const SAM = "AWS::Serverless::Function";
const FUNCTION = "AWS::Lambda::Function";
const VERSION = "AWS::Lambda::Version";
const ALIAS = "AWS::Lambda::Alias";
const PROVISIONED = "ProvisionedConcurrencyConfig";

const CONFIG = new Set([
  "Handler",
  "Runtime",
  "MemorySize",
  "Timeout",
  "Description",
  "Environment",
  "SnapStart",
  "EphemeralStorage",
  "FileSystemConfigs",
  "Architectures",
  "Role",
  "LoggingConfig",
  "KmsKeyArn",
]);
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
  const builder = new PlanBuilder(template, new Resolver(context, problems), names, problems);
  for (const section of Object.keys(template))
    if (!SECTIONS.has(section)) problems.push({ place: section, reason: "is not supported" });
  for (const logicalId of Object.keys(template.Resources)) builder.add(logicalId);
  return { ...builder.plan(), problems };
}

/** Names first: resources refer to one another. */
function functionNames(
  template: Template,
  options: PlanOptions,
  parameters: Readonly<Record<string, string>>,
): Map<string, string> {
  const names = new Map<string, string>();
  const silent = new Resolver({ ...options, parameters, refOf: () => null, attributeOf: () => null }, []);
  for (const [logicalId, resource] of Object.entries(template.Resources)) {
    if (resource["Type"] !== SAM && resource["Type"] !== FUNCTION) continue;
    const given = isTemplateMap(resource["Properties"]) ? resource["Properties"]["FunctionName"] : undefined;
    const name = given === undefined ? undefined : silent.resolve(given, "");
    names.set(logicalId, name === undefined ? `${options.stackName}-${logicalId}` : String(name));
  }
  return names;
}

class PlanBuilder {
  readonly #template: Template;
  readonly #resolver: Resolver;
  readonly #names: ReadonlyMap<string, string>;
  readonly #problems: Problem[];
  readonly #functions: PlannedFunction[] = [];
  readonly #versions: PlannedVersion[] = [];
  readonly #aliases: PlannedAlias[] = [];

  constructor(template: Template, resolver: Resolver, names: ReadonlyMap<string, string>, problems: Problem[]) {
    this.#template = template;
    this.#resolver = resolver;
    this.#names = names;
    this.#problems = problems;
  }

  add(logicalId: string): void {
    const resource = this.#template.Resources[logicalId] as TemplateMap;
    const place = `Resources.${logicalId}`;
    const type = String(resource["Type"]);
    for (const key of Object.keys(resource)) if (!RESOURCE_KEYS.has(key)) this.#refuse(`${place}.${key}`);
    if (![SAM, FUNCTION, VERSION, ALIAS].includes(type)) return this.#refuse(place, `${type} is not supported`);
    const own = isTemplateMap(resource["Properties"]) ? resource["Properties"] : {};
    const merged = type === SAM ? this.#withGlobals(own) : own;
    const properties = this.#resolver.resolve(merged, place) as TemplateMap;
    if (type === VERSION) return this.#addVersion(logicalId, place, properties);
    if (type === ALIAS) return this.#addAlias(logicalId, place, properties);
    return this.#addFunction(logicalId, place, properties, type === SAM);
  }

  plan(): Omit<Plan, "problems"> {
    for (const [section] of Object.entries(this.#template.Globals ?? {}))
      if (section !== "Function") this.#refuse(`Globals.${section}`);
    const outputs: Record<string, string> = {};
    for (const [name, output] of Object.entries(this.#template.Outputs ?? {})) {
      const value = this.#resolver.resolve(output["Value"] as TemplateValue, `Outputs.${name}`);
      if (value !== undefined) outputs[name] = String(value);
    }
    return { functions: this.#functions, versions: this.#versions, aliases: this.#aliases, outputs };
  }

  #withGlobals(own: TemplateMap): TemplateMap {
    const globals = this.#template.Globals?.["Function"];
    return isTemplateMap(globals) ? merge(globals, own) : own;
  }

  #addFunction(logicalId: string, place: string, properties: TemplateMap, isSam: boolean): void {
    const config: Record<string, TemplateValue> = {};
    const code = isSam ? samCode(properties) : lambdaCode(properties);
    const samOnly = ["CodeUri", "InlineCode", "AutoPublishAlias", "Tracing", PROVISIONED];
    const handled = new Set([
      "FunctionName",
      "Tags",
      "ReservedConcurrentExecutions",
      ...(isSam ? samOnly : ["Code", "TracingConfig"]),
    ]);
    // As SAM itself says.
    if (properties[PROVISIONED] !== undefined && properties["AutoPublishAlias"] === undefined)
      this.#refuse(`${place}.${PROVISIONED}`, "needs an AutoPublishAlias");
    for (const [key, value] of Object.entries(properties)) {
      if (CONFIG.has(key)) config[key === "KmsKeyArn" ? "KMSKeyArn" : key] = value;
      else if (key === "PackageType" && value === "Zip") continue;
      else if (!handled.has(key)) this.#refuse(`${place}.${key}`);
    }
    if (isSam && properties["Tracing"] !== undefined) config["TracingConfig"] = { Mode: properties["Tracing"] };
    if (!isSam && properties["TracingConfig"] !== undefined) config["TracingConfig"] = properties["TracingConfig"];
    if (code === null)
      return this.#refuse(`${place}.${isSam ? "CodeUri" : "Code"}`, "is needed: a folder, a zip, or an object");
    this.#functions.push({
      logicalId,
      name: this.#names.get(logicalId) ?? logicalId,
      config: coerce(config),
      code,
      tags: readTags(properties["Tags"]),
      autoPublishAlias: properties["AutoPublishAlias"] === undefined ? null : String(properties["AutoPublishAlias"]),
      primes: this.#readPrimes(logicalId, code),
      reservedConcurrency:
        properties["ReservedConcurrentExecutions"] === undefined
          ? null
          : Number(properties["ReservedConcurrentExecutions"]),
      provisionedConcurrency: readProvisioned(properties),
    });
  }

  #readPrimes(logicalId: string, code: PlannedCode): string | null {
    const place = `Resources.${logicalId}.Metadata.Thaw`;
    const metadata = this.#template.Resources[logicalId]?.["Metadata"];
    const thaw = isTemplateMap(metadata) ? metadata["Thaw"] : undefined;
    if (thaw === undefined) return null;
    const resolved = this.#resolver.resolve(thaw, place);
    const primes = isTemplateMap(resolved) ? readPrimes(resolved) : null;
    if (primes === null) this.#refuse(place, "must be Prime: { Events: [...], Times: 1 or more }");
    else if (code.kind === "object")
      this.#refuse(place, "needs code that is packed here; put thaw.prime.json into the object instead");
    return primes;
  }

  #addVersion(logicalId: string, place: string, properties: TemplateMap): void {
    for (const key of Object.keys(properties))
      if (!["FunctionName", "Description", PROVISIONED].includes(key)) this.#refuse(`${place}.${key}`);
    if (this.#lacks(place, properties, ["FunctionName"])) return;
    this.#versions.push({
      logicalId,
      functionName: bareName(properties["FunctionName"]),
      description: text(properties["Description"]),
      provisionedConcurrency: readProvisioned(properties),
    });
  }

  #addAlias(logicalId: string, place: string, properties: TemplateMap): void {
    for (const key of Object.keys(properties))
      if (!["FunctionName", "FunctionVersion", "Name", "Description", PROVISIONED].includes(key))
        this.#refuse(`${place}.${key}`);
    if (this.#lacks(place, properties, ["FunctionName", "FunctionVersion", "Name"])) return;
    this.#aliases.push({
      logicalId,
      functionName: bareName(properties["FunctionName"]),
      name: String(properties["Name"]),
      version: String(properties["FunctionVersion"]).replace(/^version:/, ""),
      description: text(properties["Description"]),
      provisionedConcurrency: readProvisioned(properties),
    });
  }

  #lacks(place: string, properties: TemplateMap, names: readonly string[]): boolean {
    const missing = names.filter((name) => properties[name] === undefined);
    for (const name of missing) this.#refuse(`${place}.${name}`, "is needed");
    return missing.length > 0;
  }

  #refuse(place: string, reason = "is not supported"): void {
    this.#problems.push({ place, reason });
  }
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

function samCode(properties: TemplateMap): PlannedCode | null {
  if (typeof properties["InlineCode"] === "string") return { kind: "inline", text: properties["InlineCode"] };
  return toCode(properties["CodeUri"]);
}

function lambdaCode(properties: TemplateMap): PlannedCode | null {
  const code = properties["Code"];
  if (isTemplateMap(code) && typeof code["ZipFile"] === "string") return { kind: "inline", text: code["ZipFile"] };
  return toCode(code);
}

function toCode(value: TemplateValue | undefined): PlannedCode | null {
  if (typeof value === "string") {
    const object = /^s3:\/\/([^/]+)\/(.+)$/.exec(value);
    return object === null
      ? { kind: "path", path: value }
      : { kind: "object", bucket: object[1] ?? "", key: object[2] ?? "" };
  }
  if (!isTemplateMap(value)) return null;
  const bucket = value["S3Bucket"] ?? value["Bucket"];
  const key = value["S3Key"] ?? value["Key"];
  return typeof bucket === "string" && typeof key === "string" ? { kind: "object", bucket, key } : null;
}

/** Numbers that came as text out of parameters. */
function coerce(config: TemplateMap): TemplateMap {
  const environment = config["Environment"];
  const variables =
    isTemplateMap(environment) && isTemplateMap(environment["Variables"]) ? environment["Variables"] : null;
  return {
    ...config,
    ...(config["MemorySize"] === undefined ? {} : { MemorySize: Number(config["MemorySize"]) }),
    ...(config["Timeout"] === undefined ? {} : { Timeout: Number(config["Timeout"]) }),
    ...(variables === null
      ? {}
      : {
          Environment: {
            Variables: Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)])),
          },
        }),
  };
}

function readPrimes(thaw: TemplateMap): string | null {
  const prime = thaw["Prime"];
  if (!isTemplateMap(prime) || Object.keys(thaw).length > 1) return null;
  const { Events: events, Times: times = 1, ...rest } = prime;
  if (!Array.isArray(events) || !Number.isInteger(times) || Number(times) < 1 || Object.keys(rest).length > 0)
    return null;
  return `${JSON.stringify({ events, times })}\n`;
}

function readTags(value: TemplateValue | undefined): Record<string, string> {
  if (Array.isArray(value))
    return Object.fromEntries((value as TemplateMap[]).map((tag) => [String(tag["Key"]), String(tag["Value"])]));
  return isTemplateMap(value)
    ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, String(each)]))
    : {};
}

function readProvisioned(properties: TemplateMap): number | null {
  const config = properties[PROVISIONED];
  return isTemplateMap(config) ? Number(config["ProvisionedConcurrentExecutions"]) : null;
}

function bareName(value: TemplateValue | undefined): string {
  return String(value).split(":function:").at(-1) ?? "";
}

function text(value: TemplateValue | undefined): string | null {
  return value === undefined || value === null ? null : String(value);
}
