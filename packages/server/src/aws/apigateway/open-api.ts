/**
 * A REST API as a definition says it, Swagger 2 or OpenAPI 3 with the extensions of API Gateway; SAM describes its APIs
 * so. https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
 */
import type { OperationTypes } from "@thaw/aws-api/apigateway";
import { isMap } from "@thaw/installation/json-map";
import {
  type DefinedOperation,
  INTEGRATION,
  integrationAt,
  type Json,
  mapOf,
  operationsOf,
  parseDefinition,
  requirementsOf,
  resolve,
  tagsOf,
  textOf,
} from "../gateways/definition.ts";
import { badRequest } from "../gateways/refusals.ts";
import {
  bodiesOf,
  type DefinedModel,
  type DefinedValidator,
  modelName,
  VALIDATOR,
  validatorNameOf,
  VALIDATORS,
  validatorsOf,
} from "./open-api-requests.ts";

type Input<K extends keyof OperationTypes> = OperationTypes[K]["input"];
type OfAMethod<T> = Omit<T, "restApiId" | "resourceId" | "httpMethod">;

/** A method with what belongs to it, in the words of the operations that put each. */
export interface DefinedMethod {
  readonly path: string;
  readonly httpMethod: string;
  readonly place: string;
  readonly method: OfAMethod<Input<"PutMethod">>;
  /** Null: none is asked. */
  readonly authorizerName: string | null;
  /** Null: nothing is asked of requests. */
  readonly validatorName: string | null;
  /** Schemas of bodies that have no name in the definition. */
  readonly models: readonly DefinedModel[];
  readonly responses: ReadonlyArray<OfAMethod<Input<"PutMethodResponse">>>;
  /** Null: the definition names none. */
  readonly integration: OfAMethod<Input<"PutIntegration">> | null;
  readonly integrationResponses: ReadonlyArray<OfAMethod<Input<"PutIntegrationResponse">>>;
}

export interface DefinedRestApi {
  readonly api: Input<"CreateRestApi">;
  readonly methods: readonly DefinedMethod[];
  readonly models: readonly DefinedModel[];
  readonly validators: readonly DefinedValidator[];
  readonly gatewayResponses: ReadonlyArray<Omit<Input<"PutGatewayResponse">, "restApiId">>;
  readonly authorizers: ReadonlyArray<Omit<Input<"CreateAuthorizer">, "restApiId">>;
}

const PREFIX = "x-amazon-apigateway-";
const BINARY = `${PREFIX}binary-media-types`;
const RESPONSES = `${PREFIX}gateway-responses`;
const ENDPOINT = `${PREFIX}endpoint-configuration`;
const AUTH = `${PREFIX}auth`;
const AUTH_TYPE = `${PREFIX}authtype`;
const AUTHORIZER = `${PREFIX}authorizer`;
const OF_AN_API = new Set([BINARY, RESPONSES, ENDPOINT, VALIDATOR, VALIDATORS, `${PREFIX}importexport-version`]);
const OF_AN_OPERATION = new Set([INTEGRATION, AUTH, VALIDATOR]);
/** Members of an integration, by their names in PutIntegration. */
const INTEGRATION_MEMBERS: Readonly<Record<string, string>> = {
  httpMethod: "integrationHttpMethod",
  type: "type",
  uri: "uri",
  connectionType: "connectionType",
  connectionId: "connectionId",
  credentials: "credentials",
  requestParameters: "requestParameters",
  requestTemplates: "requestTemplates",
  passthroughBehavior: "passthroughBehavior",
  cacheNamespace: "cacheNamespace",
  cacheKeyParameters: "cacheKeyParameters",
  contentHandling: "contentHandling",
  timeoutInMillis: "timeoutInMillis",
  tlsConfig: "tlsConfig",
};
const PARAMETER_PLACES: Readonly<Record<string, string>> = { path: "path", query: "querystring", header: "header" };

