/** AWS::Lambda::Alias */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "../value.ts";
import {
  bareName,
  lacks,
  NOT_SUPPORTED,
  type Planning,
  PROVISIONED,
  readNumber,
  readProvisioned,
  type Resource,
  text,
} from "./planning.ts";

const NEEDED = ["FunctionName", "FunctionVersion", "Name"];
const ROUTING = "RoutingConfig";

export function readAlias(planning: Planning, resource: Resource): void {
  const { logicalId, place, properties } = resource;
  for (const key of Object.keys(properties))
    if (![...NEEDED, "Description", ROUTING, PROVISIONED].includes(key))
      planning.report.unsupported(`${place}.${key}`, NOT_SUPPORTED);
  const weights = readWeights(planning, place, properties[ROUTING]);
  if (lacks(planning, resource, NEEDED)) return;
  planning.aliases.push({
    logicalId,
    functionName: bareName(properties["FunctionName"]),
    name: String(properties["Name"]),
    version: String(properties["FunctionVersion"]),
    description: text(properties["Description"]),
    weights,
    provisionedConcurrency: readProvisioned(planning, resource),
  });
}

function readWeights(planning: Planning, place: string, routing: TemplateValue | undefined): Record<string, number> {
  const list = isTemplateMap(routing) ? (routing["AdditionalVersionWeights"] ?? []) : [];
  const weights: Record<string, number> = {};
  for (const [index, each] of (isTemplateList(list) ? list : []).entries()) {
    const { FunctionVersion: version, FunctionWeight: weight } = (isTemplateMap(each) ? each : {}) as TemplateMap;
    const at = `${place}.${ROUTING}.AdditionalVersionWeights[${index}]`;
    const share = readNumber(planning, `${at}.FunctionWeight`, weight);
    if (version === undefined || share === null) planning.report.error(at, "needs FunctionVersion and FunctionWeight");
    else weights[String(version)] = share;
  }
  return weights;
}
