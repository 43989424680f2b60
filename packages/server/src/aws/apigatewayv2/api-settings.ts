/** What an API has besides its routes. */
import type { OperationTypes } from "@thaw/aws-api/apigatewayv2";
import type { UrlCors } from "../../model/url-cors.ts";
import type { HttpApiRecord } from "../../model/http-api/record.ts";
import { badRequest } from "../gateways/refusals.ts";
import { API_ID_LENGTH, type StoredApis } from "./stored-apis.ts";

const METHODS = new Set(["*", "GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS"]);

type Given = Partial<OperationTypes["CreateApi"]["input"]>;

export function newApi(apis: StoredApis): HttpApiRecord {
  return {
    id: apis.newId(API_ID_LENGTH),
    name: "",
    description: null,
    version: null,
    cors: null,
    isEndpointDisabled: false,
    tags: {},
    createdAtMs: apis.parts.clock.nowMs(),
    routes: [],
    integrations: [],
    authorizers: [],
    stages: [],
    deployments: [],
  };
}

export function withApiSettings(before: HttpApiRecord, given: Given): HttpApiRecord {
  return {
    ...before,
    name: given.Name ?? before.name,
    description: given.Description ?? before.description,
    version: given.Version ?? before.version,
    cors: given.CorsConfiguration === undefined ? before.cors : readCors(given.CorsConfiguration),
    isEndpointDisabled: given.DisableExecuteApiEndpoint ?? before.isEndpointDisabled,
  };
}

/** Null where nothing is told to browsers. */
function readCors(cors: NonNullable<Given["CorsConfiguration"]>): UrlCors | null {
  if (Object.keys(cors).length === 0) return null;
  for (const method of cors.AllowMethods ?? [])
    if (!METHODS.has(method)) throw badRequest(`Invalid method '${method.slice(0, 20)}' in AllowMethods`);
  if (cors.AllowCredentials === true && (cors.AllowOrigins ?? []).includes("*"))
    throw badRequest("allowCredentials is not supported for the origin *");
  return cors;
}
