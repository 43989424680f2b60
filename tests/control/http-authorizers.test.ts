/** Authorizers of HTTP APIs: made by AWS's client, asked by plain HTTP, with tokens of a real issuer. */
import {
  CreateAuthorizerCommand,
  type CreateAuthorizerCommandInput,
  CreateDeploymentCommand,
  CreateRouteCommand,
  type CreateRouteCommandInput,
  DeleteAuthorizerCommand,
  GetAuthorizerCommand,
  GetAuthorizersCommand,
  GetRoutesCommand,
  ImportApiCommand,
  ResetAuthorizersCacheCommand,
  UpdateAuthorizerCommand,
  UpdateRouteCommand,
  UpdateStageCommand,
} from "@aws-sdk/client-apigatewayv2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AUDIENCE, Issuer } from "../support/issuer.ts";
import { ACCOUNT, addRoute, addStage, client, makeApi, makeFunction, send } from "./api-harness.ts";
import { REGION } from "./http-harness.ts";
import { uriOf } from "./rest-harness.ts";
import type { Answer } from "./url-harness.ts";

type Json = Readonly<Record<string, unknown>>;

let issuer: Issuer;
beforeAll(async () => {
  issuer = await Issuer.start();
});
afterAll(() => issuer[Symbol.asyncDispose]());

const TOKEN_SOURCE = "$request.header.Authorization";
const UNAUTHORIZED = { status: 401, text: '{"message":"Unauthorized"}' };
const FORBIDDEN = { status: 403, text: '{"message":"Forbidden"}' };
const FAILED = { status: 500, text: '{"message":"Internal Server Error"}' };

async function makeAuthorizer(ApiId: string, input: Partial<CreateAuthorizerCommandInput>): Promise<string> {
  const own = { ApiId, Name: "own", AuthorizerType: "JWT" } as const;
  const given = { ...own, IdentitySource: [TOKEN_SOURCE], ...input };
  return (await client.send(new CreateAuthorizerCommand(given))).AuthorizerId ?? "";
}

function jwt(): Partial<CreateAuthorizerCommandInput> {
  return { JwtConfiguration: { Issuer: issuer.url, Audience: ["x", AUDIENCE] } };
}

async function lambda(
  code: string,
  input: Partial<CreateAuthorizerCommandInput> = {},
): Promise<Partial<CreateAuthorizerCommandInput>> {
  return {
    AuthorizerType: "REQUEST",
    AuthorizerUri: uriOf(await makeFunction(code)),
    AuthorizerPayloadFormatVersion: "2.0",
    ...input,
  };
}

/** An API with one function behind an authorizer, at `/pets/{id}` and `/cats`; it answers with its event. */
async function guarded(
  authorizer: Partial<CreateAuthorizerCommandInput>,
  { version = "2.0", route = {} as Partial<CreateRouteCommandInput> } = {},
): Promise<{ readonly id: string; readonly authorizerId: string }> {
  const id = await makeApi();
  const authorizerId = await makeAuthorizer(id, authorizer);
  const AuthorizationType = authorizer.AuthorizerType === "REQUEST" ? "CUSTOM" : "JWT";
  for (const key of ["GET /pets/{id}", "GET /cats"])
    await addRoute(id, "as-body", key, version, { AuthorizationType, AuthorizerId: authorizerId, ...route });
  await addStage(id);
  return { id, authorizerId };
}

