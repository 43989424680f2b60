/** REST APIs: made by AWS's client, called by plain HTTP. */
import {
  CreateRestApiCommand,
  DeleteRestApiCommand,
  GetDeploymentCommand,
  GetIntegrationCommand,
  GetMethodCommand,
  GetResourcesCommand,
  GetRestApiCommand,
  GetRestApisCommand,
  GetStageCommand,
  GetTagsCommand,
  NotFoundException,
  PutGatewayResponseCommand,
  PutIntegrationResponseCommand,
  PutMethodResponseCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateIntegrationCommand,
  UpdateResourceCommand,
  UpdateRestApiCommand,
  UpdateStageCommand,
} from "@aws-sdk/client-api-gateway";
import { signRequest } from "@thaw/aws-api";
import { beforeAll, describe, expect, it } from "vitest";
import { ACCOUNT, hostOf, makeFunction, urls } from "./api-harness.ts";
import { CREDENTIALS, REGION } from "./http-harness.ts";
import { addMethod, client, deploy, makeRestApi, send, uriOf } from "./rest-harness.ts";
import type { Answer, Wish } from "./url-harness.ts";

const FORBIDDEN = { status: 403, text: '{"message":"Forbidden"}' };
const MISSING = {
  status: 403,
  headers: { "x-amzn-errortype": "MissingAuthenticationTokenException", "x-amz-apigw-id": expect.any(String) },
  text: '{"message":"Missing Authentication Token"}',
};

async function eventOf(id: string, wish: Wish): Promise<Readonly<Record<string, unknown>>> {
  const answer = await send(id, wish);
  expect(answer.status, answer.text).toBe(200);
  return JSON.parse(answer.text) as Readonly<Record<string, unknown>>;
}

it("an API is made, answers below its stage's name, and is gone when it is deleted", async () => {
  const made = await client.send(new CreateRestApiCommand({ name: "pets", description: "all", tags: { a: "b" } }));
  const id = made.id ?? "";
  expect(made).toMatchObject({
    id: expect.stringMatching(/^[a-z0-9]{10}$/),
    name: "pets",
    endpointConfiguration: { types: ["EDGE"] },
    rootResourceId: expect.any(String),
    tags: { a: "b" },
  });
  await addMethod(id, "as-body", "GET /pets/{id}");
  expect(await send(id, { path: "/prod/pets/1" })).toMatchObject(FORBIDDEN);
  await deploy(id);
  expect(await eventOf(id, { path: "/prod/pets/1" })).toMatchObject({ pathParameters: { id: "1" } });
  const byPath = { host: `127.0.0.1:${urls.http.port}`, path: `/_thaw/api/${id}/prod/pets/2` };
  expect(await eventOf(id, byPath)).toMatchObject({ path: "/pets/2", pathParameters: { id: "2" } });
  await client.send(new DeleteRestApiCommand({ restApiId: id }));
  expect(await send(id, { path: "/prod/pets/1" })).toMatchObject({ status: 404 });
  const refusal = await client.send(new GetRestApiCommand({ restApiId: id })).catch((error: Error) => error);
  expect(refusal).toBeInstanceOf(NotFoundException);
  expect((refusal as Error).message).toBe(`Invalid API identifier specified ${ACCOUNT}:${id}`);
});

