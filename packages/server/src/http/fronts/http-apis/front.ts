/**
 * HTTP APIs: a request takes a route, becomes an event of the integration's payload format, and what the function
 * answers becomes the response. The errors' texts are those of AWS's HTTP APIs, which differ from function URLs'.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
 */
import { createHash } from "node:crypto";
import { inTime } from "../../../base/in-time.ts";
import type { ApiCalls, Served } from "../../../control/http-apis/api-calls.ts";
import { answerProblem } from "../../../model/answer-problems.ts";
import { type HttpAnswer, toHttpAnswer, toHttpAnswerV1 } from "../../../model/http-answer.ts";
import { answerHeaders, preflightHeaders, readPreflight } from "../../../model/http-cors.ts";
import { toHttpEventV1 } from "../../../model/http-api/event-v1.ts";
import type { HttpApiRecord, HttpIntegrationRecord, HttpRouteRecord } from "../../../model/http-api/record.ts";
import { limitsOf } from "../../../model/gateways/rate-limits.ts";
import { toHttpEvent } from "../../../model/http-event.ts";
import { RESPONSE_SIZE_BYTES_MAX } from "../../../model/payload-limits.ts";
import type { InvokeOutcome } from "../../../ports/worker.ts";
import { ApiError } from "../../../model/api-error.ts";
import type { Reply } from "../../reply.ts";
import type { WireHead } from "../../wire-head.ts";
import { type CallServices, EVENT_BYTES_MAX, traceIdOf } from "../http-call.ts";
import type { HostTarget } from "../host-target.ts";
import { BODY_BYTES_MAX, withoutReason } from "../api-call.ts";
import type { Admission } from "../front.ts";
import { askAuthorizer } from "./authorizer.ts";
import {
  type Admitted,
  errorOf,
  failed,
  type FoundApi,
  type MatchedRequest,
  requestCall,
  tooLarge,
} from "./request.ts";
import { logRequest, type Seen } from "./access-log.ts";
import { type AskedStage, stageOf } from "./stage.ts";

/** What users of AWS report for a response in full that names no content type; it is not documented. */
const DEFAULT_TYPE = "text/plain;charset=UTF-8";
const CORS_HEADER = /^access-control-/;

/** A request that has a route, and may take it. */
interface Routed extends MatchedRequest {
  readonly integration: HttpIntegrationRecord;
  readonly admitted: Admitted;
}

export class HttpApiFront {
  readonly #services: CallServices;

  constructor(services: CallServices) {
    this.#services = services;
  }

