/**
 * Who may take a route of an HTTP API: everybody, who signs, who has a token of an issuer, or who a function lets in.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html
 */
import { createHash } from "node:crypto";
import { readClaim } from "@thaw/aws-api";
import { claimTexts, grantedScopes } from "../../../model/authorizers/claims.ts";
import { identityOf } from "../../../model/authorizers/identity.ts";
import { type AuthorizerResult, readPolicyResult, readSimpleResult } from "../../../model/authorizers/result.ts";
import { toAuthorizerEventV1 } from "../../../model/http-api/event-v1.ts";
import type { JwtAuthorizerRecord, LambdaAuthorizerRecord } from "../../../model/http-api/record.ts";
import { toAuthorizerEvent } from "../../../model/http-event.ts";
import type { Reply } from "../../reply.ts";
import { EXECUTE_API, reasonHeader } from "../api-call.ts";
import { type CallServices, traceIdOf } from "../http-call.ts";
import { sourceOf } from "../source.ts";
import { type Admitted, errorOf, failed, type MatchedRequest, requestCall } from "./request.ts";

/** AWS's quota. */
const TIMEOUT_MS = 10_000;
const BEARER = /^bearer +/i;
const EVERYBODY: Admitted = { claim: null, granted: null };

export async function askAuthorizer(request: MatchedRequest, services: CallServices): Promise<Admitted | Reply> {
  const { route } = request.match;
  if (route.authorizationType === "NONE") return EVERYBODY;
  if (route.authorizationType === "AWS_IAM") return readSignature(request, services);
  const authorizer = request.served.authorizers.get(route.authorizerId ?? "");
  if (authorizer === undefined) return failed("the route's authorizer is not there");
  return authorizer.type === "JWT"
    ? checkToken(request, authorizer, services)
    : askFunction(request, authorizer, services);
}

/** An account's key may do everything in its account, and nothing in another one. */
function readSignature({ head, apis }: MatchedRequest, { clock, keys }: CallServices): Admitted | Reply {
  const claim = readClaim(head.signed, {
    regions: [apis.region],
    services: [EXECUTE_API],
    nowMs: clock.nowMs(),
    keyOf: (id, token) => keys.keyOf(id, token),
  });
  if ("status" in claim) return errorOf(403, "Forbidden", claim.message);
  return claim.key.accountId === apis.accountId ? { claim, granted: null } : errorOf(403, "Forbidden");
}

async function checkToken(
  request: MatchedRequest,
  authorizer: JwtAuthorizerRecord,
  services: CallServices,
): Promise<Admitted | Reply> {
  const { scopes } = request.match.route;
  const [given] = identityIn(request, authorizer.identitySources, services) ?? [];
  if (given === undefined) return challenge(401, "Unauthorized", "Bearer");
  const checked = await request.apis.checkToken(given.replace(BEARER, ""), authorizer);
  const asked = `Bearer scope="${scopes.join(" ")}"`;
  if (checked.kind === "invalid")
    return challenge(
      401,
      "Unauthorized",
      `${asked} error="invalid_token" error_description="${checked.description}"`,
      checked.why ?? checked.description,
    );
  const granted = grantedScopes(checked.claims, scopes);
  if (scopes.length > 0 && granted.length === 0)
    return challenge(
      403,
      "Forbidden",
      `${asked} error="insufficient_scope" error_description="the token does not have a valid scope"`,
    );
  const claims = claimTexts(checked.claims);
  return { claim: null, granted: { kind: "jwt", claims, scopes: scopes.length === 0 ? null : granted } };
}

function challenge(status: number, message: string, value: string, why: string | null = null): Reply {
  const reply = errorOf(status, message);
  return { ...reply, headers: { ...reply.headers, "www-authenticate": value, ...reasonHeader(why) } };
}

