/**
 * REST APIs: a request takes a method of a stage, becomes an event, and what the function answers becomes the response;
 * a mock answers by itself. The errors' texts are those of AWS's REST APIs, which differ from HTTP APIs'.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html
 */
import { createHash } from "node:crypto";
import { type Claim, readClaim, type SignatureProblem } from "@thaw/aws-api";
import type { Clock } from "../../../base/clock.ts";
import { inTime } from "../../../base/in-time.ts";
import { ApiError } from "../../../model/api-error.ts";
import { type CallerKey, callerOf } from "../../../model/caller.ts";
import { answerProblem } from "../../../model/answer-problems.ts";
import { type RestAnswer, toRestAnswer } from "../../../model/rest-api/answer.ts";
import { limitsOf } from "../../../model/gateways/rate-limits.ts";
import { headerOf, type RestCall, toRestEvent } from "../../../model/rest-api/event.ts";
import { toMockAnswer } from "../../../model/rest-api/mock.ts";
import type { RestIntegrationRecord } from "../../../model/rest-api/record.ts";
import type { RestMatch } from "../../../model/rest-api/resources.ts";
import { RESPONSE_SIZE_BYTES_MAX } from "../../../model/payload-limits.ts";
import type { InvokeOutcome } from "../../../ports/worker.ts";
import type { Reply } from "../../reply.ts";
import type { WireHead } from "../../wire-head.ts";
import { BODY_BYTES_MAX, EXECUTE_API, withoutReason } from "../api-call.ts";
import type { Admission } from "../front.ts";
import type { HostTarget } from "../host-target.ts";
import { callOf, type CallServices, EVENT_BYTES_MAX, traceIdOf } from "../http-call.ts";
import { sourceOf } from "../source.ts";
import { logRequest, type Seen } from "./access-log.ts";
import { type Allowed, askAuthorizer } from "./authorizer.ts";
import {
  badGateway,
  type Failure,
  failureReply,
  forbidden,
  invalid,
  type FoundRestApi,
  misconfigured,
  MISSING_TOKEN,
  type RoutedRequest,
  type StagedRequest,
  THROTTLED,
  TIMED_OUT,
  TOO_LARGE,
} from "./request.ts";

/** A reply, or what stands in its place. */
type Answered = Reply | Failure;

export class RestApiFront {
  readonly #services: CallServices;

  constructor(services: CallServices) {
    this.#services = services;
  }

