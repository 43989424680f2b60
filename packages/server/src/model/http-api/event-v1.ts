/**
 * The event of payload format 1.0, which an HTTP API gives to an integration that asks for it. What is empty is null.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import { queryValues } from "../query-values.ts";
import { bodyOf, formatTime, type HttpCall } from "../http-event.ts";

/** Makes the event. `pathInStage` is the path without the stage's name. */
export function toHttpEventV1(call: HttpCall, pathInStage: string): Readonly<Record<string, unknown>> {
  const { route } = call;
  const headers = headersOf(call);
  const queries = [...queryValues(call.query)];
  const { body = null, isBase64Encoded } = bodyOf(call);
  const resource = route.key.slice(route.key.indexOf(" ") + 1);
  return {
    version: "1.0",
    resource,
    path: pathInStage,
    httpMethod: call.method,
    headers: lastOf(headers),
    multiValueHeaders: mapOf(headers),
    queryStringParameters: queries.length === 0 ? null : lastOf(queries),
    multiValueQueryStringParameters: queries.length === 0 ? null : mapOf(queries),
    requestContext: contextOf(call, resource),
    pathParameters: nullWhenEmpty(route.parameters),
    stageVariables: nullWhenEmpty(route.variables),
    body,
    isBase64Encoded,
  };
}

type Values = ReadonlyArray<readonly [string, readonly string[]]>;

function headersOf({ headers, traceId, sourceIp, port, scheme }: HttpCall): Values {
  const made = {
    "x-amzn-trace-id": traceId,
    "x-forwarded-for": sourceIp,
    "x-forwarded-port": port,
    "x-forwarded-proto": scheme,
  };
  return [
    ...Object.entries(headers).filter(([name]) => !Object.hasOwn(made, name) && name !== "connection"),
    ...Object.entries(made).map(([name, value]) => [name, [value]] as const),
  ];
}

function lastOf(values: Values): Readonly<Record<string, string>> {
  return Object.fromEntries(values.map(([name, all]) => [name, all.at(-1) ?? ""]));
}

function mapOf(values: Values): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(values);
}

function nullWhenEmpty(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null {
  return Object.keys(map).length === 0 ? null : map;
}

function contextOf(call: HttpCall, resource: string): Readonly<Record<string, unknown>> {
  const { caller } = call;
  return {
    accountId: call.accountId,
    apiId: call.apiId,
    ...(caller === null ? { authorizer: authorizerOf(call) } : {}),
    domainName: call.domainName,
    domainPrefix: call.apiId,
    extendedRequestId: call.requestId,
    httpMethod: call.method,
    identity: {
      accessKey: caller?.accessKeyId ?? null,
      accountId: caller?.accountId ?? null,
      caller: caller?.accountId ?? null,
      cognitoAuthenticationProvider: null,
      cognitoAuthenticationType: null,
      cognitoIdentityId: null,
      cognitoIdentityPoolId: null,
      principalOrgId: null,
      sourceIp: call.sourceIp,
      user: caller?.accountId ?? null,
      userAgent: call.headers["user-agent"]?.at(-1) ?? "",
      userArn: caller === null ? null : `arn:aws:iam::${caller.accountId}:root`,
    },
    path: call.path,
    protocol: call.protocol,
    requestId: call.requestId,
    requestTime: formatTime(call.timeMs),
    requestTimeEpoch: call.timeMs,
    resourceId: null,
    resourcePath: resource,
    stage: call.route.stage,
  };
}

function authorizerOf({ granted }: HttpCall): Readonly<Record<string, unknown>> {
  if (granted?.kind !== "lambda") return { claims: granted?.claims ?? null, scopes: granted?.scopes ?? null };
  const { principalId, context } = granted;
  return { ...context, ...(principalId === null ? {} : { principalId }) };
}

/** The event of a Lambda authorizer, payload format 1.0. `sources`: the values of the identity. */
export function toAuthorizerEventV1(
  call: HttpCall,
  pathInStage: string,
  methodArn: string,
  sources: readonly string[],
): object {
  const { version, resource, path, httpMethod, headers, queryStringParameters, pathParameters, stageVariables } =
    toHttpEventV1(call, pathInStage);
  const identity = sources.length === 0 ? null : sources.join(",");
  return {
    version,
    type: "REQUEST",
    methodArn,
    identitySource: identity,
    authorizationToken: identity,
    resource,
    path,
    httpMethod,
    headers,
    queryStringParameters,
    pathParameters,
    stageVariables,
    requestContext: contextOf(call, String(resource)),
  };
}
