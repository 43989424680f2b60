/** An event as API Gateway's HTTP APIs and function URLs send it, payload format 2.0. */

interface Given {
  readonly method: string;
  /** Path, with a query string or without. */
  readonly path: string;
  /** Sent as JSON; absent: no body. */
  readonly body?: unknown;
}

export function httpApiEvent({ method, path, body }: Given): object {
  const { pathname, searchParams } = new URL(path, "http://api.test");
  const query = Object.fromEntries(searchParams);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: pathname,
    rawQueryString: searchParams.toString(),
    headers: { host: "api.test", "content-type": "application/json", "x-forwarded-proto": "https" },
    ...(searchParams.size > 0 ? { queryStringParameters: query } : {}),
    requestContext: {
      accountId: "000000000000",
      apiId: "api",
      domainName: "api.test",
      domainPrefix: "api",
      http: { method, path: pathname, protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "test" },
      requestId: "id",
      routeKey: "$default",
      stage: "$default",
      time: "29/Nov/2026:00:00:00 +0000",
      timeEpoch: 1_795_910_400_000,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    isBase64Encoded: false,
  };
}
