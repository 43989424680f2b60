/**
 * Function URLs: a request becomes an event of payload format 2.0, and what the function answers becomes the response.
 * Errors are those of AWS's URLs, which differ from the API's (recorded test_lambda.TestLambdaURL.*).
 */
import { createHash } from "node:crypto";
import { type Claim, LAMBDA, readClaim } from "@thaw/aws-api";
import { refusalOf } from "../../../control/invoke/invoke.ts";
import type { UrlCalls } from "../../../control/urls/url-calls.ts";
import { type CallerKey, callerOf } from "../../../model/caller.ts";
import type { UrlRecord } from "../../../model/function-record.ts";
import { type AnswerHead, toHttpAnswer } from "../../../model/http-answer.ts";
import { answerHeaders, preflightHeaders, readPreflight } from "../../../model/http-cors.ts";
import { type HttpCall, toHttpEvent } from "../../../model/http-event.ts";
import { RESPONSE_SIZE_BYTES_MAX } from "../../../model/payload-limits.ts";
import type { InvokeSuccess } from "../../../ports/worker.ts";
import { errorReply, type Reply, replyOfError } from "../../reply.ts";
import type { WireHead } from "../../wire-head.ts";
import type { Admission, Front } from "../front.ts";
import { type HostTarget, hostTargetOf } from "../host-target.ts";
import { callOf, type CallServices, EVENT_BYTES_MAX, traceIdOf } from "../http-call.ts";
import { PRELUDE_TYPE, readPrelude } from "./prelude.ts";

const FORBIDDEN =
  "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";
const ONLY_ROUTE = { key: "$default", stage: "$default", parameters: {}, variables: {} };
export function createUrlFront(services: CallServices): Front {
  return new UrlFront(services);
}

/** A request that may be carried out. */
interface Admitted {
  readonly head: WireHead;
  readonly target: HostTarget;
  readonly url: UrlRecord;
  /** The owner's. */
  readonly urls: UrlCalls;
  /** Null where no signature is asked for. */
  readonly claim: Claim<CallerKey> | null;
}

class UrlFront implements Front {
  readonly #services: CallServices;

  constructor(services: CallServices) {
    this.#services = services;
  }

  async admit(head: WireHead): Promise<Admission | Reply> {
    const target = hostTargetOf(head, "lambda-url");
    const found = target === null ? null : await this.#find(target);
    if (target === null || found === null) return forbidden("");
    const { url, urls } = found;
    const preflight = url.cors === null ? null : readPreflight(head.method, head.values);
    if (url.cors !== null && preflight !== null)
      return { status: 200, headers: preflightHeaders(url.cors, preflight.origin), body: Buffer.alloc(0) };
    const claim = await this.#authorize(head, found);
    if (claim !== null && "status" in claim) return claim;
    const tooLarge = (): Reply =>
      errorReply(
        "RequestEntityTooLargeException",
        `Request must be smaller than ${EVENT_BYTES_MAX} bytes for the InvokeFunction operation`,
      );
    return {
      body: "whole",
      bytesMax: EVENT_BYTES_MAX,
      tooLarge,
      serve: async (body, { requestId }) => {
        const traceId = traceIdOf(head, this.#services);
        const reply = await this.#serve({ head, target, url, urls, claim }, body, requestId, traceId, tooLarge);
        return withCommonHeaders(reply, url, head, traceId);
      },
    };
  }

  async #find({ id, region }: HostTarget): Promise<Pick<Admitted, "url" | "urls"> | null> {
    const urls = this.#services.scopes.hosting("urlId", id)?.control.urls;
    if (urls === undefined || (region !== null && region !== urls.region)) return null;
    const url = await urls.find(id);
    return url === null ? null : { url, urls };
  }

