/** AWS::Lambda::Alias */
import { bareName, lacks, type Planning, PROVISIONED, readProvisioned, type Resource, text } from "./planning.ts";

export function readAlias(planning: Planning, { logicalId, place, properties }: Resource): void {
  for (const key of Object.keys(properties))
    if (!["FunctionName", "FunctionVersion", "Name", "Description", PROVISIONED].includes(key))
      planning.refuse(`${place}.${key}`);
  if (lacks(planning, place, properties, ["FunctionName", "FunctionVersion", "Name"])) return;
  planning.aliases.push({
    logicalId,
    functionName: bareName(properties["FunctionName"]),
    name: String(properties["Name"]),
    version: String(properties["FunctionVersion"]).replace(/^version:/, ""),
    description: text(properties["Description"]),
    provisionedConcurrency: readProvisioned(properties),
  });
}
