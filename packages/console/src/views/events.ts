/** Events to begin with, in the shapes that AWS's services send. */
export const TEMPLATES: Readonly<Record<string, unknown>> = {
  Empty: {},
  "HTTP API (payload 2.0)": {
    version: "2.0",
    routeKey: "GET /hello",
    rawPath: "/hello",
    rawQueryString: "name=thaw",
    headers: { accept: "application/json" },
    queryStringParameters: { name: "thaw" },
    requestContext: {
      accountId: "000000000000",
      apiId: "api",
      domainName: "api.execute-api.localhost",
      http: { method: "GET", path: "/hello", protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "console" },
      requestId: "request",
      routeKey: "GET /hello",
      stage: "$default",
    },
    isBase64Encoded: false,
  },
  "REST API": {
    resource: "/hello",
    path: "/hello",
    httpMethod: "GET",
    headers: { accept: "application/json" },
    queryStringParameters: { name: "thaw" },
    pathParameters: null,
    requestContext: { resourcePath: "/hello", httpMethod: "GET", stage: "dev", requestId: "request" },
    body: null,
    isBase64Encoded: false,
  },
  SQS: {
    Records: [
      {
        messageId: "059f36b4-87a3-44ab-83d2-661975830a7d",
        receiptHandle: "handle",
        body: "a message",
        attributes: { ApproximateReceiveCount: "1" },
        messageAttributes: {},
        eventSource: "aws:sqs",
        eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:queue",
        awsRegion: "us-east-1",
      },
    ],
  },
  SNS: {
    Records: [
      {
        EventSource: "aws:sns",
        EventVersion: "1.0",
        Sns: { Type: "Notification", Subject: "a subject", Message: "a message", MessageAttributes: {} },
      },
    ],
  },
  "S3 put": {
    Records: [
      {
        eventVersion: "2.1",
        eventSource: "aws:s3",
        awsRegion: "us-east-1",
        eventName: "ObjectCreated:Put",
        s3: { bucket: { name: "bucket", arn: "arn:aws:s3:::bucket" }, object: { key: "key", size: 1024 } },
      },
    ],
  },
  EventBridge: {
    version: "0",
    id: "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    source: "aws.events",
    account: "000000000000",
    time: "2026-01-01T00:00:00Z",
    region: "us-east-1",
    resources: ["arn:aws:events:us-east-1:000000000000:rule/schedule"],
    detail: {},
  },
};
