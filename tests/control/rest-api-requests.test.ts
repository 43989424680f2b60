/** REST APIs made of definitions, changes by patches, and requests that are refused. */
import {
  BadRequestException,
  ConflictException,
  CreateDeploymentCommand,
  CreateModelCommand,
  CreateResourceCommand,
  CreateStageCommand,
  CreateUsagePlanCommand,
  DeleteDeploymentCommand,
  DeleteResourceCommand,
  GetAccountCommand,
  GetExportCommand,
  GetGatewayResponsesCommand,
  GetMethodCommand,
  GetModelsCommand,
  GetResourcesCommand,
  GetRestApiCommand,
  ImportRestApiCommand,
  NotFoundException,
  type PatchOperation,
  PutGatewayResponseCommand,
  PutIntegrationCommand,
  PutMethodCommand,
  PutRestApiCommand,
  UpdateAccountCommand,
  UpdateMethodCommand,
  UpdateResourceCommand,
  UpdateRestApiCommand,
} from "@aws-sdk/client-api-gateway";
import { beforeAll, describe, expect, it } from "vitest";
import { makeFunction } from "./api-harness.ts";
import { REGION } from "./http-harness.ts";
import { addMethod, client, deploy, importApi, makeResource, makeRestApi, send, uriOf } from "./rest-harness.ts";

const INTEGRATION = "x-amazon-apigateway-integration";

function integrate(name: string): Readonly<Record<string, unknown>> {
  return { [INTEGRATION]: { httpMethod: "POST", type: "aws_proxy", uri: uriOf(name) }, responses: {} };
}

/** As SAM writes it for `Cors`. */
const CORS = {
  consumes: ["application/json"],
  produces: ["application/json"],
  summary: "CORS support",
  [INTEGRATION]: {
    type: "mock",
    requestTemplates: { "application/json": '{\n  "statusCode" : 200\n}\n' },
    responses: {
      default: {
        statusCode: "200",
        responseParameters: {
          "method.response.header.Access-Control-Allow-Methods": "'GET,OPTIONS'",
          "method.response.header.Access-Control-Allow-Origin": "'*'",
        },
        responseTemplates: { "application/json": "{}\n" },
      },
    },
  },
  responses: {
    "200": {
      description: "Default response for CORS method",
      headers: { "Access-Control-Allow-Origin": { type: "string" } },
    },
  },
};

