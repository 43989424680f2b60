/** HTTP APIs: made by AWS's client, called by plain HTTP. */
import {
  CreateApiCommand,
  CreateDeploymentCommand,
  CreateIntegrationCommand,
  CreateRouteCommand,
  DeleteApiCommand,
  DeleteCorsConfigurationCommand,
  DeleteStageCommand,
  GetApiCommand,
  GetApisCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  GetStageCommand,
  GetTagsCommand,
  NotFoundException,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateApiCommand,
  UpdateIntegrationCommand,
  UpdateRouteCommand,
  UpdateStageCommand,
} from "@aws-sdk/client-apigatewayv2";
import { signRequest } from "@thaw/aws-api";
import { beforeAll, describe, expect, it } from "vitest";
import {
  ACCOUNT,
  urls,
  client,
  arnOf,
  makeFunction,
  makeApi,
  addRoute,
  addStage,
  hostOf,
  send,
  eventOf,
} from "./api-harness.ts";
import { CREDENTIALS, REGION } from "./http-harness.ts";
import type { Answer } from "./url-harness.ts";

describe("an API of a function", () => {
  it("is made in one call, answers at its address, and is gone when it is deleted", async () => {
    const name = await makeFunction("echo");
    const made = await client.send(
      new CreateApiCommand({ Name: "quick", ProtocolType: "HTTP", Target: arnOf(name), Tags: { a: "b" } }),
    );
    const id = made.ApiId ?? "";
    expect(made).toMatchObject({
      ApiEndpoint: `http://${hostOf(id)}`,
      ApiId: expect.stringMatching(/^[a-z0-9]{10}$/),
      Name: "quick",
      ProtocolType: "HTTP",
      Tags: { a: "b" },
    });
    expect(await client.send(new GetApiCommand({ ApiId: id }))).toMatchObject({ Name: "quick" });
    const event = await eventOf(id, { path: "/any/path?x=1" });
    expect(event).toMatchObject({ routeKey: "$default", rawPath: "/any/path", rawQueryString: "x=1" });
    expect(await client.send(new GetRoutesCommand({ ApiId: id }))).toMatchObject({
      Items: [{ RouteKey: "$default", ApiGatewayManaged: true }],
    });
    await client.send(new DeleteApiCommand({ ApiId: id }));
    expect(await send(id)).toMatchObject({ status: 404, text: '{"message":"Not Found"}' });
    const refusal = await client.send(new GetApiCommand({ ApiId: id })).catch((error: Error) => error);
    expect(refusal).toBeInstanceOf(NotFoundException);
    expect((refusal as Error).message).toBe(`Invalid API identifier specified ${ACCOUNT}:${id}`);
  });

  it("is found by a path, too", async () => {
    const id = await makeApi({ Target: arnOf(await makeFunction("echo")) });
    const byPath = await eventOf(id, { host: `127.0.0.1:${urls.http.port}`, path: `/_thaw/api/${id}/a%2Fb?c` });
    expect(byPath).toMatchObject({ rawPath: "/a%2Fb", rawQueryString: "c" });
  });
});

