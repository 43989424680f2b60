/** Integrations: the functions behind the routes of an HTTP API. */
import type { OperationTypes } from "@thaw/aws-api/apigatewayv2";
import { integrationFunction } from "../../model/http-api/integration-uri.ts";
import type { HttpIntegrationRecord } from "../../model/http-api/record.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { findIntegration } from "./find-parts.ts";
import { badRequest, conflict } from "../gateways/refusals.ts";
import { checkHonoured } from "./honoured.ts";
import { pageOf } from "./pages.ts";
import { presentIntegration } from "./present.ts";
import { PART_ID_LENGTH, type StoredApis } from "./stored-apis.ts";

/** AWS's quota of integrations of an API. */
const INTEGRATIONS_MAX = 300;
const TIMEOUT_MS_MIN = 50;
const TIMEOUT_MS_MAX = 30_000;

type Given = Partial<OperationTypes["CreateIntegration"]["input"]>;

export function integrationOperations(apis: StoredApis): ServiceOperations<OperationTypes> {
  return {
    async CreateIntegration(input) {
      checkHonoured("CreateIntegration", input);
      const made = await apis.change(input.ApiId, (api) => {
        if (api.integrations.length >= INTEGRATIONS_MAX)
          throw badRequest(`An API has at most ${INTEGRATIONS_MAX} integrations`);
        const integration = newIntegration(apis.newId(PART_ID_LENGTH), input);
        return {
          api: apis.deployed({ ...api, integrations: [...api.integrations, integration] }),
          result: integration,
        };
      });
      return presentIntegration(made);
    },
    async UpdateIntegration(input) {
      checkHonoured("UpdateIntegration", input);
      const made = await apis.change(input.ApiId, (api) => {
        const updated = withSettings(findIntegration(api, input.IntegrationId), input);
        const integrations = api.integrations.map((each) => (each.id === updated.id ? updated : each));
        return { api: apis.deployed({ ...api, integrations }), result: updated };
      });
      return presentIntegration(made);
    },
    async GetIntegration({ ApiId, IntegrationId }) {
      return presentIntegration(findIntegration(await apis.find(ApiId), IntegrationId));
    },
    async GetIntegrations(input) {
      const { integrations } = await apis.find(input.ApiId);
      return pageOf(integrations, ({ id }) => id, presentIntegration, input);
    },
    async DeleteIntegration({ ApiId, IntegrationId }) {
      await apis.change(ApiId, (api) => {
        const gone = findIntegration(api, IntegrationId);
        const user = api.routes.find(({ integrationId }) => integrationId === gone.id);
        if (user !== undefined)
          throw conflict(`Cannot delete Integration '${gone.id}'. It is associated with Route '${user.id}'.`);
        const integrations = api.integrations.filter(({ id }) => id !== gone.id);
        return { api: apis.deployed({ ...api, integrations }), result: undefined };
      });
      return {};
    },
  };
}

/** API Gateway's own default is the older format. */
export function newIntegration(id: string, given: Given): HttpIntegrationRecord {
  if (given.IntegrationUri === undefined) throw badRequest("IntegrationUri must be the ARN of a function");
  const bare: HttpIntegrationRecord = {
    id,
    uri: "",
    payloadFormatVersion: "1.0",
    description: null,
    timeoutMs: TIMEOUT_MS_MAX,
    isManaged: false,
  };
  return withSettings(bare, given);
}

function withSettings(before: HttpIntegrationRecord, given: Given): HttpIntegrationRecord {
  const { IntegrationUri: uri = before.uri, PayloadFormatVersion: format = before.payloadFormatVersion } = given;
  const { Description: description = before.description, TimeoutInMillis: timeoutMs = before.timeoutMs } = given;
  if (integrationFunction(uri) === null)
    throw badRequest(
      `IntegrationUri '${uri.slice(0, 200)}' is not the ARN of a function, nor arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/ARN/invocations`,
    );
  if (format !== "1.0" && format !== "2.0") throw badRequest("PayloadFormatVersion must be 1.0 or 2.0");
  if (timeoutMs < TIMEOUT_MS_MIN || timeoutMs > TIMEOUT_MS_MAX)
    throw badRequest(`TimeoutInMillis must be from ${TIMEOUT_MS_MIN} to ${TIMEOUT_MS_MAX}`);
  return { ...before, uri, payloadFormatVersion: format, description, timeoutMs };
}
