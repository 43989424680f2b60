/** AWS::Lambda::Permission */
import type { TemplateValue } from "../value.ts";
import { lacks, NOT_SUPPORTED, type Planning, type Resource, targetOf } from "./planning.ts";

const NEEDED = ["FunctionName", "Action", "Principal"];
const MEMBERS = [
  "Action",
  "Principal",
  "SourceArn",
  "SourceAccount",
  "EventSourceToken",
  "FunctionUrlAuthType",
  "PrincipalOrgID",
];

export function readPermission(planning: Planning, resource: Resource): void {
  const { logicalId, place, properties } = resource;
  for (const key of Object.keys(properties))
    if (![...NEEDED, ...MEMBERS, "InvokedViaFunctionUrl"].includes(key))
      planning.report.unsupported(`${place}.${key}`, NOT_SUPPORTED);
  if (lacks(planning, resource, NEEDED)) return;
  const members: Record<string, TemplateValue> = {};
  for (const key of MEMBERS) if (properties[key] !== undefined) members[key] = String(properties[key]);
  const isViaUrl = properties["InvokedViaFunctionUrl"];
  if (isViaUrl !== undefined) members["InvokedViaFunctionUrl"] = String(isViaUrl) === "true";
  planning.permissions.push({ statementId: logicalId, ...targetOf(properties["FunctionName"]), members });
}
