/** AWS::Serverless::Function and AWS::Lambda::Function */
import type { PlannedCode } from "../planned.ts";
import { isScalar, isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "../value.ts";
import { LATE } from "../late-values.ts";
import { hasLateMark } from "../marks.ts";
import { assetOf, toCode } from "./code.ts";
import { readDeadLetterQueue, readSamEventInvoke } from "./event-invoke.ts";
import { FUNCTION_PROPERTIES, isTaken } from "./function-properties.ts";
import {
  NOT_SUPPORTED,
  type Planning,
  PROVISIONED,
  readNumber,
  readProvisioned,
  type Resource,
  text,
} from "./planning.ts";

import { readOwnUrl } from "./url.ts";

export const SAM_FUNCTION = "AWS::Serverless::Function";

/** Members of CreateFunction that a template names as the API does. */
const CONFIG = [
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
  "ImageConfig",
];
/** Runtimes that have no handler and no name of a runtime in an image. */
const TEXTS = ["Handler", "Runtime", "Description", "Role"];

export function readFunction(planning: Planning, resource: Resource): void {
  const { logicalId, type, place, properties } = resource;
  const isSam = type === SAM_FUNCTION;
  // As SAM itself says.
  if (isSam && properties[PROVISIONED] !== undefined && properties["AutoPublishAlias"] === undefined)
    planning.report.error(`${place}.${PROVISIONED}`, "needs an AutoPublishAlias");
  sayWhatIsLeftOut(planning, resource);
  const code = isImage(resource) ? readImage(planning, resource) : readPackage(planning, resource);
  if (code === null) return;
  const name = planning.names.get(logicalId) ?? logicalId;
  if (isSam) readOwnUrl(planning, resource, name);
  planning.functions.push({
    logicalId,
    name,
    config: { ...readConfig(planning, resource, isSam), ...(code.kind === "image" ? { PackageType: "Image" } : {}) },
    code,
    tags: readTags(properties["Tags"]),
    autoPublishAlias: isSam ? text(properties["AutoPublishAlias"]) : null,
    versionDescription: isSam ? text(properties["VersionDescription"]) : null,
    primes: planPrimes(planning, resource, code),
    reservedConcurrency: readNumber(
      planning,
      `${place}.ReservedConcurrentExecutions`,
      properties["ReservedConcurrentExecutions"],
    ),
    recursiveLoop: text(properties["RecursiveLoop"]),
    provisionedConcurrency: isSam ? readProvisioned(planning, resource) : null,
    isRetained: resource.isRetained,
  });
  if (isSam) readSamEventInvoke(planning, resource);
}

function sayWhatIsLeftOut({ report }: Planning, { type, place, properties, given, metadata }: Resource): void {
  const known = FUNCTION_PROPERTIES[type === SAM_FUNCTION ? "sam" : "lambda"];
  for (const key of Object.keys(given)) {
    const at = `${place}.${key}`;
    const rule = Object.hasOwn(known, key) ? known[key] : undefined;
    const value = isTaken(type === SAM_FUNCTION, key) ? properties[key] : given[key];
    if (rule === undefined) report.error(at, `is no property of ${type}`);
    else if (rule === "taken" || value === undefined || isEmpty(value)) continue;
    else if (key === "Events")
      report.unsupported(at, `is not supported: nothing here invokes it for ${eventsOf(value)}`);
    else if (key === "RuntimeManagementConfig" && isAutomatic(value)) continue;
    else if (rule === "refused") report.unsupported(at, NOT_SUPPORTED);
    else report.note(at, rule);
  }
  if (metadata["BuildMethod"] !== undefined && metadata["SamResourceId"] === undefined)
    report.note(`${place}.Metadata.BuildMethod`, "is for sam build, which has not been run: the folder goes as it is");
  if (
    type === SAM_FUNCTION &&
    !["CodeUri", "InlineCode", "ImageUri", "PackageType"].some((key) => given[key] !== undefined)
  )
    report.note(place, "has no CodeUri: the template's own folder is its code");
}

function isEmpty(value: TemplateValue): boolean {
  if (value === null) return true;
  return isTemplateList(value) ? value.length === 0 : isTemplateMap(value) && Object.keys(value).length === 0;
}

function isAutomatic(value: TemplateValue): boolean {
  return isTemplateMap(value) && value["UpdateRuntimeOn"] === "Auto";
}

/** `Get (Api), Tick (Schedule)` */
function eventsOf(value: TemplateValue): string {
  const events = Object.entries(isTemplateMap(value) ? value : {});
  return events.map(([name, event]) => `${name} (${String(isTemplateMap(event) ? event["Type"] : "?")})`).join(", ");
}

function readConfig(planning: Planning, resource: Resource, isSam: boolean): TemplateMap {
  const { place, properties } = resource;
  const config: Record<string, TemplateValue> = {};
  for (const key of CONFIG) if (properties[key] !== undefined) config[key] = properties[key];
  if (properties["KmsKeyArn"] !== undefined) config["KMSKeyArn"] = properties["KmsKeyArn"];
  const architectures = config["Architectures"];
  if (isTemplateList(architectures) && architectures.includes("arm64")) {
    const why = "is arm64, and hosts of Thaw are x86_64: as x86_64 a package without programs of its own runs as well";
    planning.report.unsupported(`${place}.Architectures`, why);
    delete config["Architectures"];
  }
  const deadLetters = isSam ? readDeadLetterQueue(planning, resource) : (properties["DeadLetterConfig"] ?? null);
  if (deadLetters !== null) config["DeadLetterConfig"] = deadLetters;
  const tracing = isSam ? properties["Tracing"] : properties["TracingConfig"];
  if (tracing !== undefined && tracing !== "Disabled") config["TracingConfig"] = isSam ? { Mode: tracing } : tracing;
  for (const key of TEXTS) if (isScalar(config[key])) config[key] = String(config[key]);
  for (const key of ["MemorySize", "Timeout"]) {
    const number = readNumber(planning, `${place}.${key}`, config[key]);
    if (number !== null) config[key] = number;
  }
  const storage = config["EphemeralStorage"];
  if (isTemplateMap(storage)) {
    const size = readNumber(planning, `${place}.EphemeralStorage.Size`, storage["Size"]);
    if (size !== null) config["EphemeralStorage"] = { ...storage, Size: size };
  }
  const environment = config["Environment"];
  if (environment !== undefined) config["Environment"] = readEnvironment(planning, place, environment);
  const layers = readLayers(planning, place, properties["Layers"]);
  if (layers.length > 0) config["Layers"] = layers;
  return config;
}

/** ARNs of layers; those of the template's own have marks, because their versions come with the deployment. */
function readLayers({ report, stack }: Planning, place: string, value: TemplateValue | undefined): readonly string[] {
  if (value === undefined || value === null) return [];
  const own = `:lambda:${stack.region}:${stack.accountId}:layer:`;
  const arns: string[] = [];
  for (const [index, each] of (isTemplateList(value) ? value : [value]).entries()) {
    const at = `${place}.Layers[${index}]`;
    if (typeof each !== "string" || !each.startsWith("arn:")) report.error(at, "must be the ARN of a layer's version");
    else if (each.includes(own)) arns.push(each);
    else report.unsupported(at, `names ${each}, which is of another account or Region: publish it here`);
  }
  return arns;
}

/** Variables are texts: numbers and truth values as the template has them, nothing else. */
function readEnvironment({ report }: Planning, place: string, environment: TemplateValue): TemplateMap {
  const variables = isTemplateMap(environment) ? (environment["Variables"] ?? {}) : null;
  if (!isTemplateMap(environment) || !isTemplateMap(variables)) {
    report.error(`${place}.Environment`, "must have Variables, a map of texts");
    return {};
  }
  for (const key of Object.keys(environment))
    if (key !== "Variables") report.error(`${place}.Environment.${key}`, "is no member of Environment");
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    const at = `${place}.Environment.Variables.${name}`;
    if (typeof value === "string" && hasLateMark(value)) report.unsupported(at, LATE);
    else if (isScalar(value)) texts[name] = String(value);
    else if (value !== null) report.error(at, "must be a text");
  }
  return { Variables: texts };
}

