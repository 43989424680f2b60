/**
 * HTTP APIs: a request takes a route, becomes an event of the integration's payload format, and what the function
 * answers becomes the response. The errors' texts are those of AWS's HTTP APIs, which differ from function URLs'.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
 */
import { createHash } from "node:crypto";
import { type Claim, readClaim } from "@thaw/aws-api";
import type { ApiCalls, Served } from "../../../control/http-apis/api-calls.ts";
import { type CallerKey, callerOf } from "../../../model/caller.ts";
import { type HttpAnswer, toHttpAnswer, toHttpAnswerV1 } from "../../../model/http-answer.ts";
import { answerHeaders, preflightHeaders, readPreflight } from "../../../model/http-cors.ts";
import { toHttpEventV1 } from "../../../model/http-api/event-v1.ts";
import type { HttpApiRecord, HttpIntegrationRecord, HttpRouteRecord } from "../../../model/http-api/record.ts";
import type { RouteMatch } from "../../../model/http-api/routes.ts";
import { type HttpCall, toHttpEvent } from "../../../model/http-event.ts";
import { RESPONSE_SIZE_BYTES_MAX } from "../../../model/payload-limits.ts";
import type { InvokeOutcome } from "../../../ports/worker.ts";
import type { Stored } from "../../../ports/metadata-store.ts";
import { ApiError } from "../../../model/api-error.ts";
import type { Reply } from "../../reply.ts";
import type { WireHead } from "../../wire-head.ts";
import { callOf, type CallServices, EVENT_BYTES_MAX, traceIdOf } from "../http-call.ts";
import { type HostLabel, type HostTarget, hostTargetOf } from "../host-target.ts";
import type { Admission, Front } from "../front.ts";
import { type AskedStage, stageOf } from "./stage.ts";

export const API_LABEL: HostLabel = "execute-api";
/** AWS's limit of a request; that of the event, 6 MB, is reached first unless the body is short. */
const BODY_BYTES_MAX = 10 * 1024 * 1024;
/** What users of AWS report for a response in full that names no content type; it is not documented. */
const DEFAULT_TYPE = "text/plain;charset=UTF-8";
const CORS_HEADER = /^access-control-/;
const REASON = "X-Thaw-Reason";
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/;

export function createHttpApiFront(services: CallServices): Front {
  return new HttpApiFront(services);
}

interface Found {
  readonly api: Stored<HttpApiRecord>;
  /** The owner's. */
  readonly apis: ApiCalls;
}

/** A request that has a route. */
interface Routed extends Found {
  readonly head: WireHead;
  readonly asked: AskedStage;
  readonly match: RouteMatch<HttpRouteRecord>;
  readonly integration: HttpIntegrationRecord;
  /** Null where no signature is asked for. */
  readonly claim: Claim<CallerKey> | null;
}

class HttpApiFront implements Front {
  readonly #services: CallServices;

  constructor(services: CallServices) {
    this.#services = services;
  }

  async admit(head: WireHead): Promise<Admission | Reply> {
    const target = hostTargetOf(head, API_LABEL);
    const found = target === null ? null : await this.#find(target);
    if (target === null || found === null || found.api.isEndpointDisabled) return errorOf(404, "Not Found");
    const { api } = found;
    const preflight = api.cors === null ? null : readPreflight(head.method, head.values);
    if (api.cors !== null && preflight !== null)
      return { status: 204, headers: preflightHeaders(api.cors, preflight.origin), body: Buffer.alloc(0) };
    const finish = (reply: Reply): Reply => withoutReason(withCors(reply, api, head), head);
    const routed = await this.#route(found, target, head);
    if ("status" in routed) return finish(routed);
    return {
      body: "whole",
      bytesMax: BODY_BYTES_MAX,
      tooLarge: () => finish(tooLarge()),
      serve: async (body, { requestId }) => {
        const reply = finish(await this.#serve(routed, body, requestId));
        return { ...reply, headers: { ...reply.headers, "Apigw-Requestid": requestId } };
      },
    };
  }

  /** An id does not say whose it is. */
  async #find({ id, region }: HostTarget): Promise<Found | null> {
    for (const { control } of this.#services.scopes.all()) {
      const { httpApis } = control;
      const api = region === null || region === httpApis.region ? await httpApis.find(id) : null;
      if (api !== null) return { api, apis: httpApis };
    }
    return null;
  }

