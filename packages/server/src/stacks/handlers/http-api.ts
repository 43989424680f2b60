/** AWS::ApiGatewayV2::*: HTTP APIs and their parts. */
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import { allOf, checkNames, definitionOf, isTagged, membersOf, tagMap, type Texts } from "./api-values.ts";
import { describeType } from "./describe-type.ts";
import type { Existing, Handler, HandlerContext, Made } from "./handler.ts";
import { mapOf, settle, textOf, unless } from "./values.ts";

type Output = Readonly<Record<string, unknown>>;

const SERVICE = "apigatewayv2";
const GONE = ["NotFoundException"];
const PLAIN = [
  "Name",
  "Description",
  "Version",
  "DisableExecuteApiEndpoint",
  "RouteSelectionExpression",
  "ApiKeySelectionExpression",
  "DisableSchemaValidation",
  "IpAddressType",
];
const QUICK_CREATE = "make an integration, a route and a stage of their own";
const FLAGS = ["DisableExecuteApiEndpoint", "DisableSchemaValidation", "AllowCredentials"];

function call({ services }: HandlerContext, operation: string, input: Output): Promise<Output> {
  return services.call(SERVICE, operation, input);
}

const API: Handler = {
  type: describeType("AWS::ApiGatewayV2::Api", {
    without: ["BasePath"],
    instead: { CredentialsArn: QUICK_CREATE, RouteKey: QUICK_CREATE, Target: QUICK_CREATE },
  }),
  async create(properties, context) {
    const found = context.isRetry ? await findApi(context) : null;
    if (found !== null) return settle(found, () => configure(found, properties, context));
    const body = await definitionOf(properties, context);
    if (body === null) {
      const made = await call(context, "CreateApi", {
        ...apiMembers(properties),
        ...membersOf(properties, ["ProtocolType"]),
        Tags: tagMap(properties, context),
      });
      return madeApi(String(made["ApiId"]), made, context);
    }
    const { ApiId } = await call(context, "ImportApi", { Body: body });
    return settle(String(ApiId), () => configure(String(ApiId), properties, context));
  },
  async update({ physicalId, properties: before }, properties, context) {
    const body = await definitionOf(properties, context);
    if (body !== null) await call(context, "ReimportApi", { ApiId: physicalId, Body: body });
    if (body === null && before["CorsConfiguration"] !== undefined && properties["CorsConfiguration"] === undefined)
      await call(context, "DeleteCorsConfiguration", { ApiId: physicalId });
    return configure(physicalId, properties, context);
  },
  async remove({ physicalId }, context) {
    await unless(GONE, call(context, "DeleteApi", { ApiId: physicalId }));
  },
};

/** What the properties say beside a definition. */
async function configure(ApiId: string, properties: TemplateMap, context: HandlerContext): Promise<Made> {
  const made = await call(context, "UpdateApi", { ApiId, ...apiMembers(properties) });
  const ResourceArn = `arn:aws:apigateway:${context.scope.region}::/apis/${ApiId}`;
  await setTags(ResourceArn, tagMap(properties, context), (made["Tags"] ?? {}) as Texts, context);
  return madeApi(ApiId, made, context);
}

function apiMembers(properties: TemplateMap): Output {
  const cors = properties["CorsConfiguration"];
  const names = ["AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge"];
  if (isTemplateMap(cors)) checkNames(cors, names, "CorsConfiguration");
  return {
    ...membersOf(properties, PLAIN, { flags: FLAGS }),
    ...(isTemplateMap(cors)
      ? { CorsConfiguration: membersOf(cors, names, { flags: FLAGS, numbers: ["MaxAge"] }) }
      : {}),
  };
}

function madeApi(physicalId: string, api: Output, { scope }: HandlerContext): Made {
  return {
    physicalId,
    attributes: {
      ApiId: physicalId,
      ApiEndpoint: String(api["ApiEndpoint"]),
      ExecuteApiArn: `arn:aws:execute-api:${scope.region}:${scope.accountId}:${physicalId}`,
    },
  };
}

/** Null: no API was made for this resource. */
async function findApi(context: HandlerContext): Promise<string | null> {
  const all = await allOf(async (NextToken) => {
    const page = await call(context, "GetApis", NextToken === undefined ? {} : { NextToken });
    return { items: page["Items"], next: page["NextToken"] };
  });
  const found = all.find(({ Tags }) => isTagged(Tags, context));
  return found === undefined ? null : String(found["ApiId"]);
}

