/**
 * The event that a REST API gives to a function. What is empty is null.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
import { formatTime, type HttpCall } from "../http-event.ts";
import { queryValues } from "../query-values.ts";
import { isBinary } from "./media-types.ts";

export interface RestCall extends Omit<HttpCall, "headers"> {
  /** Names and values in turn, as the client sent them. */
  readonly rawHeaders: readonly string[];
  /** Path without the stage's name. */
  readonly pathInStage: string;
  readonly resourceId: string;
  readonly resourcePath: string;
  readonly deploymentId: string;
  readonly extendedRequestId: string;
  readonly binaryMediaTypes: readonly string[];
  /** What an authorizer has handed on; null: none was asked. */
  readonly authorizer: Readonly<Record<string, unknown>> | null;
}

/** Headers of one connection, and those that AWS does not hand on (recorded …test_lambda_aws_proxy_integration). */
const LEFT_OUT = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

type Values = ReadonlyMap<string, readonly string[]>;

export function toRestEvent(call: RestCall): Readonly<Record<string, unknown>> {
  const headers = headersOf(call);
  const query = queryValues(call.query);
  const { parameters, variables } = call.route;
  return {
    resource: call.resourcePath,
    path: call.pathInStage,
    httpMethod: call.method,
    headers: lastOf(headers),
    multiValueHeaders: allOf(headers),
    queryStringParameters: query.size === 0 ? null : lastOf(query),
    multiValueQueryStringParameters: query.size === 0 ? null : allOf(query),
    pathParameters: nullWhenEmpty(parameters),
    stageVariables: nullWhenEmpty(variables),
    requestContext: restContextOf(call),
    ...bodyOf(call),
  };
}

function restContextOf(call: RestCall): Readonly<Record<string, unknown>> {
  return {
    resourceId: call.resourceId,
    ...(call.authorizer === null ? {} : { authorizer: call.authorizer }),
    resourcePath: call.resourcePath,
    httpMethod: call.method,
    extendedRequestId: call.extendedRequestId,
    requestTime: formatTime(call.timeMs),
    path: call.path,
    accountId: call.accountId,
    protocol: call.protocol,
    stage: call.route.stage,
    domainPrefix: call.apiId,
    requestTimeEpoch: call.timeMs,
    requestId: call.requestId,
    identity: identityOf(call),
    domainName: call.domainName,
    deploymentId: call.deploymentId,
    apiId: call.apiId,
  };
}

function identityOf(call: RestCall): Readonly<Record<string, unknown>> {
  const { caller } = call;
  return {
    cognitoIdentityPoolId: null,
    accountId: caller?.accountId ?? null,
    cognitoIdentityId: null,
    caller: caller?.userId ?? null,
    sourceIp: call.sourceIp,
    principalOrgId: null,
    accessKey: caller?.accessKeyId ?? null,
    cognitoAuthenticationType: null,
    cognitoAuthenticationProvider: null,
    userArn: caller?.principalArn ?? null,
    userAgent: headerOf(call.rawHeaders, "user-agent"),
    user: caller?.userId ?? null,
  };
}

/** The event of an authorizer that gets the whole request but its body. */
export function toAuthorizerEvent(call: RestCall, methodArn: string): Readonly<Record<string, unknown>> {
  const { body: _body, isBase64Encoded: _isBase64Encoded, ...event } = toRestEvent(call);
  return { type: "REQUEST", methodArn, ...event };
}

/** The last value of a header; null where there is none. */
export function headerOf(rawHeaders: readonly string[], name: string): string | null {
  const at = rawHeaders.findLastIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name);
  return at === -1 ? null : (rawHeaders[at + 1] ?? null);
}

/** Values of each header by its name as it was first written; those that the gateway makes come last. */
function headersOf({ rawHeaders, traceId, sourceIp, port, scheme, caller }: RestCall): Values {
  const made = {
    "X-Amzn-Trace-Id": traceId,
    "X-Forwarded-For": sourceIp,
    "X-Forwarded-Port": port,
    "X-Forwarded-Proto": scheme,
  };
  const leftOut = new Set([...LEFT_OUT, ...Object.keys(made).map((name) => name.toLowerCase())]);
  // A signature that was asked for is the platform's.
  if (caller !== null) leftOut.add("authorization");
  const written = new Map<string, string>();
  const values = new Map<string, string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    const lower = name.toLowerCase();
    if (leftOut.has(lower)) continue;
    const first = written.get(lower);
    if (first !== undefined) values.get(first)?.push(value);
    else {
      written.set(lower, name);
      values.set(name, [value]);
    }
  }
  for (const [name, value] of Object.entries(made)) values.set(name, [value]);
  return values;
}

/** Null prototypes: a header may be called __proto__. */
function lastOf(values: Values): Readonly<Record<string, string>> {
  return fill(values, (all) => all.at(-1) ?? "");
}

function allOf(values: Values): Readonly<Record<string, readonly string[]>> {
  return fill(values, (all) => all);
}

function fill<T>(values: Values, valueOf: (all: readonly string[]) => T): Readonly<Record<string, T>> {
  const map = Object.create(null) as Record<string, T>;
  for (const [name, all] of values) map[name] = valueOf(all);
  return map;
}

function nullWhenEmpty(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null {
  return Object.keys(map).length === 0 ? null : map;
}

/** Text, unless the API says of the content type that it is binary. */
function bodyOf({ body, binaryMediaTypes, rawHeaders }: RestCall): {
  readonly body: string | null;
  readonly isBase64Encoded: boolean;
} {
  if (body.length === 0) return { body: null, isBase64Encoded: false };
  return isBinary(binaryMediaTypes, headerOf(rawHeaders, "content-type"))
    ? { body: body.toString("base64"), isBase64Encoded: true }
    : { body: body.toString("utf8"), isBase64Encoded: false };
}
