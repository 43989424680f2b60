/** Lambda authorizers of REST APIs: who may call, what is handed on, and for how long it is remembered. */
import {
  CreateAuthorizerCommand,
  type CreateAuthorizerCommandInput,
  DeleteAuthorizerCommand,
  GetAuthorizersCommand,
  PutMethodCommand,
  UpdateAuthorizerCommand,
} from "@aws-sdk/client-api-gateway";
import { describe, expect, it } from "vitest";
import { ACCOUNT, makeFunction } from "./api-harness.ts";
import { REGION } from "./http-harness.ts";
import { addMethod, client, deploy, importApi, makeResource, makeRestApi, send, uriOf } from "./rest-harness.ts";

const UNAUTHORIZED = {
  status: 401,
  headers: { "x-amzn-errortype": "UnauthorizedException" },
  text: '{"message":"Unauthorized"}',
};
const FAILED = {
  status: 500,
  headers: { "x-amzn-errortype": "AuthorizerConfigurationException" },
  text: '{"message":null}',
};

async function makeAuthorizer(
  restApiId: string,
  code: string,
  input: Partial<CreateAuthorizerCommandInput> = {},
): Promise<string> {
  const authorizerUri = uriOf(
    await makeFunction(code, `arn:aws:execute-api:${REGION}:${ACCOUNT}:${restApiId}/authorizers/*`),
  );
  const identitySource = "method.request.header.Authorization";
  const given = { restApiId, name: code, type: "TOKEN", authorizerUri, identitySource, ...input } as const;
  return (await client.send(new CreateAuthorizerCommand(given))).id ?? "";
}

/** An API with one method behind an authorizer. */
async function makeApi(code: string, input: Partial<CreateAuthorizerCommandInput> = {}): Promise<string> {
  const id = await makeRestApi();
  const authorizerId = await makeAuthorizer(id, code, input);
  const method = { authorizationType: "CUSTOM", authorizerId };
  for (const key of ["GET /pets/{id}", "GET /cats"]) await addMethod(id, "as-body", key, { method });
  await deploy(id);
  return id;
}

const get = (id: string, path: string, authorization?: string) =>
  send(id, { path: `/prod${path}`, headers: authorization === undefined ? {} : { authorization } });

describe("an authorizer of tokens", () => {
  it("says who may call which method, and hands on its context", async () => {
    const id = await makeApi("authorizer");
    expect(await get(id, "/pets/1")).toMatchObject(UNAUTHORIZED);
    expect(await get(id, "/pets/1", "")).toMatchObject(UNAUTHORIZED);
    const allowed = await get(id, "/pets/1", "GET/pets/*");
    expect(JSON.parse(allowed.text)).toMatchObject({
      requestContext: {
        authorizer: { principalId: "me", number: "1", flag: "true", integrationLatency: expect.any(Number) },
      },
    });
    const message = "User is not authorized to access this resource";
    expect(await get(id, "/cats", "GET/pets/*")).toMatchObject({ status: 403, text: `{"Message":"${message}"}` });
    expect(await get(id, "/cats", "deny")).toMatchObject({
      status: 403,
      headers: { "x-amzn-errortype": "AccessDeniedException" },
      text: `{"Message":"${message} with an explicit deny"}`,
    });
  });

  it("judges a path the same, however it is written", async () => {
    const id = await makeApi("authorizer");
    for (const path of ["/p%65ts/1", "/pets/1/", "/pets/%31"])
      expect(await get(id, path, "GET/pets/2"), path).toMatchObject({ status: 403 });
  });

  it.for([
    ["failing", FAILED],
    ["result", FAILED],
    ["unauthorized", UNAUTHORIZED],
  ] as const)("that is %s", async ([code, answer]) => {
    expect(await get(await makeApi(code), "/cats", "token")).toMatchObject(answer);
  });

  it("is asked once for each token, as long as its results are kept", async () => {
    const id = await makeApi("counting");
    const countOf = async (path: string, token: string): Promise<unknown> =>
      (JSON.parse((await get(id, path, token)).text) as { requestContext: { authorizer: { count: string } } })
        .requestContext.authorizer.count;
    const first = await countOf("/cats", "a");
    expect(await countOf("/pets/1", "a")).toBe(first);
    expect(await countOf("/cats", "b")).not.toBe(first);
    const { items: [authorizer] = [] } = await client.send(new GetAuthorizersCommand({ restApiId: id }));
    const patchOperations = [{ op: "replace" as const, path: "/authorizerResultTtlInSeconds", value: "0" }];
    const change = { restApiId: id, authorizerId: authorizer?.id, patchOperations };
    await client.send(new UpdateAuthorizerCommand(change));
    await deploy(id);
    expect(await countOf("/cats", "a")).not.toBe(await countOf("/cats", "a"));
  });

  it("whose function does not let the API call it fails, and who is near is told why", async () => {
    const id = await makeApi("authorizer", {
      authorizerUri: uriOf(await makeFunction("authorizer", "arn:aws:s3:::b")),
    });
    expect(await get(id, "/cats", "token")).toMatchObject({
      ...FAILED,
      headers: { "x-thaw-reason": expect.stringContaining("AddPermission") },
    });
  });
});

