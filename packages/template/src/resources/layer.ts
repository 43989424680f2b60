/** AWS::Serverless::LayerVersion and AWS::Lambda::LayerVersion */
import { isScalar, isTemplateList, type TemplateMap, type TemplateValue } from "../value.ts";
import { assetOf, toCode } from "./code.ts";
import type { Planning, Resource } from "./planning.ts";

export const SAM_LAYER = "AWS::Serverless::LayerVersion";

const STAYS = "has no effect: versions of layers stay until they are deleted by hand";

/** Members of PublishLayerVersion that a template names as the API does. */
const TEXTS = ["Description", "LicenseInfo"];
const LISTS = ["CompatibleRuntimes", "CompatibleArchitectures"];

/** Properties that are left out, with the reason. */
const NOTED: Readonly<Record<string, string>> = {
  RetentionPolicy: STAYS,
  PublishLambdaVersion: "has no effect: a version is published when code or configuration have changed",
};

export function readLayer(planning: Planning, resource: Resource): void {
  const { logicalId, type, place, properties, given, metadata } = resource;
  const isSam = type === SAM_LAYER;
  const content = isSam ? "ContentUri" : "Content";
  for (const key of Object.keys(given)) {
    const at = `${place}.${key}`;
    if (isSam && Object.hasOwn(NOTED, key)) planning.report.note(at, NOTED[key] ?? "");
    else if (![content, "LayerName", ...TEXTS, ...LISTS].includes(key))
      planning.report.error(at, `is no property of ${type}`);
  }
  if (metadata["BuildMethod"] !== undefined && metadata["SamResourceId"] === undefined)
    planning.report.note(
      `${place}.Metadata.BuildMethod`,
      "is for sam build, which has not been run: the folder goes as it is",
    );
  const source = properties[content];
  const code = (isSam ? null : assetOf(resource, "Content")) ?? toCode(source);
  if (code === null) {
    const what = given[content] === undefined ? "is needed" : "is not whole";
    planning.report.error(`${place}.${content}`, `${what}: a folder, a zip, or an object`);
    return;
  }
  const name = planning.layerNames.get(logicalId) ?? logicalId;
  planning.layers.push({ logicalId, name, config: readConfig(planning, place, properties), code });
}

function readConfig({ report }: Planning, place: string, properties: TemplateMap): TemplateMap {
  const config: Record<string, TemplateValue> = {};
  for (const key of TEXTS) {
    const value = properties[key];
    if (isScalar(value)) config[key] = String(value);
    else if (value !== undefined) report.error(`${place}.${key}`, "must be a text");
  }
  for (const key of LISTS) {
    const value = properties[key];
    if (value === undefined) continue;
    if (isTemplateList(value) && value.every(isScalar)) config[key] = value.map(String);
    else report.error(`${place}.${key}`, "must be a list of texts");
  }
  return config;
}
