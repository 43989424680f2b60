/** A request to an HTTP API, as far as its head tells, and the answers that the API itself gives. */
import type { Claim } from "@thaw/aws-api";
import type { ApiCalls, Served } from "../../../control/http-apis/api-calls.ts";
import { type CallerKey, callerOf } from "../../../model/caller.ts";
import type { HttpApiRecord, HttpRouteRecord } from "../../../model/http-api/record.ts";
import type { RouteMatch } from "../../../model/http-api/routes.ts";
import type { Granted, HttpCall } from "../../../model/http-event.ts";
import type { Stored } from "../../../ports/metadata-store.ts";
import type { Reply } from "../../reply.ts";
import type { WireHead } from "../../wire-head.ts";
import { reasonHeader } from "../api-call.ts";
import { callOf, type CallServices } from "../http-call.ts";
import type { AskedStage } from "./stage.ts";

export interface FoundApi {
  readonly api: Stored<HttpApiRecord>;
  /** The owner's. */
  readonly apis: ApiCalls;
}

/** A request that has a route. */
export interface MatchedRequest extends FoundApi {
  readonly head: WireHead;
  readonly asked: AskedStage;
  readonly match: RouteMatch<HttpRouteRecord>;
  readonly served: Served;
  readonly requestId: string;
}

/** Who came in. */
export interface Admitted {
  /** Null where no signature is asked for. */
  readonly claim: Claim<CallerKey> | null;
  readonly granted: Granted | null;
}

type Own = Admitted & Pick<HttpCall, "body" | "requestId" | "traceId">;

export function requestCall(request: MatchedRequest, services: CallServices, { claim, ...own }: Own): HttpCall {
  const { head, api, apis, asked, match } = request;
  const isDefault = asked.stage.name === "$default";
  return callOf(head, services, {
    // A named stage is part of the path that the function sees.
    path: isDefault ? asked.path : `/${asked.stage.name}${asked.path}`,
    apiId: api.id,
    accountId: apis.accountId,
    route: {
      key: match.route.key,
      stage: asked.stage.name,
      parameters: match.parameters,
      variables: asked.stage.variables,
    },
    caller: claim === null ? null : callerOf(claim),
    ...own,
  });
}

export function tooLarge(): Reply {
  return errorOf(413, "Request Entity Too Large");
}

export function failed(why: string): Reply {
  return errorOf(500, "Internal Server Error", why);
}

export function errorOf(status: number, message: string, why: string | null = null): Reply {
  return {
    status,
    headers: { "Content-Type": "application/json", ...reasonHeader(why) },
    body: Buffer.from(JSON.stringify({ message })),
  };
}
