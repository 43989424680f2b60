/** HTTP APIs as the front sees them: which there are, what their stages serve, and how their functions are called. */
import {
  frozenId,
  type HttpApiRecord,
  type HttpAuthorizerRecord,
  type HttpIntegrationRecord,
  type HttpRouteRecord,
  type HttpStageRecord,
} from "../../model/http-api/record.ts";
import { Router } from "../../model/http-api/routes.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { TokenIssuers } from "../../ports/token-issuers.ts";
import type { ControlParts } from "../services.ts";
import type { Authorize } from "./authorizers.ts";
import type { CallFunction } from "./function-calls.ts";
import { Recent } from "./recent.ts";
import type { Traffic } from "./traffic.ts";

/** What a stage serves. */
export interface Served {
  readonly router: Router<HttpRouteRecord>;
  readonly integrations: ReadonlyMap<string, HttpIntegrationRecord>;
  readonly authorizers: ReadonlyMap<string, HttpAuthorizerRecord>;
}

export interface ApiCalls {
  readonly accountId: string;
  readonly region: string;
  /** Null where there is no API of this id. */
  find(apiId: string): Promise<Stored<HttpApiRecord> | null>;
  /** Null where nothing was deployed to the stage. */
  served(api: Stored<HttpApiRecord>, stage: HttpStageRecord): Promise<Served | null>;
  readonly call: CallFunction;
  readonly authorize: Authorize;
  readonly traffic: Traffic;
  readonly checkToken: TokenIssuers["check"];
}

const ROUTERS_MAX = 256;

export function createApiCalls(
  { scope, store, issuers }: Pick<ControlParts, "scope" | "store" | "issuers">,
  call: CallFunction,
  authorize: Authorize,
  traffic: Traffic,
): ApiCalls {
  const recent = new Recent<Served>(ROUTERS_MAX);
  const keep = (key: string, parts: Pick<HttpApiRecord, "routes" | "integrations" | "authorizers">): Served =>
    recent.keep(key, {
      router: new Router(parts.routes),
      integrations: new Map(parts.integrations.map((each) => [each.id, each])),
      authorizers: new Map(parts.authorizers.map((each) => [each.id, each])),
    });
  return {
    ...scope,
    find: (apiId) => store.getAccountEntry("httpApi", apiId),
    async served(api, { isAutoDeployed, deploymentId }) {
      if (isAutoDeployed) {
        const key = `${api.id}@${api.revision}`;
        return recent.get(key) ?? keep(key, api);
      }
      if (deploymentId === null) return null;
      const key = frozenId(api.id, deploymentId);
      const found = recent.get(key);
      if (found !== undefined) return found;
      const frozen = await store.getAccountEntry("httpFrozen", key);
      return frozen === null ? null : keep(key, frozen);
    },
    call,
    authorize,
    traffic,
    checkToken: (token, wish) => issuers.check(token, wish),
  };
}