it("the event has what a proxy integration gets", async () => {
  const id = await makeRestApi();
  const resourceId = await addMethod(id, "as-body", "ANY /pets/{kind}/{proxy+}");
  const deploymentId = await deploy(id, { variables: { color: "red" } });
  const event = await eventOf(id, {
    method: "PUT",
    path: "/prod/pets/small%20dog/a//b%2Fc/?q=a&q=b+c&r=",
    headers: { "X-Two": ["1", "2"], "User-Agent": "test", Cookie: "a=1", "Content-Type": "text/plain" },
    body: Buffer.from("hällo"),
  });
  expect(event).toEqual({
    resource: "/pets/{kind}/{proxy+}",
    path: "/pets/small%20dog/a//b%2Fc/",
    httpMethod: "PUT",
    headers: {
      host: hostOf(id),
      "X-Two": "2",
      "User-Agent": "test",
      Cookie: "a=1",
      "Content-Type": "text/plain",
      "X-Amzn-Trace-Id": expect.stringMatching(/^Root=1-/),
      "X-Forwarded-For": "127.0.0.1",
      "X-Forwarded-Port": String(urls.http.port),
      "X-Forwarded-Proto": "http",
    },
    multiValueHeaders: expect.objectContaining({ "X-Two": ["1", "2"], "User-Agent": ["test"] }),
    queryStringParameters: { q: "b c", r: "" },
    multiValueQueryStringParameters: { q: ["a", "b c"], r: [""] },
    pathParameters: { kind: "small dog", proxy: "a//b/c" },
    stageVariables: { color: "red" },
    requestContext: {
      resourceId,
      resourcePath: "/pets/{kind}/{proxy+}",
      httpMethod: "PUT",
      extendedRequestId: expect.stringMatching(/^[A-Za-z0-9+/]{15}=$/),
      requestTime: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
      path: "/prod/pets/small%20dog/a//b%2Fc/",
      accountId: ACCOUNT,
      protocol: "HTTP/1.1",
      stage: "prod",
      domainPrefix: id,
      requestTimeEpoch: expect.any(Number),
      requestId: expect.any(String),
      identity: {
        cognitoIdentityPoolId: null,
        accountId: null,
        cognitoIdentityId: null,
        caller: null,
        sourceIp: "127.0.0.1",
        principalOrgId: null,
        accessKey: null,
        cognitoAuthenticationType: null,
        cognitoAuthenticationProvider: null,
        userArn: null,
        userAgent: "test",
        user: null,
      },
      domainName: `${id}.execute-api.${REGION}.localhost`,
      deploymentId,
      apiId: id,
    },
    body: "hällo",
    isBase64Encoded: false,
  });
});

describe("a method is found", () => {
  let id: string;
  beforeAll(async () => {
    id = await makeRestApi();
    for (const key of ["GET /", "GET /pets", "POST /pets", "ANY /pets/{id}", "GET /pets/{id}", "ANY /any/{proxy+}"])
      await addMethod(id, "as-body", key);
    await deploy(id);
  });

  it.for([
    ["GET", "/prod", "/"],
    ["GET", "/prod/", "/"],
    ["GET", "/prod/pets/", "/pets"],
    ["GET", "/prod/pets/%zz", "/pets/{id}"],
    ["DELETE", "/prod/pets/1", "/pets/{id}"],
    ["PATCH", "/prod/any/a/b", "/any/{proxy+}"],
  ] as const)("%s %s takes %s", async ([method, path, resource]) => {
    expect(await eventOf(id, { method, path })).toMatchObject({ resource, httpMethod: method, body: null });
  });

  it.for([
    ["POST", "/prod"],
    ["DELETE", "/prod/pets"],
    ["GET", "/prod/pets/1/2"],
    ["GET", "/prod/any"],
    ["GET", "/prod/%2e%2e/pets/1"],
  ] as const)("%s %s takes none", async ([method, path]) => {
    expect(await send(id, { method, path })).toMatchObject(MISSING);
  });

  it.for(["/", "/other/pets", "/Prod/pets", "//prod/pets"])("%s is no stage", async (path) => {
    expect(await send(id, { path })).toMatchObject(FORBIDDEN);
  });
});

