/**
 * API Gateway, version 2: HTTP APIs whose routes lead to functions. WebSocket APIs, domain names and links to a VPC are
 * refused by name.
 */
import { API_GATEWAY_V2, type OperationTypes } from "@thaw/aws-api/apigatewayv2";
import { DEFAULT_ROUTE, DEFAULT_STAGE, type HttpApiRecord } from "../../model/http-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { authorizerOperations } from "./authorizers.ts";
import { newApi, withApiSettings } from "./api-settings.ts";
import { badRequest } from "../gateways/refusals.ts";
import { checkHonoured } from "./honoured.ts";
import { importOperations } from "./import.ts";
import { integrationOperations, newIntegration } from "./integrations.ts";
import { answerOf, readWish } from "./pages.ts";
import { presentApi } from "./present.ts";
import { newRoute, routeOperations, withSettings } from "./routes.ts";
import { newStage, stageOperations } from "./stages.ts";
import type { ApiParts } from "../gateways/api-documents.ts";
import { PART_ID_LENGTH, StoredApis } from "./stored-apis.ts";
import { checkTags } from "../gateways/tags.ts";
import { tagOperations } from "./tags.ts";

export { API_GATEWAY_V2 };

type Given = Partial<OperationTypes["CreateApi"]["input"]>;

export function apiGatewayOperations(parts: ApiParts): ServiceOperations<OperationTypes> {
  const apis = new StoredApis(parts);
  return {
    async CreateApi(input, { addressOf, caller }) {
      checkHonoured("CreateApi", input);
      if (input.ProtocolType !== "HTTP") throw badRequest("Thaw has HTTP APIs only: ProtocolType must be HTTP");
      const api = quickly(apis, withApiSettings(newApi(apis), input), input);
      await apis.add({ ...api, tags: checkTags({}, input.Tags ?? {}, caller) });
      return presentApi(await apis.find(api.id), addressOf("execute-api", api.id));
    },
    async UpdateApi(input, { addressOf }) {
      checkHonoured("UpdateApi", input);
      const updated = await apis.change(input.ApiId, (before) => {
        const api = withApiSettings(before, input);
        return { api, result: api };
      });
      return presentApi(updated, addressOf("execute-api", updated.id));
    },
    async GetApi({ ApiId }, { addressOf }) {
      return presentApi(await apis.find(ApiId), addressOf("execute-api", ApiId));
    },
    async GetApis(input, { addressOf }) {
      const present = (api: HttpApiRecord) => presentApi(api, addressOf("execute-api", api.id));
      return answerOf(await apis.page(present, readWish(input)));
    },
    async DeleteApi({ ApiId }) {
      await apis.remove(ApiId);
      return {};
    },
    async DeleteCorsConfiguration({ ApiId }) {
      await apis.change(ApiId, (api) => ({ api: { ...api, cors: null }, result: undefined }));
      return {};
    },
    ...importOperations(apis),
    ...routeOperations(apis),
    ...integrationOperations(apis),
    ...authorizerOperations(apis),
    ...stageOperations(apis),
    ...tagOperations(apis),
  };
}

export function insteadOfApiGateway(operation: string): string {
  if (operation.includes("DomainName") || operation.includes("ApiMapping"))
    return "Put a reverse proxy with that name before the server.";
  return "Thaw has HTTP APIs with routes, integrations, authorizers, stages and deployments.";
}

/** An API for one function: with `Target` it has an integration, a route and a stage that deploys by itself. */
function quickly(apis: StoredApis, api: HttpApiRecord, { Target, RouteKey }: Given): HttpApiRecord {
  if (Target === undefined) {
    if (RouteKey === undefined) return api;
    throw badRequest("RouteKey is for an API that is made with a Target");
  }
  const given = { IntegrationUri: Target, PayloadFormatVersion: "2.0" };
  const integration = { ...newIntegration(apis.newId(PART_ID_LENGTH), given), isManaged: true };
  const bare = newRoute(apis.newId(PART_ID_LENGTH), RouteKey ?? DEFAULT_ROUTE);
  const whole = { ...api, integrations: [integration] };
  const route = { ...withSettings(whole, bare, { Target: `integrations/${integration.id}` }), isManaged: true };
  const stage = { ...newStage(DEFAULT_STAGE, api.createdAtMs), isAutoDeployed: true, isManaged: true };
  return apis.deployed({ ...whole, routes: [route], stages: [stage] });
}
