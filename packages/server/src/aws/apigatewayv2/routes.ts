/** Routes of an HTTP API. */
import type { OperationTypes } from "@thaw/aws-api/apigatewayv2";
import type { HttpApiRecord, HttpRouteRecord } from "../../model/http-api/record.ts";
import { readRouteKey } from "../../model/http-api/routes.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest, checkHonoured } from "./honoured.ts";
import { findIntegration } from "./find-parts.ts";
import { pageOf } from "./pages.ts";
import { presentRoute } from "./present.ts";
import { conflict, noSuch, PART_ID_LENGTH, type StoredApis } from "./stored-apis.ts";

/** AWS's quota of routes of an API. */
export const ROUTES_MAX = 300;
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
  return { id, key, integrationId: null, authorizationType: "NONE", operationName: null, isManaged: false };
}

/** Throws a BadRequestException or a ConflictException where the route can't be so. */
export function withSettings(api: HttpApiRecord, before: HttpRouteRecord, given: Given): HttpRouteRecord {
  const { RouteKey: key = before.key, OperationName: operationName = before.operationName } = given;
  const problem = readRouteKey(key);
  if (typeof problem === "string") throw badRequest(problem);
  if (api.routes.some((route) => route.id !== before.id && route.key === key))
    throw conflict(`Route with key ${key} already exists for this API`);
  const { AuthorizationType: authorizationType = before.authorizationType } = given;
  if (authorizationType !== "NONE" && authorizationType !== "AWS_IAM")
    throw badRequest(
      `AuthorizationType ${authorizationType} is not supported by Thaw: NONE and AWS_IAM are. Check tokens in the function.`,
    );
  const integrationId = given.Target === undefined ? before.integrationId : integrationOf(api, given.Target);
  return { ...before, key, integrationId, authorizationType, operationName };
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
