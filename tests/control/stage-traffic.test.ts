/** What stages ask of their traffic: lines in a log group, and limits of requests; HTTP APIs and REST APIs. */
import {
  GetStageCommand as GetRestStageCommand,
  UpdateStageCommand as UpdateRestStageCommand,
} from "@aws-sdk/client-api-gateway";
import {
  CreateStageCommand,
  type CreateStageCommandInput,
  DeleteAccessLogSettingsCommand,
  DeleteRouteSettingsCommand,
  GetStageCommand,
  UpdateStageCommand,
} from "@aws-sdk/client-apigatewayv2";
import { describe, expect, it } from "vitest";
import { ACCOUNT, addRoute, addStage, client, makeApi, send, urls } from "./api-harness.ts";
import { REGION } from "./http-harness.ts";
import { addMethod, client as rest, deploy, makeRestApi } from "./rest-harness.ts";

const GROUP = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:api`;

function linesOf(stream: string): readonly string[] {
  const events = urls.http.control.logs.events.filter(({ logStream }) => logStream === stream);
  expect(events.every(({ origin }) => origin === "client")).toBe(true);
  return events.map(({ message }) => message);
}

describe("an HTTP API", () => {
  const format = "$context.requestId $context.httpMethod $context.routeKey $context.status $context.responseLength";

  it("writes a line about each request, also about those that it refuses itself", async () => {
    const ApiId = await makeApi();
    await addRoute(ApiId, "as-body", "GET /a");
    await addRoute(ApiId, "failing", "GET /failing");
    const more = `${format} $context.path $context.error.messageString $context.identity.userAgent $context.none $literal`;
    await addStage(ApiId, {
      StageName: "prod",
      AccessLogSettings: { DestinationArn: `${GROUP}:*`, Format: `${more}\n` },
    });
    const { text } = await send(ApiId, { path: "/prod/a", headers: { "user-agent": "test" } });
    await send(ApiId, { path: "/prod/failing" });
    await send(ApiId, { path: "/prod/none" });
    const [first, ...others] = linesOf(`${ApiId}/prod`);
    const { requestContext } = JSON.parse(text) as { requestContext: { requestId: string } };
    expect(first).toBe(`${requestContext.requestId} GET GET /a 200 ${text.length} /prod/a - test - $literal`);
    expect(others.map((line) => line.replace(/^\S+ /, ""))).toEqual([
      'GET GET /failing 500 35 /prod/failing "Internal Server Error" - - $literal',
      'GET - 404 23 /prod/none "Not Found" - - $literal',
    ]);
    const place = { ApiId, StageName: "prod" };
    expect(await client.send(new GetStageCommand(place))).toMatchObject({
      AccessLogSettings: { DestinationArn: GROUP, Format: more },
    });
    await client.send(new DeleteAccessLogSettingsCommand(place));
    await send(ApiId, { path: "/prod/a" });
    expect(linesOf(`${ApiId}/prod`)).toHaveLength(3);
    expect(await client.send(new GetStageCommand(place))).not.toHaveProperty("AccessLogSettings");
  });

  it("lets in a burst for each route, then answers 429", async () => {
    const ApiId = await makeApi();
    for (const key of ["GET /a", "GET /b", "GET /c"]) await addRoute(ApiId, "as-body", key);
    const own = { ThrottlingBurstLimit: 1, ThrottlingRateLimit: 1 };
    await addStage(ApiId, {
      DefaultRouteSettings: { ThrottlingBurstLimit: 2, ThrottlingRateLimit: 1, DetailedMetricsEnabled: true },
      RouteSettings: { "GET /b": own, "GET /c": { ThrottlingBurstLimit: 3 } },
    });
    const statusesOf = async (path: string): Promise<readonly number[]> => [
      (await send(ApiId, { path })).status,
      (await send(ApiId, { path })).status,
      (await send(ApiId, { path })).status,
    ];
    expect(await statusesOf("/a")).toEqual([200, 200, 429]);
    expect(await statusesOf("/b")).toEqual([200, 429, 429]);
    expect(await statusesOf("/c")).toEqual([200, 200, 200]);
    expect(await send(ApiId, { path: "/a" })).toMatchObject({ status: 429, text: '{"message":"Too Many Requests"}' });
    await urls.http.control.clock.advance(1000);
    expect(await statusesOf("/a")).toEqual([200, 429, 429]);
    const place = { ApiId, StageName: "$default" };
    await client.send(new DeleteRouteSettingsCommand({ ...place, RouteKey: "GET /b" }));
    const { RouteSettings, DefaultRouteSettings } = await client.send(new GetStageCommand(place));
    expect(RouteSettings).toEqual({ "GET /c": { DetailedMetricsEnabled: false, ThrottlingBurstLimit: 3 } });
    expect(DefaultRouteSettings).toMatchObject({ ThrottlingBurstLimit: 2, DetailedMetricsEnabled: true });
    await client.send(new UpdateStageCommand({ ...place, DefaultRouteSettings: { ThrottlingRateLimit: 0 } }));
    expect(await statusesOf("/a")).toEqual([429, 429, 429]);
  });

  it.for<readonly [string, Partial<CreateStageCommandInput>, string]>([
    [
      "a group of another account",
      { AccessLogSettings: { DestinationArn: GROUP.replace("0", "1"), Format: format } },
      "this account",
    ],
    [
      "a stream",
      { AccessLogSettings: { DestinationArn: "arn:aws:firehose:a:b:c", Format: format } },
      "log group of this",
    ],
    ["no format", { AccessLogSettings: { DestinationArn: GROUP } }, "$context.requestId"],
    [
      "no request in it",
      { AccessLogSettings: { DestinationArn: GROUP, Format: "$context.requestIdent" } },
      "$context.requestId",
    ],
    ["two lines", { AccessLogSettings: { DestinationArn: GROUP, Format: `${format}\na` } }, "single line"],
    ["a limit below zero", { DefaultRouteSettings: { ThrottlingRateLimit: -2 } }, "0 or more"],
    ["a route that is not there", { RouteSettings: { "GET /none": {} } }, "Unable to find Route by key GET /none"],
    ["execution logs", { DefaultRouteSettings: { LoggingLevel: "INFO" } }, "AccessLogSettings"],
  ])("refuses %s", async ([, input, message]) => {
    const stage = new CreateStageCommand({ ApiId: await makeApi(), StageName: "prod", ...input });
    await expect(client.send(stage)).rejects.toThrow(message);
  });
});

describe("a REST API", () => {
  const replace = (path: string, value: string) => ({ op: "replace" as const, path, value });

  async function made(): Promise<string> {
    const id = await makeRestApi();
    for (const key of ["GET /pets/{id}", "ANY /cats"]) await addMethod(id, "as-body", key);
    await deploy(id);
    return id;
  }
  const update = (
    restApiId: string,
    ...patchOperations: Array<ReturnType<typeof replace> | { op: "remove"; path: string }>
  ) => rest.send(new UpdateRestStageCommand({ restApiId, stageName: "prod", patchOperations }));

  it("writes a line about each request, also about those that it refuses itself", async () => {
    const id = await made();
    const format =
      "$context.requestId $context.status $context.resourcePath $context.error.responseType $context.error.message";
    await update(id, replace("/accessLogSettings/destinationArn", GROUP), replace("/accessLogSettings/format", format));
    await send(id, { path: "/prod/pets/1" });
    await send(id, { path: "/prod/none" });
    const lines = linesOf(`${id}/prod`);
    expect(lines.map((line) => line.replace(/^\S+ /, ""))).toEqual([
      "200 /pets/{id} - -",
      "403 - MISSING_AUTHENTICATION_TOKEN Missing Authentication Token",
    ]);
    await update(id, { op: "remove", path: "/accessLogSettings" });
    await send(id, { path: "/prod/pets/1" });
    expect(linesOf(`${id}/prod`)).toHaveLength(2);
  });

  it("lets in a burst for each method, then answers 429", async () => {
    const id = await made();
    await update(id, replace("/*/*/throttling/burstLimit", "2"), replace("/*/*/throttling/rateLimit", "1"));
    await update(id, replace("/~1pets~1{id}/GET/throttling/burstLimit", "1"), replace("/*/*/logging/loglevel", "INFO"));
    const statusesOf = async (path: string): Promise<readonly number[]> => [
      (await send(id, { path })).status,
      (await send(id, { path })).status,
      (await send(id, { path })).status,
    ];
    expect(await statusesOf("/prod/cats")).toEqual([200, 200, 429]);
    expect(await statusesOf("/prod/pets/1")).toEqual([200, 429, 429]);
    expect(await send(id, { path: "/prod/cats" })).toMatchObject({
      headers: { "x-amzn-errortype": "TooManyRequestsException" },
      text: '{"message":"Too Many Requests"}',
    });
    const { methodSettings } = await rest.send(new GetRestStageCommand({ restApiId: id, stageName: "prod" }));
    expect(methodSettings).toMatchObject({
      "*/*": { loggingLevel: "INFO", throttlingBurstLimit: 2, throttlingRateLimit: 1 },
      "~1pets~1{id}/GET": { loggingLevel: "OFF", throttlingBurstLimit: 1, throttlingRateLimit: -1 },
    });
    await update(id, { op: "remove", path: "/*/*" });
    expect(await statusesOf("/prod/cats")).toEqual([200, 200, 200]);
  });

  it("keeps and shows whether it is traced", async () => {
    const id = await made();
    expect(await update(id, replace("/tracingEnabled", "true"))).toMatchObject({ tracingEnabled: true });
  });

  it.for([
    ["/*/*/caching/enabled", "true", "there is no cache here"],
    ["/*/*/caching/ttlInSeconds", "1", "there is no cache here"],
    ["/*/*/logging/loglevel", "LOUD", "loggingLevel must be"],
    ["/*/*/metrics/enabled", "yes", "must be true or false"],
    ["/*/*/throttling/rateLimit", "x", "0 or more"],
    ["/*/*/throttling", "1", "Invalid patch path"],
    ["/accessLogSettings/destinationArn", "arn:aws:s3:::a", "log group of this account"],
    ["/accessLogSettings", "a", "has destinationArn and format"],
  ])("refuses %s %s", async ([path = "", value = "", message = ""]) => {
    await expect(update(await made(), replace(path, value))).rejects.toThrow(message);
  });
});