describe("the event", () => {
  it("has what payload format 2.0 has", async () => {
    const id = await makeApi();
    await addRoute(id, "echo", "POST /pets/{kind}/{rest+}");
    await addStage(id, { StageName: "prod", StageVariables: { color: "red" } });
    const event = await eventOf(id, {
      method: "POST",
      path: "/prod/pets/small%20dog/a/b?q=a&q=b",
      headers: { cookie: "a=1; b=2", "content-type": "application/json" },
      body: Buffer.from("{}"),
    });
    expect(event).toMatchObject({
      version: "2.0",
      routeKey: "POST /pets/{kind}/{rest+}",
      rawPath: "/prod/pets/small%20dog/a/b",
      cookies: ["a=1", "b=2"],
      queryStringParameters: { q: "a,b" },
      pathParameters: { kind: "small dog", rest: "a/b" },
      stageVariables: { color: "red" },
      requestContext: {
        accountId: ACCOUNT,
        apiId: id,
        domainName: `${id}.execute-api.${REGION}.localhost`,
        http: { method: "POST", path: "/prod/pets/small%20dog/a/b" },
        routeKey: "POST /pets/{kind}/{rest+}",
        stage: "prod",
      },
      body: "{}",
      isBase64Encoded: false,
    });
  });

  it("has what payload format 1.0 has", async () => {
    const id = await makeApi();
    await addRoute(id, "as-body", "ANY /pets/{kind}", "1.0");
    await addStage(id, { StageName: "prod" });
    const event = await eventOf(id, {
      path: "/prod/pets/dog?q=a&q=b&r=",
      headers: { "X-Two": ["1", "2"], cookie: "a=1", "user-agent": "test" },
    });
    expect(event).toEqual({
      version: "1.0",
      resource: "/pets/{kind}",
      path: "/pets/dog",
      httpMethod: "GET",
      headers: expect.objectContaining({ "x-two": "2", cookie: "a=1", host: hostOf(id) }),
      multiValueHeaders: expect.objectContaining({ "x-two": ["1", "2"], "user-agent": ["test"] }),
      queryStringParameters: { q: "b", r: "" },
      multiValueQueryStringParameters: { q: ["a", "b"], r: [""] },
      requestContext: {
        accountId: ACCOUNT,
        apiId: id,
        authorizer: { claims: null, scopes: null },
        domainName: `${id}.execute-api.${REGION}.localhost`,
        domainPrefix: id,
        extendedRequestId: expect.any(String),
        httpMethod: "GET",
        identity: expect.objectContaining({ sourceIp: "127.0.0.1", userAgent: "test", userArn: null }),
        path: "/prod/pets/dog",
        protocol: "HTTP/1.1",
        requestId: expect.any(String),
        requestTime: expect.any(String),
        requestTimeEpoch: expect.any(Number),
        resourceId: null,
        resourcePath: "/pets/{kind}",
        stage: "prod",
      },
      pathParameters: { kind: "dog" },
      stageVariables: null,
      body: null,
      isBase64Encoded: false,
    });
  });
});

describe("the response", () => {
  let id: string;
  beforeAll(async () => {
    id = await makeApi();
    await addRoute(id, "result", "POST /two");
    await addRoute(id, "result", "POST /one", "1.0");
    await addRoute(id, "failing", "GET /failing");
    await client.send(new CreateRouteCommand({ ApiId: id, RouteKey: "GET /nothing" }));
    await addStage(id);
  });
  const result = (path: string, value: unknown): Promise<Answer> =>
    send(id, {
      method: "POST",
      path,
      headers: { "content-type": "application/json" },
      body: Buffer.from(JSON.stringify(value)),
    });

  it("is what the function says, or made of what it returned", async () => {
    const full = { statusCode: 201, headers: { "X-A": "b" }, cookies: ["a=1", "b=2"], body: "hi" };
    expect(await result("/two", full)).toMatchObject({
      status: 201,
      headers: { "x-a": "b", "set-cookie": ["a=1", "b=2"], "content-type": "text/plain;charset=UTF-8" },
      text: "hi",
    });
    expect(await result("/two", { a: 1 })).toMatchObject({
      status: 200,
      headers: { "content-type": "application/json", "apigw-requestid": expect.any(String) },
      text: '{"a":1}',
    });
    const multi = { statusCode: "202", multiValueHeaders: { "Set-Cookie": ["a=1", "b=2"] }, body: "" };
    expect(await result("/one", multi)).toMatchObject({ status: 202, headers: { "set-cookie": ["a=1", "b=2"] } });
  });

  it.for([
    ["a failing function", "GET", "/failing", 500, "Internal Server Error", "the function failed"],
    ["a route without an integration", "GET", "/nothing", 500, "Internal Server Error", "no integration"],
    ["no route", "GET", "/else", 404, "Not Found", undefined],
    ["another method", "PUT", "/two", 404, "Not Found", undefined],
  ] as const)("%s: %s %s is %i", async ([, method, path, status, message, reason]) => {
    const answer = await send(id, { method, path });
    expect(answer).toMatchObject({ status, text: JSON.stringify({ message }) });
    expect(answer.headers["x-thaw-reason"]).toEqual(reason === undefined ? undefined : expect.stringContaining(reason));
    const forwarded = await send(id, { method, path, headers: { "x-forwarded-for": "10.0.0.1" } });
    expect(forwarded.headers["x-thaw-reason"]).toBeUndefined();
  });

  it("a function that takes longer than its integration may is given up", async () => {
    const slow = await makeApi({ Target: arnOf(await makeFunction("hanging")) });
    const { Items: [made] = [] } = await client.send(new GetIntegrationsCommand({ ApiId: slow }));
    const change = { ApiId: slow, IntegrationId: made?.IntegrationId ?? "", TimeoutInMillis: 50 };
    await client.send(new UpdateIntegrationCommand(change));
    expect(await send(slow)).toMatchObject({ status: 503, text: '{"message":"Service Unavailable"}' });
  });

  it("payload format 1.0 makes nothing of a result that is no response", async () => {
    expect(await result("/one", { a: 1 })).toMatchObject({ status: 500 });
  });
});