  async admit(
    head: WireHead,
    { path }: HostTarget,
    found: FoundRestApi,
    requestId: string,
  ): Promise<Admission | Reply> {
    const request = await this.#staged(head, path, found, requestId);
    if (request === null) return forbidden();
    const match = request.served.router.find(head.method, request.pathInStage);
    const seen: Seen = { request, match, allowed: null, startMs: this.#services.clock.monotonicMs() };
    const finish = (answered: Answered): Reply => finished(seen, answered, this.#services.clock);
    if (match === null) return finish(MISSING_TOKEN);
    if (!isAdmitted(request, match)) return finish(THROTTLED);
    const allowed = await this.#authorize(request, match);
    if ("type" in allowed) return finish(allowed);
    seen.allowed = allowed;
    return {
      body: "whole",
      bytesMax: BODY_BYTES_MAX,
      tooLarge: () => finish(TOO_LARGE),
      serve: async (body) => finish(await this.#serve({ ...request, match, ...allowed }, body)),
    };
  }

  /** Null where there is no such stage, or the address is not in use. */
  async #staged(head: WireHead, path: string, found: FoundRestApi, requestId: string): Promise<StagedRequest | null> {
    const { api, apis } = found;
    const end = path.indexOf("/", 1);
    const name = end === -1 ? path.slice(1) : path.slice(1, end);
    const stage = api.isEndpointDisabled ? undefined : api.stages.find((each) => each.name === name);
    const served = stage === undefined ? null : await apis.served(api, stage);
    if (stage === undefined || served === null) return null;
    return {
      ...found,
      head,
      path,
      pathInStage: end === -1 ? "/" : path.slice(end),
      stage,
      served,
      sourceIp: sourceOf(head, this.#services.isTrustedProxy).sourceIp,
      requestId,
      extendedRequestId: this.#services.random.bytes(11).toString("base64"),
    };
  }

  /** An account's key may do everything in its account, and nothing in another one. */
  async #authorize(request: StagedRequest, match: RestMatch): Promise<Allowed | Failure> {
    const { authorizationType } = match.method;
    if (authorizationType === "NONE") return { claim: null, authorizer: null };
    if (authorizationType === "CUSTOM")
      return askAuthorizer(request, match, this.#services, (routed, traceId) =>
        this.#callOf(routed, Buffer.alloc(0), traceId),
      );
    const claim = this.#readClaim(request);
    return "type" in claim ? claim : { claim, authorizer: null };
  }

  #readClaim({ head, apis }: StagedRequest): Claim<CallerKey> | Failure {
    const { clock, keys } = this.#services;
    const claim = readClaim(head.signed, {
      regions: [apis.region],
      services: [EXECUTE_API],
      nowMs: clock.nowMs(),
      keyOf: (id, token) => keys.keyOf(id, token),
    });
    if ("status" in claim) return failureOf(claim);
    if (claim.key.accountId === apis.accountId) return claim;
    const message = `User: ${claim.key.principalArn} is not authorized to perform: execute-api:Invoke`;
    return { type: "ACCESS_DENIED", status: 403, message, errorType: "AccessDeniedException" };
  }

  async #serve(request: RoutedRequest, body: Buffer): Promise<Answered> {
    const { match, claim } = request;
    const problem = claim?.verify(createHash("sha256").update(body).digest("hex")) ?? null;
    if (problem !== null) return failureOf(problem);
    const refused = await this.#check(request, body);
    if (refused !== null) return refused;
    const { integration } = match.method;
    if (integration === null) return misconfigured("the method has no integration");
    return integration.type === "MOCK" ? mockReply(request, integration) : this.#invoke(request, integration, body);
  }

  /** Null: the request is as the method's validator wants it, or it has none. */
  async #check({ served, match, head }: RoutedRequest, body: Buffer): Promise<Failure | null> {
    const problem = await served.checks.problemOf(match.method, {
      contentType: headerOf(head.rawHeaders, "content-type"),
      body,
      parameter: (place, name) =>
        place === "header"
          ? headerOf(head.rawHeaders, name.toLowerCase())
          : place === "path"
            ? (match.parameters[name] ?? null)
            : head.query.get(name),
    });
    return problem === null ? null : invalid(problem);
  }

  async #invoke(request: RoutedRequest, integration: RestIntegrationRecord, body: Buffer): Promise<Answered> {
    const { apis, stage, served, head, requestId } = request;
    const traceId = traceIdOf(head, this.#services);
    // Spares the work: a text of JSON is never shorter than what it stands for.
    if (body.length > EVENT_BYTES_MAX) return TOO_LARGE;
    const call = this.#callOf(request, body, traceId);
    const payload = Buffer.from(JSON.stringify(toRestEvent(call)));
    if (payload.length > EVENT_BYTES_MAX) return TOO_LARGE;
    const { variables } = stage;
    const wish = {
      uri: integration.uri ?? "",
      variables,
      sourceArn: sourceArnOf(request),
      requestId,
      payload,
      traceId,
    };
    try {
      const outcome = await inTime(this.#services.clock, apis.call(wish), integration.timeoutMs);
      if (outcome === null) return TIMED_OUT;
      if (typeof outcome === "string") return misconfigured(outcome);
      const answered = await replyOf(outcome, served.binaryMediaTypes, headerOf(head.rawHeaders, "accept"));
      if ("type" in answered) return answered;
      return { ...answered, headers: { ...answered.headers, "X-Amzn-Trace-Id": call.traceId } };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return misconfigured(error.message);
    }
  }

  #callOf(request: RoutedRequest, body: Buffer, traceId: string): RestCall {
    const { head, api, apis, stage, path, pathInStage, match, claim, requestId, extendedRequestId, served } = request;
    const { authorizer } = request;
    const call = callOf(head, this.#services, {
      path,
      apiId: api.id,
      accountId: apis.accountId,
      route: {
        key: match.resource.path,
        stage: stage.name,
        parameters: match.parameters,
        variables: stage.variables,
      },
      caller: claim === null ? null : callerOf(claim),
      granted: null,
      body,
      requestId,
      traceId,
    });
    return {
      ...call,
      rawHeaders: head.rawHeaders,
      pathInStage,
      resourceId: match.resource.id,
      resourcePath: match.resource.path,
      deploymentId: stage.deploymentId,
      extendedRequestId,
      binaryMediaTypes: served.binaryMediaTypes,
      authorizer,
    };
  }
}