describe("the response", () => {
  let id: string;
  beforeAll(async () => {
    id = await makeRestApi({ binaryMediaTypes: ["image/*"] });
    await addMethod(id, "result", "POST /result");
    await addMethod(id, "failing", "GET /failing");
    await deploy(id);
  });
  const result = (value: unknown, headers: Wish["headers"] = {}): Promise<Answer> =>
    send(id, {
      method: "POST",
      path: "/prod/result",
      headers,
      body: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
    });

  it("is what the function says", async () => {
    const full = {
      statusCode: "201",
      headers: { "X-A": true, Date: "then" },
      multiValueHeaders: { "Set-Cookie": ["a", "b"] },
    };
    expect(await result({ ...full, body: "hi" })).toMatchObject({
      status: 201,
      headers: {
        "x-a": "true",
        "x-amzn-remapped-date": "then",
        "set-cookie": ["a", "b"],
        "content-type": "application/json",
        "x-amzn-trace-id": expect.stringMatching(/^Root=1-/),
        "x-amzn-requestid": expect.any(String),
      },
      text: "hi",
    });
    expect(await result({})).toMatchObject({ status: 200, text: "" });
  });

  it.for([
    ["headers", { headers: { "content-type": "text/html", "Content-Type": "text/plain" } }, "text/html"],
    ["a list", { multiValueHeaders: { "Content-Type": ["text/html", "text/plain"] } }, "text/html"],
    [
      "both",
      { headers: { "Content-Type": "text/html" }, multiValueHeaders: { "content-type": ["text/plain"] } },
      "text/html",
    ],
  ] as const)("has one content type, that of %s", async ([, full, type]) => {
    expect((await result({ ...full, body: "hi" })).headers["content-type"]).toBe(type);
  });

  it("has all values of other names in both maps, those of the list first", async () => {
    const full = { headers: { "X-Foo": "a", "x-foo": "b" }, multiValueHeaders: { "x-Foo": ["c", "a"] } };
    expect((await result(full)).headers["x-foo"]).toBe("c, a, b");
  });

  it("base64 is decoded for who asks for a binary type", async () => {
    const full = { statusCode: 200, isBase64Encoded: true, body: Buffer.from("hi").toString("base64") };
    expect(await result(full, { accept: "image/png, */*" })).toMatchObject({ text: "hi" });
    expect(await result(full, { accept: "text/html, image/png" })).toMatchObject({ text: "aGk=" });
  });

  it.for([
    ["a text", '"hi"'],
    ["no JSON", "{"],
    ["another member", { statusCode: 200, cookies: [] }],
    ["a status that is none", { statusCode: 99 }],
    ["a status of another type", { statusCode: true }],
    ["a body that is no text", { statusCode: 200, body: { a: 1 } }],
    ["headers that are a list", { statusCode: 200, headers: ["a"] }],
    ["a header that splits the response", { statusCode: 200, headers: { a: "b\r\nc: d" } }],
    ["a header in a list", { statusCode: 200, headers: { a: ["b"] } }],
  ] as const)("%s is a bad gateway", async ([, value]) => {
    expect(await result(value)).toMatchObject({
      status: 502,
      headers: {
        "x-amzn-errortype": "InternalServerErrorException",
        "x-thaw-reason": expect.stringMatching(/no response of a proxy integration: (?:its |it is no object of JSON)/),
      },
      text: '{"message": "Internal server error"}',
    });
  });

  it("a failing function is a bad gateway, and others are not told why", async () => {
    const wish = { path: "/prod/failing" };
    expect(await send(id, wish)).toMatchObject({ status: 502, headers: { "x-thaw-reason": expect.any(String) } });
    const forwarded = await send(id, { ...wish, headers: { "x-forwarded-for": "10.0.0.1" } });
    expect(forwarded.headers["x-thaw-reason"]).toBeUndefined();
  });

  it("binary requests come in base64", async () => {
    const binary = await makeRestApi({ binaryMediaTypes: ["image/png"] });
    await addMethod(binary, "as-body", "POST /");
    await deploy(binary);
    const post = (type: string): Promise<unknown> =>
      eventOf(binary, { method: "POST", path: "/prod", headers: { "content-type": type }, body: Buffer.from([0xff]) });
    expect(await post("image/png; a=b")).toMatchObject({ body: "/w==", isBase64Encoded: true });
    expect(await post("image/gif")).toMatchObject({ body: "\ufffd", isBase64Encoded: false });
  });

  it("a function that takes longer than its integration may is given up", async () => {
    const slow = await makeRestApi();
    const resourceId = await addMethod(slow, "hanging", "GET /slow");
    const place = { restApiId: slow, resourceId, httpMethod: "GET" };
    const patchOperations = [{ op: "replace", path: "/timeoutInMillis", value: "50" }] as const;
    await client.send(new UpdateIntegrationCommand({ ...place, patchOperations: [...patchOperations] }));
    await deploy(slow);
    expect(await send(slow, { path: "/prod/slow" })).toMatchObject({
      status: 504,
      text: '{"message": "Endpoint request timed out"}',
    });
  });

  it("a body of more than 10 MB is refused", async () => {
    const answer = await send(id, { method: "POST", path: "/prod/result", body: Buffer.alloc(10 * 1024 * 1024 + 1) });
    expect(answer).toMatchObject({ status: 413, text: '{"message":"Request Too Long"}' });
    const event = await send(id, { method: "POST", path: "/prod/result", body: Buffer.alloc(6 * 1024 * 1024) });
    expect(event).toMatchObject({ status: 413, text: '{"message":"Request Too Long"}' });
  });
});

