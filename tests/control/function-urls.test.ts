/** Function URLs over HTTP, on the fake engine: who may call, what the function sees, what the client gets. */
import { once } from "node:events";
import { type IncomingHttpHeaders, request } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OperationName } from "@thaw/aws-api";
import { signRequest } from "@thaw/aws-api";
import { systemRandom } from "@thaw/server/testing/base";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CREDENTIALS, HttpHarness, REGION } from "./http-harness.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Wish {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer;
  /** Sent as it is; undefined: the URL's own. */
  readonly host?: string;
}

interface Event {
  readonly rawPath: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly requestContext: Readonly<Record<string, unknown>> & { readonly http: Readonly<Record<string, string>> };
  readonly [member: string]: unknown;
}

const FORBIDDEN =
  "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";
const TRACE = /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/;

let harness: HttpHarness;
beforeAll(async () => {
  harness = await HttpHarness.start({
    random: systemRandom,
    functions: {
      echo: { handle: (_process, { payload }) => payload.toString() },
      // The body of the request is what the function returns.
      result: { handle: (_process, { payload }) => (JSON.parse(payload.toString()) as { body: string }).body },
      failing: {
        handle: () => {
          throw new Error("no");
        },
      },
    },
  });
});
afterAll(() => harness[Symbol.asyncDispose]());

let made = 0;
/** A function with a public URL, or one that asks for a signature. Gives the URL's id. */
async function makeUrl(
  code: string,
  config: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly name: string; readonly id: string }> {
  const name = `f${made++}`;
  await harness.control.create(name, code, { snapStart: false });
  const { FunctionUrl } = (await call("CreateFunctionUrlConfig", {
    FunctionName: name,
    AuthType: "NONE",
    ...config,
  })) as { readonly FunctionUrl: string };
  await call("AddPermission", publicStatement(name));
  return { name, id: FunctionUrl };
}

function publicStatement(FunctionName: string): Record<string, unknown> {
  return {
    FunctionName,
    StatementId: "public",
    Action: "lambda:InvokeFunctionUrl",
    Principal: "*",
    FunctionUrlAuthType: "NONE",
  };
}

function call(operation: OperationName, input: Record<string, unknown>): Promise<unknown> {
  return harness.control.call(operation, input) as Promise<unknown>;
}

function hostOf(id: string): string {
  return `${id}.lambda-url.${REGION}.localhost:${harness.port}`;
}

async function send(id: string, { method = "GET", path = "/", headers = {}, body, host }: Wish = {}): Promise<Answer> {
  const sent = request({
    port: harness.port,
    host: "127.0.0.1",
    method,
    path,
    headers: { host: host ?? hostOf(id), ...headers } as Record<string, string | string[]>,
    setHost: false,
  });
  sent.end(body);
  const [answer] = (await once(sent, "response")) as [import("node:http").IncomingMessage];
  const pieces = (await answer.toArray()) as Buffer[];
  return { status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(pieces).toString() };
}

async function eventOf(id: string, wish: Wish = {}): Promise<Event> {
  const answer = await send(id, wish);
  expect(answer.status, answer.text).toBe(200);
  return JSON.parse(answer.text) as Event;
}

