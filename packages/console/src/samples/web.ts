/** Requests of the web, as each front of AWS hands them on. */
import type { Sample, SampleName } from "./names.ts";

const AT_MS = Date.UTC(2026, 0, 1);
const REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef";

export const WEB = {
  "API Gateway HTTP API": (place) => {
    const event = payload2("GET /hello/{name}", `api.execute-api.${place.region}.amazonaws.com`, place.accountId);
    return { ...event, pathParameters: { name: "thaw" }, stageVariables: { key: "value" } };
  },
  "API Gateway REST API": ({ accountId, region }) => ({
    resource: "/hello/{name}",
    path: "/hello/thaw",
    httpMethod: "GET",
    headers: { Accept: "application/json", Host: `api.execute-api.${region}.amazonaws.com` },
    multiValueHeaders: { Accept: ["application/json"], Host: [`api.execute-api.${region}.amazonaws.com`] },
    queryStringParameters: { page: "2" },
    multiValueQueryStringParameters: { page: ["1", "2"] },
    pathParameters: { name: "thaw" },
    stageVariables: null,
    requestContext: {
      accountId,
      apiId: "api",
      domainName: `api.execute-api.${region}.amazonaws.com`,
      extendedRequestId: "JKJaXmPLvHcESHA=",
      httpMethod: "GET",
      identity: { sourceIp: "127.0.0.1", userAgent: "console", cognitoIdentityId: null, userArn: null },
      path: "/dev/hello/thaw",
      protocol: "HTTP/1.1",
      requestId: REQUEST_ID,
      requestTime: "01/Jan/2026:00:00:00 +0000",
      requestTimeEpoch: AT_MS,
      resourceId: "123456",
      resourcePath: "/hello/{name}",
      stage: "dev",
    },
    body: null,
    isBase64Encoded: false,
  }),
  "API Gateway WebSocket": ({ region }) => ({
    requestContext: {
      routeKey: "$default",
      messageId: "JKJaXmPLvHcCFYA=",
      eventType: "MESSAGE",
      extendedRequestId: "JKJaXmPLvHcESHA=",
      requestTime: "01/Jan/2026:00:00:00 +0000",
      messageDirection: "IN",
      stage: "dev",
      connectedAt: AT_MS,
      requestTimeEpoch: AT_MS,
      identity: { sourceIp: "127.0.0.1" },
      requestId: "JKJaXmPLvHcESHA=",
      domainName: `api.execute-api.${region}.amazonaws.com`,
      connectionId: "JKJaXcPLvHcCEUw=",
      apiId: "api",
    },
    body: '{"action":"hello"}',
    isBase64Encoded: false,
  }),
  "API Gateway Lambda authorizer": ({ accountId, region }) => ({
    type: "TOKEN",
    authorizationToken: "Bearer token",
    methodArn: `arn:aws:execute-api:${region}:${accountId}:api/dev/GET/hello`,
  }),
  "Function URL": ({ region }) => payload2("$default", `url-id.lambda-url.${region}.on.aws`, "anonymous"),
  "Application Load Balancer": ({ accountId, region }) => ({
    requestContext: {
      elb: {
        targetGroupArn: `arn:aws:elasticloadbalancing:${region}:${accountId}:targetgroup/group/49e9d65c45c6791a`,
      },
    },
    httpMethod: "GET",
    path: "/hello",
    queryStringParameters: { name: "thaw" },
    headers: {
      accept: "application/json",
      host: `balancer-123456789.${region}.elb.amazonaws.com`,
      "user-agent": "console",
      "x-amzn-trace-id": "Root=1-5c536348-3d683b8b04734faae651f476",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-port": "80",
      "x-forwarded-proto": "http",
    },
    body: "",
    isBase64Encoded: false,
  }),
} as const satisfies Partial<Record<SampleName, Sample>>;

/** Format 2.0, which HTTP APIs and function URLs have in common. */
function payload2(routeKey: string, domainName: string, accountId: string): object {
  const path = "/hello/thaw";
  return {
    version: "2.0",
    routeKey,
    rawPath: path,
    rawQueryString: "page=1&page=2",
    cookies: ["session=1"],
    headers: { accept: "application/json", host: domainName, "user-agent": "console" },
    queryStringParameters: { page: "1,2" },
    requestContext: {
      accountId,
      apiId: domainName.split(".", 1)[0],
      domainName,
      domainPrefix: domainName.split(".", 1)[0],
      http: { method: "GET", path, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "console" },
      requestId: REQUEST_ID,
      routeKey,
      stage: "$default",
      time: "01/Jan/2026:00:00:00 +0000",
      timeEpoch: AT_MS,
    },
    isBase64Encoded: false,
  };
}