function planPrimes({ evaluator, report }: Planning, resource: Resource, code: PlannedCode): string | null {
  const place = `${resource.place}.Metadata.Thaw`;
  const thaw = resource.metadata["Thaw"];
  if (thaw === undefined) return null;
  const resolved = evaluator.value(thaw, place);
  const primes = isTemplateMap(resolved) ? readPrimes(resolved) : null;
  if (primes === null) report.error(place, "must be Prime: { Events: [...], Times: 1 or more }");
  else if (code.kind === "object" || code.kind === "image")
    report.error(place, `needs code that is packed here; put thaw.prime.json into the ${code.kind} instead`);
  return primes;
}

function readPrimes(thaw: TemplateMap): string | null {
  const prime = thaw["Prime"];
  if (!isTemplateMap(prime) || Object.keys(thaw).length > 1) return null;
  const { Events: events, Times: times = 1, ...rest } = prime;
  if (!Array.isArray(events) || !Number.isInteger(times) || Number(times) < 1 || Object.keys(rest).length > 0)
    return null;
  return `${JSON.stringify({ events, times })}\n`;
}

function isImage(resource: Resource): boolean {
  return resource.properties["PackageType"] === "Image" || imageUriOf(resource) !== undefined;
}

/** Null where it is not whole, which is reported. */
function readPackage(planning: Planning, resource: Resource): PlannedCode | null {
  const { type, place, given } = resource;
  const property = type === SAM_FUNCTION ? "CodeUri" : "Code";
  const code = type === SAM_FUNCTION ? samCode(resource) : lambdaCode(resource);
  if (code === null) {
    const state = given[property] === undefined ? "needed" : "not whole";
    planning.report.error(`${place}.${property}`, `is ${state}: a folder, a zip, or an object's S3Bucket and S3Key`);
  }
  return code;
}

