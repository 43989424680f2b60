/**
 * An API as an OpenAPI definition says it, with the extensions of API Gateway; SAM describes its HTTP APIs so.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
 */
import type { OperationTypes } from "@thaw/aws-api/apigatewayv2";
import { DEFAULT_ROUTE } from "../../model/http-api/record.ts";
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
  tagsOf,
  textOf,
} from "../gateways/definition.ts";
import { badRequest } from "../gateways/refusals.ts";

type Input<K extends keyof OperationTypes> = OperationTypes[K]["input"];

/** A route with its integration, in the words of CreateRoute and CreateIntegration. */
export interface DefinedRoute {
  readonly route: Pick<
    Input<"CreateRoute">,
    "RouteKey" | "OperationName" | "AuthorizationType" | "AuthorizationScopes"
  >;
  /** Null: none is asked. */
  readonly authorizerName: string | null;
  /** Null: the definition names none, and requests are answered with an error. */
  readonly integration: Omit<Input<"CreateIntegration">, "ApiId"> | null;
}

export type DefinedAuthorizer = Omit<Input<"CreateAuthorizer">, "ApiId">;

export interface DefinedApi {
  readonly api: Pick<Input<"CreateApi">, "Name" | "Description" | "Version" | "CorsConfiguration" | "Tags">;
  readonly routes: readonly DefinedRoute[];
  readonly authorizers: readonly DefinedAuthorizer[];
}

const CORS = "x-amazon-apigateway-cors";
/** Extensions of the whole API that change nothing here, and those that are carried out. */
const OF_AN_API = new Set([CORS, "x-amazon-apigateway-importexport-version", "x-amazon-apigateway-request-validators"]);
const AUTHORIZER = "x-amazon-apigateway-authorizer";
const AUTH_TYPE = "x-amazon-apigateway-authtype";
/** Members of an authorizer, by their names in CreateAuthorizer. */
const AUTHORIZER_MEMBERS: Readonly<Record<string, string>> = {
  type: "AuthorizerType",
  identitySource: "IdentitySource",
  jwtConfiguration: "JwtConfiguration",
  authorizerUri: "AuthorizerUri",
  authorizerPayloadFormatVersion: "AuthorizerPayloadFormatVersion",
  authorizerResultTtlInSeconds: "AuthorizerResultTtlInSeconds",
  authorizerCredentials: "AuthorizerCredentialsArn",
  enableSimpleResponses: "EnableSimpleResponses",
};
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
  const given = parseDefinition(text);
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
    routes: operationsOf(given).map((each) => routeOf(each, given)),
    authorizers: authorizersOf(schemesOf(given)),
  };
}

function routeOf({ path, method, operation, place }: DefinedOperation, whole: Json): DefinedRoute {
  const isDefault = operation["isDefaultRoute"] === true || path === `/${DEFAULT_ROUTE}`;
  const operationName = textOf(operation["operationId"]);
  const { authorizerName, ...authorization } = authorizationOf(
    operation["security"] ?? whole["security"],
    whole,
    place,
  );
  return {
    authorizerName,
    route: {
      RouteKey: isDefault ? DEFAULT_ROUTE : `${method} ${path}`,
      ...authorization,
      ...(operationName === null ? {} : { OperationName: operationName }),
    },
    integration: operation[INTEGRATION] === undefined ? null : integrationOf(operation[INTEGRATION], whole, place),
  };
}

interface Authorization extends Pick<DefinedRoute, "authorizerName"> {
  readonly AuthorizationType: "NONE" | "AWS_IAM" | "JWT" | "CUSTOM";
  readonly AuthorizationScopes?: string[];
}