async function setTags(ResourceArn: string, wanted: Texts, now: Texts, context: HandlerContext): Promise<void> {
  const TagKeys = Object.keys(now).filter((key) => !Object.hasOwn(wanted, key));
  if (TagKeys.length > 0) await call(context, "UntagResource", { ResourceArn, TagKeys });
  if (Object.keys(wanted).length > 0) await call(context, "TagResource", { ResourceArn, Tags: wanted });
}

const STAGE_NAMES = ["ApiId", "StageName", "Description", "AutoDeploy", "DeploymentId", "StageVariables"];

/** What is left out is given as empty, so that an update takes it away. */
function stageMembers(properties: TemplateMap): Output {
  const log = mapOf(properties, "AccessLogSettings") ?? {};
  checkNames(log, ["DestinationArn", "Format"], "AccessLogSettings");
  const own = Object.entries(mapOf(properties, "RouteSettings") ?? {});
  return {
    ...membersOf(properties, STAGE_NAMES, { flags: ["AutoDeploy"] }),
    AccessLogSettings: log,
    DefaultRouteSettings: settingsOf(mapOf(properties, "DefaultRouteSettings") ?? {}, "DefaultRouteSettings"),
    RouteSettings: Object.fromEntries(
      own.map(([key, each]) => [key, settingsOf(isTemplateMap(each) ? each : {}, `RouteSettings.${key}`)]),
    ),
  };
}

function settingsOf(given: TemplateMap, place: string): Output {
  const numbers = ["ThrottlingBurstLimit", "ThrottlingRateLimit"];
  const flags = ["DataTraceEnabled", "DetailedMetricsEnabled"];
  checkNames(given, [...numbers, ...flags, "LoggingLevel"], place);
  return membersOf(given, [...numbers, ...flags, "LoggingLevel"], { numbers, flags });
}

const STAGE: Handler = {
  type: describeType("AWS::ApiGatewayV2::Stage", {
    without: ["AccessPolicyId", "ClientCertificateId"],
  }),
  async create(properties, context) {
    const place = membersOf(properties, ["ApiId", "StageName"]);
    const found = context.isRetry ? await unless(GONE, call(context, "GetStage", place)) : null;
    const physicalId = textOf(properties, "StageName") ?? "";
    if (found !== null && isTagged(found["Tags"], context)) return { physicalId };
    await call(context, "CreateStage", { ...stageMembers(properties), Tags: tagMap(properties, context) });
    return { physicalId };
  },
  async update({ physicalId, properties: before }, properties, context) {
    const made = await call(context, "UpdateStage", stageMembers(properties));
    const kept = mapOf(properties, "RouteSettings") ?? {};
    for (const RouteKey of Object.keys(mapOf(before, "RouteSettings") ?? {}))
      if (!Object.hasOwn(kept, RouteKey))
        await call(context, "DeleteRouteSettings", { ...membersOf(properties, ["ApiId", "StageName"]), RouteKey });
    const api = textOf(properties, "ApiId") ?? "";
    const ResourceArn = `arn:aws:apigateway:${context.scope.region}::/apis/${api}/stages/${physicalId}`;
    await setTags(ResourceArn, tagMap(properties, context), (made["Tags"] ?? {}) as Texts, context);
    return { physicalId };
  },
  remove: ({ physicalId, properties }, context) => removePart("Stage", "StageName", physicalId, properties, context),
};

interface Part {
  /** As operations name it. */
  readonly name: "Integration" | "Authorizer" | "Route" | "Deployment";
  readonly without: readonly string[];
  readonly members: readonly string[];
  readonly numbers?: readonly string[];
  readonly flags?: readonly string[];
  /** What a property is where a template leaves it out. */
  readonly defaults?: Output;
  /** Whether a part that is there may be the one that was made before a crash. */
  readonly isSame: (part: Output, members: Output, all: Parts) => boolean;
}

/** All parts of an API that a part may be referred to from. */
interface Parts {
  readonly routes: readonly Output[];
  readonly stages: readonly Output[];
}

/**
 * Parts have no tags: after a crash, one that has the same values and that nothing refers to is taken for the one that
 * was made. Nothing can tell it from one that was made by hand a moment before, and nothing depends on which it is.
 */