/** Null where it has no name, which is reported. What an image can't have is an error, as SAM itself says. */
function readImage({ report }: Planning, resource: Resource): PlannedCode | null {
  const { type, place, properties } = resource;
  const wrong = ["Runtime", "Handler", "Layers"].filter((key) => properties[key] !== undefined);
  for (const key of wrong) report.error(`${place}.${key}`, "can't be there: the function is a container image");
  const uri = imageUriOf(resource);
  if (typeof uri === "string" && uri !== "") return { kind: "image", uri };
  const at = type === SAM_FUNCTION ? "ImageUri" : "Code.ImageUri";
  report.error(`${place}.${at}`, "is needed: a name by which the server finds the image, such as HOST/NAME:TAG");
  return null;
}

/** SAM has a property for it, CloudFormation a member of the code. */
function imageUriOf({ type, properties }: Resource): TemplateValue | undefined {
  if (type === SAM_FUNCTION) return properties["ImageUri"];
  const code = properties["Code"];
  return isTemplateMap(code) ? code["ImageUri"] : undefined;
}

function samCode(resource: Resource): PlannedCode | null {
  const { properties, given } = resource;
  if (typeof properties["InlineCode"] === "string") return { kind: "inline", text: properties["InlineCode"] };
  if (given["CodeUri"] === undefined && given["InlineCode"] === undefined) return { kind: "path", path: "." };
  return toCode(properties["CodeUri"]);
}

function lambdaCode(resource: Resource): PlannedCode | null {
  const code = resource.properties["Code"];
  if (isTemplateMap(code) && typeof code["ZipFile"] === "string") return { kind: "inline", text: code["ZipFile"] };
  return assetOf(resource, "Code") ?? toCode(code);
}

function readTags(value: TemplateValue | undefined): Record<string, string> {
  if (isTemplateList(value))
    return Object.fromEntries(
      value.filter(isTemplateMap).map((tag): [string, string] => [String(tag["Key"]), String(tag["Value"])]),
    );
  return isTemplateMap(value)
    ? Object.fromEntries(Object.entries(value).map(([key, each]): [string, string] => [key, String(each)]))
    : {};
}