/** `awsSigv4` asks for a signature, an authorizer is asked by its name: a route has one of them. */
function authorizationOf(security: unknown, whole: Json, place: string): Authorization {
  const named = requirementsOf(security, schemesOf(whole));
  const [first, ...others] = named;
  if (first === undefined) return { AuthorizationType: "NONE", authorizerName: null };
  const [name, scopes] = first;
  const schemes = schemesOf(whole);
  const scheme = Object.hasOwn(schemes, name) ? schemes[name] : undefined;
  if (others.length > 0 || !isMap(scheme) || (scheme[AUTHORIZER] === undefined && scheme[AUTH_TYPE] !== "awsSigv4"))
    throw badRequest(
      `${place} asks for ${named.map(([each]) => each).join(", ")}, and Thaw has only one of ${AUTHORIZER} and of ${AUTH_TYPE} awsSigv4`,
    );
  if (scheme[AUTHORIZER] === undefined) return { AuthorizationType: "AWS_IAM", authorizerName: null };
  if (typeOf(mapOf(scheme[AUTHORIZER], name)) !== "JWT") return { AuthorizationType: "CUSTOM", authorizerName: name };
  const AuthorizationScopes = (Array.isArray(scopes) ? scopes : []).map(String);
  return { AuthorizationType: "JWT", AuthorizationScopes, authorizerName: name };
}

function schemesOf(whole: Json): Json {
  return mapOf(mapOf(whole["components"] ?? {}, "components")["securitySchemes"] ?? {}, "securitySchemes");
}

function typeOf({ type }: Json): string {
  return String(type ?? "").toUpperCase();
}

function authorizersOf(schemes: Json): readonly DefinedAuthorizer[] {
  return Object.entries(schemes).flatMap(([name, scheme]) => {
    if (!isMap(scheme) || scheme[AUTHORIZER] === undefined) return [];
    const at = `${name}.${AUTHORIZER}`;
    const given = mapOf(scheme[AUTHORIZER], at);
    const members: Record<string, unknown> = { Name: name, AuthorizerType: typeOf(given), IdentitySource: [] };
    for (const [key, value] of Object.entries(given)) {
      const member = Object.hasOwn(AUTHORIZER_MEMBERS, key) ? AUTHORIZER_MEMBERS[key] : undefined;
      if (member === undefined) throw badRequest(`${at}.${key} is not supported by Thaw: leave it out`);
      if (key !== "type") members[member] = authorizerMember(key, value, at);
    }
    return [members as unknown as DefinedAuthorizer];
  });
}

/** Sources of an identity are a list, or a text with commas. */
function authorizerMember(key: string, value: unknown, place: string): unknown {
  if (key === "identitySource") return textsOf(value).flatMap((each) => each.split(",").map((part) => part.trim()));
  if (key === "authorizerPayloadFormatVersion") return versionOf(value);
  if (key !== "jwtConfiguration") return value;
  const { issuer, audience } = mapOf(value, `${place}.${key}`);
  return { Issuer: String(issuer ?? ""), Audience: textsOf(audience) };
}

/** A version is a text, and a number where somebody left its quotes away: 2.0 is then 2. */
function versionOf(value: unknown): string {
  return typeof value === "number" && Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function textsOf(value: unknown): readonly string[] {
  return [value ?? []].flat().map(String);
}

function integrationOf(given: unknown, whole: Json, place: string): DefinedRoute["integration"] {
  const at = `${place}.${INTEGRATION}`;
  const found = integrationAt(given, whole, at);
  const members: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(found)) {
    const member = INTEGRATION_MEMBERS[name];
    if (member === undefined) throw badRequest(`${at}.${name} is not supported by Thaw: leave it out`);
    members[member] = member === "IntegrationType" ? String(value).toUpperCase() : value;
  }
  for (const name of ["IntegrationUri", "PayloadFormatVersion"])
    if (members[name] !== undefined && typeof members[name] !== "string") members[name] = versionOf(members[name]);
  if (members["TimeoutInMillis"] !== undefined && !Number.isInteger(members["TimeoutInMillis"]))
    throw badRequest(`${at}.timeoutInMillis must be a whole number`);
  return { IntegrationType: "AWS_PROXY", ...members };
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
