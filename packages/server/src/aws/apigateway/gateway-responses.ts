/** What takes the place of answers that API Gateway itself would give. */
import type { GatewayResponse, OperationTypes } from "@thaw/aws-api/apigateway";
import { GATEWAY_RESPONSES, isGatewayResponseType, responseProblem } from "../../model/rest-api/gateway-responses.ts";
import type { RestApiRecord, RestGatewayResponseRecord } from "../../model/rest-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest, notFound } from "../gateways/refusals.ts";
import { pageOf } from "./pages.ts";
import { patched, type Patchables } from "./patches.ts";
import { presentGatewayResponse } from "./present.ts";
import type { StoredRestApis } from "./stored-rest-apis.ts";

const PATCHABLES: Patchables = {
  "/statusCode": "text",
  "/responseParameters/*": "entry",
  "/responseTemplates/*": "entry",
};
const STATUS = /^[45]\d\d$|^[23]\d\d$/;
const TEMPLATE_LENGTH_MAX = 300 * 1024;

type Given = Pick<GatewayResponse, "statusCode" | "responseParameters" | "responseTemplates">;

export function gatewayResponseOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async PutGatewayResponse(input) {
      const made = await apis.change(input.restApiId, (api) => {
        const response = newGatewayResponse(input.responseType, input);
        return { api: withGatewayResponse(api, response), result: response };
      });
      return presentGatewayResponse(made.type, made);
    },
    async GetGatewayResponse({ restApiId, responseType }) {
      return presentGatewayResponse(checkType(responseType), find(await apis.find(restApiId), responseType));
    },
    async GetGatewayResponses(input) {
      const api = await apis.find(input.restApiId);
      const types = Object.keys(GATEWAY_RESPONSES);
      const present = (type: string) => presentGatewayResponse(type, find(api, type));
      return pageOf(types, (type) => type, present, {
        limit: input.limit ?? types.length,
        ...(input.position === undefined ? {} : { position: input.position }),
      });
    },
    async UpdateGatewayResponse({ restApiId, responseType, patchOperations }) {
      const updated = await apis.change(restApiId, (api) => {
        const before = find(api, checkType(responseType));
        const { statusCode = null, responseParameters = {}, responseTemplates = {} } = before ?? {};
        const form = { ...(statusCode === null ? {} : { statusCode }), responseParameters, responseTemplates };
        const response = newGatewayResponse(responseType, patched(form, patchOperations, PATCHABLES));
        return { api: withGatewayResponse(api, response), result: response };
      });
      return presentGatewayResponse(responseType, updated);
    },
    async DeleteGatewayResponse({ restApiId, responseType }) {
      await apis.change(restApiId, (api) => {
        const gone = find(api, responseType);
        if (gone === null) throw notFound("Gateway response type not defined on api");
        const gatewayResponses = api.gatewayResponses.filter((each) => each !== gone);
        return { api: { ...api, gatewayResponses }, result: undefined };
      });
      return {};
    },
  };
}

/** Throws a BadRequestException where there can't be such a response. */
export function newGatewayResponse(type: string, given: Given): RestGatewayResponseRecord {
  const { statusCode = null, responseParameters = {}, responseTemplates = {} } = given;
  if (statusCode !== null && !STATUS.test(statusCode)) throw badRequest("statusCode must be from 200 to 599");
  if (Object.values(responseTemplates).some(({ length }) => length > TEMPLATE_LENGTH_MAX))
    throw badRequest(`A template has at most ${TEMPLATE_LENGTH_MAX} characters`);
  const response = { type: checkType(type), statusCode, responseParameters, responseTemplates };
  const problem = responseProblem(response);
  if (problem !== null) throw badRequest(problem);
  return response;
}

export function withGatewayResponse(api: RestApiRecord, response: RestGatewayResponseRecord): RestApiRecord {
  const others = api.gatewayResponses.filter(({ type }) => type !== response.type);
  return { ...api, gatewayResponses: [...others, response] };
}

function checkType(type: string): string {
  if (!isGatewayResponseType(type)) throw badRequest(`There is no gateway response type ${type.slice(0, 60)}`);
  return type;
}

function find({ gatewayResponses }: RestApiRecord, type: string): RestGatewayResponseRecord | null {
  return gatewayResponses.find((each) => each.type === type) ?? null;
}
