/** Function URLs: who may call, what the function sees, what the client gets. */
import { signRequest } from "@thaw/aws-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CREDENTIALS, REGION } from "./http-harness.ts";
import { publicStatement, UrlHarness, type Wish } from "./url-harness.ts";

interface Event {
  readonly rawPath: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly requestContext: Readonly<Record<string, unknown>> & { readonly http: Readonly<Record<string, string>> };
  readonly [member: string]: unknown;
}

const FORBIDDEN =
  "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";
const TRACE = /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/;

let urls: UrlHarness;
beforeAll(async () => {
  urls = await UrlHarness.start();
});
afterAll(() => urls.end());

async function eventOf(id: string, wish: Wish = {}): Promise<Event> {
  const answer = await urls.send(id, wish);
  expect(answer.status, answer.text).toBe(200);
  return JSON.parse(answer.text) as Event;
}

describe("the event", async () => {
  it("has what payload format 2.0 has", async () => {
    const { id } = await urls.makeUrl("echo");
    const event = await eventOf(id, {
      method: "POST",
      path: "/pa2%Fth/%41?q=a&q=b%20c&x=",
      headers: { "content-type": "application/json", "X-Two": ["1", "2"], cookie: "a=1; b=2", "user-agent": "test/1" },
      body: Buffer.from('{"é":1}'),
    });
    expect(event).toEqual({
      version: "2.0",
      routeKey: "$default",
      rawPath: "/pa2%Fth/%41",
      rawQueryString: "q=a&q=b%20c&x=",
      cookies: ["a=1", "b=2"],
      headers: {
        host: urls.hostOf(id),
        "content-type": "application/json",
        "content-length": "8",
        "x-two": "1,2",
        "user-agent": "test/1",
        "x-amzn-trace-id": expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-port": String(urls.http.port),
        "x-forwarded-proto": "http",
      },
      queryStringParameters: { q: "a,b c", x: "" },
      requestContext: {
        accountId: "anonymous",
        apiId: id,
        domainName: `${id}.lambda-url.${REGION}.localhost`,
        domainPrefix: id,
        http: {
          method: "POST",
          path: "/pa2%Fth/%41",
          protocol: "HTTP/1.1",
          sourceIp: "127.0.0.1",
          userAgent: "test/1",
        },
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        routeKey: "$default",
        stage: "$default",
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      body: '{"é":1}',
      isBase64Encoded: false,
    });
  });

  it("leaves out what is not there, and comes by the path as by the host", async () => {
    const { id } = await urls.makeUrl("echo");
    const bare = await eventOf(id);
    expect(Object.keys(bare)).not.toEqual(expect.arrayContaining(["body"]));
    expect([bare["cookies"], bare["queryStringParameters"], bare["isBase64Encoded"]]).toEqual([
      undefined,
      undefined,
      false,
    ]);
    const byPath = await eventOf(id, { host: `127.0.0.1:${urls.http.port}`, path: `/_thaw/url/${id}/a%2Fb?c` });
    expect([byPath.rawPath, byPath["rawQueryString"]]).toEqual(["/a%2Fb", "c"]);
    expect((await eventOf(id, { host: "x", path: `/_thaw/url/${id}` })).rawPath).toBe("/");
    for (const path of ["/healthz", "/_thaw/v1/host", "/2015-03-31/functions"])
      expect((await eventOf(id, { path })).rawPath).toBe(path);
    expect((await eventOf(id, { path: `http://${urls.hostOf(id)}/whole?x` })).rawPath).toBe("/whole");
    const odd = urls.hostOf(id).toUpperCase().replace(/:\d+$/, ".:80");
    expect((await eventOf(id, { host: odd })).requestContext["apiId"]).toBe(id);
  });

  it.for([
    ["text/plain; charset=utf-8", "text", false],
    ["application/vnd.api+json", "{}", false],
    ["application/xml", "<a/>", false],
    ["multipart/form-data; boundary=x", "text", true],
    ["application/x-www-form-urlencoded", "a=b", true],
    ["application/octet-stream", "text", true],
    ["text/plain", Buffer.from([0xff, 0xfe]), true],
    ["garbage;;", "text", true],
  ] as const)("has a body of type %s as it is, or in base64", async ([type, body, isBase64Encoded]) => {
    const { id } = await urls.makeUrl("echo");
    const event = await eventOf(id, { method: "PUT", headers: { "content-type": type }, body: Buffer.from(body) });
    expect(event["isBase64Encoded"]).toBe(isBase64Encoded);
    expect(event["body"]).toBe(isBase64Encoded ? Buffer.from(body).toString("base64") : body);
  });

  it("believes X-Forwarded headers of trusted proxies only", async () => {
    const { id } = await urls.makeUrl("echo");
    const headers = { "x-forwarded-for": "1.1.1.1, 2.2.2.2", "x-forwarded-proto": "https", "x-forwarded-port": "443" };
    const { http } = (await eventOf(id, { headers })).requestContext;
    expect(http["sourceIp"]).toBe("127.0.0.1");
  });
});

describe("the response", async () => {
  it.for([
    ['{"hello": "world"}', 200, '{"hello":"world"}'],
    ['["hello", 3, true]', 200, '["hello",3,true]'],
    ['"hello"', 200, "hello"],
    ["3.10", 200, "3.10"],
    ["null", 200, "null"],
    ['{"statusCode": 201, "body": "made"}', 201, "made"],
    ['{"statusCode": "418"}', 418, ""],
    ['{"statusCode": 200, "body": {"a": 1}}', 200, '{"a":1}'],
    ['{"statusCode": 200, "body": "aGk=", "isBase64Encoded": true}', 200, "hi"],
    ['{"statusCode": 200, "body": "no base64!", "isBase64Encoded": true}', 502, "Internal Server Error"],
    ['{"statusCode": "OK"}', 502, "Internal Server Error"],
    ['{"statusCode": 101}', 502, "Internal Server Error"],
    ['{"statusCode": 200, "headers": ["a"]}', 502, "Internal Server Error"],
    ['{"statusCode": 200, "headers": {"a": "b\\r\\nc: d"}}', 502, "Internal Server Error"],
    ['{"statusCode": 200, "headers": {"a b": "c"}}', 502, "Internal Server Error"],
    ['{"statusCode": 200, "cookies": "a=b"}', 502, "Internal Server Error"],
  ] as const)("of %s is %i %s", async ([result, status, text]) => {
    const { id } = await urls.makeUrl("result");
    const answer = await urls.send(id, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: Buffer.from(result),
    });
    expect([answer.status, answer.text, answer.headers["content-type"]]).toEqual([status, text, "application/json"]);
    expect(answer.headers["x-amzn-requestid"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers["x-amzn-trace-id"]).toMatch(TRACE);
  });

  it("has the function's headers and cookies; the platform's own names come under others", async () => {
    const { id } = await urls.makeUrl("result");
    const result = {
      statusCode: 200,
      headers: {
        "Content-Type": "text/html",
        "Set-Cookie": "c=3",
        "X-Number": 1,
        "Content-Length": "999",
        Connection: "close",
      },
      cookies: ["a=1; Path=/", "b=2"],
      body: "<p>",
    };
    const body = Buffer.from(JSON.stringify(result));
    const answer = await urls.send(id, { method: "POST", headers: { "content-type": "text/plain" }, body });
    expect(answer.text).toBe("<p>");
    expect(answer.headers).toMatchObject({
      "content-type": "text/html",
      "content-length": "3",
      "x-number": "1",
      "x-amzn-remapped-content-length": "999",
      "x-amzn-remapped-connection": "close",
      "set-cookie": ["c=3", "a=1; Path=/", "b=2"],
    });
    const head = await urls.send(id, { method: "HEAD" });
    expect([head.status, head.text]).toEqual([502, ""]);
  });

  it.for([204, 304])("of status %i has no body", async (statusCode) => {
    const { id } = await urls.makeUrl("result");
    const body = Buffer.from(JSON.stringify({ statusCode, body: "dropped" }));
    const answer = await urls.send(id, { method: "POST", headers: { "content-type": "text/plain" }, body });
    expect([answer.status, answer.text]).toEqual([statusCode, ""]);
  });

  it("of a function that fails is a bad gateway, and nothing of the error is told", async () => {
    const { id } = await urls.makeUrl("failing");
    const answer = await urls.send(id);
    expect([answer.status, answer.text]).toEqual([502, "Internal Server Error"]);
  });

  it("of a function that does not stream is its result where streams are expected", async () => {
    const { id } = await urls.makeUrl("result", { InvokeMode: "RESPONSE_STREAM" });
    const body = Buffer.from('{"statusCode": 201, "body": "x"}');
    const answer = await urls.send(id, { method: "POST", headers: { "content-type": "text/plain" }, body });
    expect([answer.status, answer.text]).toEqual([200, '{"statusCode": 201, "body": "x"}']);
  });

  it("is 429 where the function's concurrency is used up, and 413 of more than six MiB", async () => {
    const { name, id } = await urls.makeUrl("echo");
    await urls.call("PutFunctionConcurrency", { FunctionName: name, ReservedConcurrentExecutions: 0 });
    const throttled = await urls.send(id);
    expect([throttled.status, JSON.parse(throttled.text)]).toEqual([
      429,
      { Type: "User", Reason: "ReservedFunctionConcurrentInvocationLimitExceeded", message: "Rate Exceeded." },
    ]);
    expect(throttled.headers["x-amzn-errortype"]).toBe("TooManyRequestsException");
    const large = await urls.send(id, { method: "POST", body: Buffer.alloc(6 * 1024 * 1024 + 1) });
    // In base64 it is larger than an event may be.
    const grown = await urls.send(id, { method: "POST", body: Buffer.alloc(5 * 1024 * 1024) });
    expect([large.status, grown.status]).toEqual([413, 413]);
  });
});

describe("who may call", async () => {
  it("is nobody where there is no URL of the id", async () => {
    const answer = await urls.send("0123456789abcdefghijklmnopqrstuv");
    expect([answer.status, answer.text]).toEqual([403, '{"Message":null}']);
    expect(answer.headers).toMatchObject({
      "content-type": "application/json",
      "x-amzn-errortype": "AccessDeniedException",
    });
    const { id } = await urls.makeUrl("echo");
    expect((await urls.send(id, { host: `${id}.lambda-url.eu-west-1.localhost` })).text).toBe('{"Message":null}');
  });

  it("is everybody by a statement of the policy, while it is there", async () => {
    const { name, id } = await urls.makeUrl("echo");
    await eventOf(id);
    await urls.call("RemovePermission", { FunctionName: name, StatementId: "public" });
    const answer = await urls.send(id);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([403, { Message: FORBIDDEN }]);
    const others = [
      { ...publicStatement(name), FunctionUrlAuthType: "AWS_IAM" },
      { ...publicStatement(name), SourceAccount: "000000000000" },
      { ...publicStatement(name), SourceArn: "arn:aws:s3:::bucket" },
      { ...publicStatement(name), Action: "lambda:InvokeFunction" },
      { ...publicStatement(name), Principal: "s3.amazonaws.com" },
    ];
    for (const [index, statement] of others.entries())
      await urls.call("AddPermission", { ...statement, StatementId: `s${index}` });
    expect((await urls.send(id)).status).toBe(403);
    await urls.call("AddPermission", { ...publicStatement(name), Action: "lambda:*", InvokedViaFunctionUrl: true });
    expect((await urls.send(id)).status).toBe(200);
  });

  it("is who signs with the account's key, where a signature is asked for", async () => {
    const { name, id } = await urls.makeUrl("echo");
    await urls.call("UpdateFunctionUrlConfig", { FunctionName: name, AuthType: "AWS_IAM" });
    const unsigned = await urls.send(id);
    expect([unsigned.status, JSON.parse(unsigned.text)]).toEqual([403, { Message: FORBIDDEN }]);
    const body = Buffer.from("text");
    const sign = (secretAccessKey: string): Record<string, string> =>
      signRequest(
        {
          method: "POST",
          path: "/a%20b",
          query: "c=d",
          headers: { host: urls.hostOf(id), "content-type": "text/plain" },
          body,
        },
        { ...CREDENTIALS, secretAccessKey },
        REGION,
        Date.now(),
      );
    const wish = { method: "POST", path: "/a%20b?c=d", body };
    const event = await eventOf(id, { ...wish, headers: sign(CREDENTIALS.secretAccessKey) });
    expect(event.requestContext).toMatchObject({
      accountId: "000000000000",
      authorizer: {
        iam: { accessKey: CREDENTIALS.accessKeyId, userArn: "arn:aws:iam::000000000000:root", cognitoIdentity: null },
      },
    });
    expect([event.headers["authorization"], event.headers["x-amz-date"]]).toEqual([undefined, expect.any(String)]);
    const wrong = await urls.send(id, { ...wish, headers: sign("other") });
    expect([wrong.status, wrong.headers["x-amzn-errortype"]]).toEqual([403, "InvalidSignatureException"]);
    const other = await urls.send(id, {
      ...wish,
      headers: sign(CREDENTIALS.secretAccessKey),
      body: Buffer.from("texT"),
    });
    expect(other.status).toBe(403);
  });

  it("is nobody once the alias is gone; its URL stays, and works again with a new alias and a new statement", async () => {
    const { name, id: own } = await urls.makeUrl("echo");
    const alias = { FunctionName: name, Qualifier: "live" };
    const makeAlias = (): Promise<unknown> =>
      urls.call("CreateAlias", { FunctionName: name, Name: "live", FunctionVersion: "$LATEST" });
    await makeAlias();
    const { FunctionUrl: id } = (await urls.call("CreateFunctionUrlConfig", { ...alias, AuthType: "NONE" })) as {
      readonly FunctionUrl: string;
    };
    expect(id).not.toBe(own);
    await urls.call("AddPermission", { ...publicStatement(name), ...alias });
    await eventOf(id);
    await urls.call("DeleteAlias", { FunctionName: name, Name: "live" });
    const gone = await urls.send(id);
    expect([gone.status, JSON.parse(gone.text)]).toEqual([403, { Message: FORBIDDEN }]);
    await makeAlias();
    expect((await urls.send(id)).status).toBe(403);
    await urls.call("AddPermission", { ...publicStatement(name), ...alias });
    await eventOf(id);
    await urls.call("DeleteFunction", { FunctionName: name });
    expect([(await urls.send(id)).text, (await urls.send(own)).text]).toEqual(['{"Message":null}', '{"Message":null}']);
  });
});

describe("browsers of other origins", async () => {
  const cors = {
    AllowOrigins: ["https://one.example"],
    AllowMethods: ["GET", "POST"],
    AllowHeaders: ["x-a", "x-b"],
    ExposeHeaders: ["x-c"],
    AllowCredentials: true,
    MaxAge: 60,
  };
  const preflight = (origin: string): Wish => ({
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST" },
  });

  it("are answered without the function, by what is configured", async () => {
    const { id } = await urls.makeUrl("failing", { Cors: cors });
    const answer = await urls.send(id, preflight("https://one.example"));
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": "https://one.example",
      "access-control-allow-methods": "GET,POST",
      "access-control-allow-headers": "x-a,x-b",
      "access-control-allow-credentials": "true",
      "access-control-max-age": "60",
      vary: "Origin",
    });
    const other = await urls.send(id, preflight("https://two.example"));
    expect(other.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("see the configured headers on other answers, and the function's own", async () => {
    const { id } = await urls.makeUrl("result", { Cors: { ...cors, AllowOrigins: ["*"] } });
    const body = Buffer.from('{"statusCode": 200, "headers": {"Access-Control-Expose-Headers": "x-own"}}');
    const headers = { "content-type": "text/plain", origin: "https://any.example" };
    const answer = await urls.send(id, { method: "POST", headers, body });
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "x-c, x-own",
    });
    expect((await urls.send(id)).headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("are the function's own matter where nothing is configured", async () => {
    const { id } = await urls.makeUrl("echo");
    expect((await eventOf(id, preflight("https://one.example"))).requestContext.http["method"]).toBe("OPTIONS");
  });
});

describe("bad requests", async () => {
  it("of two hosts are refused", async () => {
    const { id } = await urls.makeUrl("echo");
    const connection = await urls.http.open();
    connection.send("GET", "/", { host: urls.hostOf(id), Host: "other" });
    expect(await connection.head()).toMatch(/^HTTP\/1\.1 400 /);
    connection.socket.destroy();
  });
});
