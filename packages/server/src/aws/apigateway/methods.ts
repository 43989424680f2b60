/** Methods of resources, and the responses that they may give. */
import type { Method, OperationTypes } from "@thaw/aws-api/apigateway";
import type { RestApiRecord, RestMethodRecord, RestMethodResponseRecord } from "../../model/rest-api/record.ts";
import { hasModel, isRequestParameter } from "../../model/rest-api/request-checks.ts";
import { METHODS } from "../../model/rest-api/resources.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest, conflict } from "../gateways/refusals.ts";
import { checkHonoured } from "./honoured.ts";
import { patched, type Patchables } from "./patches.ts";
import { presentMethod, presentMethodResponse } from "./present.ts";
import { entryOf, findMethod, findResource, type StoredRestApis, withMethod, without } from "./stored-rest-apis.ts";

type Given = Pick<
  Method,
  "authorizationType" | "authorizerId" | "operationName" | "requestParameters" | "requestModels" | "requestValidatorId"
>;

const PATCHABLES: Patchables = {
  "/authorizationType": "text",
  "/authorizerId": "text",
  "/operationName": "text",
  "/requestParameters/*": "flagEntry",
  "/requestModels/*": "entry",
  "/requestValidatorId": "text",
};
const RESPONSE_PATCHABLES: Patchables = { "/responseParameters/*": "flagEntry", "/responseModels/*": "entry" };
const RESPONSE = "Response status code";

export function methodOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async PutMethod(input) {
      checkHonoured("PutMethod", input);
      const { restApiId, resourceId, httpMethod } = input;
      const made = await apis.change(restApiId, (api) => {
        checkMethodName(httpMethod);
        if (Object.hasOwn(findResource(api, resourceId).methods, httpMethod))
          throw conflict("Method already exists for this resource");
        const method = newMethod(api, input);
        return { api: withMethod(api, resourceId, httpMethod, method), result: method };
      });
      return presentMethod(httpMethod, made);
    },
    async GetMethod({ restApiId, resourceId, httpMethod }) {
      return presentMethod(httpMethod, findMethod(await apis.find(restApiId), resourceId, httpMethod));
    },
    async UpdateMethod({ restApiId, resourceId, httpMethod, patchOperations }) {
      const updated = await apis.change(restApiId, (api) => {
        const before = findMethod(api, resourceId, httpMethod);
        const form = patched(presentMethod(httpMethod, before), patchOperations, PATCHABLES);
        const { responses, integration } = before;
        const method = { ...newMethod(api, form), responses, integration };
        return { api: withMethod(api, resourceId, httpMethod, method), result: method };
      });
      return presentMethod(httpMethod, updated);
    },
    async DeleteMethod({ restApiId, resourceId, httpMethod }) {
      await apis.change(restApiId, (api) => {
        findMethod(api, resourceId, httpMethod);
        return { api: withMethod(api, resourceId, httpMethod, null), result: undefined };
      });
      return {};
    },
    ...responseOperations(apis),
  };
}

function responseOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async PutMethodResponse({ restApiId, resourceId, httpMethod, statusCode, responseParameters, responseModels }) {
      const made = await apis.change(restApiId, (api) => {
        const method = findMethod(api, resourceId, httpMethod);
        if (Object.hasOwn(method.responses, statusCode)) throw conflict("Response already exists for this resource");
        const response = { responseParameters: responseParameters ?? {}, responseModels: responseModels ?? {} };
        return withResponse(api, resourceId, httpMethod, statusCode, response);
      });
      return presentMethodResponse(statusCode, made);
    },
    async GetMethodResponse({ restApiId, resourceId, httpMethod, statusCode }) {
      const { responses } = findMethod(await apis.find(restApiId), resourceId, httpMethod);
      return presentMethodResponse(statusCode, entryOf(responses, statusCode, RESPONSE));
    },
    async UpdateMethodResponse({ restApiId, resourceId, httpMethod, statusCode, patchOperations }) {
      const updated = await apis.change(restApiId, (api) => {
        const { responses } = findMethod(api, resourceId, httpMethod);
        const before = entryOf(responses, statusCode, RESPONSE);
        const response = patched(before, patchOperations, RESPONSE_PATCHABLES);
        return withResponse(api, resourceId, httpMethod, statusCode, response);
      });
      return presentMethodResponse(statusCode, updated);
    },
    async DeleteMethodResponse({ restApiId, resourceId, httpMethod, statusCode }) {
      await apis.change(restApiId, (api) => {
        const method = findMethod(api, resourceId, httpMethod);
        const responses = without(method.responses, statusCode, RESPONSE);
        return { api: withMethod(api, resourceId, httpMethod, { ...method, responses }), result: undefined };
      });
      return {};
    },
  };
}

function withResponse(
  api: Parameters<typeof findMethod>[0],
  resourceId: string,
  httpMethod: string,
  statusCode: string,
  response: RestMethodResponseRecord,
) {
  const method = findMethod(api, resourceId, httpMethod);
  const responses = { ...method.responses, [statusCode]: response };
  return { api: withMethod(api, resourceId, httpMethod, { ...method, responses }), result: response };
}

export function checkMethodName(httpMethod: string): void {
  if (!METHODS.has(httpMethod))
    throw badRequest("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,HEAD,OPTIONS,ANY");
}

/** Throws a BadRequestException where a method can't be so. */
export function newMethod(api: RestApiRecord, given: Given): RestMethodRecord {
  const { authorizers } = api;
  const { authorizationType = "NONE" } = given;
  if (authorizationType !== "NONE" && authorizationType !== "AWS_IAM" && authorizationType !== "CUSTOM")
    throw badRequest(
      `authorizationType ${authorizationType.slice(0, 40)} is not supported by Thaw: NONE, AWS_IAM and CUSTOM are. Check tokens in an authorizer.`,
    );
  const authorizerId = authorizationType === "CUSTOM" ? (given.authorizerId ?? "") : null;
  if (authorizerId !== null && !authorizers.some(({ id }) => id === authorizerId))
    throw badRequest(
      "Invalid authorizer ID specified. Setting the authorization type to CUSTOM requires a valid authorizer.",
    );
  return {
    ...requestsOf(api, given),
    authorizationType,
    authorizerId,
    operationName: given.operationName ?? null,
    responses: {},
    integration: null,
  };
}

/** What is asked of a method's requests. Nothing where a text is empty, as stacks and patches say it. */
function requestsOf(
  api: RestApiRecord,
  { requestParameters = {}, requestModels = {}, requestValidatorId = "" }: Given,
): Pick<RestMethodRecord, "requestParameters" | "requestModels" | "requestValidatorId"> {
  const wrong = Object.keys(requestParameters).find((name) => !isRequestParameter(name));
  if (wrong !== undefined)
    throw badRequest(
      `Invalid mapping expression specified: ${wrong.slice(0, 100)}. Parameters are method.request.header.NAME, .path.NAME or .querystring.NAME`,
    );
  const missing = Object.values(requestModels).find((name) => !hasModel(api, name));
  if (missing !== undefined) throw badRequest(`Invalid model identifier specified: ${missing.slice(0, 100)}`);
  if (requestValidatorId !== "" && !(api.validators ?? []).some(({ id }) => id === requestValidatorId))
    throw badRequest("Invalid Request Validator identifier specified");
  return {
    requestParameters,
    requestModels,
    requestValidatorId: requestValidatorId === "" ? null : requestValidatorId,
  };
}