describe("who may call", () => {
  it("the function's policy must let the API call it, by the route", async () => {
    const source = `arn:aws:execute-api:${REGION}:${ACCOUNT}:*/*/GET/mine`;
    const IntegrationUri = arnOf(await makeFunction("echo", source));
    const id = await makeApi();
    const integration = { ApiId: id, IntegrationType: "AWS_PROXY", IntegrationUri } as const;
    const { IntegrationId } = await client.send(new CreateIntegrationCommand(integration));
    for (const RouteKey of ["GET /mine", "GET /other"])
      await client.send(new CreateRouteCommand({ ApiId: id, RouteKey, Target: `integrations/${IntegrationId}` }));
    await addStage(id);
    expect(await send(id, { path: "/other" })).toMatchObject({
      status: 500,
      headers: { "x-thaw-reason": expect.stringContaining("AddPermission") },
    });
    // The function returns its event, which is no response of payload format 1.0.
    expect(await send(id, { path: "/mine" })).toMatchObject({
      headers: { "x-thaw-reason": expect.stringMatching(/no response of its payload format: it/) },
    });
  });

  it("AWS_IAM asks for a signature of the account", async () => {
    const id = await makeApi();
    await addRoute(id, "echo", "GET /signed", "2.0", { AuthorizationType: "AWS_IAM" });
    await addStage(id);
    expect(await send(id, { path: "/signed" })).toMatchObject({ status: 403, text: '{"message":"Forbidden"}' });
    const head = { method: "GET", path: "/signed", query: "", headers: { host: hostOf(id) }, body: Buffer.alloc(0) };
    const headers = signRequest(head, CREDENTIALS, REGION, Date.now(), "execute-api");
    const event = await eventOf(id, { path: "/signed", headers });
    expect(event).toMatchObject({
      requestContext: { authorizer: { iam: { accountId: ACCOUNT, accessKey: CREDENTIALS.accessKeyId } } },
    });
  });

  it("an API whose endpoint is disabled is not found", async () => {
    const id = await makeApi({ Target: arnOf(await makeFunction("echo")), DisableExecuteApiEndpoint: true });
    expect(await send(id)).toMatchObject({ status: 404 });
    await client.send(new UpdateApiCommand({ ApiId: id, DisableExecuteApiEndpoint: false }));
    expect(await send(id)).toMatchObject({ status: 200 });
  });
});

it("browsers are told what the API says, and not what the function says", async () => {
  const CorsConfiguration = { AllowOrigins: ["https://a.example"], AllowMethods: ["GET"], MaxAge: 5 };
  const id = await makeApi({ CorsConfiguration });
  await addRoute(id, "result", "POST /x");
  await addStage(id);
  const origin = "https://a.example";
  const preflight = { origin, "access-control-request-method": "GET" };
  expect(await send(id, { method: "OPTIONS", path: "/x", headers: preflight })).toMatchObject({
    status: 204,
    headers: {
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "GET",
      "access-control-max-age": "5",
    },
    text: "",
  });
  const own = { statusCode: 200, headers: { "access-control-allow-origin": "*" }, body: "" };
  const wish = { method: "POST", path: "/x", headers: { origin, "content-type": "application/json" } };
  const answer = await send(id, { ...wish, body: Buffer.from(JSON.stringify(own)) });
  expect(answer.headers["access-control-allow-origin"]).toBe(origin);
  await client.send(new DeleteCorsConfigurationCommand({ ApiId: id }));
  const without = await send(id, { ...wish, body: Buffer.from(JSON.stringify(own)) });
  expect(without.headers["access-control-allow-origin"]).toBe("*");
});

