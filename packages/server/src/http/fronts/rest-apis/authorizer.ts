/**
 * Lambda authorizers of REST APIs: asked with a token or with the whole head of a request, once for each identity and
 * each time to live.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 */
import { createHash } from "node:crypto";
import type { Claim } from "@thaw/aws-api";
import type { CallerKey } from "../../../model/caller.ts";
import { identityOf } from "../../../model/authorizers/identity.ts";
import { type AuthorizerResult, readPolicyResult } from "../../../model/authorizers/result.ts";
import { headerOf, type RestCall, toAuthorizerEvent } from "../../../model/rest-api/event.ts";
import type { RestAuthorizerRecord } from "../../../model/rest-api/record.ts";
import type { RestMatch } from "../../../model/rest-api/resources.ts";
import { type CallServices, traceIdOf } from "../http-call.ts";
import { type Failure, misconfigured, type RoutedRequest, type StagedRequest } from "./request.ts";

/** Who may call a method, and what an authorizer has handed on. */
export interface Allowed {
  readonly claim: Claim<CallerKey> | null;
  readonly authorizer: Readonly<Record<string, unknown>> | null;
}

/** AWS's limit. */
const TIMEOUT_MS = 29_000;
const UNAUTHORIZED: Failure = {
  type: "UNAUTHORIZED",
  status: 401,
  message: "Unauthorized",
  errorType: "UnauthorizedException",
};

type CallOf = (request: RoutedRequest, traceId: string) => RestCall;

export async function askAuthorizer(
  request: StagedRequest,
  match: RestMatch,
  services: Pick<CallServices, "clock" | "random">,
  callOf: CallOf,
): Promise<Allowed | Failure> {
  const { served, stage, apis, head } = request;
  const authorizer = served.authorizers.find(({ id }) => id === match.method.authorizerId);
  if (authorizer === undefined) return misconfigured("the method's authorizer is not there");
  const identity = identityIn(request, match, authorizer);
  if (identity === null) return UNAUTHORIZED;
  const methodArn = `${apiArnOf(request)}/${stage.name}/${head.method}${pathOf(match)}`;
  const traceId = traceIdOf(head, services);
  const event =
    authorizer.type === "TOKEN"
      ? { type: "TOKEN", methodArn, authorizationToken: identity[0] }
      : toAuthorizerEvent(callOf({ ...request, match, claim: null, authorizer: null }, traceId), methodArn);
  const startMs = services.clock.monotonicMs();
  const asked = await apis.authorize({
    key: keyOf(request, authorizer, identity),
    ttlS: authorizer.ttlS,
    timeoutMs: TIMEOUT_MS,
    read: (result) => readPolicyResult(result, { isScalar: true }),
    uri: authorizer.uri,
    variables: stage.variables,
    sourceArn: `${apiArnOf(request)}/authorizers/${authorizer.id}`,
    requestId: services.random.uuid(),
    payload: Buffer.from(JSON.stringify(event)),
    traceId,
  });
  if (asked.kind === "unauthorized") return UNAUTHORIZED;
  if (asked.kind === "failed") return failed(asked.why);
  const refusal = refusalOf(asked.result, methodArn);
  if (refusal !== null) return refusal;
  const integrationLatency = Math.round(services.clock.monotonicMs() - startMs);
  return { claim: null, authorizer: { ...contextOf(asked.result), integrationLatency } };
}

function identityIn(
  { head, stage, path, requestId, sourceIp }: StagedRequest,
  match: RestMatch,
  { identitySources }: RestAuthorizerRecord,
): readonly string[] | null {
  const context: Readonly<Record<string, string>> = {
    httpMethod: head.method,
    "identity.sourceIp": sourceIp,
    path,
    requestId,
    resourcePath: match.resource.path,
    stage: stage.name,
  };
  return identityOf(identitySources, {
    header: (name) => headerOf(head.rawHeaders, name),
    query: (name) => head.query.get(name),
    variables: stage.variables,
    context: (name) => (Object.hasOwn(context, name) ? (context[name] ?? null) : null),
  });
}

/** The path with its values as the function will see them: however it was written, a policy judges the same. */
function pathOf({ resource, parameters }: RestMatch): string {
  return resource.path.replaceAll(/\{([A-Za-z0-9._-]+)\+?\}/g, (label, name: string) => parameters[name] ?? label);
}

/** Null where nothing is kept. A token is as long as a client wants, so its digest stands for it. */
function keyOf(
  { api, stage }: StagedRequest,
  { id, ttlS }: RestAuthorizerRecord,
  identity: readonly string[],
): string | null {
  if (ttlS === 0 || identity.length === 0) return null;
  const digest = createHash("sha256").update(JSON.stringify(identity)).digest("base64");
  return `${api.id}/${stage.name}/${stage.deploymentId}/${id}/${digest}`;
}

function apiArnOf({ api, apis: { region, accountId } }: StagedRequest): string {
  return `arn:aws:execute-api:${region}:${accountId}:${api.id}`;
}

/** Null: it may. */
function refusalOf(result: AuthorizerResult, methodArn: string): Failure | null {
  const decision = result.decide(methodArn);
  if (decision === "allowed") return null;
  const message = "User is not authorized to access this resource";
  return {
    type: "ACCESS_DENIED",
    status: 403,
    message: decision === "denied" ? `${message} with an explicit deny` : message,
    errorType: "AccessDeniedException",
    isCapital: true,
  };
}

/** AWS tells clients nothing about it. */
function failed(why: string): Failure {
  return {
    type: "AUTHORIZER_CONFIGURATION_ERROR",
    status: 500,
    message: null,
    errorType: "AuthorizerConfigurationException",
    why,
  };
}

/** Values are texts, as on AWS. */
function contextOf({ principalId, context }: AuthorizerResult): Readonly<Record<string, unknown>> {
  return { ...Object.fromEntries(Object.entries(context).map(([name, value]) => [name, String(value)])), principalId };
}