describe("the event", async () => {
  it("has what payload format 2.0 has", async () => {
    const { id } = await makeUrl("echo");
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
        host: hostOf(id),
        "content-type": "application/json",
        "content-length": "8",
        "x-two": "1,2",
        "user-agent": "test/1",
        "x-amzn-trace-id": expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-port": String(harness.port),
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
    const { id } = await makeUrl("echo");
    const bare = await eventOf(id);
    expect(Object.keys(bare)).not.toEqual(expect.arrayContaining(["body"]));
    expect([bare["cookies"], bare["queryStringParameters"], bare["isBase64Encoded"]]).toEqual([
      undefined,
      undefined,
      false,
    ]);
    const byPath = await eventOf(id, { host: `127.0.0.1:${harness.port}`, path: `/_thaw/url/${id}/a%2Fb?c` });
    expect([byPath.rawPath, byPath["rawQueryString"]]).toEqual(["/a%2Fb", "c"]);
    expect((await eventOf(id, { host: "x", path: `/_thaw/url/${id}` })).rawPath).toBe("/");
    for (const path of ["/healthz", "/_thaw/v1/host", "/2015-03-31/functions"])
      expect((await eventOf(id, { path })).rawPath).toBe(path);
    expect((await eventOf(id, { path: `http://${hostOf(id)}/whole?x` })).rawPath).toBe("/whole");
    const odd = hostOf(id).toUpperCase().replace(/:\d+$/, ".:80");
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
    const { id } = await makeUrl("echo");
    const event = await eventOf(id, { method: "PUT", headers: { "content-type": type }, body: Buffer.from(body) });
    expect(event["isBase64Encoded"]).toBe(isBase64Encoded);
    expect(event["body"]).toBe(isBase64Encoded ? Buffer.from(body).toString("base64") : body);
  });

  it("believes X-Forwarded headers of trusted proxies only", async () => {
    const { id } = await makeUrl("echo");
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
    const { id } = await makeUrl("result");
    const answer = await send(id, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: Buffer.from(result),
    });
    expect([answer.status, answer.text, answer.headers["content-type"]]).toEqual([status, text, "application/json"]);
    expect(answer.headers["x-amzn-requestid"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers["x-amzn-trace-id"]).toMatch(TRACE);
  });

  it("has the function's headers and cookies; the platform's own names come under others", async () => {
    const { id } = await makeUrl("result");
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
    const answer = await send(id, { method: "POST", headers: { "content-type": "text/plain" }, body });
    expect(answer.text).toBe("<p>");
    expect(answer.headers).toMatchObject({
      "content-type": "text/html",
      "content-length": "3",
      "x-number": "1",
      "x-amzn-remapped-content-length": "999",
      "x-amzn-remapped-connection": "close",
      "set-cookie": ["c=3", "a=1; Path=/", "b=2"],
    });
    const head = await send(id, { method: "HEAD" });
    expect([head.status, head.text]).toEqual([502, ""]);
  });

  it.for([204, 304])("of status %i has no body", async (statusCode) => {
    const { id } = await makeUrl("result");
    const body = Buffer.from(JSON.stringify({ statusCode, body: "dropped" }));
    const answer = await send(id, { method: "POST", headers: { "content-type": "text/plain" }, body });
    expect([answer.status, answer.text]).toEqual([statusCode, ""]);
  });

  it("of a function that fails is a bad gateway, and nothing of the error is told", async () => {
    const { id } = await makeUrl("failing");
    const answer = await send(id);
    expect([answer.status, answer.text]).toEqual([502, "Internal Server Error"]);
  });

  it("of a function that does not stream is its result where streams are expected", async () => {
    const { id } = await makeUrl("result", { InvokeMode: "RESPONSE_STREAM" });
    const body = Buffer.from('{"statusCode": 201, "body": "x"}');
    const answer = await send(id, { method: "POST", headers: { "content-type": "text/plain" }, body });
    expect([answer.status, answer.text]).toEqual([200, '{"statusCode": 201, "body": "x"}']);
  });

  it("is 429 where the function's concurrency is used up, and 413 of more than six MiB", async () => {
    const { name, id } = await makeUrl("echo");
    await call("PutFunctionConcurrency", { FunctionName: name, ReservedConcurrentExecutions: 0 });
    const throttled = await send(id);
    expect([throttled.status, JSON.parse(throttled.text)]).toEqual([
      429,
      { Type: "User", Reason: "ReservedFunctionConcurrentInvocationLimitExceeded", message: "Rate Exceeded." },
    ]);
    expect(throttled.headers["x-amzn-errortype"]).toBe("TooManyRequestsException");
    const large = await send(id, { method: "POST", body: Buffer.alloc(6 * 1024 * 1024 + 1) });
    // In base64 it is larger than an event may be.
    const grown = await send(id, { method: "POST", body: Buffer.alloc(5 * 1024 * 1024) });
    expect([large.status, grown.status]).toEqual([413, 413]);
  });
});

