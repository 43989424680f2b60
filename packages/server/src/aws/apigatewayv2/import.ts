/** APIs made of OpenAPI definitions. */
import { Validator } from "@thaw/aws-api";
import { API_GATEWAY_V2, type OperationTypes } from "@thaw/aws-api/apigatewayv2";
import type { Caller } from "../../model/caller.ts";
import type { HttpApiRecord } from "../../model/http-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { newAuthorizer, withAuthorizer } from "./authorizers.ts";
import { newApi, withApiSettings } from "./api-settings.ts";
import { badRequest } from "../gateways/refusals.ts";
import { checkHonoured } from "./honoured.ts";
import { newIntegration } from "./integrations.ts";
import { type DefinedApi, type DefinedAuthorizer, type DefinedRoute, readDefinition } from "./open-api.ts";
import { presentApi } from "./present.ts";
import { newRoute, ROUTES_MAX, withSettings } from "./routes.ts";
import { PART_ID_LENGTH, type StoredApis } from "./stored-apis.ts";
import { checkTags } from "../gateways/tags.ts";

const VALIDATOR = new Validator(API_GATEWAY_V2.model);

export function importOperations(apis: StoredApis): ServiceOperations<OperationTypes> {
  return {
    async ImportApi({ Body, Basepath }, { addressOf, caller }) {
      checkBasepath(Basepath);
      const api = withDefinition(apis, newApi(apis), readDefinition(Body), caller);
      await apis.add(api);
      return presentApi(api, addressOf("execute-api", api.id));
    },
    /** What the definition does not name is gone; stages stay. */
    async ReimportApi({ ApiId, Body, Basepath }, { addressOf, caller }) {
      checkBasepath(Basepath);
      const defined = readDefinition(Body);
      const made = await apis.change(ApiId, (before) => {
        const bare = { ...newApi(apis), id: before.id, createdAtMs: before.createdAtMs, tags: before.tags };
        const { stages, deployments, isEndpointDisabled } = before;
        const api = withDefinition(apis, { ...bare, stages, deployments, isEndpointDisabled }, defined, caller);
        const deployed = apis.deployed(api);
        return { api: deployed, result: deployed };
      });
      return presentApi(made, addressOf("execute-api", made.id));
    },
  };
}

function checkBasepath(basepath: string | undefined): void {
  if (basepath !== undefined && basepath !== "ignore")
    throw badRequest(`basepath ${basepath.slice(0, 20)} is not supported by Thaw: only ignore is`);
}

function withDefinition(
  apis: StoredApis,
  bare: HttpApiRecord,
  { api, routes, authorizers }: DefinedApi,
  caller: Caller,
): HttpApiRecord {
  check("CreateApiRequest", { ...api, ProtocolType: "HTTP" }, "the definition");
  checkHonoured("CreateApi", api);
  if (routes.length > ROUTES_MAX) throw badRequest(`An API has at most ${ROUTES_MAX} routes`);
  const named = { ...withApiSettings(bare, api), tags: checkTags(bare.tags, api.Tags ?? {}, caller) };
  const asked = authorizers.reduce((made, each) => withDefinedAuthorizer(apis, made, each), named);
  return routes.reduce((made, route) => withRoute(apis, made, route), asked);
}

function withDefinedAuthorizer(apis: StoredApis, api: HttpApiRecord, given: DefinedAuthorizer): HttpApiRecord {
  check("CreateAuthorizerRequest", { ApiId: api.id, ...given }, given.Name ?? "");
  checkHonoured("CreateAuthorizer", given);
  return withAuthorizer(api, newAuthorizer(apis, apis.newId(PART_ID_LENGTH), given));
}

function withRoute(apis: StoredApis, api: HttpApiRecord, defined: DefinedRoute): HttpApiRecord {
  const { integration, authorizerName } = defined;
  const authorizer = api.authorizers.find(({ name }) => name === authorizerName);
  const route = { ...defined.route, ...(authorizer === undefined ? {} : { AuthorizerId: authorizer.id }) };
  const bare = newRoute(apis.newId(PART_ID_LENGTH), route.RouteKey);
  check("CreateRouteRequest", { ApiId: api.id, ...route }, route.RouteKey);
  if (integration === null) return { ...api, routes: [...api.routes, withSettings(api, bare, route)] };
  check("CreateIntegrationRequest", { ApiId: api.id, ...integration }, route.RouteKey);
  checkHonoured("CreateIntegration", integration);
  const made = newIntegration(apis.newId(PART_ID_LENGTH), integration);
  const whole = { ...api, integrations: [...api.integrations, made] };
  const settings = { ...route, Target: `integrations/${made.id}` };
  return { ...whole, routes: [...whole.routes, withSettings(whole, bare, settings)] };
}

function check(shape: string, value: object, place: string): void {
  const problem = VALIDATOR.validate(shape, value as Readonly<Record<string, unknown>>);
  if (problem !== null) throw badRequest(`${place}: ${problem}`);
}