describe("a definition", () => {
  it("as SAM makes it becomes an API", async () => {
    const name = await makeFunction("as-body");
    const id = await importApi({
      paths: {
        "/pets/{id}": { parameters: [{ in: "path", name: "id", required: true }], get: integrate(name), options: CORS },
        "/": { "x-amazon-apigateway-any-method": integrate(name) },
      },
      definitions: { Pet: { type: "object" } },
      "x-amazon-apigateway-binary-media-types": ["image/png"],
      "x-amazon-apigateway-gateway-responses": { THROTTLED: { statusCode: 503 } },
      tags: [{ name: "made-by", "x-amazon-apigateway-tag-value": "SAM" }],
    });
    await deploy(id);
    expect(await client.send(new GetRestApiCommand({ restApiId: id }))).toMatchObject({
      name: "pets",
      version: "1.0",
      binaryMediaTypes: ["image/png"],
      tags: { "made-by": "SAM" },
    });
    expect(JSON.parse((await send(id, { path: "/prod/pets/1" })).text)).toMatchObject({ pathParameters: { id: "1" } });
    expect(JSON.parse((await send(id, { path: "/prod" })).text)).toMatchObject({ resource: "/" });
    expect(await send(id, { method: "OPTIONS", path: "/prod/pets/1" })).toMatchObject({
      status: 200,
      headers: { "access-control-allow-methods": "GET,OPTIONS", "access-control-allow-origin": "*" },
      text: "{}\n",
    });
    const { items = [] } = await client.send(new GetResourcesCommand({ restApiId: id }));
    const resourceId = items.find(({ path }) => path === "/pets/{id}")?.id;
    expect(await client.send(new GetMethodCommand({ restApiId: id, resourceId, httpMethod: "GET" }))).toMatchObject({
      requestParameters: { "method.request.path.id": true },
    });
    expect((await client.send(new GetModelsCommand({ restApiId: id }))).items).toMatchObject([{ name: "Pet" }]);
    const responses = await client.send(new GetGatewayResponsesCommand({ restApiId: id }));
    expect(responses.items?.filter(({ defaultResponse }) => defaultResponse !== true)).toMatchObject([
      { responseType: "THROTTLED", statusCode: "503" },
    ]);
  });

  it("is merged into an API, or takes the place of all of it", async () => {
    const name = await makeFunction("as-body");
    const id = await importApi({ paths: { "/a": { get: integrate(name) }, "/b": { get: integrate(name) } } });
    const put = async (mode: "merge" | "overwrite", text: string): Promise<unknown> => {
      await client.send(new PutRestApiCommand({ restApiId: id, mode, body: Buffer.from(text) }));
      const { items = [] } = await client.send(new GetResourcesCommand({ restApiId: id }));
      return items.map(({ path, resourceMethods = {} }) => [path, ...Object.keys(resourceMethods)]);
    };
    const paths = JSON.stringify({ "/b": { post: integrate(name) }, "/c/d": { get: integrate(name) } });
    const yaml = `openapi: 3.0.1\ninfo: { title: cats }\npaths: ${paths}`;
    const merged = [["/"], ["/a", "GET"], ["/b", "GET", "POST"], ["/c"], ["/c/d", "GET"]];
    expect(await put("merge", yaml)).toEqual(merged);
    expect(await client.send(new GetRestApiCommand({ restApiId: id }))).toMatchObject({ name: "pets" });
    expect(await put("overwrite", yaml)).toEqual([["/"], ["/b", "POST"], ["/c"], ["/c/d", "GET"]]);
    expect(await client.send(new GetRestApiCommand({ restApiId: id }))).toMatchObject({ name: "cats" });
  });

  const get = (operation: object, more: object = {}): object => ({ paths: { "/a": { get: operation } }, ...more });
  it.for([
    ["another version", { swagger: "1.2" }, "Swagger 2"],
    ["an API key", get({ security: [{ api_key: [] }] }), "asks for api_key"],
    ["a policy", { "x-amazon-apigateway-policy": {} }, "x-amazon-apigateway-policy"],
    ["another integration", get({ [INTEGRATION]: { type: "http_proxy", uri: "http://a" } }), "'HTTP_PROXY'"],
    ["VTL", get({ [INTEGRATION]: { type: "mock", requestTemplates: { a: "#set($a=1)" } } }), "statusCode"],
    [
      "a member that means something to the language",
      get({ [INTEGRATION]: { type: "mock", responses: { default: { statusCode: "200", constructor: 1 } } } }),
      "constructor is not supported",
    ],
    ["a role", get({ [INTEGRATION]: { type: "mock", credentials: "arn:aws:iam::1:role/a" } }), "credentials"],
    ["a path that is none", { paths: { a: { get: {} } } }, "begin with a slash"],
    ["a path part that is none", { paths: { "/a b": { get: {} } } }, "path part"],
    ["a text in the place of a map", { paths: { "/a": { get: "x" } } }, "must be a map"],
  ] as const)("%s is refused", async ([, definition, message]) => {
    const refusal = await importApi(definition).catch((error: Error) => error);
    expect(refusal).toBeInstanceOf(BadRequestException);
    expect((refusal as Error).message).toContain(message);
  });

  it("parameters that would have no effect are refused", async () => {
    const body = Buffer.from(JSON.stringify({ swagger: "2.0", info: { title: "a" } }));
    const put = (parameters: Record<string, string>) => client.send(new ImportRestApiCommand({ body, parameters }));
    await expect(put({ basepath: "prepend" })).rejects.toThrow("basepath");
    expect(await put({ basepath: "ignore", endpointConfigurationTypes: "REGIONAL" })).toMatchObject({
      endpointConfiguration: { types: ["REGIONAL"] },
    });
  });
});

