/** Integrations: what answers the requests of a method. */
import type { Integration, IntegrationResponse, OperationTypes } from "@thaw/aws-api/apigateway";
import { integrationFunction } from "../../model/http-api/integration-uri.ts";
import { mockResponseProblem, mockStatus } from "../../model/rest-api/mock.ts";
import type {
  RestApiRecord,
  RestIntegrationRecord,
  RestIntegrationResponseRecord,
} from "../../model/rest-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { badRequest, notFound } from "../gateways/refusals.ts";
import { checkHonoured } from "./honoured.ts";
import { patched, type Patchables } from "./patches.ts";
import { presentIntegration, presentIntegrationResponse } from "./present.ts";
import { entryOf, findMethod, type StoredRestApis, withMethod, without } from "./stored-rest-apis.ts";

type Given = Pick<
  Integration,
  | "type"
  | "uri"
  | "httpMethod"
  | "requestTemplates"
  | "passthroughBehavior"
  | "contentHandling"
  | "cacheNamespace"
  | "timeoutInMillis"
>;

const TIMEOUT_MS_MIN = 50;
/** AWS's quota; without asking for more. */
const TIMEOUT_MS_MAX = 29_000;
const PASSTHROUGH = new Set(["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"]);
const LAMBDA_ARN = /^arn:aws:apigateway:/;
const RESPONSE = "Response status code";
const PATCHABLES: Patchables = {
  "/uri": "text",
  "/httpMethod": "text",
  "/requestTemplates/*": "entry",
  "/passthroughBehavior": "text",
  "/contentHandling": "text",
  "/cacheNamespace": "text",
  "/timeoutInMillis": "number",
};
const RESPONSE_PATCHABLES: Patchables = {
  "/selectionPattern": "text",
  "/responseParameters/*": "entry",
  "/responseTemplates/*": "entry",
  "/contentHandling": "text",
};

export function integrationOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async PutIntegration(input) {
      checkHonoured("PutIntegration", input);
      const { restApiId, resourceId, httpMethod, integrationHttpMethod } = input;
      const made = await apis.change(restApiId, (api) => {
        const { httpMethod: _, ...given } = input;
        const own = integrationHttpMethod === undefined ? {} : { httpMethod: integrationHttpMethod };
        return withIntegration(api, resourceId, httpMethod, newIntegration({ ...given, ...own }, resourceId));
      });
      return presentIntegration(made);
    },
    async GetIntegration({ restApiId, resourceId, httpMethod }) {
      return presentIntegration(findIntegration(await apis.find(restApiId), resourceId, httpMethod));
    },
    async UpdateIntegration({ restApiId, resourceId, httpMethod, patchOperations }) {
      const updated = await apis.change(restApiId, (api) => {
        const before = findIntegration(api, resourceId, httpMethod);
        const form = patched(presentIntegration(before), patchOperations, PATCHABLES);
        const integration = { ...newIntegration(form, resourceId), responses: before.responses };
        return withIntegration(api, resourceId, httpMethod, integration);
      });
      return presentIntegration(updated);
    },
    async DeleteIntegration({ restApiId, resourceId, httpMethod }) {
      await apis.change(restApiId, (api) => {
        findIntegration(api, resourceId, httpMethod);
        const method = { ...findMethod(api, resourceId, httpMethod), integration: null };
        return { api: withMethod(api, resourceId, httpMethod, method), result: undefined };
      });
      return {};
    },
    ...responseOperations(apis),
  };
}

function responseOperations(apis: StoredRestApis): ServiceOperations<OperationTypes> {
  return {
    async PutIntegrationResponse(input) {
      checkHonoured("PutIntegrationResponse", input);
      const { restApiId, resourceId, httpMethod, statusCode } = input;
      const made = await apis.change(restApiId, (api) =>
        withResponse(api, resourceId, httpMethod, statusCode, newIntegrationResponse(input)),
      );
      return presentIntegrationResponse(statusCode, made);
    },
    async GetIntegrationResponse({ restApiId, resourceId, httpMethod, statusCode }) {
      const { responses } = findIntegration(await apis.find(restApiId), resourceId, httpMethod);
      return presentIntegrationResponse(statusCode, entryOf(responses, statusCode, RESPONSE));
    },
    async UpdateIntegrationResponse({ restApiId, resourceId, httpMethod, statusCode, patchOperations }) {
      const updated = await apis.change(restApiId, (api) => {
        const { responses } = findIntegration(api, resourceId, httpMethod);
        const shown = presentIntegrationResponse(statusCode, entryOf(responses, statusCode, RESPONSE));
        const response = newIntegrationResponse(patched(shown, patchOperations, RESPONSE_PATCHABLES));
        return withResponse(api, resourceId, httpMethod, statusCode, response);
      });
      return presentIntegrationResponse(statusCode, updated);
    },
    async DeleteIntegrationResponse({ restApiId, resourceId, httpMethod, statusCode }) {
      await apis.change(restApiId, (api) => {
        const integration = findIntegration(api, resourceId, httpMethod);
        const responses = without(integration.responses, statusCode, RESPONSE);
        const { api: changed } = withIntegration(api, resourceId, httpMethod, { ...integration, responses });
        return { api: changed, result: undefined };
      });
      return {};
    },
  };
}

