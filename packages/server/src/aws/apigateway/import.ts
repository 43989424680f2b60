/** REST APIs made of definitions. */
import { Validator } from "@thaw/aws-api";
import { API_GATEWAY, type OperationTypes } from "@thaw/aws-api/apigateway";
import type { Caller } from "../../model/caller.ts";
import type { RestApiRecord, RestMethodRecord } from "../../model/rest-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest } from "../gateways/refusals.ts";
import { checkTags } from "../gateways/tags.ts";
import { newAuthorizer, withAuthorizer } from "./authorizers.ts";
import { newGatewayResponse, withGatewayResponse } from "./gateway-responses.ts";
import { checkHonoured, type HonouredOperation } from "./honoured.ts";
import { checkResponse, newIntegration, newIntegrationResponse } from "./integrations.ts";
import { checkMethodName, newMethod } from "./methods.ts";
import { newModel, withModel } from "./models.ts";
import { type DefinedModel, withAddresses } from "./open-api-requests.ts";
import { type DefinedMethod, type DefinedRestApi, readRestDefinition } from "./open-api.ts";
import { presentApi } from "./present.ts";
import { newValidator, withValidator } from "./request-validators.ts";
import { newResource } from "./resources.ts";
import { newApi, withSettings } from "./rest-apis.ts";
import { type StoredRestApis, withMethod } from "./stored-rest-apis.ts";

const VALIDATOR = new Validator(API_GATEWAY.model);
const ENDPOINT_TYPES = "endpointConfigurationTypes";

export function importOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async ImportRestApi({ body, parameters = {} }, { caller }) {
      const defined = readRestDefinition(textOf(body));
      const types = checkParameters(parameters);
      const bare = types === null ? newApi(apis) : withSettings({ ...newApi(apis), name: "-" }, types);
      const api = withDefinition(apis, named(bare, defined, caller), defined);
      await apis.add(api);
      return presentApi(api);
    },
    /** Overwritten, what the definition does not name is gone; stages stay, and serve what was deployed. */
    async PutRestApi({ restApiId, body, mode = "merge", parameters = {} }, { caller }) {
      const defined = readRestDefinition(textOf(body));
      checkParameters(parameters);
      const made = await apis.change(restApiId, (before) => {
        const bare = mode === "merge" ? before : named(emptied(apis, before), defined, caller);
        const api = withDefinition(apis, bare, defined);
        return { api, result: api };
      });
      return presentApi(made);
    },
  };
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body).toString("utf8");
}

/** Null where nothing is said of the endpoint. */
function checkParameters(parameters: Readonly<Record<string, string>>): Parameters<typeof withSettings>[1] | null {
  for (const [name, value] of Object.entries(parameters)) {
    if (name === ENDPOINT_TYPES || (name === "basepath" && value === "ignore") || name === "mode") continue;
    throw badRequest(`The parameter ${name.slice(0, 40)} is not supported by Thaw: basepath=ignore is`);
  }
  const type = parameters[ENDPOINT_TYPES];
  return type === undefined ? null : { endpointConfiguration: { types: [type as "REGIONAL"] } };
}

/** What is left of an API that is written over. */
function emptied(apis: StoredRestApis, before: RestApiRecord): RestApiRecord {
  const [root] = before.resources;
  const { id, endpointType, isEndpointDisabled, tags, createdAtMs, stages, deployments } = before;
  const kept = { id, endpointType, isEndpointDisabled, tags, createdAtMs, stages, deployments };
  const bare = { ...newApi(apis), ...kept };
  return root === undefined ? bare : { ...bare, resources: [{ ...root, methods: {} }] };
}

function named(api: RestApiRecord, { api: given }: DefinedRestApi, caller: Caller): RestApiRecord {
  check("CreateRestApi", given, "the definition");
  return { ...withSettings(api, given), tags: checkTags(api.tags, given.tags ?? {}, caller) };
}

function withDefinition(apis: StoredRestApis, bare: RestApiRecord, defined: DefinedRestApi): RestApiRecord {
  const { binaryMediaTypes = [] } = defined.api;
  const types = [...new Set([...bare.binaryMediaTypes, ...binaryMediaTypes])];
  let api: RestApiRecord = withSettings(bare, { binaryMediaTypes: types });
  const models = [...defined.models, ...defined.methods.flatMap((method) => method.models)];
  api = models.reduce((made, model) => withDefinedModel(apis, made, model), api);
  for (const given of defined.validators) {
    check("CreateRequestValidator", given, given.name ?? "", { restApiId: api.id });
    const before = api.validators?.find(({ name }) => name === given.name);
    const others = (api.validators ?? []).filter((each) => each !== before);
    api = withValidator({ ...api, validators: others }, newValidator(before?.id ?? apis.newId(), given));
  }
  for (const response of defined.gatewayResponses) {
    check("PutGatewayResponse", response, response.responseType, { restApiId: api.id });
    api = withGatewayResponse(api, newGatewayResponse(response.responseType, response));
  }
  for (const given of defined.authorizers) {
    check("CreateAuthorizer", given, given.name ?? "", { restApiId: api.id });
    const before = api.authorizers.find(({ name }) => name === given.name);
    const others = api.authorizers.filter((each) => each !== before);
    api = withAuthorizer({ ...api, authorizers: others }, newAuthorizer(before?.id ?? apis.newId(), given));
  }
  return defined.methods.reduce((made, method) => withDefinedMethod(apis, made, method), api);
}