const PARTS: readonly Part[] = [
  {
    name: "Integration",
    without: [
      "ConnectionId",
      "ContentHandlingStrategy",
      "CredentialsArn",
      "IntegrationSubtype",
      "PassthroughBehavior",
      "RequestParameters",
      "RequestTemplates",
      "ResponseParameters",
      "TemplateSelectionExpression",
      "TlsConfig",
    ],
    members: [
      "ConnectionType",
      "Description",
      "IntegrationMethod",
      "IntegrationType",
      "IntegrationUri",
      "PayloadFormatVersion",
      "TimeoutInMillis",
    ],
    numbers: ["TimeoutInMillis"],
    isSame: (part, members, { routes }) =>
      part["IntegrationUri"] === members["IntegrationUri"] &&
      !routes.some(({ Target }) => Target === `integrations/${String(part["IntegrationId"])}`),
  },
  {
    name: "Authorizer",
    without: ["AuthorizerCredentialsArn", "IdentityValidationExpression"],
    members: [
      "AuthorizerPayloadFormatVersion",
      "AuthorizerResultTtlInSeconds",
      "AuthorizerType",
      "AuthorizerUri",
      "EnableSimpleResponses",
      "IdentitySource",
      "JwtConfiguration",
      "Name",
    ],
    numbers: ["AuthorizerResultTtlInSeconds"],
    flags: ["EnableSimpleResponses"],
    defaults: { IdentitySource: [] },
    // Names are unique in an API.
    isSame: (part, members) => part["Name"] === members["Name"],
  },
  {
    name: "Route",
    without: ["ModelSelectionExpression", "RequestModels", "RequestParameters", "RouteResponseSelectionExpression"],
    members: [
      "ApiKeyRequired",
      "AuthorizationScopes",
      "AuthorizationType",
      "AuthorizerId",
      "OperationName",
      "RouteKey",
      "Target",
    ],
    flags: ["ApiKeyRequired"],
    defaults: { AuthorizationScopes: [], AuthorizationType: "NONE" },
    isSame: (part, members) => part["RouteKey"] === members["RouteKey"],
  },
  {
    name: "Deployment",
    without: [],
    members: ["Description", "StageName"],
    isSame: (part, members, { stages }) =>
      part["AutoDeployed"] !== true &&
      part["Description"] === members["Description"] &&
      stages.every((stage) => stage["DeploymentId"] !== part["DeploymentId"]),
  },
];

function partHandler(part: Part): Handler {
  const { name, without, members: names, numbers = [], flags = [], defaults = {} } = part;
  const id = `${name}Id`;
  const made = (physicalId: string): Made => ({ physicalId, attributes: { [id]: physicalId } });
  const inputOf = (properties: TemplateMap): Output => {
    const { JwtConfiguration: jwt } = properties;
    if (isTemplateMap(jwt)) checkNames(jwt, ["Audience", "Issuer"], "JwtConfiguration");
    return { ...defaults, ...membersOf(properties, ["ApiId", ...names], { numbers, flags }) };
  };
  return {
    type: describeType(`AWS::ApiGatewayV2::${name}`, { without }),
    async create(properties, context) {
      const input = inputOf(properties);
      const found = context.isRetry ? await findPart(part, input, context) : null;
      if (found !== null) return made(found);
      return made(String((await call(context, `Create${name}`, input))[id]));
    },
    async update({ physicalId }, properties, context) {
      const { StageName, ...input } = inputOf(properties);
      await call(context, `Update${name}`, { ...input, [id]: physicalId });
      // A deployment goes to the stage that the template names now.
      if (name === "Deployment" && StageName !== undefined)
        await call(context, "UpdateStage", { ApiId: input["ApiId"], StageName, DeploymentId: physicalId });
      return made(physicalId);
    },
    remove: ({ physicalId, properties }, context) => removePart(name, id, physicalId, properties, context),
  };
}

async function findPart({ name, isSame }: Part, input: Output, context: HandlerContext): Promise<string | null> {
  const { ApiId } = input;
  const list = (operation: string) =>
    allOf(async (NextToken) => {
      const page = await call(context, operation, { ApiId, ...(NextToken === undefined ? {} : { NextToken }) });
      return { items: page["Items"], next: page["NextToken"] };
    });
  const [parts, routes, stages] = [await list(`Get${name}s`), await list("GetRoutes"), await list("GetStages")];
  const found = parts.find((each) => isSame(each, input, { routes, stages }));
  return found === undefined ? null : String(found[`${name}Id`]);
}

/** An API that is gone has taken its parts with it. */
async function removePart(
  name: string,
  id: string,
  physicalId: string,
  properties: Existing["properties"],
  context: HandlerContext,
): Promise<void> {
  const input = { ApiId: textOf(properties, "ApiId") ?? "", [id]: physicalId };
  await unless(GONE, call(context, `Delete${name}`, input));
}

export const HTTP_APIS: readonly Handler[] = [API, STAGE, ...PARTS.map(partHandler)];