/** Throws a BadRequestException where the text is no definition, or asks for what is not here. */
export function readRestDefinition(text: string): DefinedRestApi {
  const given = parseDefinition(text);
  if (!isMap(given) || !isKnownVersion(given))
    throw badRequest("The definition must be one of Swagger 2 or of OpenAPI 3");
  checkExtensions(given, OF_AN_API, "the definition");
  const info = mapOf(given["info"] ?? {}, "info");
  const endpoint = mapOf(given[ENDPOINT] ?? {}, ENDPOINT);
  return {
    api: {
      name: textOf(info["title"]) ?? "",
      ...optional("description", textOf(info["description"])),
      ...optional("version", textOf(info["version"])),
      ...(given[BINARY] === undefined ? {} : { binaryMediaTypes: textsOf(given[BINARY], BINARY) }),
      ...(endpoint["disableExecuteApiEndpoint"] === undefined
        ? {}
        : { disableExecuteApiEndpoint: String(endpoint["disableExecuteApiEndpoint"]) === "true" }),
      tags: tagsOf(given["tags"]),
    },
    methods: operationsOf(given).map((each) => methodOf(each, given)),
    models: modelsOf(given),
    validators: validatorsOf(given),
    gatewayResponses: gatewayResponsesOf(mapOf(given[RESPONSES] ?? {}, RESPONSES)),
    authorizers: authorizersOf(schemesOf(given)),
  };
}

function isKnownVersion({ swagger, openapi }: Json): boolean {
  return String(swagger) === "2.0" || (typeof openapi === "string" && openapi.startsWith("3."));
}

function checkExtensions(given: Json, known: ReadonlySet<string>, place: string): void {
  for (const name of Object.keys(given))
    if (name.startsWith(PREFIX) && !known.has(name))
      throw badRequest(`${place}: ${name} is not supported by Thaw: leave it out of the definition`);
}

function methodOf({ path, method, operation, parameters, place }: DefinedOperation, whole: Json): DefinedMethod {
  checkExtensions(operation, OF_AN_OPERATION, place);
  const given = operation[INTEGRATION];
  const at = `${place}.${INTEGRATION}`;
  const integration = given === undefined ? null : integrationAt(given, whole, at);
  const { authorizationType, authorizerName } = authorizationOf(operation, whole, place);
  const requests = listsOf([operation["parameters"], parameters], whole);
  const { requestModels, models } = bodiesOf(operation, requests, whole, place);
  return {
    path,
    httpMethod: method,
    place,
    method: {
      authorizationType,
      ...optional("operationName", textOf(operation["operationId"])),
      // An operation's own come last, and count.
      requestParameters: parametersOf(requests.toReversed()),
      requestModels,
    },
    authorizerName,
    validatorName: validatorNameOf(operation, whole),
    models,
    responses: responsesOf(operation["responses"], place),
    integration: integration === null ? null : integrationOf(integration, at),
    integrationResponses: integrationResponsesOf(mapOf(integration?.["responses"] ?? {}, `${at}.responses`), at),
  };
}

interface Authorization {
  readonly authorizationType: "NONE" | "AWS_IAM" | "CUSTOM";
  readonly authorizerName: string | null;
}

/** `awsSigv4` asks for a signature, an authorizer is asked by its name; a key is refused. */
function authorizationOf(operation: Json, whole: Json, place: string): Authorization {
  const own = isMap(operation[AUTH]) ? textOf(operation[AUTH]["type"]) : null;
  if (own === "NONE" || own === "AWS_IAM") return { authorizationType: own, authorizerName: null };
  const security = operation["security"] ?? whole["security"];
  const schemes = schemesOf(whole);
  const names = requirementsOf(security, schemes).map(([each]) => each);
  const [name, ...others] = names;
  if (name === undefined) return { authorizationType: "NONE", authorizerName: null };
  const scheme = Object.hasOwn(schemes, name) ? schemes[name] : undefined;
  if (isMap(scheme) && scheme[AUTHORIZER] !== undefined && others.length === 0)
    return { authorizationType: "CUSTOM", authorizerName: name };
  if (!isMap(scheme) || scheme[AUTH_TYPE] !== "awsSigv4" || others.length > 0)
    throw badRequest(
      `${place} asks for ${names.join(", ")}, and Thaw has only one of ${AUTHORIZER} and of ${AUTH_TYPE} awsSigv4`,
    );
  return { authorizationType: "AWS_IAM", authorizerName: null };
}

function schemesOf(whole: Json): Json {
  const components = mapOf(whole["components"] ?? {}, "components");
  return mapOf(whole["securityDefinitions"] ?? components["securitySchemes"] ?? {}, "security schemes");
}