  async #route(found: Found, target: HostTarget, head: WireHead): Promise<Routed | Reply> {
    const { api, apis } = found;
    const asked = stageOf(api, target.path);
    const served: Served | null = asked === null ? null : await apis.served(api, asked.stage);
    const match = asked === null || served === null ? null : served.router.find(head.method, asked.path);
    if (asked === null || served === null || match === null) return errorOf(404, "Not Found");
    const claim = this.#authorize(head, match.route, apis);
    if (claim !== null && "status" in claim) return claim;
    const integration = served.integrations.get(match.route.integrationId ?? "");
    if (integration === undefined) return failed("the route has no integration");
    return { ...found, head, asked, match, integration, claim };
  }

  /** Null: everybody may call it. An account's key may do everything in its account, and nothing in another one. */
  #authorize(
    head: WireHead,
    { authorizationType }: HttpRouteRecord,
    { accountId, region }: ApiCalls,
  ): Claim<CallerKey> | Reply | null {
    if (authorizationType === "NONE") return null;
    const { clock, keys } = this.#services;
    const claim = readClaim(head.signed, {
      regions: [region],
      services: [API_LABEL],
      nowMs: clock.nowMs(),
      keyOf: (id, token) => keys.keyOf(id, token),
    });
    if ("status" in claim) return errorOf(403, "Forbidden", claim.message);
    return claim.key.accountId === accountId ? claim : errorOf(403, "Forbidden");
  }

  async #serve(routed: Routed, body: Buffer, requestId: string): Promise<Reply> {
    const { apis, integration, asked, match, claim } = routed;
    const problem = claim?.verify(createHash("sha256").update(body).digest("hex")) ?? null;
    if (problem !== null) return errorOf(403, "Forbidden", problem.message);
    const traceId = traceIdOf(routed.head, this.#services);
    const call = this.#callOf(routed, body, requestId, traceId);
    const isV2 = integration.payloadFormatVersion === "2.0";
    const payload = Buffer.from(JSON.stringify(isV2 ? toHttpEvent(call) : toHttpEventV1(call, asked.path)));
    if (payload.length > EVENT_BYTES_MAX) return tooLarge();
    const { variables } = asked.stage;
    const sourceArn = sourceArnOf(routed.api.id, asked, match.route, apis);
    const wish = { integration, variables, sourceArn, requestId, payload, traceId };
    try {
      const outcome = await this.#inTime(apis.call(wish), integration.timeoutMs);
      if (outcome === null) return errorOf(503, "Service Unavailable", `no answer in ${integration.timeoutMs} ms`);
      return typeof outcome === "string" ? failed(outcome) : await replyOf(outcome, isV2);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // What AWS answers where a function is over its concurrency is not documented.
      return error.name === "TooManyRequestsException"
        ? errorOf(503, "Service Unavailable", error.message)
        : failed(error.message);
    }
  }

  #callOf(routed: Routed, body: Buffer, requestId: string, traceId: string): HttpCall {
    const { head, api, apis, asked, match, claim } = routed;
    const isDefault = asked.stage.name === "$default";
    return callOf(head, this.#services, {
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
      body,
      requestId,
      traceId,
    });
  }

  /** Null: it took longer. The function runs to its end all the same. */
  async #inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T | null> {
    const { clock } = this.#services;
    let stop = (): void => {};
    const late = new Promise<null>((done) => {
      stop = clock.after(timeoutMs, () => done(null));
    });
    // What it ends with then is nobody's.
    work.catch(() => {});
    try {
      return await Promise.race([work, late]);
    } finally {
      stop();
    }
  }
}

async function replyOf(outcome: InvokeOutcome, isV2: boolean): Promise<Reply> {
  if (outcome.kind === "throttled") return errorOf(503, "Service Unavailable", "the function is over its concurrency");
  if (outcome.kind !== "response") return failed(`the function could not be run: ${outcome.kind}`);
  const result = await outcome.payload.collect(RESPONSE_SIZE_BYTES_MAX);
  if (outcome.functionError !== null) return failed("the function failed: its log says why");
  const answer: HttpAnswer | null = isV2 ? toHttpAnswer(result, DEFAULT_TYPE) : toHttpAnswerV1(result, DEFAULT_TYPE);
  return answer ?? failed("what the function returned is no response of its payload format");
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

function tooLarge(): Reply {
  return errorOf(413, "Request Entity Too Large");
}

function failed(why: string): Reply {
  return errorOf(500, "Internal Server Error", why);
}

/** Whoever is on this machine is told why; others, also behind a proxy, are told no more than by AWS. */
function withoutReason(reply: Reply, { connection, values }: WireHead): Reply {
  const isNear = LOOPBACK.test(connection.remoteAddress) && values["x-forwarded-for"] === undefined;
  if (isNear || reply.headers?.[REASON] === undefined) return reply;
  const { [REASON]: _, ...headers } = reply.headers;
  return { ...reply, headers };
}

/** The reason is in a header of Thaw's own: AWS keeps it in its logs. */
function errorOf(status: number, message: string, why: string | null = null): Reply {
  const reason = why === null ? {} : { [REASON]: why.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 500) };
  return {
    status,
    headers: { "Content-Type": "application/json", ...reason },
    body: Buffer.from(JSON.stringify({ message })),
  };
}