it("an authorizer of requests sees all but the body, and is asked only where all parts of the identity are", async () => {
  const id = await makeApi("request-authorizer", {
    type: "REQUEST",
    identitySource: "method.request.header.X-Who, method.request.querystring.key",
  });
  const headers = { "X-Who": "me" };
  expect(await send(id, { path: "/prod/pets/1", headers })).toMatchObject(UNAUTHORIZED);
  const answer = await send(id, { path: "/prod/pets/1?key=k", headers });
  expect(answer.status, answer.text).toBe(200);
  const { requestContext } = JSON.parse(answer.text) as { requestContext: { authorizer: { event: string } } };
  const event = JSON.parse(requestContext.authorizer.event) as Readonly<Record<string, unknown>>;
  expect(event).toMatchObject({
    type: "REQUEST",
    methodArn: `arn:aws:execute-api:${REGION}:${ACCOUNT}:${id}/prod/GET/pets/1`,
    resource: "/pets/{id}",
    path: "/pets/1",
    httpMethod: "GET",
    headers: "object",
    pathParameters: "object",
    requestContext: "object",
  });
  expect(event).not.toHaveProperty("body");
});

it("a definition has authorizers, as SAM writes them", async () => {
  const id = await importApi({
    paths: {
      "/a": {
        get: {
          security: [{ Tokens: [] }],
          responses: {},
          "x-amazon-apigateway-integration": {
            type: "aws_proxy",
            httpMethod: "POST",
            uri: uriOf(await makeFunction("as-body")),
          },
        },
      },
    },
    securityDefinitions: {
      Tokens: {
        type: "apiKey",
        name: "X-Token",
        in: "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": { type: "token", authorizerUri: uriOf(await makeFunction("authorizer")) },
      },
    },
  });
  await deploy(id);
  const { items } = await client.send(new GetAuthorizersCommand({ restApiId: id }));
  expect(items).toMatchObject([
    {
      name: "Tokens",
      type: "TOKEN",
      identitySource: "method.request.header.X-Token",
      authorizerResultTtlInSeconds: 300,
    },
  ]);
  expect(await send(id, { path: "/prod/a" })).toMatchObject({ status: 401 });
  expect(await send(id, { path: "/prod/a", headers: { "x-token": "GET/a" } })).toMatchObject({ status: 200 });
});

describe("what is refused", () => {
  it.for<readonly [string, Partial<CreateAuthorizerCommandInput>, string]>([
    ["another type", { type: "COGNITO_USER_POOLS", providerARNs: [] }, "COGNITO_USER_POOLS"],
    ["an expression", { identityValidationExpression: "a+" }, "check the token in the authorizer"],
    ["no function", { authorizerUri: "arn:aws:sqs:a" }, "authorizerUri"],
    ["a time that is too long", { authorizerResultTtlInSeconds: 3601 }, "3600"],
    ["a source that is none", { identitySource: "method.request.body" }, "Invalid identity source"],
    ["two sources of a token", { identitySource: "method.request.header.a,method.request.header.b" }, "one header"],
    ["no source of what is kept", { type: "REQUEST", identitySource: "" }, "Identity source is required"],
  ])("%s", async ([, input, message]) => {
    await expect(makeAuthorizer(await makeRestApi(), "authorizer", input)).rejects.toThrow(message);
  });

  it("a method of an authorizer that is not there, and the end of one in use", async () => {
    const restApiId = await makeRestApi();
    const place = { restApiId, resourceId: await makeResource(restApiId, "/a"), httpMethod: "GET" };
    const put = new PutMethodCommand({ ...place, authorizationType: "CUSTOM", authorizerId: "none" });
    await expect(client.send(put)).rejects.toThrow("requires a valid authorizer");
    const authorizerId = await makeAuthorizer(restApiId, "authorizer");
    await client.send(new PutMethodCommand({ ...place, authorizationType: "CUSTOM", authorizerId }));
    const removal = client.send(new DeleteAuthorizerCommand({ restApiId, authorizerId }));
    await expect(removal).rejects.toThrow("is referenced in method");
  });
});
