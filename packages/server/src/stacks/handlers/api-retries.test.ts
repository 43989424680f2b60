/** What was made before a crash is found again, and what is gone already is removed. */
import { expect, it } from "vitest";
import type { TemplateMap } from "@thaw/template/value";
import { CallError } from "../../ports/service-calls.ts";
import type { HandlerContext } from "./handler.ts";
import { HTTP_APIS } from "./http-api.ts";
import { REST_APIS } from "./rest-api.ts";

type Answers = Readonly<Record<string, Readonly<Record<string, unknown>> | string>>;

const STACK = "arn:aws:cloudformation:us-east-1:000000000000:stack/shop/1";
const TAGS = { "aws:cloudformation:stack-id": STACK, "aws:cloudformation:logical-id": "Thing" };

/** Creates a resource again after a crash. A text in the place of an answer is the code of a refusal. */
async function again(type: string, properties: TemplateMap, answers: Answers) {
  const calls: string[] = [];
  const context: HandlerContext = {
    scope: { accountId: "000000000000", region: "us-east-1" },
    stackId: STACK,
    stackName: "shop",
    logicalId: "Thing",
    token: "token",
    isRetry: true,
    tags: TAGS,
    signal: new AbortController().signal,
    services: {
      async call(service, operation) {
        calls.push(operation);
        const answer = answers[operation] ?? {};
        if (typeof answer === "string") throw new CallError(service, answer, operation);
        return answer;
      },
    },
    makeName: () => "name",
    until: () => Promise.reject(new Error("nothing waits")),
  };
  const handler = [...HTTP_APIS, ...REST_APIS].find((each) => each.type.name === type);
  if (handler === undefined) throw new Error(`no handler of ${type}`);
  const { physicalId } = await handler.create(properties, context);
  const removed = handler.remove({ physicalId, attributes: {}, properties }, context);
  return { physicalId, calls, removed };
}

const API = { ApiId: "api" };
const REST = { RestApiId: "api" };

it.for<readonly [string, TemplateMap, Answers, string, string]>([
  [
    "AWS::ApiGatewayV2::Api",
    {},
    { GetApis: { Items: [{ ApiId: "other" }, { ApiId: "mine", Tags: TAGS }] }, UpdateApi: { Tags: TAGS } },
    "mine",
    "CreateApi",
  ],
  ["AWS::ApiGatewayV2::Stage", { ...API, StageName: "prod" }, { GetStage: { Tags: TAGS } }, "prod", "CreateStage"],
  [
    "AWS::ApiGatewayV2::Route",
    { ...API, RouteKey: "GET /a" },
    { GetRoutes: { Items: [{ RouteId: "r", RouteKey: "GET /a" }] } },
    "r",
    "CreateRoute",
  ],
  [
    "AWS::ApiGatewayV2::Integration",
    { ...API, IntegrationType: "AWS_PROXY", IntegrationUri: "f" },
    {
      GetIntegrations: { Items: ["used", "mine"].map((IntegrationId) => ({ IntegrationId, IntegrationUri: "f" })) },
      GetRoutes: { Items: [{ Target: "integrations/used" }] },
    },
    "mine",
    "CreateIntegration",
  ],
  [
    "AWS::ApiGateway::RestApi",
    { Name: "a" },
    {
      GetRestApis: { items: [{ id: "mine", tags: TAGS }] },
      GetRestApi: { rootResourceId: "root", endpointConfiguration: { types: ["EDGE"] }, tags: TAGS },
    },
    "mine",
    "CreateRestApi",
  ],
  [
    "AWS::ApiGateway::RequestValidator",
    { ...REST, ValidateRequestBody: "true" },
    {
      GetRequestValidators: {
        items: [true, false].map((validateRequestBody) => ({
          id: validateRequestBody ? "mine" : "other",
          name: "name",
          validateRequestBody,
          validateRequestParameters: false,
        })),
      },
    },
    "mine",
    "CreateRequestValidator",
  ],
  ["AWS::ApiGateway::Stage", { ...REST, StageName: "prod" }, { GetStage: { tags: TAGS } }, "prod", "CreateStage"],
])("%s", async ([type, properties, answers, id, create]) => {
  const { physicalId, calls } = await again(type, properties, answers);
  expect(physicalId).toBe(id);
  expect(calls).not.toContain(create);
});

it("a resource is its parent's child of that name, a method is put anew", async () => {
  const resource = await again(
    "AWS::ApiGateway::Resource",
    { ...REST, ParentId: "root", PathPart: "a" },
    { CreateResource: "ConflictException", GetResources: { items: [{ id: "mine", parentId: "root", pathPart: "a" }] } },
  );
  expect(resource.physicalId).toBe("mine");
  const method = await again(
    "AWS::ApiGateway::Method",
    { ...REST, ResourceId: "r", HttpMethod: "GET" },
    { DeleteMethod: "NotFoundException" },
  );
  expect(method.calls.slice(0, 2)).toEqual(["DeleteMethod", "PutMethod"]);
});

it("what is gone is removed", async () => {
  const gone = { DeleteRoute: "NotFoundException", CreateRoute: { RouteId: "r" } };
  await expect((await again("AWS::ApiGatewayV2::Route", { ...API, RouteKey: "x" }, gone)).removed).resolves.toBe(
    undefined,
  );
});