describe("stages", () => {
  it("one that deploys by itself serves the API as it is; another one what was deployed", async () => {
    const id = await makeApi();
    const route = await addRoute(id, "echo", "GET /a");
    await addStage(id);
    await addStage(id, { StageName: "prod", AutoDeploy: false });
    expect(await send(id, { path: "/prod/a" })).toMatchObject({ status: 404 });
    const { DeploymentId } = await client.send(new CreateDeploymentCommand({ ApiId: id, StageName: "prod" }));
    await client.send(new UpdateRouteCommand({ ApiId: id, RouteId: route, RouteKey: "GET /b" }));
    const statuses = async (): Promise<readonly number[]> => {
      const paths = ["/a", "/b", "/prod/a", "/prod/b"];
      return (await Promise.all(paths.map((path) => send(id, { path })))).map(({ status }) => status);
    };
    expect(await statuses()).toEqual([404, 200, 200, 404]);
    expect(await client.send(new GetStageCommand({ ApiId: id, StageName: "prod" }))).toMatchObject({ DeploymentId });
    // It goes on with what it served.
    await client.send(new UpdateStageCommand({ ApiId: id, StageName: "$default", AutoDeploy: false }));
    await client.send(new UpdateRouteCommand({ ApiId: id, RouteId: route, RouteKey: "GET /c" }));
    expect(await statuses()).toEqual([404, 200, 200, 404]);
    await client.send(new DeleteStageCommand({ ApiId: id, StageName: "prod" }));
    expect((await statuses()).slice(2)).toEqual([404, 404]);
  });

  it("a stage variable may be part of an integration", async () => {
    const id = await makeApi();
    const name = await makeFunction("echo");
    const IntegrationUri = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:\${stageVariables.name}`;
    const integration = {
      ApiId: id,
      IntegrationUri,
      IntegrationType: "AWS_PROXY",
      PayloadFormatVersion: "2.0",
    } as const;
    const { IntegrationId } = await client.send(new CreateIntegrationCommand(integration));
    const Target = `integrations/${IntegrationId}`;
    await client.send(new CreateRouteCommand({ ApiId: id, RouteKey: "GET /", Target }));
    await addStage(id, { StageName: "with", StageVariables: { name } });
    await addStage(id, { StageName: "without" });
    expect(await send(id, { path: "/with" })).toMatchObject({ status: 200 });
    expect(await send(id, { path: "/without" })).toMatchObject({
      status: 500,
      headers: { "x-thaw-reason": expect.stringContaining("stage variable") },
    });
  });
});

it("integrations are changed, APIs and stages tagged, and lists come in pages", async () => {
  const id = await makeApi();
  await addRoute(id, "echo", "GET /a");
  const { Items: [first] = [] } = await client.send(new GetIntegrationsCommand({ ApiId: id }));
  const change = { ApiId: id, IntegrationId: first?.IntegrationId ?? "", TimeoutInMillis: 50, Description: "d" };
  expect(await client.send(new UpdateIntegrationCommand(change))).toMatchObject({
    TimeoutInMillis: 50,
    Description: "d",
  });
  await addStage(id, { StageName: "prod", Tags: { a: "1" } });
  const ResourceArn = `arn:aws:apigateway:${REGION}::/apis/${id}/stages/prod`;
  await client.send(new TagResourceCommand({ ResourceArn, Tags: { b: "2" } }));
  await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ["a"] }));
  expect(await client.send(new GetTagsCommand({ ResourceArn }))).toMatchObject({ Tags: { b: "2" } });
  const found: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new GetApisCommand({ MaxResults: "3", NextToken }));
    expect(page.Items?.length).toBeLessThanOrEqual(3);
    found.push(...(page.Items ?? []).map(({ ApiId = "" }) => ApiId));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  expect(found).toContain(id);
  expect(new Set(found).size).toBe(found.length);
});
