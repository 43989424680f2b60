/** HTTP APIs made of definitions, and requests that are refused. */
import {
  BadRequestException,
  ConflictException,
  CreateIntegrationCommand,
  DeleteIntegrationCommand,
  DeleteRouteCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  ImportApiCommand,
  NotFoundException,
  ReimportApiCommand,
} from "@aws-sdk/client-apigatewayv2";
import { beforeAll, describe, expect, it } from "vitest";
import { client, arnOf, makeFunction, makeApi, addRoute, addStage, send, eventOf } from "./api-harness.ts";
import { REGION } from "./http-harness.ts";

describe("a definition", () => {
  const definition = (paths: Readonly<Record<string, unknown>>, more = {}): string =>
    JSON.stringify({ openapi: "3.0.1", info: { title: "pets", version: "1.0" }, paths, ...more });
  const integrate = (name: string): Readonly<Record<string, unknown>> => ({
    "x-amazon-apigateway-integration": {
      httpMethod: "POST",
      type: "aws_proxy",
      uri: `arn:aws:apigateway:${REGION}:lambda:path/2015-03-31/functions/${arnOf(name)}/invocations`,
      payloadFormatVersion: "2.0",
    },
    responses: {},
  });

  it("as SAM makes it becomes an API, and another one takes its place", async () => {
    const name = await makeFunction("echo");
    const paths = {
      "/pets/{id}": { get: integrate(name) },
      "/$default": { "x-amazon-apigateway-any-method": { ...integrate(name), isDefaultRoute: true } },
    };
    const tags = [{ name: "httpapi:createdBy", "x-amazon-apigateway-tag-value": "SAM" }];
    const cors = { allowOrigins: ["https://a.example"], allowMethods: ["GET"] };
    const Body = definition(paths, { tags, "x-amazon-apigateway-cors": cors });
    const made = await client.send(new ImportApiCommand({ Body }));
    const id = made.ApiId ?? "";
    expect(made).toMatchObject({
      Name: "pets",
      Version: "1.0",
      Tags: { "httpapi:createdBy": "SAM" },
      CorsConfiguration: { AllowOrigins: ["https://a.example"] },
    });
    await addStage(id);
    expect(await eventOf(id, { path: "/pets/1" })).toMatchObject({ pathParameters: { id: "1" } });
    expect(await eventOf(id, { path: "/else" })).toMatchObject({ routeKey: "$default" });
    const yaml = [
      "openapi: 3.0.1",
      "info: { title: cats, version: '2' }",
      `paths: ${JSON.stringify({ "/cats": { get: integrate(name) } })}`,
    ].join("\n");
    await client.send(new ReimportApiCommand({ ApiId: id, Body: yaml }));
    expect(await send(id, { path: "/pets/1" })).toMatchObject({ status: 404 });
    expect(await eventOf(id, { path: "/cats" })).toMatchObject({ routeKey: "GET /cats" });
    expect((await client.send(new GetIntegrationsCommand({ ApiId: id }))).Items).toHaveLength(1);
  });

  it.for([
    ["no JSON and no YAML", "{", "Unable to parse"],
    ["another version", JSON.stringify({ swagger: "2.0" }), "OpenAPI 3"],
    ["an authorizer", definition({ "/a": { get: { security: [{ jwt: [] }] } } }), "asks for jwt"],
    ["an extension", definition({}, { "x-amazon-apigateway-policy": {} }), "x-amazon-apigateway-policy"],
    ["a path that is none", definition({ a: { get: {} } }), "route key"],
    [
      "an integration that is no function",
      definition({ "/a": { get: { "x-amazon-apigateway-integration": { type: "http_proxy", uri: "http://a" } } } }),
      "only functions",
    ],
  ] as const)("%s is refused", async ([, Body, message]) => {
    const refusal = await client.send(new ImportApiCommand({ Body })).catch((error: Error) => error);
    expect(refusal).toBeInstanceOf(BadRequestException);
    expect((refusal as Error).message).toContain(message);
  });
});

describe("what is refused", () => {
  let id: string;
  beforeAll(async () => {
    id = await makeApi();
    await addRoute(id, "echo", "GET /a");
    await addStage(id, { StageName: "prod" });
  });
  const integration = { IntegrationType: "AWS_PROXY", IntegrationUri: arnOf("f") } as const;

  it.for<readonly [string, () => Promise<unknown>, new (...given: never[]) => Error, string]>([
    ["WebSocket", () => makeApi({ ProtocolType: "WEBSOCKET" }), BadRequestException, "HTTP APIs only"],
    ["a key twice", () => addRoute(id, "echo", "GET /a"), ConflictException, "already exists"],
    ["a key that is none", () => addRoute(id, "echo", "a"), BadRequestException, "route key"],
    ["a stage twice", () => addStage(id, { StageName: "prod" }), ConflictException, "Stage already exists"],
    ["a JWT", () => addRoute(id, "echo", "GET /b", "2.0", { AuthorizationType: "JWT" }), BadRequestException, "JWT"],
    [
      "another URL",
      () =>
        client.send(
          new CreateIntegrationCommand({ ApiId: id, IntegrationType: "HTTP_PROXY", IntegrationUri: "http://a" }),
        ),
      BadRequestException,
      "IntegrationType is not supported",
    ],
    [
      "a time that is too long",
      () => client.send(new CreateIntegrationCommand({ ApiId: id, ...integration, TimeoutInMillis: 30_001 })),
      BadRequestException,
      "30000",
    ],
    [
      "an integration in use",
      async () => {
        const { Items: [route] = [] } = await client.send(new GetRoutesCommand({ ApiId: id }));
        const IntegrationId = route?.Target?.replace("integrations/", "") ?? "";
        await client.send(new DeleteIntegrationCommand({ ApiId: id, IntegrationId }));
      },
      ConflictException,
      "associated with Route",
    ],
    [
      "credentials for every origin",
      () => makeApi({ CorsConfiguration: { AllowOrigins: ["*"], AllowCredentials: true } }),
      BadRequestException,
      "origin *",
    ],
    [
      "a route that is not there",
      () => client.send(new DeleteRouteCommand({ ApiId: id, RouteId: "x" })),
      NotFoundException,
      "Invalid Route",
    ],
  ])("%s", async ([, act, kind, message]) => {
    const refusal = await act().catch((error: Error) => error);
    expect(refusal).toBeInstanceOf(kind);
    expect((refusal as Error).message).toContain(message);
  });
});
