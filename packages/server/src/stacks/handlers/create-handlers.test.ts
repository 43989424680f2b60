import { expect, it } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { NO_PASSED_SERVICES } from "../../ports/passed-services.ts";
import { TYPE_NAMES } from "./generated/type-names.ts";
import { createHandlers } from "./create-handlers.ts";

const custom = { door: null, clock: systemClock, callsServices: () => false };
const handlers = createHandlers({ ...custom, passed: NO_PASSED_SERVICES });

it("each type of AWS's is real, recorded, or refused with a sentence", () => {
  const silent = TYPE_NAMES.filter((name) => (handlers.find(name) === null) === (handlers.refusal(name) === null));
  expect(silent).toEqual([]);
});

it.for([
  ["AWS::SQS::Queue", /^Thaw has no queues: start the server with --aws-endpoint sqs=URL/],
  ["AWS::DynamoDB::Table", /^Thaw has no tables: .*--aws-endpoint dynamodb=URL/],
  ["AWS::DynamoDB::GlobalTable", /give its ARN as a parameter/],
  ["AWS::Serverless::Function", /Transform/],
  ["AWS::Omics::Workflow", /does not have this service/],
  ["AWS::ApiGateway::VpcLink", /domain names and links/],
  ["AWS::ApiGateway::UsagePlan", /no keys, usage plans/],
] as const)("%s is refused", ([type, sentence]) => {
  expect(handlers.refusal(type)).toMatch(sentence);
  expect(handlers.find(type)).toBeNull();
});

it("what is passed through is real where its service has an endpoint", () => {
  const sqs = createHandlers({ ...custom, passed: { hasEndpoint: (service) => service === "sqs" } });
  expect(sqs.find("AWS::SQS::Queue")).toMatchObject({ kind: "real", attributes: ["Arn", "QueueName", "QueueUrl"] });
  expect(sqs.find("AWS::SNS::Topic")).toBeNull();
  const kinds = (name: string) => [handlers, sqs].map((each) => each.find(name)?.kind);
  expect(kinds("AWS::SQS::QueuePolicy")).toEqual(["recorded", "real"]);
  expect(kinds("AWS::SNS::TopicPolicy")).toEqual(["recorded", "recorded"]);
});

it.for(["AWS::Nope::Thing", "AWS::Lambda::Nope", "Foo"])("%s is no type", (type) => {
  expect([handlers.find(type), handlers.refusal(type)]).toEqual([null, null]);
});

it("a recorded role has AWS's properties, and says what replaces it", () => {
  expect(handlers.find("AWS::IAM::Role")).toMatchObject({
    properties: { RoleName: "replace", Policies: "update" },
    required: ["AssumeRolePolicyDocument"],
    attributes: ["Arn", "RoleId"],
    nameProperty: "RoleName",
  });
});

it.for([
  ["AWS::Lambda::Function", "DurableConfig", "leave it out"],
  ["AWS::ApiGateway::Stage", "CacheClusterEnabled", "leave it out"],
  ["AWS::ApiGatewayV2::Api", "Target", "make an integration, a route and a stage of their own"],
  ["AWS::IAM::Policy", "Users", "Thaw has roles only: name them in Roles"],
] as const)("%s lacks %s of AWS's, and says what to do", ([type, property, instead]) => {
  const found = handlers.find(type);
  expect(found?.lacks).toMatchObject({ [property]: instead });
  expect(found?.properties).not.toHaveProperty([property]);
});

it.for(["AWS::CloudFormation::CustomResource", "Custom::Thing"])("%s may have any property", (type) => {
  expect(handlers.find(type)).toMatchObject({ name: type, kind: "real", properties: { "*": "update" } });
});

it("a custom type's name is as CloudFormation allows it", () => {
  expect(handlers.find("Custom::a thing")).toBeNull();
});
