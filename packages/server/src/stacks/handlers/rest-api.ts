/** AWS::ApiGateway::RestApi, and the parts of it that are deployed. */
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import { allOf, checkNames, definitionOf, isTagged, lowered, membersOf, tagMap, type Texts } from "./api-values.ts";
import { describeType } from "./describe-type.ts";
import { type Existing, type Handler, type HandlerContext, HandlerError, type Made } from "./handler.ts";
import { call, escaped, GONE, type Output, type Patch, setTags, textsIn, unescaped } from "./rest-calls.ts";
import { REQUEST_VALIDATOR } from "./rest-requests.ts";
import { REST_STAGE } from "./rest-stage.ts";
import { mapOf, mapsOf, settle, textOf, textsOf, unless } from "./values.ts";

const CONFLICT = ["ConflictException"];

const REST_API: Handler = {
  type: describeType("AWS::ApiGateway::RestApi", {
    without: [
      "ApiKeySourceType",
      "CloneFrom",
      "EndpointAccessMode",
      "MinimumCompressionSize",
      "Policy",
      "SecurityPolicy",
    ],
  }),
  async create(properties, context) {
    const found = context.isRetry ? await findApi(context) : null;
    if (found !== null) return settle(found, () => configure(found, properties, context));
    const body = await definitionOf(properties, context);
    const made = await (body === null
      ? call(context, "CreateRestApi", {
          name: textOf(properties, "Name") ?? context.makeName(255),
          tags: tagMap(properties, context),
        })
      : call(context, "ImportRestApi", { body: Buffer.from(body), parameters: parametersOf(properties) }));
    const id = String(made["id"]);
    return settle(id, () => configure(id, properties, context));
  },
  async update({ physicalId }, properties, context) {
    const body = await definitionOf(properties, context);
    if (body !== null)
      await call(context, "PutRestApi", {
        restApiId: physicalId,
        mode: textOf(properties, "Mode") ?? "overwrite",
        body: Buffer.from(body),
        parameters: parametersOf(properties),
      });
    return configure(physicalId, properties, context);
  },
  async remove({ physicalId }, context) {
    await unless(GONE, call(context, "DeleteRestApi", { restApiId: physicalId }));
  },
};

