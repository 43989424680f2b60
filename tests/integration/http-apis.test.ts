/** HTTP APIs on the real engine, made by AWS's command line and client: fresh, and from clones of a snapshot. */
import {
  ApiGatewayV2Client,
  CreateApiCommand,
  CreateDeploymentCommand,
  CreateRouteCommand,
  GetIntegrationsCommand,
} from "@aws-sdk/client-apigatewayv2";
import { AddPermissionCommand, CreateAliasCommand } from "@aws-sdk/client-lambda";
import { describe, it } from "vitest";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const HANDLER = `
exports.handler = async (event) => ({
  statusCode: 201,
  headers: { "X-Custom": "yes" },
  body: JSON.stringify({ event }),
});`;

let functions: TestFunctions;
let client: ApiGatewayV2Client;
let name: string;
withThaw(async (made) => {
  functions = made;
  const { region, endpoint, credentials } = functions.lambda.config;
  client = new ApiGatewayV2Client({ region, credentials, endpoint: (await endpoint?.()) ?? "" });
  name = await functions.createSnapStart({ "index.js": HANDLER });
  const FunctionVersion = await functions.publish(name);
  await functions.lambda.send(new CreateAliasCommand({ FunctionName: name, Name: "live", FunctionVersion }));
});

/** An API for the function or its alias; gives its id and its address. */
async function makeApi(qualifier: string | null): Promise<{ readonly id: string; readonly url: string }> {
  const qualified = qualifier === null ? {} : { Qualifier: qualifier };
  const permission = { Action: "lambda:InvokeFunction", Principal: "apigateway.amazonaws.com", StatementId: "api" };
  await functions.lambda.send(new AddPermissionCommand({ FunctionName: name, ...permission, ...qualified }));
  const Target = `arn:aws:lambda:us-east-1:000000000000:function:${name}${qualifier === null ? "" : `:${qualifier}`}`;
  const api = await client.send(new CreateApiCommand({ Name: "pets", ProtocolType: "HTTP", Target }));
  return { id: api.ApiId ?? "", url: api.ApiEndpoint ?? "" };
}

describe.each([
  ["$LATEST", null],
  ["a clone", "live"],
] as const)("an HTTP API of %s", (_kind, qualifier) => {
  it("gives requests to the function, and its answers to the client", async ({ expect }) => {
    const { id, url } = await makeApi(qualifier);
    const { Items: [integration] = [] } = await client.send(new GetIntegrationsCommand({ ApiId: id }));
    const Target = `integrations/${integration?.IntegrationId}`;
    await client.send(new CreateRouteCommand({ ApiId: id, RouteKey: "POST /pets/{kind}", Target }));
    const answer = await fetch(`${url}/pets/dog?a=b`, { method: "POST", body: "text" });
    expect([answer.status, answer.headers.get("x-custom")]).toEqual([201, "yes"]);
    expect(await answer.json()).toMatchObject({
      event: { routeKey: "POST /pets/{kind}", pathParameters: { kind: "dog" }, rawQueryString: "a=b", body: "text" },
    });
    const other = await (await fetch(`${url}/else`)).json();
    expect(other).toMatchObject({ event: { routeKey: "$default", rawPath: "/else" } });
    await client.send(new CreateDeploymentCommand({ ApiId: id, Description: "first" }));
  });
});
