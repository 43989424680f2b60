/** AWS::Lambda::Version */
import { bareName, lacks, type Planning, PROVISIONED, readProvisioned, type Resource, text } from "./planning.ts";

export function readVersion(planning: Planning, { logicalId, place, properties }: Resource): void {
  for (const key of Object.keys(properties))
    if (!["FunctionName", "Description", PROVISIONED].includes(key)) planning.refuse(`${place}.${key}`);
  if (lacks(planning, place, properties, ["FunctionName"])) return;
  planning.versions.push({
    logicalId,
    functionName: bareName(properties["FunctionName"]),
    description: text(properties["Description"]),
    provisionedConcurrency: readProvisioned(properties),
  });
}