describe("who may call", () => {
  it("the function's policy must let the API call it", async () => {
    const id = await makeRestApi();
    const name = await makeFunction("as-body", `arn:aws:execute-api:${REGION}:${ACCOUNT}:*/*/GET/pets/*`);
    for (const key of ["GET /pets/{id}", "POST /pets/{id}"])
      await addMethod(id, "", key, { integration: { uri: uriOf(name) } });
    await deploy(id);
    expect(await send(id, { path: "/prod/pets/1" })).toMatchObject({ status: 200 });
    expect(await send(id, { method: "POST", path: "/prod/pets/1" })).toMatchObject({
      status: 500,
      headers: { "x-thaw-reason": expect.stringContaining("AddPermission") },
      text: '{"message": "Internal server error"}',
    });
  });

  it("AWS_IAM asks for a signature of the account", async () => {
    const id = await makeRestApi();
    await addMethod(id, "as-body", "POST /signed", { method: { authorizationType: "AWS_IAM" } });
    await deploy(id);
    const path = "/prod/signed";
    const body = Buffer.from("hi");
    expect(await send(id, { method: "POST", path, body })).toMatchObject(MISSING);
    const head = { method: "POST", path, query: "", headers: { host: hostOf(id) }, body };
    const headers = signRequest(head, CREDENTIALS, REGION, Date.now(), "execute-api");
    const event = await eventOf(id, { method: "POST", path, headers, body });
    expect(event).toMatchObject({
      requestContext: { identity: { accountId: ACCOUNT, accessKey: CREDENTIALS.accessKeyId } },
    });
    expect(await send(id, { method: "POST", path, headers, body: Buffer.from("ho") })).toMatchObject({
      status: 403,
      headers: { "x-amzn-errortype": "InvalidSignatureException" },
    });
  });

  it("an API whose endpoint is disabled is closed", async () => {
    const id = await makeRestApi({ disableExecuteApiEndpoint: true });
    await addMethod(id, "as-body", "GET /");
    await deploy(id);
    expect(await send(id, { path: "/prod" })).toMatchObject(FORBIDDEN);
    const patchOperations = [{ op: "replace" as const, path: "/disableExecuteApiEndpoint", value: "false" }];
    await client.send(new UpdateRestApiCommand({ restApiId: id, patchOperations }));
    expect(await send(id, { path: "/prod" })).toMatchObject({ status: 200 });
  });
});

