/** Routes of an HTTP API. */
import type { OperationTypes } from "@thaw/aws-api/apigatewayv2";
import type { HttpApiRecord, HttpRouteRecord } from "../../model/http-api/record.ts";
import { readRouteKey } from "../../model/http-api/routes.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest, conflict } from "../gateways/refusals.ts";
import { checkHonoured } from "./honoured.ts";
import { findIntegration } from "./find-parts.ts";
import { pageOf } from "./pages.ts";
import { presentRoute } from "./present.ts";
import { noSuch, PART_ID_LENGTH, type StoredApis } from "./stored-apis.ts";

/** AWS's quota of routes of an API. */
export const ROUTES_MAX = 300;
/** AWS's quota. */
const SCOPES_MAX = 10;
/** https://www.rfc-editor.org/rfc/rfc6749#section-3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/;
const TARGET = "integrations/";

type Given = Partial<OperationTypes["CreateRoute"]["input"]>;

export function routeOperations(apis: StoredApis): ServiceOperations<OperationTypes> {
  return {
    async CreateRoute(input) {
      checkHonoured("CreateRoute", input);
      const made = await apis.change(input.ApiId, (api) => {
        if (api.routes.length >= ROUTES_MAX) throw badRequest(`An API has at most ${ROUTES_MAX} routes`);
        const route = withSettings(api, newRoute(apis.newId(PART_ID_LENGTH), input.RouteKey), input);
        return { api: apis.deployed({ ...api, routes: [...api.routes, route] }), result: route };
      });
      return presentRoute(made);
    },
    async UpdateRoute(input) {
      checkHonoured("UpdateRoute", input);
      const made = await apis.change(input.ApiId, (api) => {
        const updated = withSettings(api, findRoute(api, input.RouteId), input);
        const routes = api.routes.map((each) => (each.id === updated.id ? updated : each));
        return { api: apis.deployed({ ...api, routes }), result: updated };
      });
      return presentRoute(made);
    },
    async GetRoute({ ApiId, RouteId }) {
      return presentRoute(findRoute(await apis.find(ApiId), RouteId));
    },
    async GetRoutes(input) {
      const { routes } = await apis.find(input.ApiId);
      return pageOf(routes, ({ id }) => id, presentRoute, input);
    },
    async DeleteRoute({ ApiId, RouteId }) {
      await apis.change(ApiId, (api) => {
        const gone = findRoute(api, RouteId);
        const routes = api.routes.filter(({ id }) => id !== gone.id);
        return { api: apis.deployed({ ...api, routes }), result: undefined };
      });
      return {};
    },
  };
}

export function newRoute(id: string, key: string): HttpRouteRecord {
  const nobodyAsked = { authorizationType: "NONE", authorizerId: null, scopes: [] } as const;
  return { id, key, integrationId: null, ...nobodyAsked, operationName: null, isManaged: false };
}

/** Throws a BadRequestException or a ConflictException where the route can't be so. */
export function withSettings(api: HttpApiRecord, before: HttpRouteRecord, given: Given): HttpRouteRecord {
  const { RouteKey: key = before.key, OperationName: operationName = before.operationName } = given;
  const problem = readRouteKey(key);
  if (typeof problem === "string") throw badRequest(problem);
  if (api.routes.some((route) => route.id !== before.id && route.key === key))
    throw conflict(`Route with key ${key} already exists for this API`);
  const integrationId = given.Target === undefined ? before.integrationId : integrationOf(api, given.Target);
  return { ...before, key, integrationId, ...authorizationOf(api, before, given), operationName };
}

type Authorization = Pick<HttpRouteRecord, "authorizationType" | "authorizerId" | "scopes">;

function authorizationOf({ authorizers }: HttpApiRecord, before: HttpRouteRecord, given: Given): Authorization {
  const { AuthorizationType: authorizationType = before.authorizationType } = given;
  const scopes = given.AuthorizationScopes ?? before.scopes;
  if (authorizationType === "NONE" || authorizationType === "AWS_IAM") {
    if (given.AuthorizerId !== undefined)
      throw badRequest(`AuthorizerId is for routes of AuthorizationType JWT or CUSTOM, not ${authorizationType}`);
    checkNoScopes(given);
    return { authorizationType, authorizerId: null, scopes: [] };
  }
  const authorizerId = given.AuthorizerId ?? before.authorizerId;
  const type = authorizationType === "JWT" ? "JWT" : "REQUEST";
  if (!authorizers.some((each) => each.id === authorizerId && each.type === type))
    throw badRequest(
      `Invalid authorizer ID specified. Setting the authorization type to ${authorizationType} requires a valid ${authorizationType === "JWT" ? "JWT" : "Lambda"} authorizer.`,
    );
  if (type === "REQUEST") {
    checkNoScopes(given);
    return { authorizationType, authorizerId, scopes: [] };
  }
  const wrong = scopes.find((each) => !SCOPE.test(each));
  if (wrong !== undefined) throw badRequest(`Invalid authorization scope: ${wrong.slice(0, 64)}`);
  if (scopes.length > SCOPES_MAX) throw badRequest(`A route has at most ${SCOPES_MAX} authorization scopes`);
  return { authorizationType, authorizerId, scopes };
}

function checkNoScopes({ AuthorizationScopes: scopes = [] }: Given): void {
  if (scopes.length > 0) throw badRequest("AuthorizationScopes are for routes with a JWT authorizer");
}

function integrationOf(api: HttpApiRecord, target: string): string {
  if (!target.startsWith(TARGET)) throw badRequest(`Target must be ${TARGET}ID of an integration of this API`);
  return findIntegration(api, target.slice(TARGET.length)).id;
}

function findRoute({ routes }: HttpApiRecord, id: string): HttpRouteRecord {
  const found = routes.find((each) => each.id === id);
  if (found === undefined) throw noSuch("Route", id);
  return found;
}
