/** HTTP APIs as the front sees them: which there are, what their stages serve, and how their functions are called. */
import { ApiError } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import { LATEST } from "../../model/function-record.ts";
import { integrationFunction, withVariables } from "../../model/http-api/integration-uri.ts";
import {
  frozenId,
  type HttpApiRecord,
  type HttpIntegrationRecord,
  type HttpRouteRecord,
  type HttpStageRecord,
} from "../../model/http-api/record.ts";
import { Router } from "../../model/http-api/routes.ts";
import type { InvokeOutcome } from "../../ports/worker.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { InvokeOperation } from "../invoke/invoke.ts";
import { allows } from "../policies/statements.ts";
import type { ControlParts } from "../services.ts";
import type { UrlCall } from "../urls/url-calls.ts";

/** What a stage serves. */
export interface Served {
  readonly router: Router<HttpRouteRecord>;
  readonly integrations: ReadonlyMap<string, HttpIntegrationRecord>;
}

/** A route's function, and the stage that is asked. */
export interface ApiCall extends UrlCall {
  readonly integration: HttpIntegrationRecord;
  readonly variables: HttpStageRecord["variables"];
  /** ARN of the route, as conditions of resource policies name it. */
  readonly sourceArn: string;
}

export interface ApiCalls {
  readonly accountId: string;
  readonly region: string;
  /** Null where there is no API of this id. */
  find(apiId: string): Promise<Stored<HttpApiRecord> | null>;
  /** Null where nothing was deployed to the stage. */
  served(api: Stored<HttpApiRecord>, stage: HttpStageRecord): Promise<Served | null>;
  /** A text says why the function is not called. Throws an ApiError where it can't be invoked now. */
  call(call: ApiCall): Promise<InvokeOutcome | string>;
}

/** Routers that are kept, so that a request does not make one; the oldest goes. */
const ROUTERS_MAX = 256;
const SERVICE = "apigateway.amazonaws.com";

export function createApiCalls(
  { scope, store }: Pick<ControlParts, "scope" | "store">,
  invoke: InvokeOperation,
): ApiCalls {
  const kept = new Map<string, Served>();
  const keep = (key: string, parts: Pick<HttpApiRecord, "routes" | "integrations">): Served => {
    const served = {
      router: new Router(parts.routes),
      integrations: new Map(parts.integrations.map((each) => [each.id, each])),
    };
    kept.set(key, served);
    const [oldest] = kept.keys();
    if (kept.size > ROUTERS_MAX && oldest !== undefined) kept.delete(oldest);
    return served;
  };
  return {
    ...scope,
    find: (apiId) => store.getAccountEntry("httpApi", apiId),
    async served(api, { isAutoDeployed, deploymentId }) {
      if (isAutoDeployed) {
        const key = `${api.id}@${api.revision}`;
        return kept.get(key) ?? keep(key, api);
      }
      if (deploymentId === null) return null;
      const key = frozenId(api.id, deploymentId);
      const found = kept.get(key);
      if (found !== undefined) return found;
      const frozen = await store.getAccountEntry("httpFrozen", key);
      return frozen === null ? null : keep(key, frozen);
    },
    async call({ integration, variables, sourceArn, ...event }) {
      const arn = withVariables(integrationFunction(integration.uri) ?? "", variables);
      if (arn === null) return `${integration.uri} names a stage variable that the stage does not have`;
      try {
        const { name, qualifier } = parseFunctionName(scope, arn);
        const policy = await store.getSetting("policy", name, qualifier ?? LATEST);
        const keys = { "aws:sourcearn": sourceArn, "aws:sourceaccount": scope.accountId };
        const call = { action: "lambda:InvokeFunction", principal: { service: SERVICE }, keys };
        if (!allows(policy?.statements ?? [], call))
          return `the policy of ${arn} does not let ${SERVICE} invoke it for ${sourceArn}: see AddPermission`;
        return await invoke.runEvent({ ...event, functionName: name, qualifier, isStreamed: false });
      } catch (error) {
        const isGone = error instanceof ApiError && GONE.has(error.name);
        if (isGone) return `${arn}: ${error.message}`;
        throw error;
      }
    },
  };
}

/** Errors that say that the integration names no function that may be called. */
const GONE = new Set(["ResourceNotFoundException", "AccessDeniedException", "InvalidParameterValueException"]);