  async admit(head: WireHead, { path }: HostTarget, found: FoundApi, requestId: string): Promise<Admission | Reply> {
    const { api } = found;
    const startMs = this.#services.clock.monotonicMs();
    if (api.isEndpointDisabled) return errorOf(404, "Not Found");
    const preflight = api.cors === null ? null : readPreflight(head.method, head.values);
    if (api.cors !== null && preflight !== null)
      return { status: 204, headers: preflightHeaders(api.cors, preflight.origin), body: Buffer.alloc(0) };
    const asked = stageOf(api, path);
    const seen: Seen = { found, head, asked, match: null, admitted: null, isAnswered: false, requestId, startMs };
    const finish = (reply: Reply): Reply => {
      const accessLog = asked?.stage.accessLog ?? null;
      if (accessLog !== null) logRequest(seen, accessLog, reply, this.#services);
      const finished = withoutReason(withCors(reply, api, head), head);
      return { ...finished, headers: { ...finished.headers, "Apigw-Requestid": requestId } };
    };
    const routed = await this.#route(seen);
    if ("status" in routed) return finish(routed);
    return {
      body: "whole",
      bytesMax: BODY_BYTES_MAX,
      tooLarge: () => finish(tooLarge()),
      serve: async (body) => finish(await this.#serve(routed, body, seen)),
    };
  }

  async #route(seen: Seen): Promise<Routed | Reply> {
    const { found, head, asked, requestId } = seen;
    const { api, apis } = found;
    const served: Served | null = asked === null ? null : await apis.served(api, asked.stage);
    const match = asked === null || served === null ? null : served.router.find(head.method, asked.path);
    if (asked === null || served === null || match === null) return errorOf(404, "Not Found");
    seen.match = match;
    const { key } = match.route;
    const limits = limitsOf(asked.stage.routeSettings[key], asked.stage.routeDefaults);
    if (!apis.traffic.admits(`${api.id}/${asked.stage.name}/${key}`, limits)) return errorOf(429, "Too Many Requests");
    const request = { ...found, head, asked, match, served, requestId };
    const admitted = await askAuthorizer(request, this.#services);
    if ("status" in admitted) return admitted;
    seen.admitted = admitted;
    const integration = served.integrations.get(match.route.integrationId ?? "");
    if (integration === undefined) return failed("the route has no integration");
    return { ...request, integration, admitted };
  }

  async #serve(routed: Routed, body: Buffer, seen: Seen): Promise<Reply> {
    const { apis, integration, asked, match, admitted, requestId } = routed;
    const problem = admitted.claim?.verify(createHash("sha256").update(body).digest("hex")) ?? null;
    if (problem !== null) return errorOf(403, "Forbidden", problem.message);
    const traceId = traceIdOf(routed.head, this.#services);
    const call = requestCall(routed, this.#services, { ...admitted, body, requestId, traceId });
    const isV2 = integration.payloadFormatVersion === "2.0";
    // Spares the work: a text of JSON is never shorter than what it stands for.
    if (body.length > EVENT_BYTES_MAX) return tooLarge();
    const payload = Buffer.from(JSON.stringify(isV2 ? toHttpEvent(call) : toHttpEventV1(call, asked.path)));
    if (payload.length > EVENT_BYTES_MAX) return tooLarge();
    const { variables } = asked.stage;
    const sourceArn = sourceArnOf(routed.api.id, asked, match.route, apis);
    const wish = { uri: integration.uri, variables, sourceArn, requestId, payload, traceId };
    try {
      const outcome = await inTime(this.#services.clock, apis.call(wish), integration.timeoutMs);
      if (outcome === null) return errorOf(503, "Service Unavailable", `no answer in ${integration.timeoutMs} ms`);
      return typeof outcome === "string" ? failed(outcome) : await replyOf(outcome, isV2, seen);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // What AWS answers where a function is over its concurrency is not documented.
      return error.name === "TooManyRequestsException"
        ? errorOf(503, "Service Unavailable", error.message)
        : failed(error.message);
    }
  }
}

async function replyOf(outcome: InvokeOutcome, isV2: boolean, seen: Seen): Promise<Reply> {
  if (outcome.kind === "throttled") return errorOf(503, "Service Unavailable", "the function is over its concurrency");
  if (outcome.kind !== "response") return failed(`the function could not be run: ${outcome.kind}`);
  const result = await outcome.payload.collect(RESPONSE_SIZE_BYTES_MAX);
  if (outcome.functionError !== null) return failed("the function failed: its log says why");
  const read = (given: Buffer): HttpAnswer | null =>
    isV2 ? toHttpAnswer(given, DEFAULT_TYPE) : toHttpAnswerV1(given, DEFAULT_TYPE);
  const answer = read(result);
  seen.isAnswered = answer !== null;
  if (answer !== null) return answer;
  const why = answerProblem(result, (given) => read(given) !== null);
  return failed(`what the function returned is no response of its payload format: ${why}`);
}

/** `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/path`, the path with its labels as they were written. */
function sourceArnOf(
  apiId: string,
  { stage }: AskedStage,
  { key }: HttpRouteRecord,
  { region, accountId }: ApiCalls,
): string {
  const at = key.indexOf(" ");
  const route = at === -1 ? key : `${key.slice(0, at).replace("ANY", "*")}${key.slice(at + 1)}`;
  return `arn:aws:execute-api:${region}:${accountId}:${apiId}/${stage.name}/${route}`;
}

/** What a browser is told is the API's alone where it has a configuration. */
function withCors(reply: Reply, { cors }: HttpApiRecord, head: WireHead): Reply {
  if (cors === null) return reply;
  const [origin] = head.values["origin"] ?? [];
  const own = Object.entries(reply.headers ?? {}).filter(([name]) => !CORS_HEADER.test(name));
  return { ...reply, headers: { ...Object.fromEntries(own), ...answerHeaders(cors, origin) } };
}
