/** AWS::Lambda::Version */
import {
  bareName,
  lacks,
  NOT_SUPPORTED,
  type Planning,
  PROVISIONED,
  readProvisioned,
  type Resource,
  text,
} from "./planning.ts";

export function readVersion(planning: Planning, resource: Resource): void {
  const { logicalId, place, properties } = resource;
  for (const key of Object.keys(properties))
    if (!["FunctionName", "Description", "CodeSha256", PROVISIONED].includes(key))
      planning.report.unsupported(`${place}.${key}`, NOT_SUPPORTED);
  if (lacks(planning, resource, ["FunctionName"])) return;
  planning.versions.push({
    logicalId,
    functionName: bareName(properties["FunctionName"]),
    description: text(properties["Description"]),
    codeSha256: text(properties["CodeSha256"]),
    provisionedConcurrency: readProvisioned(planning, resource),
  });
}