  /** Null: everybody may call it. */
  async #authorize(
    head: WireHead,
    { url, urls }: Pick<Admitted, "url" | "urls">,
  ): Promise<Claim<CallerKey> | Reply | null> {
    const { clock, keys } = this.#services;
    if (url.authType === "NONE") return (await urls.allows(url, null)) ? null : forbidden(FORBIDDEN);
    const claim = readClaim(head.signed, {
      regions: [urls.region],
      services: [LAMBDA.scope],
      nowMs: clock.nowMs(),
      keyOf: (id, token) => keys.keyOf(id, token),
    });
    if (!("status" in claim))
      return claim.key.accountId === urls.accountId || (await urls.allows(url, claim.key))
        ? claim
        : forbidden(FORBIDDEN);
    if (claim.name === "MissingAuthenticationTokenException") return forbidden(FORBIDDEN);
    return errorReply(claim.name, claim.message, {}, claim.status);
  }

  async #serve(
    admitted: Admitted,
    body: Buffer,
    requestId: string,
    traceId: string,
    tooLarge: () => Reply,
  ): Promise<Reply> {
    const { onProblem } = this.#services;
    const { url, urls, claim } = admitted;
    const problem = claim?.verify(createHash("sha256").update(body).digest("hex")) ?? null;
    if (problem !== null) return errorReply(problem.name, problem.message, {}, problem.status);
    const payload = Buffer.from(JSON.stringify(toHttpEvent(this.#callOf(admitted, body, requestId, traceId))));
    if (payload.length > EVENT_BYTES_MAX) return tooLarge();
    try {
      const outcome = await urls.call(url, { requestId, payload, traceId });
      // The alias of the URL is gone (recorded …test_lambda_url_persists_after_alias_delete).
      if (outcome === null) return forbidden(FORBIDDEN);
      if (outcome.kind !== "response") return replyOfError(refusalOf(outcome), onProblem);
      return (await toReply(outcome, url)) ?? badGateway();
    } catch (error) {
      return replyOfError(error, onProblem);
    }
  }

  #callOf({ head, target, url, claim }: Admitted, body: Buffer, requestId: string, traceId: string): HttpCall {
    return callOf(head, this.#services, {
      path: target.path,
      apiId: url.urlId,
      accountId: claim?.key.accountId ?? "anonymous",
      route: ONLY_ROUTE,
      caller: claim === null ? null : callerOf(claim),
      granted: null,
      body,
      requestId,
      traceId,
    });
  }
}

/** Null where the function failed, or what it answered is no response. */
async function toReply(outcome: InvokeSuccess, { invokeMode }: UrlRecord): Promise<Reply | null> {
  const { stream, payload, functionError } = outcome;
  if (stream !== null) {
    if (stream.contentType !== PRELUDE_TYPE)
      return {
        status: 200,
        headers: { "Content-Type": stream.contentType ?? "application/octet-stream" },
        body: payload,
      };
    const preluded = await readPrelude(payload);
    return preluded === null ? null : replyWith(preluded.head, preluded.body);
  }
  const result = await payload.collect(RESPONSE_SIZE_BYTES_MAX);
  if (functionError !== null) return null;
  // A function that does not stream is not understood in this mode: its result goes out as it is.
  if (invokeMode === "RESPONSE_STREAM")
    return { status: 200, headers: { "Content-Type": "application/json" }, body: result };
  const answer = toHttpAnswer(result);
  return answer === null ? null : replyWith(answer, answer.body);
}

function replyWith({ status, headers }: AnswerHead, body: Reply["body"]): Reply {
  return { status, headers, body };
}

/** AWS's answers have both the configured headers and the function's own. */
function withCommonHeaders(reply: Reply, { cors }: UrlRecord, head: WireHead, traceId: string): Reply {
  const headers: Record<string, string | readonly string[]> = { ...reply.headers };
  const [origin] = head.values["origin"] ?? [];
  for (const [name, value] of Object.entries(answerHeaders(cors, origin)))
    headers[name] = headers[name] === undefined ? value : [value, headers[name]].flat();
  headers["X-Amzn-Trace-Id"] = traceId;
  return { ...reply, headers };
}

/** An empty message: null in the body, as for a URL that is not there. */
function forbidden(message: string): Reply {
  return errorReply("AccessDeniedException", message);
}

function badGateway(): Reply {
  return {
    status: 502,
    headers: { "Content-Type": "application/json" },
    body: Buffer.from("Internal Server Error"),
  };
}
