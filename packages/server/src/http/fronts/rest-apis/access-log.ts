/** The line that a stage of a REST API writes about a request. */
import type { Clock } from "../../../base/clock.ts";
import { callerOf } from "../../../model/caller.ts";
import { type AccessLogRecord, authorizerValue } from "../../../model/gateways/access-log.ts";
import { formatTime } from "../../../model/http-event.ts";
import { headerOf } from "../../../model/rest-api/event.ts";
import type { RestMatch } from "../../../model/rest-api/resources.ts";
import type { Reply } from "../../reply.ts";
import { lengthOf, reasonOf } from "../api-call.ts";
import type { Allowed } from "./authorizer.ts";
import type { Failure, StagedRequest } from "./request.ts";

/** A request, as far as it has come. */
export interface Seen {
  readonly request: StagedRequest;
  /** Null where there is no method. */
  readonly match: RestMatch | null;
  allowed: Allowed | null;
  readonly startMs: number;
}

export function logRequest(
  seen: Seen,
  settings: AccessLogRecord,
  answered: Reply | Failure,
  reply: Reply,
  clock: Clock,
): void {
  const { api, apis, stage } = seen.request;
  const values = valuesOf(seen, "type" in answered ? answered : null, reply, clock);
  apis.traffic.log(settings, `${api.id}/${stage.name}`, (name) =>
    Object.hasOwn(values, name) ? (values[name] ?? null) : authorizerValue(name, seen.allowed?.authorizer ?? {}),
  );
}

function valuesOf(
  { request, match, allowed, startMs }: Seen,
  failure: Failure | null,
  reply: Reply,
  clock: Clock,
): Readonly<Record<string, string>> {
  const { head, api, apis, stage, path, sourceIp, requestId, extendedRequestId } = request;
  const caller = allowed?.claim ? callerOf(allowed.claim) : null;
  const nowMs = clock.nowMs();
  const message = failure?.message ?? "";
  return {
    accountId: apis.accountId,
    apiId: api.id,
    deploymentId: stage.deploymentId,
    domainName: head.hostName,
    domainPrefix: api.id,
    "error.message": message,
    "error.messageString": message === "" ? "" : JSON.stringify(message),
    "error.responseType": failure?.type ?? "",
    "error.validationErrorString": failure?.validation ?? "",
    extendedRequestId,
    httpMethod: head.method,
    "identity.accountId": caller?.accountId ?? "",
    "identity.caller": caller?.userId ?? "",
    "identity.sourceIp": sourceIp,
    "identity.user": caller?.userId ?? "",
    "identity.userAgent": headerOf(head.rawHeaders, "user-agent") ?? "",
    "identity.userArn": caller?.principalArn ?? "",
    "integration.error": reasonOf(reply),
    "integration.status": failure === null ? "200" : "",
    integrationErrorMessage: reasonOf(reply),
    integrationStatus: failure === null ? "200" : "",
    path,
    protocol: head.connection.protocol,
    requestId,
    requestTime: formatTime(nowMs),
    requestTimeEpoch: String(nowMs),
    resourceId: match?.resource.id ?? "",
    resourcePath: match?.resource.path ?? "",
    responseLatency: String(Math.round(clock.monotonicMs() - startMs)),
    responseLength: lengthOf(reply),
    stage: stage.name,
    status: String(reply.status),
  };
}