const get = (id: string, path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  send(id, { path, headers });
const withToken = async (id: string, token: string | Promise<string>, path = "/cats"): Promise<Answer> =>
  get(id, path, { authorization: `Bearer ${await token}` });

async function authorizerOf(answer: Answer | Promise<Answer>): Promise<Json> {
  const { status, text } = await answer;
  expect(status, text).toBe(200);
  return (JSON.parse(text) as { requestContext: { authorizer: Json } }).requestContext.authorizer;
}

describe("a JWT authorizer", () => {
  it("lets in who has a token, and hands on the claims as texts", async () => {
    const { id } = await guarded(jwt());
    const token = issuer.sign({
      sub: "me",
      exp: 4_102_444_800,
      groups: ["a", "b"],
      is_admin: false,
      "a:b": { d: 1, c: null },
    });
    expect(await authorizerOf(withToken(id, token))).toEqual({
      jwt: {
        claims: {
          iss: issuer.url,
          aud: AUDIENCE,
          sub: "me",
          exp: "4102444800",
          groups: "[a b]",
          is_admin: "false",
          "a:b": "map[c:<nil> d:1]",
        },
        scopes: null,
      },
    });
    expect(await get(id, "/cats", { authorization: await token })).toMatchObject({ status: 200 });
  });

  it("hands them on in payload format 1.0, too", async () => {
    const { id } = await guarded(jwt(), { version: "1.0" });
    const authorizer = await authorizerOf(withToken(id, issuer.sign({ sub: "me" })));
    expect(authorizer).toMatchObject({ claims: { sub: "me" }, scopes: null });
  });

  it("finds the token where the authorizer says", async () => {
    const { id } = await guarded({ ...jwt(), IdentitySource: ["$request.querystring.token"] });
    expect(await get(id, `/cats?token=${await issuer.sign()}`)).toMatchObject({ status: 200 });
    expect(await withToken(id, issuer.sign())).toMatchObject(UNAUTHORIZED);
  });

  it("refuses as AWS does, and says why", async () => {
    const { id } = await guarded(jwt());
    expect(await get(id, "/cats")).toMatchObject({ ...UNAUTHORIZED, headers: { "www-authenticate": "Bearer" } });
    expect(await withToken(id, issuer.sign({ aud: "others" }))).toMatchObject({
      ...UNAUTHORIZED,
      headers: {
        "www-authenticate":
          'Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"',
        "apigw-requestid": expect.any(String),
      },
    });
    expect(await withToken(id, "x".repeat(8000))).toMatchObject(UNAUTHORIZED);
    expect(await get(id, "/none")).toMatchObject({ status: 404 });
  });

  it("asks for one of the route's scopes", async () => {
    const { id } = await guarded(jwt(), { route: { AuthorizationScopes: ["read", "write"] } });
    expect(await withToken(id, issuer.sign({ scope: "admin" }))).toMatchObject({
      ...FORBIDDEN,
      headers: { "www-authenticate": expect.stringContaining('Bearer scope="read write" error="insufficient_scope"') },
    });
    expect(await withToken(id, issuer.sign({ scope: "reads" }))).toMatchObject(FORBIDDEN);
    const list = await authorizerOf(withToken(id, issuer.sign({ scp: ["write", "x"] })));
    expect(list).toMatchObject({ jwt: { scopes: ["write"], claims: { scp: "[write x]" } } });
    const text = await authorizerOf(withToken(id, issuer.sign({ scope: "x write read" })));
    expect(text).toMatchObject({ jwt: { scopes: ["read", "write"] } });
  });

  it("tells whoever is near why an issuer could not be asked", async () => {
    await using gone = await Issuer.start();
    gone.answerDiscovery((response) => void response.writeHead(503).end());
    const { id } = await guarded({ JwtConfiguration: { Issuer: gone.url, Audience: [AUDIENCE] } });
    expect(await withToken(id, gone.sign())).toMatchObject({
      ...UNAUTHORIZED,
      headers: { "x-thaw-reason": expect.stringContaining("answers 503") },
    });
  });
});

describe("a Lambda authorizer", () => {
  const headers = { "x-who": "me", authorization: "t" };

  it("that returns a policy says who may take which route, and hands on its context", async () => {
    const { id } = await guarded(await lambda("policy-of-who", { IdentitySource: ["$request.header.X-Who"] }));
    expect(await get(id, "/pets/1")).toMatchObject(UNAUTHORIZED);
    const allowed = await authorizerOf(get(id, "/pets/1", { "x-who": "GET/pets/*" }));
    expect(allowed).toEqual({ lambda: { number: 1, flag: true } });
    for (const who of ["GET/pets/*", "deny"]) expect(await get(id, "/cats", { "x-who": who })).toMatchObject(FORBIDDEN);
    for (const path of ["/p%65ts/1", "/pets/%31"])
      expect(await get(id, path, { "x-who": "GET/pets/2" }), path).toMatchObject(FORBIDDEN);
  });

  it("may answer yes or no", async () => {
    const simple = { EnableSimpleResponses: true, IdentitySource: ["$request.header.X-Who"] };
    const { id } = await guarded(await lambda("simple", simple));
    expect(await authorizerOf(get(id, "/cats", { "x-who": "yes" }))).toEqual({ lambda: { who: "yes" } });
    expect(await get(id, "/cats", { "x-who": "no" })).toMatchObject(FORBIDDEN);
  });

  it("gets the request in payload format 2.0", async () => {
    const sources = ["$request.header.X-Who", "$context.routeKey", "$stageVariables.color"];
    const { id } = await guarded(
      await lambda("event-of-simple", { EnableSimpleResponses: true, IdentitySource: sources }),
    );
    await client.send(new UpdateStageCommand({ ApiId: id, StageName: "$default", StageVariables: { color: "red" } }));
    const { lambda: context } = (await authorizerOf(get(id, "/pets/1?q=a", headers))) as { lambda: { event: string } };
    const event = JSON.parse(context.event) as Json;
    expect(event).toMatchObject({
      version: "2.0",
      type: "REQUEST",
      routeArn: `arn:aws:execute-api:${REGION}:${ACCOUNT}:${id}/$default/GET/pets/1`,
      identitySource: ["me", "GET /pets/{id}", "red"],
      routeKey: "GET /pets/{id}",
      rawPath: "/pets/1",
      rawQueryString: "q=a",
      headers: { "x-who": "me", authorization: "t" },
      pathParameters: { id: "1" },
      stageVariables: { color: "red" },
      requestContext: { http: { method: "GET" }, stage: "$default" },
    });
    expect(Object.keys(event)).not.toContain("body");
  });

  it("gets the request in payload format 1.0", async () => {
    const old = { AuthorizerPayloadFormatVersion: "1.0", IdentitySource: ["$request.header.X-Who", TOKEN_SOURCE] };
    const { id } = await guarded(await lambda("event-of-policy", old), { version: "1.0" });
    const { principalId, event: text } = await authorizerOf(get(id, "/pets/1?q=a", headers));
    expect(principalId).toBe("me");
    const event = JSON.parse(String(text)) as Json;
    expect(event).toMatchObject({
      version: "1.0",
      type: "REQUEST",
      methodArn: `arn:aws:execute-api:${REGION}:${ACCOUNT}:${id}/$default/GET/pets/1`,
      identitySource: "me,t",
      authorizationToken: "me,t",
      resource: "/pets/{id}",
      path: "/pets/1",
      httpMethod: "GET",
      queryStringParameters: { q: "a" },
      pathParameters: { id: "1" },
      requestContext: { resourcePath: "/pets/{id}", identity: { sourceIp: "127.0.0.1" } },
    });
  });

  it.for([
    ["failing", FAILED],
    ["result", FAILED],
    ["unauthorized", UNAUTHORIZED],
  ] as const)("that is %s", async ([code, answer]) => {
    const { id } = await guarded(await lambda(code, { IdentitySource: [] }));
    expect(await get(id, "/cats")).toMatchObject(answer);
  });

  it("whose function does not let the API call it fails, and who is near is told why", async () => {
    const AuthorizerUri = uriOf(await makeFunction("simple", "arn:aws:s3:::b"));
    const { id } = await guarded({ ...(await lambda("simple")), AuthorizerUri });
    expect(await get(id, "/cats", headers)).toMatchObject({
      ...FAILED,
      headers: { "x-thaw-reason": expect.stringContaining("AddPermission") },
    });
  });

  it("is asked once for each identity as long as its results are kept, and again when they are forgotten", async () => {
    const kept = { AuthorizerResultTtlInSeconds: 300, IdentitySource: ["$request.header.X-Who"] };
    const { id, authorizerId } = await guarded(await lambda("counting", kept));
    const countOf = async (path: string, who: string): Promise<unknown> =>
      ((await authorizerOf(get(id, path, { "x-who": who }))) as { lambda: { count: number } }).lambda.count;
    const first = await countOf("/cats", "a");
    expect(await countOf("/pets/1", "a")).toBe(first);
    expect(await countOf("/cats", "b")).not.toBe(first);
    await client.send(new ResetAuthorizersCacheCommand({ ApiId: id, StageName: "$default" }));
    const second = await countOf("/cats", "a");
    expect(second).not.toBe(first);
    expect(await countOf("/cats", "a")).toBe(second);
    const place = { ApiId: id, AuthorizerId: authorizerId };
    await client.send(new UpdateAuthorizerCommand({ ...place, AuthorizerResultTtlInSeconds: 0 }));
    expect(await countOf("/cats", "a")).not.toBe(await countOf("/cats", "a"));
  });
});

describe("the operations", () => {
  it("make, show, list, change and remove", async () => {
    const ApiId = await makeApi();
    const AuthorizerId = await makeAuthorizer(ApiId, jwt());
    const place = { ApiId, AuthorizerId };
    const shown = {
      AuthorizerId,
      AuthorizerType: "JWT",
      Name: "own",
      IdentitySource: [TOKEN_SOURCE],
      JwtConfiguration: { Issuer: issuer.url, Audience: ["x", AUDIENCE] },
    };
    expect(await client.send(new GetAuthorizerCommand(place))).toMatchObject(shown);
    await client.send(new UpdateAuthorizerCommand({ ...place, Name: "other" }));
    const { Items } = await client.send(new GetAuthorizersCommand({ ApiId }));
    expect(Items).toEqual([{ ...shown, Name: "other" }]);
    const AuthorizationType = "JWT";
    const RouteId = await addRoute(ApiId, "echo", "GET /a", "2.0", {
      AuthorizationType,
      AuthorizerId,
      AuthorizationScopes: ["read"],
    });
    expect((await client.send(new GetRoutesCommand({ ApiId }))).Items).toMatchObject([
      { AuthorizationType, AuthorizerId, AuthorizationScopes: ["read"] },
    ]);
    await expect(client.send(new DeleteAuthorizerCommand(place))).rejects.toThrow("is referenced in route");
    await client.send(new UpdateRouteCommand({ ApiId, RouteId, AuthorizationType: "NONE" }));
    const { Items: [route] = [] } = await client.send(new GetRoutesCommand({ ApiId }));
    expect(route).toMatchObject({ AuthorizationType: "NONE" });
    expect(route).not.toHaveProperty("AuthorizerId");
    await client.send(new DeleteAuthorizerCommand(place));
    await expect(client.send(new GetAuthorizerCommand(place))).rejects.toThrow("Invalid Authorizer identifier");
  });

  it("a deployment keeps the authorizers that it had", async () => {
    const { id, authorizerId } = await guarded(jwt());
    await addStage(id, { StageName: "prod", AutoDeploy: false });
    await client.send(new CreateDeploymentCommand({ ApiId: id, StageName: "prod" }));
    const JwtConfiguration = { Issuer: issuer.url, Audience: ["others"] };
    await client.send(new UpdateAuthorizerCommand({ ApiId: id, AuthorizerId: authorizerId, JwtConfiguration }));
    expect(await withToken(id, issuer.sign())).toMatchObject(UNAUTHORIZED);
    expect(await withToken(id, issuer.sign(), "/prod/cats")).toMatchObject({ status: 200 });
  });

  const JWT = { JwtConfiguration: { Issuer: "https://issuer.example", Audience: ["a"] } };
  const LAMBDA = {
    AuthorizerType: "REQUEST",
    AuthorizerUri: uriOf("f"),
    AuthorizerPayloadFormatVersion: "2.0",
  } as const;
  it.for<readonly [string, Partial<CreateAuthorizerCommandInput>, string]>([
    [
      "an issuer without encryption",
      { JwtConfiguration: { Issuer: "http://a", Audience: ["a"] } },
      "--http-issuer http://a",
    ],
    ["no audience", { JwtConfiguration: { Issuer: "https://a", Audience: [] } }, "1 to 50 audiences"],
    ["no issuer", {}, "Invalid issuer"],
    ["two places of a token", { ...JWT, IdentitySource: [TOKEN_SOURCE, "$request.header.b"] }, "one identity source"],
    ["a token in the context", { ...JWT, IdentitySource: ["$context.path"] }, "one identity source"],
    ["a source of REST APIs", { ...JWT, IdentitySource: ["method.request.header.a"] }, "Invalid identity source"],
    ["a function of tokens", { ...JWT, AuthorizerUri: uriOf("f") }, "AuthorizerUri is for"],
    ["tokens of a function", { ...LAMBDA, ...JWT }, "JwtConfiguration is for"],
    ["no function", { ...LAMBDA, AuthorizerUri: "arn:aws:sqs:a" }, "AuthorizerUri must be"],
    ["no format", { ...LAMBDA, AuthorizerPayloadFormatVersion: undefined }, "AuthorizerPayloadFormatVersion"],
    [
      "plain answers in format 1.0",
      { ...LAMBDA, AuthorizerPayloadFormatVersion: "1.0", EnableSimpleResponses: true },
      "2.0",
    ],
    [
      "no source of what is kept",
      { ...LAMBDA, IdentitySource: [], AuthorizerResultTtlInSeconds: 1 },
      "Identity source",
    ],
    ["a role", { ...LAMBDA, AuthorizerCredentialsArn: "arn:aws:iam::000000000000:role/a" }, "AddPermission"],
    ["an expression", { ...LAMBDA, IdentityValidationExpression: "a" }, "IdentityValidationExpression"],
  ])("refuse %s", async ([, input, message]) => {
    await expect(makeAuthorizer(await makeApi(), input)).rejects.toThrow(message);
  });

  it.for<readonly [string, Partial<CreateRouteCommandInput>, string]>([
    ["an authorizer that is not there", { AuthorizationType: "JWT", AuthorizerId: "none" }, "requires a valid JWT"],
    ["one of the other kind", { AuthorizationType: "CUSTOM" }, "requires a valid Lambda"],
    ["one that is not asked", { AuthorizationType: "AWS_IAM" }, "AuthorizerId is for routes"],
    ["a scope that is none", { AuthorizationType: "JWT", AuthorizationScopes: ['a"b'] }, "Invalid authorization scope"],
  ])("refuse a route with %s", async ([, input, message]) => {
    const ApiId = await makeApi();
    const AuthorizerId = await makeAuthorizer(ApiId, JWT);
    const route = new CreateRouteCommand({ ApiId, RouteKey: "GET /a", AuthorizerId, ...input });
    await expect(client.send(route)).rejects.toThrow(message);
  });

  it("refuse a second one of the same name, and an eleventh", async () => {
    const ApiId = await makeApi();
    for (let count = 0; count < 10; count++) await makeAuthorizer(ApiId, { ...JWT, Name: `n${count}` });
    await expect(makeAuthorizer(ApiId, { ...JWT, Name: "n1" })).rejects.toThrow("must be unique");
    await expect(makeAuthorizer(ApiId, JWT)).rejects.toThrow("at most 10 authorizers");
  });
});

it("a definition has authorizers, as SAM writes them", async () => {
  const integration = {
    type: "aws_proxy",
    httpMethod: "POST",
    payloadFormatVersion: "2.0",
    uri: uriOf(await makeFunction("as-body")),
  };
  const routeOf = (security: readonly object[]) => ({
    get: { security, responses: {}, "x-amazon-apigateway-integration": integration },
  });
  const authorizer = "x-amazon-apigateway-authorizer";
  const definition = {
    openapi: "3.0.1",
    info: { title: "pets", version: "1.0" },
    paths: { "/jwt": routeOf([{ Tokens: ["read"] }]), "/lambda": routeOf([{ Function: [] }]), "/open": routeOf([]) },
    security: [{ Tokens: [] }],
    components: {
      securitySchemes: {
        Tokens: {
          type: "oauth2",
          [authorizer]: {
            type: "jwt",
            identitySource: TOKEN_SOURCE,
            jwtConfiguration: { issuer: issuer.url, audience: AUDIENCE },
          },
        },
        Function: {
          type: "apiKey",
          name: "Unused",
          in: "header",
          [authorizer]: {
            type: "request",
            authorizerUri: uriOf(await makeFunction("simple")),
            authorizerPayloadFormatVersion: 2,
            enableSimpleResponses: true,
            authorizerResultTtlInSeconds: 60,
            identitySource: "$request.header.X-Who, $request.querystring.q",
          },
        },
      },
    },
  };
  const { ApiId = "" } = await client.send(new ImportApiCommand({ Body: JSON.stringify(definition) }));
  await addStage(ApiId);
  const { Items } = await client.send(new GetAuthorizersCommand({ ApiId }));
  expect(Items?.toSorted((a, b) => ((a.Name ?? "") < (b.Name ?? "") ? -1 : 1))).toMatchObject([
    {
      Name: "Function",
      AuthorizerPayloadFormatVersion: "2.0",
      AuthorizerResultTtlInSeconds: 60,
      EnableSimpleResponses: true,
      IdentitySource: ["$request.header.X-Who", "$request.querystring.q"],
    },
    { Name: "Tokens", JwtConfiguration: { Issuer: issuer.url, Audience: [AUDIENCE] } },
  ]);
  expect(await get(ApiId, "/open")).toMatchObject({ status: 200 });
  expect(await get(ApiId, "/jwt")).toMatchObject(UNAUTHORIZED);
  expect(await withToken(ApiId, issuer.sign({ scope: "x" }), "/jwt")).toMatchObject(FORBIDDEN);
  expect(await withToken(ApiId, issuer.sign({ scope: "read" }), "/jwt")).toMatchObject({ status: 200 });
  expect(await get(ApiId, "/lambda", { "x-who": "yes" })).toMatchObject(UNAUTHORIZED);
  expect(await get(ApiId, "/lambda?q=1", { "x-who": "yes" })).toMatchObject({ status: 200 });
});