/** Each method has a bucket of its own. */
function isAdmitted({ api, apis, stage, head }: StagedRequest, { resource }: RestMatch): boolean {
  const path = resource.path.replaceAll("~", "~0").replaceAll("/", "~1");
  const { methodSettings } = stage;
  const own = [head.method, "ANY"].find((each) => Object.hasOwn(methodSettings, `${path}/${each}`)) ?? head.method;
  const limits = limitsOf(methodSettings[`${path}/${own}`], methodSettings["*/*"]);
  return apis.traffic.admits(`${api.id}/${stage.name}/${path}/${own}`, limits);
}

function finished(seen: Seen, answered: Answered, clock: Clock): Reply {
  const { request, match } = seen;
  const reply = "type" in answered ? failureReply(request, answered, match?.resource.path ?? null) : answered;
  if (request.stage.accessLog !== null) logRequest(seen, request.stage.accessLog, answered, reply, clock);
  return withoutReason(
    { ...reply, headers: { ...reply.headers, "x-amz-apigw-id": request.extendedRequestId } },
    request.head,
  );
}

/** AWS answers each with 403. */
function failureOf({ name, message }: SignatureProblem): Failure {
  if (name === MISSING_TOKEN.errorType) return MISSING_TOKEN;
  return { type: "INVALID_SIGNATURE", status: 403, message, errorType: name };
}

function mockReply({ head }: RoutedRequest, integration: RestIntegrationRecord): Answered {
  const about = {
    contentType: headerOf(head.rawHeaders, "content-type"),
    origin: headerOf(head.rawHeaders, "origin"),
  };
  const answer = toMockAnswer(integration, about);
  if (answer === null) return misconfigured("the mock has no template for this request, or no response for its status");
  return { ...answer, body: Buffer.from(answer.body) };
}

async function replyOf(
  outcome: InvokeOutcome,
  binaryMediaTypes: readonly string[],
  accept: string | null,
): Promise<Answered> {
  // What AWS answers where a function is over its concurrency is not documented.
  if (outcome.kind === "throttled") return misconfigured("the function is over its concurrency");
  if (outcome.kind !== "response") return badGateway(`the function could not be run: ${outcome.kind}`);
  const result = await outcome.payload.collect(RESPONSE_SIZE_BYTES_MAX);
  if (outcome.functionError !== null) return badGateway("the function failed: its log says why");
  const read = (given: Buffer): RestAnswer | null => toRestAnswer(given, binaryMediaTypes, accept);
  const answer = read(result);
  if (answer !== null) return answer;
  const why = answerProblem(result, (given) => read(given) !== null);
  return badGateway(`what the function returned is no response of a proxy integration: ${why}`);
}

/** `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/path`, the path with its labels as they were written. */
function sourceArnOf({ api, apis, stage, head, match }: RoutedRequest): string {
  const { region, accountId } = apis;
  return `arn:aws:execute-api:${region}:${accountId}:${api.id}/${stage.name}/${head.method}${match.resource.path}`;
}