function findIntegration(api: RestApiRecord, resourceId: string, httpMethod: string): RestIntegrationRecord {
  const { integration } = findMethod(api, resourceId, httpMethod);
  if (integration === null) throw notFound("Invalid Integration identifier specified");
  return integration;
}

function withIntegration(
  api: RestApiRecord,
  resourceId: string,
  httpMethod: string,
  integration: RestIntegrationRecord,
): { readonly api: RestApiRecord; readonly result: RestIntegrationRecord } {
  const method = { ...findMethod(api, resourceId, httpMethod), integration };
  return { api: withMethod(api, resourceId, httpMethod, method), result: integration };
}

function withResponse(
  api: RestApiRecord,
  resourceId: string,
  httpMethod: string,
  statusCode: string,
  response: RestIntegrationResponseRecord,
): { readonly api: RestApiRecord; readonly result: RestIntegrationResponseRecord } {
  const integration = findIntegration(api, resourceId, httpMethod);
  entryOf(findMethod(api, resourceId, httpMethod).responses, statusCode, RESPONSE);
  checkResponse(integration, response);
  const responses = { ...integration.responses, [statusCode]: response };
  return { api: withIntegration(api, resourceId, httpMethod, { ...integration, responses }).api, result: response };
}

/** A function's answer is the response: what stands here is not looked at, on AWS neither. */
export function checkResponse({ type }: RestIntegrationRecord, response: RestIntegrationResponseRecord): void {
  const problem = type === "MOCK" ? mockResponseProblem(response) : null;
  if (problem !== null) throw badRequest(problem);
}

/** Throws a BadRequestException where there can't be such an integration. */
export function newIntegration(given: Given, resourceId: string): RestIntegrationRecord {
  const { type, requestTemplates = {}, passthroughBehavior = "WHEN_NO_MATCH", timeoutInMillis } = given;
  if (type !== "AWS_PROXY" && type !== "MOCK")
    throw badRequest(
      `Integrations of type '${type ?? ""}' are not supported by Thaw: AWS_PROXY to a function, and MOCK, are`,
    );
  if (!PASSTHROUGH.has(passthroughBehavior))
    throw badRequest("passthroughBehavior must be WHEN_NO_MATCH, WHEN_NO_TEMPLATES or NEVER");
  const timeoutMs = timeoutInMillis ?? TIMEOUT_MS_MAX;
  if (timeoutMs < TIMEOUT_MS_MIN || timeoutMs > TIMEOUT_MS_MAX)
    throw badRequest(`Timeout should be between ${TIMEOUT_MS_MIN} ms and ${TIMEOUT_MS_MAX} ms`);
  if (type === "MOCK") checkTemplates(requestTemplates);
  else checkFunction(given, requestTemplates);
  return {
    type,
    uri: type === "MOCK" ? null : (given.uri ?? null),
    httpMethod: type === "MOCK" ? null : (given.httpMethod ?? null),
    timeoutMs,
    passthroughBehavior,
    requestTemplates,
    contentHandling: given.contentHandling ?? null,
    cacheNamespace: given.cacheNamespace ?? resourceId,
    responses: {},
  };
}

function checkTemplates(templates: Readonly<Record<string, string>>): void {
  for (const template of Object.values(templates))
    if (mockStatus(template) === null)
      throw badRequest(
        `A request template of MOCK must be {"statusCode": 200} or the like: of VTL, Thaw has no more. Answer with a function.`,
      );
}

function checkFunction({ uri = "", httpMethod }: Given, templates: Readonly<Record<string, string>>): void {
  if (httpMethod === undefined) throw badRequest("Enumeration value for HttpMethod must be non-empty");
  if (!LAMBDA_ARN.test(uri)) throw badRequest("Invalid ARN specified in the request");
  if (integrationFunction(uri) === null)
    throw badRequest(
      "Integrations of type 'AWS_PROXY' currently only supports Lambda function: the URI must be arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations",
    );
  if (httpMethod !== "POST") throw badRequest("Functions are called by POST: httpMethod of the integration must be it");
  if (Object.keys(templates).length > 0)
    throw badRequest("requestTemplates of AWS_PROXY are not supported: the event is always the whole request");
}

/** The pattern that is empty is the one that matches where no other one does. */
export function newIntegrationResponse(given: Omit<IntegrationResponse, "statusCode">): RestIntegrationResponseRecord {
  const { selectionPattern = "", responseParameters = {}, responseTemplates = {}, contentHandling = null } = given;
  return {
    selectionPattern: selectionPattern === "" ? null : selectionPattern,
    responseParameters,
    responseTemplates,
    contentHandling,
  };
}
