/** A request to a REST API, as far as its head tells. */
import type { Claim } from "@thaw/aws-api";
import type { RestCalls, ServedRest } from "../../../control/http-apis/rest-calls.ts";
import type { CallerKey } from "../../../model/caller.ts";
import { headerOf } from "../../../model/rest-api/event.ts";
import {
  type FailureContext,
  type GatewayFailure,
  toFailureAnswer,
} from "../../../model/rest-api/gateway-responses.ts";
import type { RestApiRecord, RestStageRecord } from "../../../model/rest-api/record.ts";
import type { RequestProblem } from "../../../model/rest-api/request-checks.ts";
import type { RestMatch } from "../../../model/rest-api/resources.ts";
import type { Reply } from "../../reply.ts";
import type { WireHead } from "../../wire-head.ts";
import { reasonHeader } from "../api-call.ts";

export interface FoundRestApi {
  readonly api: RestApiRecord;
  /** The owner's. */
  readonly apis: RestCalls;
}

/** A request that has a stage. */
export interface StagedRequest extends FoundRestApi {
  readonly head: WireHead;
  /** With the stage's name. */
  readonly path: string;
  readonly pathInStage: string;
  readonly stage: RestStageRecord;
  readonly served: ServedRest;
  readonly sourceIp: string;
  readonly requestId: string;
  readonly extendedRequestId: string;
}

/** A request that has a method, and may call it. */
export interface RoutedRequest extends StagedRequest {
  readonly match: RestMatch;
  /** Null where no signature is asked for. */
  readonly claim: Claim<CallerKey> | null;
  /** What an authorizer has handed on; null: none was asked. */
  readonly authorizer: Readonly<Record<string, unknown>> | null;
}

/** `why` is for whoever is on this machine. */
export interface Failure extends GatewayFailure {
  readonly why?: string;
}

const VALIDATION_LENGTH_MAX = 500;

export const MISSING_TOKEN: Failure = {
  type: "MISSING_AUTHENTICATION_TOKEN",
  status: 403,
  message: "Missing Authentication Token",
  errorType: "MissingAuthenticationTokenException",
};
export const TOO_LARGE: Failure = {
  type: "REQUEST_TOO_LARGE",
  status: 413,
  message: "Request Too Long",
  errorType: "RequestTooLargeException",
};
export const THROTTLED: Failure = {
  type: "THROTTLED",
  status: 429,
  message: "Too Many Requests",
  errorType: "TooManyRequestsException",
};
export const TIMED_OUT: Failure = {
  type: "INTEGRATION_TIMEOUT",
  status: 504,
  message: "Endpoint request timed out",
  errorType: "InternalServerErrorException",
};

/** The API can't be served as it is configured. */
export function misconfigured(why: string): Failure {
  return { type: "API_CONFIGURATION_ERROR", ...internal(500, why) };
}

/** What the function answered is no response. */
export function badGateway(why: string): Failure {
  return { type: "DEFAULT_5XX", ...internal(502, why) };
}

function internal(status: number, why: string): Omit<Failure, "type"> {
  return { status, message: "Internal server error", errorType: "InternalServerErrorException", why };
}

/** The request is not as the method's validator wants it. */
export function invalid(problem: RequestProblem): Failure {
  const bad = { status: 400, errorType: "BadRequestException" };
  switch (problem.kind) {
    case "parameters": {
      const message = `Missing required request parameters: [${problem.missing.join(", ")}]`;
      return { type: "BAD_REQUEST_PARAMETERS", message, ...bad };
    }
    case "body": {
      const why = problem.why.slice(0, VALIDATION_LENGTH_MAX);
      return { type: "BAD_REQUEST_BODY", message: "Invalid request body", ...bad, why, validation: `[${why}]` };
    }
    case "tooMuch":
      return { ...TOO_LARGE, why: "the body and its model ask for too many steps of checking: use a simpler model" };
    case "failed":
      return misconfigured(problem.why);
  }
}

/** Makes the reply of a failure, as the API wants it. */
export function failureReply(request: StagedRequest, failure: Failure, resourcePath: string | null): Reply {
  const { status, headers, body } = toFailureAnswer(
    failure,
    request.served.gatewayResponses,
    contextOf(request, resourcePath),
  );
  return { status, headers: { ...headers, ...reasonHeader(failure.why ?? null) }, body: Buffer.from(body) };
}

function contextOf(request: StagedRequest, resourcePath: string | null): FailureContext {
  const { head, api, stage, path, sourceIp, requestId, extendedRequestId } = request;
  return {
    header: (name) => headerOf(head.rawHeaders, name),
    query: (name) => head.query.get(name),
    context: {
      apiId: api.id,
      domainName: head.hostName,
      extendedRequestId,
      httpMethod: head.method,
      "identity.sourceIp": sourceIp,
      path,
      requestId,
      resourcePath: resourcePath ?? "",
      stage: stage.name,
    },
  };
}

/** The refusal of a request that has no stage: no API's own response takes its place. */
export function forbidden(): Reply {
  return {
    status: 403,
    headers: { "Content-Type": "application/json", "x-amzn-ErrorType": "ForbiddenException" },
    body: Buffer.from('{"message":"Forbidden"}'),
  };
}
