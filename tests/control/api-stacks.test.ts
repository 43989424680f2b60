/** APIs of API Gateway as resources of stacks: made as SAM and the CDK write them, called, changed and removed. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  type Stack,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import { GetRestApiCommand } from "@aws-sdk/client-api-gateway";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACCOUNT, arnOf, hostOf, makeFunction, send, urls } from "./api-harness.ts";
import { CREDENTIALS, REGION } from "./http-harness.ts";
import { client as gateway, uriOf } from "./rest-harness.ts";

let client: CloudFormationClient;
beforeAll(() => {
  client = new CloudFormationClient({
    endpoint: `http://127.0.0.1:${urls.http.port}`,
    region: REGION,
    credentials: CREDENTIALS,
    maxAttempts: 1,
  });
});
afterAll(() => {
  client.destroy();
  expect(urls.http.problems).toEqual([]);
});

async function ended(name: string): Promise<Stack> {
  for (;;) {
    const [stack] = (await client.send(new DescribeStacksCommand({ StackName: name }))).Stacks ?? [];
    if (stack === undefined) throw new Error(`no stack ${name}`);
    if (!String(stack.StackStatus).endsWith("IN_PROGRESS")) return stack;
    await (await urls.http.stacks.load()).untilStatusChanges(
      { id: stack.StackId ?? "", status: stack.StackStatus as never },
      10_000,
    );
  }
}

async function reached(name: string, status: string): Promise<Readonly<Record<string, string>>> {
  const { StackStatus, Outputs = [], StackId } = await ended(name);
  const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName: StackId ?? name }));
  const reasons = StackEvents.map(({ ResourceStatusReason }) => ResourceStatusReason).filter(Boolean);
  expect(StackStatus, reasons.join("\n")).toBe(status);
  return Object.fromEntries(Outputs.map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue]));
}

async function deploy(name: string, resources: object, outputs: Readonly<Record<string, object>>) {
  const Outputs = Object.fromEntries(Object.entries(outputs).map(([key, Value]) => [key, { Value }]));
  const TemplateBody = JSON.stringify({ Resources: resources, Outputs });
  const isThere = await client.send(new DescribeStacksCommand({ StackName: name })).catch(() => null);
  const input = { StackName: name, TemplateBody, Tags: [{ Key: "team", Value: "a" }] };
  await client.send(isThere === null ? new CreateStackCommand(input) : new UpdateStackCommand(input));
  return reached(name, isThere === null ? "CREATE_COMPLETE" : "UPDATE_COMPLETE");
}

async function remove(name: string): Promise<void> {
  const { StackId } = await ended(name);
  await client.send(new DeleteStackCommand({ StackName: name }));
  await reached(StackId ?? "", "DELETE_COMPLETE");
}

const LOG_GROUP = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:api`;
const address = { "Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/Prod/" };

describe("an HTTP API", () => {
  const integration = (name: string): object => ({
    "x-amazon-apigateway-integration": {
      httpMethod: "POST",
      type: "aws_proxy",
      uri: uriOf(name),
      payloadFormatVersion: "2.0",
    },
    responses: {},
  });

  it("as SAM writes it answers at its printed address, and is gone with its stack", async () => {
    const name = await makeFunction("echo");
    const template = (path: string, traffic = {}): object => ({
      Api: {
        Type: "AWS::ApiGatewayV2::Api",
        Properties: {
          Body: {
            openapi: "3.0.1",
            info: { version: "1.0", title: { Ref: "AWS::StackName" } },
            paths: { [path]: { get: integration(name) } },
            tags: [{ name: "httpapi:createdBy", "x-amazon-apigateway-tag-value": "SAM" }],
          },
        },
      },
      Stage: {
        Type: "AWS::ApiGatewayV2::Stage",
        Properties: {
          ApiId: { Ref: "Api" },
          StageName: "$default",
          AutoDeploy: true,
          ...traffic,
          Tags: { "httpapi:createdBy": "SAM" },
        },
      },
    });
    const outputs = { Id: { Ref: "Api" }, Endpoint: { "Fn::GetAtt": ["Api", "ApiEndpoint"] }, Built: address };
    const { Id: id = "", Endpoint, Built } = await deploy("sam-http", template("/a"), outputs);
    expect([Endpoint, Built]).toEqual([`http://${hostOf(id)}`, `http://${hostOf(id)}/Prod/`]);
    expect(await send(id, { path: "/a" })).toMatchObject({ status: 200 });
    expect(await deploy("sam-http", template("/b"), outputs)).toMatchObject({ Id: id });
    expect([(await send(id, { path: "/a" })).status, (await send(id, { path: "/b" })).status]).toEqual([404, 200]);
    const limits = { ThrottlingBurstLimit: "0", ThrottlingRateLimit: 1, DetailedMetricsEnabled: "true" };
    const AccessLogSettings = { DestinationArn: LOG_GROUP, Format: "$context.requestId" };
    const traffic = { AccessLogSettings, RouteSettings: { "GET /b": limits } };
    await deploy("sam-http", template("/b", traffic), outputs);
    expect((await send(id, { path: "/b" })).status).toBe(429);
    await deploy("sam-http", template("/b"), outputs);
    expect((await send(id, { path: "/b" })).status).toBe(200);
    await remove("sam-http");
    expect(await send(id, { path: "/b" })).toMatchObject({ status: 404, text: '{"message":"Not Found"}' });
  });

  it("as the CDK writes it has its routes and integrations", async () => {
    const name = await makeFunction("echo");
    const template = (key: string): object => ({
      Api: {
        Type: "AWS::ApiGatewayV2::Api",
        Properties: { Name: "pets", ProtocolType: "HTTP", CorsConfiguration: { AllowOrigins: ["*"], MaxAge: "5" } },
      },
      Stage: {
        Type: "AWS::ApiGatewayV2::Stage",
        Properties: { ApiId: { Ref: "Api" }, StageName: "$default", AutoDeploy: "true" },
      },
      Integration: {
        Type: "AWS::ApiGatewayV2::Integration",
        Properties: {
          ApiId: { Ref: "Api" },
          IntegrationType: "AWS_PROXY",
          IntegrationUri: arnOf(name),
          PayloadFormatVersion: "2.0",
          TimeoutInMillis: "1000",
        },
      },
      Route: {
        Type: "AWS::ApiGatewayV2::Route",
        Properties: {
          ApiId: { Ref: "Api" },
          RouteKey: key,
          AuthorizationType: "NONE",
          Target: { "Fn::Join": ["", ["integrations/", { Ref: "Integration" }]] },
        },
      },
    });
    const { Id: id = "" } = await deploy("cdk-http", template("GET /a"), { Id: { Ref: "Api" } });
    expect(await send(id, { path: "/a" })).toMatchObject({ status: 200 });
    await deploy("cdk-http", template("GET /b"), { Id: { Ref: "Api" } });
    expect([(await send(id, { path: "/a" })).status, (await send(id, { path: "/b" })).status]).toEqual([404, 200]);
    await remove("cdk-http");
  });

  it("as the CDK writes it has its authorizers, and a route that asks none any more is open", async () => {
    const target = { "Fn::Join": ["", ["integrations/", { Ref: "Integration" }]] };
    const ApiId = { Ref: "Api" };
    const keeper = await makeFunction("simple");
    const integration = { IntegrationType: "AWS_PROXY", IntegrationUri: arnOf(await makeFunction("echo")) };
    const template = (key: string, authorization: object): object => ({
      Api: { Type: "AWS::ApiGatewayV2::Api", Properties: { Name: "pets", ProtocolType: "HTTP" } },
      Stage: { Type: "AWS::ApiGatewayV2::Stage", Properties: { ApiId, StageName: "$default", AutoDeploy: true } },
      Integration: {
        Type: "AWS::ApiGatewayV2::Integration",
        Properties: { ApiId, PayloadFormatVersion: "2.0", ...integration },
      },
      Tokens: {
        Type: "AWS::ApiGatewayV2::Authorizer",
        Properties: {
          ApiId,
          AuthorizerType: "JWT",
          IdentitySource: ["$request.header.Authorization"],
          JwtConfiguration: { Audience: ["pets"], Issuer: "https://issuer.example" },
          Name: "tokens",
        },
      },
      Doorkeeper: {
        Type: "AWS::ApiGatewayV2::Authorizer",
        Properties: {
          ApiId,
          AuthorizerPayloadFormatVersion: "2.0",
          AuthorizerResultTtlInSeconds: "0",
          AuthorizerType: "REQUEST",
          AuthorizerUri: uriOf(keeper),
          EnableSimpleResponses: "true",
          IdentitySource: [`$request.header.${key}`],
          Name: "doorkeeper",
        },
      },
      Jwt: {
        Type: "AWS::ApiGatewayV2::Route",
        Properties: {
          ApiId,
          RouteKey: "GET /jwt",
          AuthorizationType: "JWT",
          AuthorizationScopes: ["read"],
          AuthorizerId: { Ref: "Tokens" },
          Target: target,
        },
      },
      Lambda: {
        Type: "AWS::ApiGatewayV2::Route",
        Properties: { ApiId, RouteKey: "GET /lambda", Target: target, ...authorization },
      },
    });
    const custom = { AuthorizationType: "CUSTOM", AuthorizerId: { "Fn::GetAtt": ["Doorkeeper", "AuthorizerId"] } };
    const statusOf = async (path: string, headers = {}): Promise<number> => (await send(id, { path, headers })).status;
    const { Id: id = "" } = await deploy("cdk-auth", template("X-Other", custom), { Id: ApiId });
    expect([await statusOf("/jwt"), await statusOf("/lambda", { "x-who": "yes" })]).toEqual([401, 401]);
    await deploy("cdk-auth", template("X-Who", custom), { Id: ApiId });
    expect(await statusOf("/lambda", { "x-who": "yes" })).toBe(200);
    expect(await statusOf("/lambda", { "x-who": "no" })).toBe(403);
    await deploy("cdk-auth", template("X-Who", {}), { Id: ApiId });
    expect(await statusOf("/lambda")).toBe(200);
    await remove("cdk-auth");
  });
});

describe("a REST API", () => {
  it("as SAM writes it serves what its last deployment froze", async () => {
    const name = await makeFunction("as-body");
    const template = (path: string, deployment: string, limits = {}): object => ({
      Api: {
        Type: "AWS::ApiGateway::RestApi",
        Properties: {
          Body: {
            swagger: "2.0",
            info: { version: "1.0", title: { Ref: "AWS::StackName" } },
            paths: {
              [path]: {
                get: {
                  "x-amazon-apigateway-integration": { httpMethod: "POST", type: "aws_proxy", uri: uriOf(name) },
                  responses: {},
                },
              },
            },
          },
          Parameters: { endpointConfigurationTypes: "REGIONAL" },
          EndpointConfiguration: { Types: ["REGIONAL"] },
        },
      },
      [deployment]: {
        Type: "AWS::ApiGateway::Deployment",
        Properties: { RestApiId: { Ref: "Api" }, Description: "RestApi deployment", StageName: "Stage" },
      },
      ProdStage: {
        Type: "AWS::ApiGateway::Stage",
        Properties: {
          RestApiId: { Ref: "Api" },
          DeploymentId: { Ref: deployment },
          StageName: "Prod",
          Variables: { color: "red" },
          TracingEnabled: true,
          AccessLogSetting: { DestinationArn: LOG_GROUP, Format: "$context.requestId" },
          MethodSettings: [
            { ResourcePath: "/*", HttpMethod: "*", LoggingLevel: "INFO", MetricsEnabled: true, ...limits },
          ],
        },
      },
    });
    const outputs = { Id: { Ref: "Api" }, Built: address };
    const { Id: id = "", Built } = await deploy("sam-rest", template("/a", "DeploymentOne"), outputs);
    expect(Built).toBe(`http://${hostOf(id)}/Prod/`);
    const answer = await send(id, { path: "/Prod/a" });
    expect(JSON.parse(answer.text)).toMatchObject({ resource: "/a", stageVariables: { color: "red" } });
    await deploy("sam-rest", template("/b", "DeploymentTwo", { ThrottlingRateLimit: 0 }), outputs);
    expect((await send(id, { path: "/Prod/b" })).status).toBe(429);
    await deploy("sam-rest", template("/b", "DeploymentTwo"), outputs);
    expect([(await send(id, { path: "/Prod/a" })).status, (await send(id, { path: "/Prod/b" })).status]).toEqual([
      403, 200,
    ]);
    await remove("sam-rest");
    expect(await send(id, { path: "/Prod/b" })).toMatchObject({ status: 404 });
  });

  it("as the CDK writes it has its resources, methods and mocks", async () => {
    const name = await makeFunction("as-body");
    const place = { RestApiId: { Ref: "Api" }, ResourceId: { Ref: "Resource" } };
    const origin = "method.response.header.Access-Control-Allow-Origin";
    const template = (methods: object, deployment: string): object => ({
      // Media types are written either way on AWS; an empty policy is what the Serverless Framework writes.
      Api: {
        Type: "AWS::ApiGateway::RestApi",
        Properties: { Name: "pets", BinaryMediaTypes: ["image/png", "text~1csv"], Policy: "" },
      },
      Account: {
        Type: "AWS::ApiGateway::Account",
        Properties: { CloudWatchRoleArn: "arn:aws:iam::000000000000:role/a" },
      },
      Resource: {
        Type: "AWS::ApiGateway::Resource",
        Properties: {
          RestApiId: { Ref: "Api" },
          ParentId: { "Fn::GetAtt": ["Api", "RootResourceId"] },
          PathPart: "{proxy+}",
        },
      },
      Method: {
        Type: "AWS::ApiGateway::Method",
        Properties: {
          ...place,
          HttpMethod: "ANY",
          AuthorizationType: "NONE",
          Integration: { Type: "AWS_PROXY", IntegrationHttpMethod: "POST", Uri: uriOf(name), TimeoutInMillis: "1000" },
        },
      },
      Options: {
        Type: "AWS::ApiGateway::Method",
        Properties: {
          ...place,
          HttpMethod: "OPTIONS",
          AuthorizationType: "NONE",
          MethodResponses: [{ StatusCode: "204", ResponseParameters: { [origin]: true } }],
          Integration: {
            Type: "MOCK",
            RequestTemplates: { "application/json": "{ statusCode: 204 }" },
            IntegrationResponses: [{ StatusCode: "204", ResponseParameters: { [origin]: "'*'" } }],
          },
        },
      },
      Failure: {
        Type: "AWS::ApiGateway::GatewayResponse",
        Properties: {
          RestApiId: { Ref: "Api" },
          ResponseType: "DEFAULT_4XX",
          ResponseParameters: { "gatewayresponse.header.Access-Control-Allow-Origin": "'*'" },
        },
      },
      [deployment]: {
        Type: "AWS::ApiGateway::Deployment",
        Properties: { RestApiId: { Ref: "Api" } },
        DependsOn: ["Method", "Options", "Failure", ...Object.keys(methods)],
      },
      ProdStage: {
        Type: "AWS::ApiGateway::Stage",
        Properties: { RestApiId: { Ref: "Api" }, DeploymentId: { Ref: deployment }, StageName: "prod" },
      },
      ...methods,
    });
    const outputs = { Id: { Ref: "Api" } };
    const { Id: id = "" } = await deploy("cdk-rest", template({}, "One"), outputs);
    const { binaryMediaTypes } = await gateway.send(new GetRestApiCommand({ restApiId: id }));
    expect(binaryMediaTypes).toEqual(["image/png", "text/csv"]);
    expect(JSON.parse((await send(id, { path: "/prod/a/b" })).text)).toMatchObject({
      pathParameters: { proxy: "a/b" },
    });
    const preflight = await send(id, { method: "OPTIONS", path: "/prod/a" });
    expect(preflight).toMatchObject({ status: 204, headers: { "access-control-allow-origin": "*" } });
    const root = await send(id, { path: "/prod" });
    expect(root).toMatchObject({ status: 403, headers: { "access-control-allow-origin": "*" } });
    const own = {
      Root: {
        Type: "AWS::ApiGateway::Method",
        Properties: {
          RestApiId: { Ref: "Api" },
          ResourceId: { "Fn::GetAtt": ["Api", "RootResourceId"] },
          HttpMethod: "GET",
          AuthorizationType: "NONE",
          Integration: { Type: "AWS_PROXY", IntegrationHttpMethod: "POST", Uri: uriOf(name) },
        },
      },
    };
    await deploy("cdk-rest", template(own, "Two"), outputs);
    expect(await send(id, { path: "/prod" })).toMatchObject({ status: 200 });
    await remove("cdk-rest");
  });

  it("as the CDK writes it has its validators and models, which can be changed", async () => {
    const integration = { Type: "AWS_PROXY", IntegrationHttpMethod: "POST", Uri: uriOf(await makeFunction("as-body")) };
    const RestApiId = { Ref: "Api" };
    const template = (validator: object, required: string, deployment: string): object => ({
      Api: { Type: "AWS::ApiGateway::RestApi", Properties: { Name: "pets" } },
      Pet: {
        Type: "AWS::ApiGateway::Model",
        Properties: {
          RestApiId,
          ContentType: "application/json",
          Schema: { type: "object", required: [required] },
        },
      },
      Validator: { Type: "AWS::ApiGateway::RequestValidator", Properties: { RestApiId, ...validator } },
      Method: {
        Type: "AWS::ApiGateway::Method",
        Properties: {
          RestApiId,
          ResourceId: { "Fn::GetAtt": ["Api", "RootResourceId"] },
          HttpMethod: "POST",
          AuthorizationType: "NONE",
          RequestModels: { "application/json": { Ref: "Pet" } },
          RequestParameters: { "method.request.querystring.q": true },
          RequestValidatorId: { "Fn::GetAtt": ["Validator", "RequestValidatorId"] },
          Integration: integration,
        },
      },
      [deployment]: { Type: "AWS::ApiGateway::Deployment", Properties: { RestApiId }, DependsOn: ["Method"] },
      Stage: {
        Type: "AWS::ApiGateway::Stage",
        Properties: { RestApiId, DeploymentId: { Ref: deployment }, StageName: "prod" },
      },
    });
    const both = { ValidateRequestBody: true, ValidateRequestParameters: "true" };
    const statuses = async (id: string): Promise<readonly number[]> => {
      const all = [];
      for (const [path, body] of [
        ["/prod?q=1", '{"name":1}'],
        ["/prod?q=1", '{"tag":1}'],
        ["/prod", '{"name":1}'],
      ] as const)
        all.push((await send(id, { method: "POST", path, body: Buffer.from(body) })).status);
      return all;
    };
    const { Id: id = "" } = await deploy("cdk-checked", template(both, "name", "One"), { Id: RestApiId });
    expect(await statuses(id)).toEqual([200, 400, 400]);
    await deploy("cdk-checked", template({ ValidateRequestBody: true }, "tag", "Two"), { Id: RestApiId });
    expect(await statuses(id)).toEqual([400, 200, 400]);
    await deploy("cdk-checked", template({ ...both, Name: "own" }, "name", "Three"), { Id: RestApiId });
    expect(await statuses(id)).toEqual([200, 400, 400]);
    await remove("cdk-checked");
  });
});