function withDefinedModel(apis: StoredRestApis, api: RestApiRecord, defined: DefinedModel): RestApiRecord {
  const { name, schema = "{}" } = defined;
  check("CreateModel", defined, name, { restApiId: api.id });
  const model = newModel(apis.newId(), { ...defined, schema: withAddresses(schema, api.id) });
  return withModel({ ...api, models: api.models.filter((each) => each.name !== name) }, model);
}

function withDefinedMethod(apis: StoredRestApis, before: RestApiRecord, defined: DefinedMethod): RestApiRecord {
  const { path, httpMethod, place } = defined;
  checkMethodName(httpMethod);
  const { api, resourceId } = withPath(apis, before, path, place);
  const at = { restApiId: api.id, resourceId, httpMethod };
  check("PutMethod", defined.method, place, at);
  for (const response of defined.responses) check("PutMethodResponse", response, place, at);
  const responses = defined.responses.map(({ statusCode, responseParameters = {}, responseModels = {} }) => [
    statusCode,
    { responseParameters, responseModels },
  ]);
  const authorizer = api.authorizers.find(({ name }) => name === defined.authorizerName);
  const { validatorName } = defined;
  const validator = api.validators?.find(({ name }) => name === validatorName);
  if (validatorName !== null && validator === undefined)
    throw badRequest(`${place} names the request validator ${validatorName.slice(0, 100)}, which is not there`);
  const given = {
    ...defined.method,
    ...(authorizer === undefined ? {} : { authorizerId: authorizer.id }),
    ...(validator === undefined ? {} : { requestValidatorId: validator.id }),
  };
  const bare = {
    ...newMethod(api, given),
    responses: Object.fromEntries(responses) as RestMethodRecord["responses"],
  };
  return withMethod(api, resourceId, httpMethod, withDefinedIntegration(bare, defined, at));
}

function withDefinedIntegration(
  method: RestMethodRecord,
  { integration: given, integrationResponses, place }: DefinedMethod,
  at: { readonly restApiId: string; readonly resourceId: string; readonly httpMethod: string },
): RestMethodRecord {
  if (given === null) return method;
  check("PutIntegration", given, place, at);
  const { integrationHttpMethod: httpMethod, ...others } = given;
  const own = httpMethod === undefined ? {} : { httpMethod };
  const integration = newIntegration({ ...others, ...own }, at.resourceId);
  const responses = integrationResponses.map((response) => {
    check("PutIntegrationResponse", response, place, at);
    const record = newIntegrationResponse(response);
    checkResponse(integration, record);
    return [response.statusCode, record] as const;
  });
  return { ...method, integration: { ...integration, responses: Object.fromEntries(responses) } };
}

/** Gives the API with all resources of a path, and the id of the last one. */
function withPath(
  apis: StoredRestApis,
  before: RestApiRecord,
  path: string,
  place: string,
): { readonly api: RestApiRecord; readonly resourceId: string } {
  if (!path.startsWith("/")) throw badRequest(`${place}: a path must begin with a slash`);
  let api = before;
  let at = api.resources[0];
  for (const part of path.split("/").filter((each) => each !== "")) {
    const parent = at;
    if (parent === undefined) break;
    at = api.resources.find(({ parentId, pathPart }) => parentId === parent.id && pathPart === part);
    if (at !== undefined) continue;
    at = newResource(api, apis.newId(), parent, part);
    api = { ...api, resources: [...api.resources, at] };
  }
  if (at === undefined) throw new Error("an API without a root");
  return { api, resourceId: at.id };
}

/** Checks by the model what an operation of its own would have got. */
function check(
  operation:
    | "CreateRestApi"
    | "CreateModel"
    | "CreateRequestValidator"
    | "PutGatewayResponse"
    | "PutMethodResponse"
    | HonouredOperation,
  given: object,
  place: string,
  at: object = {},
): void {
  const problem = VALIDATOR.validate(`${operation}Request`, { ...at, ...given });
  if (problem !== null) throw badRequest(`${place}: ${problem}`);
  if (isHonoured(operation)) checkHonoured(operation, given);
}

function isHonoured(operation: string): operation is HonouredOperation {
  return ["CreateRestApi", "CreateAuthorizer", "PutMethod", "PutIntegration", "PutIntegrationResponse"].includes(
    operation,
  );
}
