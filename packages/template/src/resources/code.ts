/** Where a template says that a package is. */
import type { PlannedCode } from "../planned.ts";
import { isTemplateMap, type TemplateValue } from "../value.ts";
import type { Resource } from "./planning.ts";

/** CDK says in the metadata where the asset of a property lies, from the template's folder. */
export function assetOf({ metadata }: Resource, wanted: "Code" | "Content"): PlannedCode | null {
  const path = metadata["aws:asset:path"];
  const property = metadata["aws:asset:property"] ?? wanted;
  return typeof path === "string" && property === wanted ? { kind: "path", path } : null;
}

export function toCode(value: TemplateValue | undefined): PlannedCode | null {
  if (typeof value === "string") {
    const object = /^s3:\/\/([^/]+)\/(.+)$/.exec(value);
    return object === null
      ? { kind: "path", path: value }
      : { kind: "object", bucket: object[1] ?? "", key: object[2] ?? "" };
  }
  if (!isTemplateMap(value)) return null;
  const bucket = value["S3Bucket"] ?? value["Bucket"];
  const key = value["S3Key"] ?? value["Key"];
  if (typeof bucket !== "string" || typeof key !== "string") return null;
  const version = value["S3ObjectVersion"] ?? value["Version"];
  return { kind: "object", bucket, key, ...(version === undefined ? {} : { version: String(version) }) };
}
