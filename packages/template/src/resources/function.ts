/** AWS::Serverless::Function and AWS::Lambda::Function */
import type { PlannedCode } from "../planned.ts";
import { isTemplateMap, type TemplateMap, type TemplateValue } from "../template.ts";
import { type Planning, PROVISIONED, readProvisioned, type Resource } from "./planning.ts";

export const SAM_FUNCTION = "AWS::Serverless::Function";

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

export function readFunction(planning: Planning, { logicalId, type, place, properties }: Resource): void {
  const isSam = type === SAM_FUNCTION;
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
    planning.refuse(`${place}.${PROVISIONED}`, "needs an AutoPublishAlias");
  for (const [key, value] of Object.entries(properties)) {
    if (CONFIG.has(key)) config[key === "KmsKeyArn" ? "KMSKeyArn" : key] = value;
    else if (key === "PackageType" && value === "Zip") continue;
    else if (!handled.has(key)) planning.refuse(`${place}.${key}`);
  }
  if (isSam && properties["Tracing"] !== undefined) config["TracingConfig"] = { Mode: properties["Tracing"] };
  if (!isSam && properties["TracingConfig"] !== undefined) config["TracingConfig"] = properties["TracingConfig"];
  if (code === null)
    return planning.refuse(`${place}.${isSam ? "CodeUri" : "Code"}`, "is needed: a folder, a zip, or an object");
  planning.functions.push({
    logicalId,
    name: planning.names.get(logicalId) ?? logicalId,
    config: coerce(config),
    code,
    tags: readTags(properties["Tags"]),
    autoPublishAlias: properties["AutoPublishAlias"] === undefined ? null : String(properties["AutoPublishAlias"]),
    primes: planPrimes(planning, logicalId, code),
    reservedConcurrency:
      properties["ReservedConcurrentExecutions"] === undefined
        ? null
        : Number(properties["ReservedConcurrentExecutions"]),
    provisionedConcurrency: readProvisioned(properties),
  });
}

function planPrimes(planning: Planning, logicalId: string, code: PlannedCode): string | null {
  const place = `Resources.${logicalId}.Metadata.Thaw`;
  const metadata = planning.template.Resources[logicalId]?.["Metadata"];
  const thaw = isTemplateMap(metadata) ? metadata["Thaw"] : undefined;
  if (thaw === undefined) return null;
  const resolved = planning.resolver.resolve(thaw, place);
  const primes = isTemplateMap(resolved) ? readPrimes(resolved) : null;
  if (primes === null) planning.refuse(place, "must be Prime: { Events: [...], Times: 1 or more }");
  else if (code.kind === "object")
    planning.refuse(place, "needs code that is packed here; put thaw.prime.json into the object instead");
  return primes;
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
