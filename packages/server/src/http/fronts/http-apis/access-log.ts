/** The line that a stage of an HTTP API writes about a request. */
import { type AccessLogRecord, authorizerValue } from "../../../model/gateways/access-log.ts";
import type { HttpRouteRecord } from "../../../model/http-api/record.ts";
import type { RouteMatch } from "../../../model/http-api/routes.ts";
import { formatTime, type Granted } from "../../../model/http-event.ts";
import type { Reply } from "../../reply.ts";
import type { WireHead } from "../../wire-head.ts";
import { lengthOf, reasonOf } from "../api-call.ts";
import type { CallServices } from "../http-call.ts";
import { sourceOf } from "../source.ts";
import type { Admitted, FoundApi } from "./request.ts";
import type { AskedStage } from "./stage.ts";

/** A request, as far as it has come. */
export interface Seen {
  readonly found: FoundApi;
  readonly head: WireHead;
  /** Null where there is no such stage. */
  readonly asked: AskedStage | null;
  /** Null where there is no route. */
  match: RouteMatch<HttpRouteRecord> | null;
  admitted: Admitted | null;
  /** Whether the function answered; else the API itself did. */
  isAnswered: boolean;
  readonly requestId: string;
  readonly startMs: number;
}

export function logRequest(seen: Seen, settings: AccessLogRecord, reply: Reply, services: CallServices): void {
  const { found, asked } = seen;
  const values = valuesOf(seen, reply, services);
  const handed = handedOn(seen.admitted?.granted ?? null);
  found.apis.traffic.log(settings, `${found.api.id}/${asked?.stage.name ?? ""}`, (name) =>
    Object.hasOwn(values, name) ? (values[name] ?? null) : authorizerValue(name, handed),
  );
}

function valuesOf(seen: Seen, reply: Reply, services: CallServices): Readonly<Record<string, string>> {
  const { found, head, asked, match, isAnswered, requestId, startMs } = seen;
  const nowMs = services.clock.nowMs();
  const why = reasonOf(reply);
  const message = isAnswered ? "" : messageOf(reply);
  const stage = asked?.stage.name ?? "";
  return {
    accountId: found.apis.accountId,
    apiId: found.api.id,
    domainName: head.hostName,
    domainPrefix: found.api.id,
    "error.message": message,
    "error.messageString": message === "" ? "" : JSON.stringify(message),
    extendedRequestId: requestId,
    httpMethod: head.method,
    "identity.sourceIp": sourceOf(head, services.isTrustedProxy).sourceIp,
    "identity.userAgent": head.values["user-agent"]?.join(",") ?? "",
    "integration.error": why,
    "integration.integrationStatus": isAnswered ? "200" : "",
    "integration.status": isAnswered ? String(reply.status) : "",
    integrationErrorMessage: why,
    integrationStatus: isAnswered ? "200" : "",
    path: stage === "$default" ? (asked?.path ?? "") : `/${stage}${asked?.path ?? ""}`,
    protocol: head.connection.protocol,
    requestId,
    requestTime: formatTime(nowMs),
    requestTimeEpoch: String(nowMs),
    responseLatency: String(Math.round(services.clock.monotonicMs() - startMs)),
    responseLength: lengthOf(reply),
    routeKey: match?.route.key ?? "",
    stage,
    status: String(reply.status),
  };
}

/** Claims are `authorizer.claims.NAME`, what a function handed on is `authorizer.NAME`. */
function handedOn(granted: Granted | null): Readonly<Record<string, unknown>> {
  if (granted === null) return {};
  if (granted.kind === "lambda") return { ...granted.context, principalId: granted.principalId ?? "" };
  return Object.fromEntries(Object.entries(granted.claims).map(([name, value]) => [`claims.${name}`, value]));
}

/** What the API itself says of an error. */
function messageOf({ body }: Reply): string {
  return Buffer.isBuffer(body) ? (JSON.parse(body.toString()) as { readonly message: string }).message : "";
}