describe("patches", () => {
  it("change members, entries of maps, and items of lists", async () => {
    const id = await makeRestApi({ binaryMediaTypes: ["a/b"], description: "d" });
    const patch = (...patchOperations: PatchOperation[]) =>
      client.send(new UpdateRestApiCommand({ restApiId: id, patchOperations }));
    const updated = await patch(
      { op: "replace", path: "/name", value: "cats" },
      { op: "remove", path: "/description" },
      { op: "add", path: "/binaryMediaTypes/image~1png" },
      { op: "replace", path: "/binaryMediaTypes/a~1b", value: "*/*" },
      { op: "replace", path: "/endpointConfiguration/types/EDGE", value: "REGIONAL" },
    );
    expect(updated).toMatchObject({
      name: "cats",
      binaryMediaTypes: ["*/*", "image/png"],
      endpointConfiguration: { types: ["REGIONAL"] },
    });
    expect(updated.description).toBeUndefined();
    await expect(patch({ op: "replace", path: "/nam", value: "x" })).rejects.toThrow("Invalid patch path");
    await expect(patch({ op: "replace", path: "/__proto__/x", value: "x" })).rejects.toThrow("Invalid patch path");
    await expect(patch({ op: "copy", path: "/name", from: "/id" })).rejects.toThrow("add, replace and remove");
    await expect(patch({ op: "replace", path: "/name" })).rejects.toThrow("no value");
    await expect(patch({ op: "replace", path: "/disableExecuteApiEndpoint", value: "1" })).rejects.toThrow(
      "true or false",
    );
  });

  it("a method keeps its integration, and a resource what is below it", async () => {
    const id = await makeRestApi();
    const resourceId = await addMethod(id, "as-body", "GET /a/b/{c}");
    const method = { restApiId: id, resourceId, httpMethod: "GET" };
    const patchOperations: PatchOperation[] = [
      { op: "replace", path: "/authorizationType", value: "AWS_IAM" },
      { op: "add", path: "/requestParameters/method.request.header.a", value: "true" },
    ];
    expect(await client.send(new UpdateMethodCommand({ ...method, patchOperations }))).toMatchObject({
      authorizationType: "AWS_IAM",
      requestParameters: { "method.request.header.a": true },
      methodIntegration: { type: "AWS_PROXY" },
    });
    const a = await makeResource(id, "/a");
    const rename = [{ op: "replace" as const, path: "/pathPart", value: "x" }];
    await client.send(new UpdateResourceCommand({ restApiId: id, resourceId: a, patchOperations: rename }));
    const { items = [] } = await client.send(new GetResourcesCommand({ restApiId: id }));
    expect(items.map(({ path }) => path)).toEqual(["/", "/x", "/x/b", "/x/b/{c}"]);
    const below = [{ op: "replace" as const, path: "/parentId", value: resourceId }];
    const move = client.send(new UpdateResourceCommand({ restApiId: id, resourceId: a, patchOperations: below }));
    await expect(move).rejects.toThrow("below itself");
    await client.send(new DeleteResourceCommand({ restApiId: id, resourceId: a }));
    expect((await client.send(new GetResourcesCommand({ restApiId: id }))).items).toHaveLength(1);
  });

  it("the account's role is kept", async () => {
    const cloudwatchRoleArn = "arn:aws:iam::000000000000:role/logs";
    const patchOperations = [{ op: "replace" as const, path: "/cloudwatchRoleArn", value: cloudwatchRoleArn }];
    await client.send(new UpdateAccountCommand({ patchOperations }));
    expect(await client.send(new GetAccountCommand({}))).toMatchObject({ cloudwatchRoleArn });
  });
});

