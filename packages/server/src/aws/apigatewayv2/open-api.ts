/**
 * An API as an OpenAPI definition says it, with the extensions of API Gateway; SAM describes its HTTP APIs so.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
 */
import { parse } from "yaml";
import type { OperationTypes } from "@thaw/aws-api/apigatewayv2";
import { DEFAULT_ROUTE } from "../../model/http-api/record.ts";
import { badRequest } from "./honoured.ts";

type Input<K extends keyof OperationTypes> = OperationTypes[K]["input"];

/** A route with its integration, in the words of CreateRoute and CreateIntegration. */
export interface DefinedRoute {
  readonly route: Pick<Input<"CreateRoute">, "RouteKey" | "OperationName" | "AuthorizationType">;
  /** Null: the definition names none, and requests are answered with an error. */
  readonly integration: Omit<Input<"CreateIntegration">, "ApiId"> | null;
}

export interface DefinedApi {
  readonly api: Pick<Input<"CreateApi">, "Name" | "Description" | "Version" | "CorsConfiguration" | "Tags">;
  readonly routes: readonly DefinedRoute[];
}

type Json = Readonly<Record<string, unknown>>;

/** Far above what 300 routes need. */
const LENGTH_MAX = 1024 * 1024;
const INTEGRATION = "x-amazon-apigateway-integration";
const ANY_METHOD = "x-amazon-apigateway-any-method";
const CORS = "x-amazon-apigateway-cors";
const TAG_VALUE = "x-amazon-apigateway-tag-value";
const METHODS = new Set(["delete", "get", "head", "options", "patch", "post", "put", ANY_METHOD]);
/** Members of a path that describe it and are no method. */
const OF_A_PATH = new Set(["summary", "description", "servers", "parameters"]);
/** Extensions of the whole API that change nothing here, and those that are carried out. */
const OF_AN_API = new Set([CORS, "x-amazon-apigateway-importexport-version", "x-amazon-apigateway-request-validators"]);
const CORS_MEMBERS: Readonly<Record<string, string>> = {
  allowOrigins: "AllowOrigins",
  allowMethods: "AllowMethods",
  allowHeaders: "AllowHeaders",
  exposeHeaders: "ExposeHeaders",
  maxAge: "MaxAge",
  allowCredentials: "AllowCredentials",
};
/** Members of an integration, by their names in CreateIntegration. */
const INTEGRATION_MEMBERS: Readonly<Record<string, string>> = {
  uri: "IntegrationUri",
  type: "IntegrationType",
  payloadFormatVersion: "PayloadFormatVersion",
  timeoutInMillis: "TimeoutInMillis",
  httpMethod: "IntegrationMethod",
  connectionType: "ConnectionType",
  connectionId: "ConnectionId",
  credentials: "CredentialsArn",
  requestParameters: "RequestParameters",
  responseParameters: "ResponseParameters",
  tlsConfig: "TlsConfig",
  integrationSubtype: "IntegrationSubtype",
};

/** Reads a definition, JSON or YAML. Throws a BadRequestException where it is none, or asks for what is not here. */
export function readDefinition(text: string): DefinedApi {
  if (text.length > LENGTH_MAX) throw badRequest(`The definition has more than ${LENGTH_MAX} characters`);
  const given = parseText(text);
  if (!isMap(given) || typeof given["openapi"] !== "string" || !given["openapi"].startsWith("3."))
    throw badRequest("The definition must be one of OpenAPI 3: HTTP APIs take no other");
  for (const name of Object.keys(given))
    if (name.startsWith("x-amazon-apigateway-") && !OF_AN_API.has(name))
      throw badRequest(`${name} is not supported by Thaw: leave it out of the definition`);
  const info = mapOf(given["info"], "info");
  return {
    api: {
      Name: textOf(info["title"]) ?? "",
      ...(textOf(info["description"]) === null ? {} : { Description: textOf(info["description"]) ?? "" }),
      ...(textOf(info["version"]) === null ? {} : { Version: textOf(info["version"]) ?? "" }),
      ...(given[CORS] === undefined ? {} : { CorsConfiguration: corsOf(mapOf(given[CORS], CORS)) }),
      Tags: tagsOf(given["tags"]),
    },
    routes: Object.entries(mapOf(given["paths"] ?? {}, "paths")).flatMap(([path, item]) =>
      routesOf(path, mapOf(item, `paths.${path}`), given),
    ),
  };
}

function parseText(text: string): unknown {
  try {
    return text.trimStart().startsWith("{") ? JSON.parse(text) : parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw badRequest(`Unable to parse the definition: ${(error as Error).message.slice(0, 300)}`);
  }
}