/** A token is in the header that the scheme names, unless the authorizer says otherwise. */
function authorizersOf(schemes: Json): DefinedRestApi["authorizers"] {
  return Object.entries(schemes).flatMap(([name, scheme]) => {
    if (!isMap(scheme) || scheme[AUTHORIZER] === undefined) return [];
    const { type, ...given } = mapOf(scheme[AUTHORIZER], `${name}.${AUTHORIZER}`);
    const kind = String(type ?? "").toUpperCase() as Input<"CreateAuthorizer">["type"];
    const header = kind === "TOKEN" ? `method.request.header.${String(scheme["name"])}` : null;
    return [{ ...optional("identitySource", header), ...given, name, type: kind }];
  });
}

/** Parameters of all lists, in place or by their names in the definition. */
function listsOf(lists: readonly unknown[], whole: Json): readonly unknown[] {
  const all = lists.flatMap((list) => (Array.isArray(list) ? (list as readonly unknown[]) : []));
  return all.map((each) => {
    const reference = isMap(each) ? textOf(each["$ref"]) : null;
    return reference === null ? each : mapOf(resolve(whole, reference), reference);
  });
}

/** Names that requests may have; true where they must. */
function parametersOf(all: readonly unknown[]): Record<string, boolean> {
  return Object.fromEntries(
    all.filter(isMap).flatMap((each) => {
      const place = PARAMETER_PLACES[String(each["in"])];
      return place === undefined
        ? []
        : [[`method.request.${place}.${String(each["name"])}`, each["required"] === true]];
    }),
  );
}

function responsesOf(given: unknown, place: string): DefinedMethod["responses"] {
  const entries = Object.entries(mapOf(given ?? {}, `${place}.responses`));
  return entries.flatMap(([statusCode, response]) => {
    if (!/^[1-5]\d\d$/.test(statusCode) || !isMap(response)) return [];
    const headers = Object.keys(mapOf(response["headers"] ?? {}, `${place}.responses.${statusCode}.headers`));
    const responseParameters = Object.fromEntries(headers.map((name) => [`method.response.header.${name}`, false]));
    return [{ statusCode, responseParameters, responseModels: {} }];
  });
}

function integrationOf(given: Json, at: string): NonNullable<DefinedMethod["integration"]> {
  const members: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (name === "responses") continue;
    const member = INTEGRATION_MEMBERS[name];
    if (member === undefined) throw badRequest(`${at}.${name} is not supported by Thaw: leave it out`);
    members[member] = value;
  }
  if (typeof members["passthroughBehavior"] === "string")
    members["passthroughBehavior"] = members["passthroughBehavior"].toUpperCase();
  return { ...members, type: String(given["type"] ?? "").toUpperCase() } as NonNullable<DefinedMethod["integration"]>;
}

/** By the pattern that chooses each; `default` where no other one matches. */
function integrationResponsesOf(given: Json, at: string): DefinedMethod["integrationResponses"] {
  return Object.entries(given).map(([pattern, value]) => {
    const { statusCode, ...others } = mapOf(value, `${at}.responses.${pattern}`);
    return {
      ...others,
      statusCode: String(statusCode),
      ...(pattern === "default" ? {} : { selectionPattern: pattern }),
    };
  });
}

function modelsOf(whole: Json): DefinedRestApi["models"] {
  const schemas = whole["definitions"] ?? mapOf(whole["components"] ?? {}, "components")["schemas"] ?? {};
  const named = new Map(Object.entries(mapOf(schemas, "schemas")).map(([name, schema]) => [modelName(name), schema]));
  named.delete("");
  return [...named].map(([name, schema]) => ({
    name,
    contentType: "application/json",
    schema: JSON.stringify(schema),
  }));
}

function gatewayResponsesOf(given: Json): DefinedRestApi["gatewayResponses"] {
  return Object.entries(given).map(([type, value]) => {
    const { statusCode, ...others } = mapOf(value, `${RESPONSES}.${type}`);
    return {
      ...others,
      responseType: type as Input<"PutGatewayResponse">["responseType"],
      ...optional("statusCode", textOf(statusCode)),
    };
  });
}

function textsOf(value: unknown, place: string): readonly string[] {
  if (!Array.isArray(value)) throw badRequest(`${place} must be a list`);
  return value.map(String);
}

function optional<K extends string>(name: K, value: string | null): { readonly [N in K]?: string } {
  return value === null ? {} : ({ [name]: value } as { readonly [N in K]: string });
}