describe("what is refused", () => {
  let id: string;
  let root: string;
  let deploymentId: string;
  beforeAll(async () => {
    id = await makeRestApi();
    root = await makeResource(id, "/");
    await addMethod(id, "as-body", "GET /a/{b}");
    deploymentId = await deploy(id);
  });
  const resource = async (parent: string, pathPart: string) =>
    client.send(new CreateResourceCommand({ restApiId: id, parentId: await makeResource(id, parent), pathPart }));
  const method = (more: object) =>
    client.send(
      new PutMethodCommand({ restApiId: id, resourceId: root, httpMethod: "GET", authorizationType: "NONE", ...more }),
    );
  const integration = async (more: object) => {
    const place = { restApiId: id, resourceId: await makeResource(id, "/a/{b}"), httpMethod: "GET" };
    return client.send(new PutIntegrationCommand({ ...place, type: "AWS_PROXY", ...more }));
  };
  const response = (more: object) =>
    client.send(new PutGatewayResponseCommand({ restApiId: id, responseType: "DEFAULT_5XX", ...more }));

  it.for<readonly [string, () => Promise<unknown>, new (...given: never[]) => Error, string]>([
    [
      "a private endpoint",
      () => makeRestApi({ endpointConfiguration: { types: ["PRIVATE"] } }),
      BadRequestException,
      "PRIVATE",
    ],
    ["a compression", () => makeRestApi({ minimumCompressionSize: 1 }), BadRequestException, "minimumCompressionSize"],
    ["a path part twice", () => resource("/", "a"), ConflictException, "same parent"],
    ["a second variable", () => resource("/a", "{c}"), BadRequestException, "A sibling ({b})"],
    ["a path part that is none", () => resource("/a", "{c"), BadRequestException, "path part"],
    [
      "a resource below none",
      () => client.send(new CreateResourceCommand({ restApiId: id, parentId: "x", pathPart: "y" })),
      NotFoundException,
      "Invalid Resource",
    ],
    [
      "the root's end",
      () => client.send(new DeleteResourceCommand({ restApiId: id, resourceId: root })),
      BadRequestException,
      "Root",
    ],
    ["a method that is none", () => method({ httpMethod: "HELLO" }), BadRequestException, "HttpMethod"],
    [
      "an authorizer",
      () => method({ authorizationType: "COGNITO_USER_POOLS" }),
      BadRequestException,
      "COGNITO_USER_POOLS",
    ],
    ["an API key", () => method({ apiKeyRequired: true }), BadRequestException, "API keys"],
    ["another URL", () => integration({ type: "HTTP_PROXY", uri: "http://a" }), BadRequestException, "'HTTP_PROXY'"],
    ["no ARN", () => integration({ integrationHttpMethod: "POST", uri: "a" }), BadRequestException, "Invalid ARN"],
    ["another verb", () => integration({ integrationHttpMethod: "GET", uri: uriOf("f") }), BadRequestException, "POST"],
    [
      "a time that is too long",
      () => integration({ integrationHttpMethod: "POST", uri: uriOf("f"), timeoutInMillis: 29_001 }),
      BadRequestException,
      "29000",
    ],
    [
      "VTL in a response",
      () => response({ responseTemplates: { a: "#if(true)x#end" } }),
      BadRequestException,
      "nothing else of VTL",
    ],
    [
      "an unknown variable",
      () => response({ responseTemplates: { a: "$context.wafResponseCode" } }),
      BadRequestException,
      "wafResponseCode",
    ],
    [
      "a header of the answer",
      () => response({ responseParameters: { "gatewayresponse.header.a": "'a\r\nb: c'" } }),
      BadRequestException,
      "single quotes",
    ],
    [
      "a stage twice",
      () => client.send(new CreateStageCommand({ restApiId: id, stageName: "prod", deploymentId })),
      ConflictException,
      "Stage already exists",
    ],
    [
      "a deployment in use",
      () => client.send(new DeleteDeploymentCommand({ restApiId: id, deploymentId })),
      BadRequestException,
      "Active stages",
    ],
    [
      "an empty API",
      async () => client.send(new CreateDeploymentCommand({ restApiId: await makeRestApi() })),
      BadRequestException,
      "doesn't contain any methods",
    ],
    [
      "a model that is none",
      () => client.send(new CreateModelCommand({ restApiId: id, name: "a-b", contentType: "a/b" })),
      BadRequestException,
      "alphanumeric",
    ],
    [
      "a usage plan",
      () => client.send(new CreateUsagePlanCommand({ name: "a" })),
      Error,
      "CreateUsagePlan is part of API Gateway",
    ],
    [
      "an export",
      () => client.send(new GetExportCommand({ restApiId: id, stageName: "prod", exportType: "oas30" })),
      Error,
      "GetExport is part of API Gateway",
    ],
  ])("%s", async ([, act, kind, message]) => {
    const refusal = await act().catch((error: Error) => error);
    expect(refusal).toBeInstanceOf(kind);
    expect((refusal as Error).message).toContain(message);
  });

  it("a method without an integration can't be deployed", async () => {
    await method({});
    await expect(deploy(id)).rejects.toThrow("No integration defined");
  });
});

it("what is not of this Region is not found", async () => {
  const id = await makeRestApi();
  await addMethod(id, "as-body", "GET /");
  await deploy(id);
  expect(await send(id, { host: `${id}.execute-api.eu-west-1.localhost`, path: "/prod" })).toMatchObject({
    status: 404,
  });
  expect(await send(id, { host: `${id}.execute-api.${REGION}.localhost`, path: "/prod" })).toMatchObject({
    status: 200,
  });
});
