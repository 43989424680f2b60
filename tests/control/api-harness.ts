/** HTTP APIs in tests: made by AWS's client on the fake engine, called by plain HTTP. */
import {
  ApiGatewayV2Client,
  CreateApiCommand,
  type CreateApiCommandInput,
  CreateIntegrationCommand,
  CreateRouteCommand,
  type CreateRouteCommandInput,
  CreateStageCommand,
  type CreateStageCommandInput,
} from "@aws-sdk/client-apigatewayv2";
import { afterAll, beforeAll, expect } from "vitest";
import { CREDENTIALS, REGION } from "./http-harness.ts";
import { type Answer, UrlHarness, type Wish } from "./url-harness.ts";

export const ACCOUNT = "000000000000";

export let urls: UrlHarness;
export let client: ApiGatewayV2Client;
beforeAll(async () => {
  urls = await UrlHarness.start();
  client = new ApiGatewayV2Client({
    endpoint: `http://127.0.0.1:${urls.http.port}`,
    region: REGION,
    credentials: CREDENTIALS,
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await urls.end();
});

export function arnOf(name: string): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
}

/** A function that an API may call, unless `sourceArn` is another's. */
export async function makeFunction(
  code: string,
  sourceArn = `arn:aws:execute-api:${REGION}:${ACCOUNT}:*/*`,
): Promise<string> {
  const name = await urls.makeFunction(code);
  await urls.call("AddPermission", {
    FunctionName: name,
    StatementId: "api",
    Action: "lambda:InvokeFunction",
    Principal: "apigateway.amazonaws.com",
    SourceArn: sourceArn,
  });
  return name;
}

export async function makeApi(input: Partial<CreateApiCommandInput> = {}): Promise<string> {
  const { ApiId } = await client.send(new CreateApiCommand({ Name: "pets", ProtocolType: "HTTP", ...input }));
  return ApiId ?? "";
}

export async function addRoute(
  ApiId: string,
  code: string,
  RouteKey: string,
  version = "2.0",
  route: Partial<CreateRouteCommandInput> = {},
): Promise<string> {
  const IntegrationUri = arnOf(await makeFunction(code));
  const integration = { ApiId, IntegrationType: "AWS_PROXY", IntegrationUri, PayloadFormatVersion: version } as const;
  const { IntegrationId } = await client.send(new CreateIntegrationCommand(integration));
  const Target = `integrations/${IntegrationId}`;
  const { RouteId } = await client.send(new CreateRouteCommand({ ApiId, RouteKey, Target, ...route }));
  return RouteId ?? "";
}

export function addStage(ApiId: string, input: Partial<CreateStageCommandInput> = {}): Promise<unknown> {
  return client.send(new CreateStageCommand({ ApiId, StageName: "$default", AutoDeploy: true, ...input }));
}

export function hostOf(id: string): string {
  return `${id}.execute-api.${REGION}.localhost:${urls.http.port}`;
}

export function send(id: string, wish: Wish = {}): Promise<Answer> {
  return urls.send(id, { host: hostOf(id), ...wish });
}

export async function eventOf(id: string, wish: Wish = {}): Promise<Readonly<Record<string, unknown>>> {
  const answer = await send(id, wish);
  expect(answer.status, answer.text).toBe(200);
  return JSON.parse(answer.text) as Readonly<Record<string, unknown>>;
}