function parametersOf(properties: TemplateMap): Texts {
  const given = Object.entries(mapOf(properties, "Parameters") ?? {});
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

/** What the properties say beside a definition. */
async function configure(restApiId: string, properties: TemplateMap, context: HandlerContext): Promise<Made> {
  const before = await call(context, "GetRestApi", { restApiId });
  const patchOperations = patchesOf(before, properties);
  if (patchOperations.length > 0) await call(context, "UpdateRestApi", { restApiId, patchOperations });
  const resourceArn = `arn:aws:apigateway:${context.scope.region}::/restapis/${restApiId}`;
  await setTags(resourceArn, tagMap(properties, context), (before["tags"] ?? {}) as Texts, context);
  return {
    physicalId: restApiId,
    attributes: { RestApiId: restApiId, RootResourceId: String(before["rootResourceId"]) },
  };
}

function patchesOf(before: Output, properties: TemplateMap): readonly Patch[] {
  const texts = {
    name: "Name",
    description: "Description",
    version: "Version",
    disableExecuteApiEndpoint: "DisableExecuteApiEndpoint",
  };
  const patches: Patch[] = Object.entries(texts).flatMap(([member, property]) => {
    const value = textOf(properties, property);
    return value === null ? [] : [{ op: "replace", path: `/${member}`, value }];
  });
  const isDefined = properties["Body"] !== undefined || properties["BodyS3Location"] !== undefined;
  const types = textsOf(properties, "BinaryMediaTypes").map(unescaped);
  const now = (before["binaryMediaTypes"] ?? []) as readonly string[];
  const path = (type: string): string => `/binaryMediaTypes/${escaped(type)}`;
  for (const type of now) if (!isDefined && !types.includes(type)) patches.push({ op: "remove", path: path(type) });
  for (const type of types) if (!now.includes(type)) patches.push({ op: "add", path: path(type) });
  const endpoint = mapOf(properties, "EndpointConfiguration") ?? {};
  checkNames(endpoint, ["Types"], "EndpointConfiguration");
  const [wanted] = textsOf(endpoint, "Types");
  const [found = ""] = (before["endpointConfiguration"] as { readonly types?: readonly string[] }).types ?? [];
  if (wanted !== undefined && wanted !== found)
    patches.push({ op: "replace", path: `/endpointConfiguration/types/${found}`, value: wanted });
  return patches;
}

/** Null: no API was made for this resource. */
async function findApi(context: HandlerContext): Promise<string | null> {
  const all = await allOf(async (position) => {
    const page = await call(context, "GetRestApis", { limit: 500, ...(position === undefined ? {} : { position }) });
    return { items: page["items"], next: page["position"] };
  });
  const found = all.find(({ tags }) => isTagged(tags, context));
  return found === undefined ? null : String(found["id"]);
}

const RESOURCE: Handler = {
  type: describeType("AWS::ApiGateway::Resource"),
  async create(properties, context) {
    const input = lowered(membersOf(properties, ["RestApiId", "ParentId", "PathPart"]));
    const made = context.isRetry
      ? await unless(CONFLICT, call(context, "CreateResource", input))
      : await call(context, "CreateResource", input);
    const physicalId = String((made ?? (await findResource(input, context)))["id"]);
    return { physicalId, attributes: { ResourceId: physicalId } };
  },
  update: async ({ physicalId }) => ({ physicalId, attributes: { ResourceId: physicalId } }),
  async remove({ physicalId, properties }, context) {
    const restApiId = textOf(properties, "RestApiId") ?? "";
    await unless(GONE, call(context, "DeleteResource", { restApiId, resourceId: physicalId }));
  },
};

/** After a crash: the sibling of this name is the one that was made. */
async function findResource(input: Output, context: HandlerContext): Promise<Output> {
  const { items } = await call(context, "GetResources", { restApiId: input["restApiId"], limit: 500 });
  const found = ((items ?? []) as readonly Output[]).find(
    ({ parentId, pathPart }) => parentId === input["parentId"] && pathPart === input["pathPart"],
  );
  if (found === undefined) throw new HandlerError(`The resource ${String(input["pathPart"])} is not there any more.`);
  return found;
}

const METHOD_NAMES = [
  "ApiKeyRequired",
  "AuthorizationScopes",
  "AuthorizerId",
  "OperationName",
  "RequestModels",
  "RequestValidatorId",
];
const INTEGRATION_NAMES = [
  "CacheKeyParameters",
  "CacheNamespace",
  "ConnectionId",
  "ConnectionType",
  "ContentHandling",
  "Credentials",
  "IntegrationHttpMethod",
  "PassthroughBehavior",
  "RequestParameters",
  "RequestTemplates",
  "TimeoutInMillis",
  "Type",
  "Uri",
];
const RESPONSE_NAMES = ["ContentHandling", "ResponseParameters", "ResponseTemplates", "SelectionPattern", "StatusCode"];

/** A method is put anew for each change: what is served is what was deployed. */
const METHOD: Handler = {
  type: describeType("AWS::ApiGateway::Method"),
  async create(properties, context) {
    const place = placeOf(properties);
    if (context.isRetry) await unless(GONE, call(context, "DeleteMethod", place));
    const physicalId = Object.values(place).join("|");
    await call(context, "PutMethod", {
      ...place,
      authorizationType: textOf(properties, "AuthorizationType") ?? "NONE",
      ...lowered(membersOf(properties, METHOD_NAMES, { flags: ["ApiKeyRequired"] })),
      requestParameters: flagsOf(mapOf(properties, "RequestParameters")),
    });
    return settle(physicalId, () => putAnswers(physicalId, place, properties, context));
  },
  async update(existing, properties, context) {
    await this.remove(existing, context);
    return this.create(properties, context);
  },
  async remove({ properties }, context) {
    await unless(GONE, call(context, "DeleteMethod", placeOf(properties)));
  },
};

function placeOf(properties: TemplateMap) {
  return {
    restApiId: textOf(properties, "RestApiId") ?? "",
    resourceId: textOf(properties, "ResourceId") ?? "",
    httpMethod: textOf(properties, "HttpMethod") ?? "",
  };
}

async function putAnswers(
  physicalId: string,
  place: ReturnType<typeof placeOf>,
  properties: TemplateMap,
  context: HandlerContext,
): Promise<Made> {
  for (const response of mapsOf(properties, "MethodResponses")) {
    checkNames(response, ["StatusCode", "ResponseModels", "ResponseParameters"], "MethodResponses");
    await call(context, "PutMethodResponse", {
      ...place,
      ...lowered(membersOf(response, ["StatusCode", "ResponseModels"])),
      responseParameters: flagsOf(mapOf(response, "ResponseParameters")),
    });
  }
  const integration = mapOf(properties, "Integration");
  if (integration === null) return { physicalId };
  checkNames(integration, [...INTEGRATION_NAMES, "IntegrationResponses"], "Integration");
  const members = membersOf(integration, INTEGRATION_NAMES, { numbers: ["TimeoutInMillis"] });
  await call(context, "PutIntegration", { ...place, ...lowered(members) });
  for (const response of mapsOf(integration, "IntegrationResponses")) {
    checkNames(response, RESPONSE_NAMES, "Integration.IntegrationResponses");
    await call(context, "PutIntegrationResponse", { ...place, ...lowered(membersOf(response, RESPONSE_NAMES)) });
  }
  return { physicalId };
}

function flagsOf(given: TemplateMap | null): Readonly<Record<string, boolean>> {
  return Object.fromEntries(Object.entries(given ?? {}).map(([name, value]) => [name, String(value) === "true"]));
}

/**
 * A deployment has no tags: one that was made just before a crash is made again. It is a copy of what is there, nothing
 * serves it, and it goes with its API.
 */
const DEPLOYMENT: Handler = {
  type: describeType("AWS::ApiGateway::Deployment", { without: ["DeploymentCanarySettings"] }),
  async create(properties, context) {
    const input = { restApiId: textOf(properties, "RestApiId") ?? "", ...deploymentMembers(properties) };
    const made = await call(context, "CreateDeployment", input);
    return madeDeployment(String(made["id"]));
  },
  async update({ physicalId }, properties, context) {
    const restApiId = textOf(properties, "RestApiId") ?? "";
    const value = textOf(properties, "Description") ?? "";
    const patchOperations = [{ op: "replace", path: "/description", value }];
    await call(context, "UpdateDeployment", { restApiId, deploymentId: physicalId, patchOperations });
    return madeDeployment(physicalId);
  },
  /** A stage that the deployment itself made goes with it. */
  async remove({ physicalId, properties }, context) {
    const restApiId = textOf(properties, "RestApiId") ?? "";
    const stageName = textOf(properties, "StageName");
    if (stageName !== null) {
      const stage = await unless(GONE, call(context, "GetStage", { restApiId, stageName }));
      if (stage?.["deploymentId"] === physicalId)
        await unless(GONE, call(context, "DeleteStage", { restApiId, stageName }));
    }
    await unless(GONE, call(context, "DeleteDeployment", { restApiId, deploymentId: physicalId }));
  },
};

function madeDeployment(physicalId: string): Made {
  return { physicalId, attributes: { DeploymentId: physicalId } };
}

function deploymentMembers(properties: TemplateMap): Output {
  const stage = mapOf(properties, "StageDescription");
  const names = ["Description", "Variables"];
  if (stage !== null) checkNames(stage, names, "StageDescription");
  const variables = stage === null ? null : mapOf(stage, "Variables");
  const description = stage === null ? null : textOf(stage, "Description");
  return {
    ...lowered(membersOf(properties, ["Description", "StageName"])),
    ...(variables === null ? {} : { variables: textsIn(variables) }),
    ...(description === null ? {} : { stageDescription: description }),
  };
}

const GATEWAY_RESPONSE: Handler = {
  type: describeType("AWS::ApiGateway::GatewayResponse"),
  async create(properties, context) {
    const place = {
      restApiId: textOf(properties, "RestApiId") ?? "",
      responseType: textOf(properties, "ResponseType") ?? "",
    };
    const members = lowered(membersOf(properties, ["StatusCode", "ResponseParameters", "ResponseTemplates"]));
    await call(context, "PutGatewayResponse", { ...place, ...members });
    const physicalId = `${place.restApiId}|${place.responseType}`;
    return { physicalId, attributes: { Id: physicalId } };
  },
  update(_existing, properties, context) {
    return this.create(properties, context);
  },
  async remove({ properties }, context) {
    const { RestApiId: restApiId = "", ResponseType: responseType = "" } = properties;
    await unless(GONE, call(context, "DeleteGatewayResponse", { restApiId, responseType }));
  },
};

const AUTHORIZER_NAMES = ["AuthType", "AuthorizerUri", "IdentitySource", "Name", "Type"];
const TTL = "AuthorizerResultTtlInSeconds";

const AUTHORIZER: Handler = {
  type: describeType("AWS::ApiGateway::Authorizer", {
    without: ["AuthorizerCredentials", "IdentityValidationExpression", "ProviderARNs"],
  }),
  async create(properties, context) {
    const members = membersOf(properties, ["RestApiId", ...AUTHORIZER_NAMES, TTL], { numbers: [TTL] });
    const create = call(context, "CreateAuthorizer", lowered(members));
    const made = await (context.isRetry ? unless(CONFLICT, create) : create);
    // Names are unique in an API: one that is there was made before a crash.
    return madeAuthorizer(String((made ?? (await findAuthorizer(members, context)))["id"]));
  },
  async update({ physicalId }, properties, context) {
    const wanted = lowered(membersOf(properties, [...AUTHORIZER_NAMES, TTL]));
    const patchOperations = Object.entries(wanted).map(([name, value]) => ({
      op: "replace",
      path: `/${name}`,
      value: String(value),
    }));
    const restApiId = textOf(properties, "RestApiId") ?? "";
    await call(context, "UpdateAuthorizer", { restApiId, authorizerId: physicalId, patchOperations });
    return madeAuthorizer(physicalId);
  },
  async remove({ physicalId, properties }, context) {
    const restApiId = textOf(properties, "RestApiId") ?? "";
    await unless(GONE, call(context, "DeleteAuthorizer", { restApiId, authorizerId: physicalId }));
  },
};

function madeAuthorizer(physicalId: string): Made {
  return { physicalId, attributes: { AuthorizerId: physicalId } };
}

async function findAuthorizer({ RestApiId, Name }: Output, context: HandlerContext): Promise<Output> {
  const { items } = await call(context, "GetAuthorizers", { restApiId: RestApiId, limit: 500 });
  const found = ((items ?? []) as readonly Output[]).find(({ name }) => name === Name);
  if (found === undefined) throw new HandlerError(`The authorizer ${String(Name)} is not there any more.`);
  return found;
}

const MODEL: Handler = {
  type: describeType("AWS::ApiGateway::Model"),
  async create(properties, context) {
    const restApiId = textOf(properties, "RestApiId") ?? "";
    const name = textOf(properties, "Name") ?? context.makeName(255).replaceAll(/[^A-Za-z0-9]/g, "");
    const members = lowered(membersOf(properties, ["ContentType", "Description"]));
    const input = { restApiId, name, contentType: "application/json", ...members, ...schemaOf(properties) };
    const create = call(context, "CreateModel", input);
    await (context.isRetry ? unless(CONFLICT, create) : create);
    return { physicalId: name };
  },
  async update({ physicalId }, properties, context) {
    const restApiId = textOf(properties, "RestApiId") ?? "";
    const wanted = { description: textOf(properties, "Description") ?? "", ...schemaOf(properties) };
    const patchOperations = Object.entries(wanted).map(([name, value]) => ({ op: "replace", path: `/${name}`, value }));
    await call(context, "UpdateModel", { restApiId, modelName: physicalId, patchOperations });
    return { physicalId };
  },
  async remove({ physicalId, properties }, context) {
    const restApiId = textOf(properties, "RestApiId") ?? "";
    await unless(GONE, call(context, "DeleteModel", { restApiId, modelName: physicalId }));
  },
};

function schemaOf({ Schema: schema }: TemplateMap): { readonly schema?: string } {
  if (schema === undefined || schema === null) return {};
  return { schema: isTemplateMap(schema) ? JSON.stringify(schema) : String(schema) };
}

/** The account's role is kept and shown, and stays when the resource goes, as on AWS. */
const ACCOUNT: Handler = {
  type: describeType("AWS::ApiGateway::Account", { kind: "recorded" }),
  async create(properties, context) {
    const value = textOf(properties, "CloudWatchRoleArn");
    if (value !== null) {
      const patchOperations = [{ op: "replace", path: "/cloudwatchRoleArn", value }];
      await call(context, "UpdateAccount", { patchOperations });
    }
    return { physicalId: context.scope.accountId, attributes: { Id: context.scope.accountId } };
  },
  update(_existing: Existing, properties, context) {
    return this.create(properties, context);
  },
  remove: async () => undefined,
};

export const REST_APIS: readonly Handler[] = [
  REST_API,
  RESOURCE,
  METHOD,
  DEPLOYMENT,
  REST_STAGE,
  GATEWAY_RESPONSE,
  AUTHORIZER,
  MODEL,
  REQUEST_VALIDATOR,
  ACCOUNT,
];
