/** AWS::ApiGateway::Stage: what it serves, and what it asks of its traffic. */
import type { TemplateMap } from "@thaw/template/value";
import { checkNames, isTagged, lowered, membersOf, tagMap, type Texts } from "./api-values.ts";
import { describeType } from "./describe-type.ts";
import type { Handler, HandlerContext } from "./handler.ts";
import { call, escaped, GONE, type Output, type Patch, setTags, textsIn } from "./rest-calls.ts";
import { mapOf, mapsOf, settle, textOf, unless } from "./values.ts";

/** Ends of the paths of methods' settings, by the properties. */
const SETTINGS: Readonly<Record<string, string>> = {
  MetricsEnabled: "metrics/enabled",
  LoggingLevel: "logging/loglevel",
  DataTraceEnabled: "logging/dataTrace",
  ThrottlingBurstLimit: "throttling/burstLimit",
  ThrottlingRateLimit: "throttling/rateLimit",
  CachingEnabled: "caching/enabled",
};

export const REST_STAGE: Handler = {
  type: describeType("AWS::ApiGateway::Stage", {
    without: [
      "CacheClusterEnabled",
      "CacheClusterSize",
      "CanarySetting",
      "ClientCertificateId",
      "DocumentationVersion",
    ],
  }),
  async create(properties, context) {
    const place = stagePlace(properties);
    const physicalId = place.stageName;
    const found = context.isRetry ? await unless(GONE, call(context, "GetStage", place)) : null;
    if (found === null || !isTagged(found["tags"], context))
      await call(context, "CreateStage", { ...place, ...stageMembers(properties), tags: tagMap(properties, context) });
    const patchOperations = [...logPatches({}, properties), ...settingPatches({}, properties)];
    if (patchOperations.length === 0) return { physicalId };
    return settle(physicalId, async () => {
      await call(context, "UpdateStage", { ...place, patchOperations });
      return { physicalId };
    });
  },
  async update({ physicalId, properties: before }, properties, context) {
    const place = stagePlace(properties);
    const { tags } = await call(context, "UpdateStage", { ...place, patchOperations: patchesOf(before, properties) });
    const arn = `arn:aws:apigateway:${context.scope.region}::/restapis/${place.restApiId}/stages/${place.stageName}`;
    await setTags(arn, tagMap(properties, context), (tags ?? {}) as Texts, context);
    return { physicalId };
  },
  async remove({ properties }, context: HandlerContext) {
    await unless(GONE, call(context, "DeleteStage", stagePlace(properties)));
  },
};

function stagePlace(properties: TemplateMap) {
  return { restApiId: textOf(properties, "RestApiId") ?? "", stageName: textOf(properties, "StageName") ?? "" };
}

function stageMembers(properties: TemplateMap): Output {
  const variables = mapOf(properties, "Variables");
  const flags = ["TracingEnabled"];
  return {
    ...lowered(membersOf(properties, ["DeploymentId", "Description", ...flags], { flags })),
    ...(variables === null ? {} : { variables: textsIn(variables) }),
  };
}

function patchesOf(before: TemplateMap, properties: TemplateMap): readonly Patch[] {
  const variables = textsIn(mapOf(properties, "Variables") ?? {});
  const gone = Object.keys(mapOf(before, "Variables") ?? {}).filter((name) => !Object.hasOwn(variables, name));
  return [
    { op: "replace", path: "/deploymentId", value: textOf(properties, "DeploymentId") ?? "" },
    { op: "replace", path: "/description", value: textOf(properties, "Description") ?? "" },
    { op: "replace", path: "/tracingEnabled", value: textOf(properties, "TracingEnabled") ?? "false" },
    ...Object.entries(variables).map(
      ([name, value]): Patch => ({ op: "replace", path: `/variables/${escaped(name)}`, value }),
    ),
    ...gone.map((name): Patch => ({ op: "remove", path: `/variables/${escaped(name)}` })),
    ...logPatches(before, properties),
    ...settingPatches(before, properties),
  ];
}

function logPatches(before: TemplateMap, properties: TemplateMap): readonly Patch[] {
  const log = mapOf(properties, "AccessLogSetting");
  if (log === null)
    return mapOf(before, "AccessLogSetting") === null ? [] : [{ op: "remove", path: "/accessLogSettings" }];
  checkNames(log, ["DestinationArn", "Format"], "AccessLogSetting");
  return [
    { op: "replace", path: "/accessLogSettings/destinationArn", value: textOf(log, "DestinationArn") ?? "" },
    { op: "replace", path: "/accessLogSettings/format", value: textOf(log, "Format") ?? "" },
  ];
}

/** What was said of methods is taken away, and what is said now is set. */
function settingPatches(before: TemplateMap, properties: TemplateMap): readonly Patch[] {
  const gone = mapsOf(before, "MethodSettings").map((each): Patch => ({ op: "remove", path: `/${keyOf(each)}` }));
  const set = mapsOf(properties, "MethodSettings").flatMap((each) => {
    checkNames(each, ["ResourcePath", "HttpMethod", ...Object.keys(SETTINGS)], "MethodSettings");
    return Object.entries(SETTINGS).flatMap(([name, end]): readonly Patch[] => {
      const value = textOf(each, name);
      return value === null ? [] : [{ op: "replace", path: `/${keyOf(each)}/${end}`, value }];
    });
  });
  return [...gone, ...set];
}

/** A path is given as `/pets`, its further slashes as `~1`; `/*` are all. */
function keyOf(setting: TemplateMap): string {
  const path = (textOf(setting, "ResourcePath") ?? "/*").replace(/^(?:\/|~1)/, "");
  return `${path === "*" ? "*" : `~1${path.replaceAll("/", "~1")}`}/${textOf(setting, "HttpMethod") ?? "*"}`;
}