describe("browsers", () => {
  const place = async (id: string) => ({
    restApiId: id,
    resourceId: await addMethod(id, "as-body", "OPTIONS /pets", {
      integration: { type: "MOCK", uri: "", requestTemplates: { "application/json": "{statusCode:204}" } },
    }),
    httpMethod: "OPTIONS",
    statusCode: "204",
  });

  it("are answered by a mock, and find an API's headers in its errors", async () => {
    const id = await makeRestApi();
    const at = await place(id);
    const origin = "method.response.header.Access-Control-Allow-Origin";
    await client.send(new PutMethodResponseCommand({ ...at, responseParameters: { [origin]: true } }));
    const responseParameters = { [origin]: "'*'", "method.response.header.Vary": "'Origin'" };
    await client.send(new PutIntegrationResponseCommand({ ...at, responseParameters }));
    const error = {
      restApiId: id,
      responseParameters: {
        "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
        "gatewayresponse.header.X-Origin": "method.request.header.Origin",
      },
      responseTemplates: { "application/json": '{"why":$context.error.messageString,"at":"$context.path"}' },
    };
    await client.send(new PutGatewayResponseCommand({ ...error, responseType: "DEFAULT_4XX" }));
    await deploy(id);
    expect(await send(id, { method: "OPTIONS", path: "/prod/pets" })).toMatchObject({
      status: 204,
      headers: { "access-control-allow-origin": "*", vary: "Origin" },
      text: "",
    });
    // A content type that means something to the language is one that the mock has no template for.
    const strange = { method: "OPTIONS", path: "/prod/pets", headers: { "content-type": "constructor" } };
    expect(await send(id, strange)).toMatchObject({ status: 204 });
    expect(await send(id, { path: "/prod/else", headers: { origin: "https://a.example" } })).toMatchObject({
      status: 403,
      headers: { "access-control-allow-origin": "*", "x-origin": "https://a.example" },
      text: '{"why":"Missing Authentication Token","at":"/prod/else"}',
    });
  });

  it("are let in by the template that chooses among origins", async () => {
    const id = await makeRestApi();
    const at = await place(id);
    await client.send(new PutMethodResponseCommand(at));
    const template = `#set($origin = $input.params().header.get("Origin"))
#if($origin == "") #set($origin = $input.params().header.get("origin")) #end
#if($origin.matches("https://b.example") || $origin.matches("https://[^.].c.example".replace("x","y")))
  #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)
#end`;
    const put = (text: string) =>
      client.send(
        new PutIntegrationResponseCommand({
          ...at,
          responseParameters: { "method.response.header.Access-Control-Allow-Origin": "'https://a.example'" },
          responseTemplates: { "application/json": text },
        }),
      );
    await expect(put(template)).rejects.toThrow("of VTL");
    await put(template.replace('"https://[^.].c.example".replace("x","y")', '"https://.*[.]c.example"'));
    await deploy(id);
    const allowed = async (origin: string): Promise<unknown> =>
      (await send(id, { method: "OPTIONS", path: "/prod/pets", headers: { origin } })).headers[
        "access-control-allow-origin"
      ];
    expect(await Promise.all(["https://b.example", "https://x.c.example", "https://d.example"].map(allowed))).toEqual([
      "https://b.example",
      "https://x.c.example",
      "https://a.example",
    ]);
  });
});

