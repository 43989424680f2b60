/** AWS::Lambda::Url, and FunctionUrlConfig of AWS::Serverless::Function */
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "../value.ts";
import { lacks, NOT_SUPPORTED, type Planning, readNumber, type Resource, targetOf, text } from "./planning.ts";

const NEEDED = ["TargetFunctionArn", "AuthType"];
const SETTINGS = ["AuthType", "Cors", "InvokeMode"];
const CORS_LISTS = ["AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders"];

export function readUrl(planning: Planning, resource: Resource): void {
  const { logicalId, place, properties } = resource;
  refuseOthers(planning, place, properties, [...NEEDED, ...SETTINGS, "Qualifier"]);
  if (lacks(planning, resource, NEEDED)) return;
  const target = targetOf(properties["TargetFunctionArn"]);
  planning.urls.push({
    logicalId,
    functionName: target.functionName,
    qualifier: text(properties["Qualifier"]) ?? target.qualifier,
    ...readSettings(planning, place, properties),
  });
}

/** As SAM's transform: a URL of the function or of the alias that it publishes, which everybody may call with NONE. */
export function readOwnUrl(planning: Planning, { logicalId, place, properties }: Resource, name: string): void {
  const config = properties["FunctionUrlConfig"];
  if (config === undefined) return;
  const at = `${place}.FunctionUrlConfig`;
  if (!isTemplateMap(config) || config["AuthType"] === undefined)
    return planning.report.error(`${at}.AuthType`, "is needed: NONE or AWS_IAM");
  refuseOthers(planning, at, config, SETTINGS);
  const of = { functionName: name, qualifier: text(properties["AutoPublishAlias"]) };
  const settings = readSettings(planning, at, config);
  planning.urls.push({ logicalId: `${logicalId}Url`, ...of, ...settings });
  if (settings.authType !== "NONE") return;
  const members = { Action: "lambda:InvokeFunctionUrl", Principal: "*", FunctionUrlAuthType: "NONE" };
  planning.permissions.push({ statementId: `${logicalId}UrlPublicPermissions`, ...of, members });
}

function refuseOthers({ report }: Planning, place: string, given: TemplateMap, known: readonly string[]): void {
  for (const key of Object.keys(given)) if (!known.includes(key)) report.unsupported(`${place}.${key}`, NOT_SUPPORTED);
}

function readSettings(planning: Planning, place: string, given: TemplateMap) {
  return {
    authType: String(given["AuthType"]),
    invokeMode: text(given["InvokeMode"]),
    cors: readCors(planning, `${place}.Cors`, given["Cors"]),
  };
}

/** Numbers, truth values and single texts may have come out of parameters, which are texts. */
function readCors(planning: Planning, place: string, given: TemplateValue | undefined): TemplateMap | null {
  if (given === undefined) return null;
  if (!isTemplateMap(given)) {
    planning.report.error(place, "must be a map such as { AllowOrigins: [https://example.com] }");
    return null;
  }
  refuseOthers(planning, place, given, [...CORS_LISTS, "AllowCredentials", "MaxAge"]);
  const cors: Record<string, TemplateValue> = {};
  for (const key of CORS_LISTS) {
    const value = given[key];
    if (value !== undefined) cors[key] = (isTemplateList(value) ? value : [value]).map(String);
  }
  if (given["AllowCredentials"] !== undefined) cors["AllowCredentials"] = String(given["AllowCredentials"]) === "true";
  const maxAge = readNumber(planning, `${place}.MaxAge`, given["MaxAge"]);
  if (maxAge !== null) cors["MaxAge"] = maxAge;
  return cors;
}
