/** REST APIs in tests: made by AWS's client on the fake engine, called by plain HTTP. */
import {
  APIGatewayClient,
  CreateDeploymentCommand,
  type CreateDeploymentCommandInput,
  CreateResourceCommand,
  CreateRestApiCommand,
  type CreateRestApiCommandInput,
  GetResourcesCommand,
  ImportRestApiCommand,
  type PutIntegrationCommandInput,
  PutIntegrationCommand,
  PutMethodCommand,
  type PutMethodCommandInput,
} from "@aws-sdk/client-api-gateway";
import { afterAll, beforeAll } from "vitest";
import { arnOf, hostOf, makeFunction, urls } from "./api-harness.ts";
import { CREDENTIALS, REGION } from "./http-harness.ts";
import type { Answer, Wish } from "./url-harness.ts";

export let client: APIGatewayClient;
beforeAll(() => {
  client = new APIGatewayClient({
    endpoint: `http://127.0.0.1:${urls.http.port}`,
    region: REGION,
    credentials: CREDENTIALS,
    maxAttempts: 1,
  });
});
afterAll(() => {
  client.destroy();
});

export function uriOf(name: string): string {
  return `arn:aws:apigateway:${REGION}:lambda:path/2015-03-31/functions/${arnOf(name)}/invocations`;
}

export async function makeRestApi(input: Partial<CreateRestApiCommandInput> = {}): Promise<string> {
  const { id } = await client.send(new CreateRestApiCommand({ name: "pets", ...input }));
  return id ?? "";
}

/** The id of a resource, made with all above it where it is not there. */
export async function makeResource(restApiId: string, path: string): Promise<string> {
  const { items = [] } = await client.send(new GetResourcesCommand({ restApiId, limit: 500 }));
  let at = items.find((each) => each.path === "/")?.id ?? "";
  let made = "";
  for (const pathPart of path.split("/").filter((part) => part !== "")) {
    made += `/${pathPart}`;
    const found = items.find((each) => each.path === made)?.id;
    at = found ?? (await client.send(new CreateResourceCommand({ restApiId, parentId: at, pathPart }))).id ?? "";
  }
  return at;
}

/** A method that a function of this kind answers; gives its resource's id. */
export async function addMethod(
  restApiId: string,
  code: string,
  key: string,
  {
    method = {},
    integration = {},
  }: {
    readonly method?: Partial<PutMethodCommandInput>;
    readonly integration?: Partial<PutIntegrationCommandInput>;
  } = {},
): Promise<string> {
  const [httpMethod = "", path = ""] = key.split(" ");
  const resourceId = await makeResource(restApiId, path);
  const place = { restApiId, resourceId, httpMethod };
  await client.send(new PutMethodCommand({ ...place, authorizationType: "NONE", ...method }));
  const uri = integration.uri ?? uriOf(await makeFunction(code));
  const target = { type: "AWS_PROXY", integrationHttpMethod: "POST", ...integration, uri } as const;
  await client.send(new PutIntegrationCommand({ ...place, ...target }));
  return resourceId;
}

export async function deploy(restApiId: string, input: Partial<CreateDeploymentCommandInput> = {}): Promise<string> {
  const { id } = await client.send(new CreateDeploymentCommand({ restApiId, stageName: "prod", ...input }));
  return id ?? "";
}

export async function importApi(definition: object): Promise<string> {
  const body = Buffer.from(JSON.stringify({ swagger: "2.0", info: { title: "pets", version: "1.0" }, ...definition }));
  return (await client.send(new ImportRestApiCommand({ body }))).id ?? "";
}

export function send(id: string, wish: Wish = {}): Promise<Answer> {
  return urls.send(id, { host: hostOf(id), ...wish });
}
