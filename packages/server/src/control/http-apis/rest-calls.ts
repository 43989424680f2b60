/** REST APIs as the front sees them: which there are, what their stages serve, and how their functions are called. */
import { frozenId } from "../../model/http-api/record.ts";
import type { RestApiRecord, RestFrozenRecord, RestStageRecord } from "../../model/rest-api/record.ts";
import { RequestChecks } from "../../model/rest-api/request-checks.ts";
import { RestRouter } from "../../model/rest-api/resources.ts";
import type { Stored } from "../../ports/metadata-store.ts";
import type { ControlParts } from "../services.ts";
import type { Authorize } from "./authorizers.ts";
import type { CallFunction } from "./function-calls.ts";
import { Recent } from "./recent.ts";
import type { Traffic } from "./traffic.ts";

/** What a stage serves. */
export interface ServedRest extends Pick<RestFrozenRecord, "binaryMediaTypes" | "gatewayResponses" | "authorizers"> {
  readonly router: RestRouter;
  readonly checks: RequestChecks;
}

export interface RestCalls {
  readonly accountId: string;
  readonly region: string;
  /** Null where there is no API of this id. */
  find(apiId: string): Promise<Stored<RestApiRecord> | null>;
  /** Null where the deployment is gone. */
  served(api: RestApiRecord, stage: RestStageRecord): Promise<ServedRest | null>;
  readonly call: CallFunction;
  readonly authorize: Authorize;
  readonly traffic: Traffic;
}

const SERVED_MAX = 256;

export function createRestCalls(
  { scope, store }: Pick<ControlParts, "scope" | "store">,
  call: CallFunction,
  authorize: Authorize,
  traffic: Traffic,
): RestCalls {
  const recent = new Recent<ServedRest>(SERVED_MAX);
  return {
    ...scope,
    find: (apiId) => store.getAccountEntry("restApi", apiId),
    async served({ id }, { deploymentId }) {
      const key = frozenId(id, deploymentId);
      const found = recent.get(key);
      if (found !== undefined) return found;
      const frozen = await store.getAccountEntry("restFrozen", key);
      if (frozen === null) return null;
      const { resources, models, validators, ...parts } = frozen;
      const checks = new RequestChecks({ id, ...(models && { models }), ...(validators && { validators }) });
      return recent.keep(key, { ...parts, router: new RestRouter(resources), checks });
    },
    call,
    authorize,
    traffic,
  };
}