describe("who may call", async () => {
  it("is nobody where there is no URL of the id", async () => {
    const answer = await send("0123456789abcdefghijklmnopqrstuv");
    expect([answer.status, answer.text]).toEqual([403, '{"Message":null}']);
    expect(answer.headers).toMatchObject({
      "content-type": "application/json",
      "x-amzn-errortype": "AccessDeniedException",
    });
    const { id } = await makeUrl("echo");
    expect((await send(id, { host: `${id}.lambda-url.eu-west-1.localhost` })).text).toBe('{"Message":null}');
  });

  it("is everybody by a statement of the policy, while it is there", async () => {
    const { name, id } = await makeUrl("echo");
    await eventOf(id);
    await call("RemovePermission", { FunctionName: name, StatementId: "public" });
    const answer = await send(id);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([403, { Message: FORBIDDEN }]);
    const others = [
      { ...publicStatement(name), FunctionUrlAuthType: "AWS_IAM" },
      { ...publicStatement(name), SourceAccount: "000000000000" },
      { ...publicStatement(name), SourceArn: "arn:aws:s3:::bucket" },
      { ...publicStatement(name), Action: "lambda:InvokeFunction" },
      { ...publicStatement(name), Principal: "s3.amazonaws.com" },
    ];
    for (const [index, statement] of others.entries())
      await call("AddPermission", { ...statement, StatementId: `s${index}` });
    expect((await send(id)).status).toBe(403);
    await call("AddPermission", { ...publicStatement(name), Action: "lambda:*", InvokedViaFunctionUrl: true });
    expect((await send(id)).status).toBe(200);
  });

  it("is who signs with the account's key, where a signature is asked for", async () => {
    const { name, id } = await makeUrl("echo");
    await call("UpdateFunctionUrlConfig", { FunctionName: name, AuthType: "AWS_IAM" });
    const unsigned = await send(id);
    expect([unsigned.status, JSON.parse(unsigned.text)]).toEqual([403, { Message: FORBIDDEN }]);
    const body = Buffer.from("text");
    const sign = (secretAccessKey: string): Record<string, string> =>
      signRequest(
        {
          method: "POST",
          path: "/a%20b",
          query: "c=d",
          headers: { host: hostOf(id), "content-type": "text/plain" },
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
    const wrong = await send(id, { ...wish, headers: sign("other") });
    expect([wrong.status, wrong.headers["x-amzn-errortype"]]).toEqual([403, "InvalidSignatureException"]);
    const other = await send(id, { ...wish, headers: sign(CREDENTIALS.secretAccessKey), body: Buffer.from("texT") });
    expect(other.status).toBe(403);
  });

  it("is nobody once the alias is gone; its URL stays, and works again with a new alias and a new statement", async () => {
    const { name, id: own } = await makeUrl("echo");
    const alias = { FunctionName: name, Qualifier: "live" };
    const makeAlias = (): Promise<unknown> =>
      call("CreateAlias", { FunctionName: name, Name: "live", FunctionVersion: "$LATEST" });
    await makeAlias();
    const { FunctionUrl: id } = (await call("CreateFunctionUrlConfig", { ...alias, AuthType: "NONE" })) as {
      readonly FunctionUrl: string;
    };
    expect(id).not.toBe(own);
    await call("AddPermission", { ...publicStatement(name), ...alias });
    await eventOf(id);
    await call("DeleteAlias", { FunctionName: name, Name: "live" });
    const gone = await send(id);
    expect([gone.status, JSON.parse(gone.text)]).toEqual([403, { Message: FORBIDDEN }]);
    await makeAlias();
    expect((await send(id)).status).toBe(403);
    await call("AddPermission", { ...publicStatement(name), ...alias });
    await eventOf(id);
    await call("DeleteFunction", { FunctionName: name });
    expect([(await send(id)).text, (await send(own)).text]).toEqual(['{"Message":null}', '{"Message":null}']);
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
    const { id } = await makeUrl("failing", { Cors: cors });
    const answer = await send(id, preflight("https://one.example"));
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": "https://one.example",
      "access-control-allow-methods": "GET,POST",
      "access-control-allow-headers": "x-a,x-b",
      "access-control-allow-credentials": "true",
      "access-control-max-age": "60",
      vary: "Origin",
    });
    const other = await send(id, preflight("https://two.example"));
    expect(other.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("see the configured headers on other answers, and the function's own", async () => {
    const { id } = await makeUrl("result", { Cors: { ...cors, AllowOrigins: ["*"] } });
    const body = Buffer.from('{"statusCode": 200, "headers": {"Access-Control-Expose-Headers": "x-own"}}');
    const headers = { "content-type": "text/plain", origin: "https://any.example" };
    const answer = await send(id, { method: "POST", headers, body });
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "x-c, x-own",
    });
    expect((await send(id)).headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("are the function's own matter where nothing is configured", async () => {
    const { id } = await makeUrl("echo");
    expect((await eventOf(id, preflight("https://one.example"))).requestContext.http["method"]).toBe("OPTIONS");
  });
});

describe("bad requests", async () => {
  it("of two hosts are refused", async () => {
    const { id } = await makeUrl("echo");
    const connection = await harness.open();
    connection.send("GET", "/", { host: hostOf(id), Host: "other" });
    expect(await connection.head()).toMatch(/^HTTP\/1\.1 400 /);
    connection.socket.destroy();
  });

  it.for([
    [{ AllowMethods: ["OPTIONS"] }, "ValidationException"],
    [{ AllowMethods: ["FETCH"] }, "InvalidParameterValueException"],
    [{ AllowMethods: ["*", "GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"] }, "ValidationException"],
    [{ AllowOrigins: ["https://*.example"] }, "InvalidParameterValueException"],
    [{ AllowOrigins: ["https://a.example/path"] }, "InvalidParameterValueException"],
    [{ AllowOrigins: Array.from({ length: 101 }, (_, index) => `https://h${index}`) }, "ValidationException"],
    [{ AllowHeaders: Array.from({ length: 101 }, (_, index) => `h${index}`) }, "ValidationException"],
    [{ MaxAge: 86_401 }, "ValidationException"],
  ] as const)("for %j are refused", async ([Cors, error]) => {
    const name = `f${made++}`;
    await harness.control.create(name, "echo", { snapStart: false });
    const body = Buffer.from(JSON.stringify({ AuthType: "NONE", Cors }));
    const answer = await harness.fetch("POST", `/2021-10-31/functions/${name}/url`, body);
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([400, error]);
  });
});

interface Recorded {
  readonly "-": { readonly responses: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
}

/** The members that AWS answered with, by step. */
function recordedMembers(test: string): Record<string, readonly string[]> {
  const path = join(import.meta.dirname, `../recorded/test_lambda_api.TestLambdaUrl.${test}.json`);
  const { responses } = (JSON.parse(readFileSync(path, "utf8")) as Recorded)["-"];
  return Object.fromEntries(Object.entries(responses).map(([step, answer]) => [step, membersOf(answer)]));
}

function membersOf(answer: unknown): readonly string[] {
  return Object.keys(answer as object)
    .filter((name) => name !== "ResponseMetadata")
    .toSorted();
}

describe("the configuration", async () => {
  it("has the members that are recorded", async () => {
    const name = `f${made++}`;
    await harness.control.create(name, "echo", { snapStart: false });
    const of = { FunctionName: name };
    const life = recordedMembers("test_url_config_lifecycle");
    expect(membersOf(await call("CreateFunctionUrlConfig", { ...of, AuthType: "NONE" }))).toEqual(life["url_creation"]);
    expect(membersOf(await call("GetFunctionUrlConfig", of))).toEqual(life["get_url_config"]);
    const updated = await call("UpdateFunctionUrlConfig", { ...of, AuthType: "AWS_IAM" });
    expect(membersOf(updated)).toEqual(life["updated_url_config"]);
    await expect(call("CreateFunctionUrlConfig", { ...of, AuthType: "NONE" })).rejects.toThrow(
      `Failed to create function url config for [functionArn = arn:aws:lambda:us-east-1:000000000000:function:${name}]. ` +
        "Error message:  FunctionUrlConfig exists for this Lambda function",
    );
    await call("CreateAlias", { ...of, Name: "a", FunctionVersion: "$LATEST" });
    const alias = { ...of, Qualifier: "a" };
    const apart = recordedMembers("test_url_config_deletion_without_qualifier");
    const ofAlias = await call("CreateFunctionUrlConfig", { ...alias, AuthType: "NONE" });
    expect(membersOf(ofAlias)).toEqual(apart["url_with_alias_creation"]);
    await call("DeleteFunctionUrlConfig", of);
    await expect(call("GetFunctionUrlConfig", of)).rejects.toThrow("The resource you requested does not exist.");
    expect(membersOf(await call("GetFunctionUrlConfig", alias))).toEqual(
      apart["get_url_config_with_alias_after_deletion"],
    );
  });

  it("names the modes in AWS's order where another one is given", async () => {
    const body = Buffer.from('{"AuthType": "NONE", "InvokeMode": "UNKNOWN"}');
    const answer = await harness.fetch("POST", "/2021-10-31/functions/f/url", body);
    expect(await answer.json()).toEqual({
      message:
        "1 validation error detected: Value 'UNKNOWN' at 'invokeMode' failed to satisfy constraint: Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]",
    });
  });

  it("shows an address that works for the client that asks", async () => {
    const { name, id } = await makeUrl("echo");
    const answer = await harness.fetch("GET", `/2021-10-31/functions/${name}/url`);
    const shown = (await answer.json()) as { readonly FunctionUrl: string };
    expect(shown).toMatchObject({ FunctionUrl: `http://${hostOf(id)}/`, InvokeMode: "BUFFERED", AuthType: "NONE" });
    const listed = await harness.fetch("GET", `/2021-10-31/functions/${name}/urls`);
    expect(await listed.json()).toEqual({ FunctionUrlConfigs: [shown] });
  });

  it("keeps what an update leaves out, and an empty Cors takes it away", async () => {
    const { name } = await makeUrl("echo", { InvokeMode: "RESPONSE_STREAM", Cors: { MaxAge: 1 } });
    expect(await call("UpdateFunctionUrlConfig", { FunctionName: name })).not.toHaveProperty("InvokeMode");
    const get = (): Promise<unknown> => call("GetFunctionUrlConfig", { FunctionName: name });
    expect(await get()).toMatchObject({ InvokeMode: "RESPONSE_STREAM", Cors: { MaxAge: 1 } });
    await call("UpdateFunctionUrlConfig", { FunctionName: name, Cors: {} });
    expect(await get()).not.toHaveProperty("Cors");
    expect(await call("DeleteFunctionUrlConfig", { FunctionName: name })).toEqual({});
    await expect(get()).rejects.toThrow("The resource you requested does not exist.");
  });
});