describe("stages", () => {
  it("serve what was deployed to them, with their own variables", async () => {
    const id = await makeRestApi();
    const name = await makeFunction("as-body");
    const uri = uriOf(name).replace(name, "${stageVariables.name}");
    const resourceId = await addMethod(id, "", "GET /a", { integration: { uri } });
    const first = await deploy(id, { variables: { name } });
    const patchOperations = [{ op: "replace" as const, path: "/pathPart", value: "b" }];
    await client.send(new UpdateResourceCommand({ restApiId: id, resourceId, patchOperations }));
    const second = await deploy(id, { stageName: "beta" });
    const statuses = async (): Promise<readonly number[]> => {
      const paths = ["/prod/a", "/prod/b", "/beta/a", "/beta/b"];
      return (await Promise.all(paths.map((path) => send(id, { path })))).map(({ status }) => status);
    };
    expect(await statuses()).toEqual([200, 403, 403, 500]);
    const changes = [
      { op: "replace" as const, path: "/deploymentId", value: first },
      { op: "replace" as const, path: "/variables/name", value: name },
    ];
    await client.send(new UpdateStageCommand({ restApiId: id, stageName: "beta", patchOperations: changes }));
    expect(await statuses()).toEqual([200, 403, 200, 403]);
    expect(await client.send(new GetStageCommand({ restApiId: id, stageName: "beta" }))).toMatchObject({
      deploymentId: first,
      variables: { name },
    });
    const shown = await client.send(
      new GetDeploymentCommand({ restApiId: id, deploymentId: second, embed: ["apisummary"] }),
    );
    expect(shown.apiSummary).toEqual({ "/b": { GET: { authorizationType: "NONE", apiKeyRequired: false } } });
  });
});

it("what was made is shown, tagged, and listed in pages", async () => {
  const id = await makeRestApi();
  const resourceId = await addMethod(id, "as-body", "GET /a/b", { method: { operationName: "getB" } });
  const place = { restApiId: id, resourceId, httpMethod: "GET" };
  expect(await client.send(new GetMethodCommand(place))).toMatchObject({
    operationName: "getB",
    authorizationType: "NONE",
  });
  expect(await client.send(new GetIntegrationCommand(place))).toMatchObject({
    type: "AWS_PROXY",
    httpMethod: "POST",
    passthroughBehavior: "WHEN_NO_MATCH",
    timeoutInMillis: 29_000,
  });
  const { items = [] } = await client.send(new GetResourcesCommand({ restApiId: id, embed: ["methods"] }));
  expect(items.map(({ path }) => path)).toEqual(["/", "/a", "/a/b"]);
  expect(items.at(-1)?.resourceMethods?.["GET"]?.methodIntegration).toMatchObject({ type: "AWS_PROXY" });
  await deploy(id);
  const resourceArn = `arn:aws:apigateway:${REGION}::/restapis/${id}/stages/prod`;
  await client.send(new TagResourceCommand({ resourceArn, tags: { a: "1", b: "2" } }));
  await client.send(new UntagResourceCommand({ resourceArn, tagKeys: ["a"] }));
  expect(await client.send(new GetTagsCommand({ resourceArn }))).toMatchObject({ tags: { b: "2" } });
  const found: string[] = [];
  let position: string | undefined;
  do {
    const page = await client.send(new GetRestApisCommand({ limit: 2, position }));
    expect(page.items?.length).toBeLessThanOrEqual(2);
    found.push(...(page.items ?? []).map((each) => each.id ?? ""));
    position = page.position;
  } while (position !== undefined);
  expect(found).toContain(id);
  expect(new Set(found).size).toBe(found.length);
});

it("a list goes on behind the last item of a page, though that one has gone meanwhile", async () => {
  const names = ["one", "two", "three", "four"];
  const made = await Promise.all(names.map((name) => client.send(new CreateRestApiCommand({ name }))));
  const mine = new Set(made.map(({ id }) => id ?? ""));
  const found: string[] = [];
  let position: string | undefined;
  do {
    const page = await client.send(new GetRestApisCommand({ limit: 1, position }));
    const seen = (page.items ?? []).map(({ id = "" }) => id).filter((id) => mine.has(id));
    for (const restApiId of seen) await client.send(new DeleteRestApiCommand({ restApiId }));
    found.push(...seen);
    position = page.position;
  } while (position !== undefined);
  expect(found.toSorted()).toEqual([...mine].toSorted());
  const position1 = Buffer.from("1").toString("base64url");
  await expect(client.send(new GetRestApisCommand({ position: position1 }))).rejects.toThrow("Invalid position");
});