function routesOf(path: string, item: Json, whole: Json): readonly DefinedRoute[] {
  const routes: DefinedRoute[] = [];
  for (const [method, operation] of Object.entries(item)) {
    if (OF_A_PATH.has(method)) continue;
    const place = `paths.${path}.${method}`;
    if (!METHODS.has(method)) throw badRequest(`${place} is no method`);
    routes.push(routeOf(path, method, mapOf(operation, place), whole));
  }
  return routes;
}

function routeOf(path: string, method: string, operation: Json, whole: Json): DefinedRoute {
  const place = `paths.${path}.${method}`;
  const isDefault = operation["isDefaultRoute"] === true || path === `/${DEFAULT_ROUTE}`;
  const verb = method === ANY_METHOD ? "ANY" : method.toUpperCase();
  const operationName = textOf(operation["operationId"]);
  return {
    route: {
      RouteKey: isDefault ? DEFAULT_ROUTE : `${verb} ${path}`,
      AuthorizationType: authorizationOf(operation["security"] ?? whole["security"], whole, place),
      ...(operationName === null ? {} : { OperationName: operationName }),
    },
    integration: operation[INTEGRATION] === undefined ? null : integrationOf(operation[INTEGRATION], whole, place),
  };
}

/** `sigv4` asks for a signature; all else is an authorizer. */
function authorizationOf(security: unknown, whole: Json, place: string): "NONE" | "AWS_IAM" {
  const names = (Array.isArray(security) ? security : []).flatMap((each) => (isMap(each) ? Object.keys(each) : []));
  if (names.length === 0) return "NONE";
  const schemes = mapOf(mapOf(whole["components"] ?? {}, "components")["securitySchemes"] ?? {}, "securitySchemes");
  for (const name of names) {
    const scheme = schemes[name];
    if (!isMap(scheme) || scheme["x-amazon-apigateway-authtype"] !== "awsSigv4")
      throw badRequest(`${place} asks for the authorizer ${name}, and Thaw has none: check the token in the function`);
  }
  return "AWS_IAM";
}

/** In place, or by its name in `components`. */
function integrationOf(given: unknown, whole: Json, place: string): DefinedRoute["integration"] {
  const at = `${place}.${INTEGRATION}`;
  const own = mapOf(given, at);
  const reference = textOf(own["$ref"]);
  const found = reference === null ? own : mapOf(resolve(whole, reference), reference);
  const members: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(found)) {
    const member = INTEGRATION_MEMBERS[name];
    if (member === undefined) throw badRequest(`${at}.${name} is not supported by Thaw: leave it out`);
    members[member] = member === "IntegrationType" ? String(value).toUpperCase() : value;
  }
  for (const name of ["IntegrationUri", "PayloadFormatVersion"])
    if (members[name] !== undefined && typeof members[name] !== "string") members[name] = String(members[name]);
  if (members["TimeoutInMillis"] !== undefined && !Number.isInteger(members["TimeoutInMillis"]))
    throw badRequest(`${at}.timeoutInMillis must be a whole number`);
  return { IntegrationType: "AWS_PROXY", ...members };
}

/** `#/components/x-amazon-apigateway-integrations/name` */
function resolve(whole: Json, reference: string): unknown {
  const steps = reference.split("/");
  if (steps[0] !== "#" || steps.length > 10) throw badRequest(`${reference} is no reference into the definition`);
  return steps
    .slice(1)
    .reduce<unknown>((at, step) => (isMap(at) && Object.hasOwn(at, step) ? at[step] : undefined), whole);
}

function corsOf(given: Json): NonNullable<DefinedApi["api"]["CorsConfiguration"]> {
  const cors: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const member = CORS_MEMBERS[name];
    if (member === undefined) throw badRequest(`${CORS}.${name} is not supported by Thaw: leave it out`);
    const isScalar = name === "maxAge" || name === "allowCredentials";
    cors[member] = isScalar ? value : (Array.isArray(value) ? value : [value]).map(String);
  }
  return cors as NonNullable<DefinedApi["api"]["CorsConfiguration"]>;
}

function tagsOf(tags: unknown): Readonly<Record<string, string>> {
  const named = (Array.isArray(tags) ? tags : []).filter(isMap);
  return Object.fromEntries(
    named.flatMap((tag) => (tag[TAG_VALUE] === undefined ? [] : [[String(tag["name"]), String(tag[TAG_VALUE])]])),
  );
}

function mapOf(value: unknown, place: string): Json {
  if (!isMap(value)) throw badRequest(`${place} must be a map`);
  return value;
}

function textOf(value: unknown): string | null {
  return value === undefined || value === null ? null : String(value);
}

function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