async function askFunction(
  request: MatchedRequest,
  authorizer: LambdaAuthorizerRecord,
  services: CallServices,
): Promise<Admitted | Reply> {
  const { head, asked, apis } = request;
  const identity = identityIn(request, authorizer.identitySources, services);
  if (identity === null) return errorOf(401, "Unauthorized");
  const routeArn = `${apiArnOf(request)}/${asked.stage.name}/${head.method}${pathOf(request)}`;
  const result = await apis.authorize({
    key: keyOf(request, authorizer, identity),
    ttlS: authorizer.ttlS,
    timeoutMs: TIMEOUT_MS,
    read: (bytes) => (authorizer.isSimple ? readSimpleResult(bytes) : readPolicyResult(bytes, { isScalar: false })),
    uri: authorizer.uri,
    variables: asked.stage.variables,
    sourceArn: `${apiArnOf(request)}/authorizers/${authorizer.id}`,
    ...eventOf(request, authorizer, services, identity, routeArn),
  });
  if (result.kind === "unauthorized") return errorOf(401, "Unauthorized");
  if (result.kind === "failed") return failed(result.why);
  return admittedBy(result.result, routeArn);
}

function admittedBy({ decide, principalId, context }: AuthorizerResult, routeArn: string): Admitted | Reply {
  const decision = decide(routeArn);
  if (decision !== "allowed") return errorOf(403, "Forbidden", `the authorizer's answer for ${routeArn}: ${decision}`);
  return { claim: null, granted: { kind: "lambda", principalId, context } };
}

function eventOf(
  request: MatchedRequest,
  { payloadFormatVersion }: LambdaAuthorizerRecord,
  services: CallServices,
  identity: readonly string[],
  routeArn: string,
) {
  const traceId = traceIdOf(request.head, services);
  const { requestId } = request;
  const call = requestCall(request, services, { ...EVERYBODY, body: Buffer.alloc(0), requestId, traceId });
  const event =
    payloadFormatVersion === "2.0"
      ? toAuthorizerEvent(call, routeArn, identity)
      : toAuthorizerEventV1(call, request.asked.path, routeArn, identity);
  return { requestId: services.random.uuid(), payload: Buffer.from(JSON.stringify(event)), traceId };
}

/** Null where a part of the identity is missing. */
function identityIn(
  { head, api, asked, match, requestId, apis }: MatchedRequest,
  sources: readonly string[],
  { isTrustedProxy }: CallServices,
): readonly string[] | null {
  const context: Readonly<Record<string, string>> = {
    accountId: apis.accountId,
    apiId: api.id,
    domainName: head.hostName,
    httpMethod: head.method,
    "identity.sourceIp": sourceOf(head, isTrustedProxy).sourceIp,
    "identity.userAgent": head.values["user-agent"]?.join(",") ?? "",
    path: asked.path,
    requestId,
    routeKey: match.route.key,
    stage: asked.stage.name,
  };
  return identityOf(sources, {
    header: (name) => (Object.hasOwn(head.values, name) ? (head.values[name]?.join(",") ?? null) : null),
    query: (name) => head.query.get(name),
    variables: asked.stage.variables,
    context: (name) => (Object.hasOwn(context, name) ? (context[name] ?? null) : null),
  });
}

/** The path decoded: however it was written, a policy judges the same. */
function pathOf({ match, asked }: MatchedRequest): string {
  const at = match.route.key.indexOf(" ");
  if (at === -1) return decoded(asked.path);
  const path = match.route.key.slice(at + 1);
  return path.replaceAll(/\{([A-Za-z0-9._-]+)\+?\}/g, (label, name: string) => match.parameters[name] ?? label);
}

/** Parts that are no percent-encoding stay as they are. */
function decoded(path: string): string {
  const parts = path.split("/").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return parts.join("/");
}

/** Null where nothing is kept. An authorizer that was changed has other results; so has a stage that forgot them. */
function keyOf(
  { api, asked: { stage } }: MatchedRequest,
  authorizer: LambdaAuthorizerRecord,
  identity: readonly string[],
): string | null {
  if (authorizer.ttlS === 0 || identity.length === 0) return null;
  const digest = createHash("sha256")
    .update(JSON.stringify([authorizer, identity]))
    .digest("base64");
  return `${api.id}/${stage.name}/${stage.authorizerResets}/${digest}`;
}

function apiArnOf({ api, apis: { region, accountId } }: MatchedRequest): string {
  return `arn:aws:execute-api:${region}:${accountId}:${api.id}`;
}
