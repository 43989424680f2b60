/** CloudFormation's look at templates, asked by AWS's client. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  GetTemplateSummaryCommand,
  ListStacksCommand,
  ValidateTemplateCommand,
} from "@aws-sdk/client-cloudformation";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CREDENTIALS, HttpHarness, REGION } from "./http-harness.ts";

let http: HttpHarness;
let client: CloudFormationClient;
beforeAll(async () => {
  http = await HttpHarness.start({ functions: {} });
  client = new CloudFormationClient({
    endpoint: `http://${http.host}`,
    region: REGION,
    credentials: CREDENTIALS,
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await http[Symbol.asyncDispose]();
});

const TEMPLATE = `
Transform: AWS::Serverless-2016-10-31
Description: A shop
Metadata: { By: test }
Parameters:
  Stage: { Type: String, Default: dev, AllowedValues: [dev, prod], Description: Where }
  Key: { Type: String, NoEcho: true }
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { Handler: a.b, Runtime: nodejs24.x, CodeUri: . } }
  R: { Type: AWS::IAM::Role, Properties: { RoleName: !Ref Stage } }`;

it("a template says what it has and needs", async () => {
  const common = {
    Description: "A shop",
    Capabilities: ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    CapabilitiesReason: "The following resource(s) require capabilities: [AWS::IAM::Role]",
    DeclaredTransforms: ["AWS::Serverless-2016-10-31"],
  };
  expect(await client.send(new ValidateTemplateCommand({ TemplateBody: TEMPLATE }))).toMatchObject({
    ...common,
    Parameters: [
      { ParameterKey: "Stage", DefaultValue: "dev", NoEcho: false, Description: "Where" },
      { ParameterKey: "Key", NoEcho: true },
    ],
  });
  expect(await client.send(new GetTemplateSummaryCommand({ TemplateBody: TEMPLATE }))).toMatchObject({
    ...common,
    ResourceTypes: ["AWS::Serverless::Function", "AWS::IAM::Role"],
    Version: "2010-09-09",
    Metadata: '{"By":"test"}',
    Parameters: [
      { ParameterKey: "Stage", ParameterType: "String", ParameterConstraints: { AllowedValues: ["dev", "prod"] } },
      { ParameterKey: "Key", ParameterType: "String" },
    ],
  });
});

it("there are no stacks", async () => {
  expect((await client.send(new DescribeStacksCommand({}))).Stacks ?? []).toEqual([]);
  expect((await client.send(new ListStacksCommand({}))).StackSummaries ?? []).toEqual([]);
});

const queue = "Type: AWS::SQS::Queue";
it.for<readonly [string, () => Promise<unknown>, string, RegExp]>([
  [
    "a stack",
    () => client.send(new DescribeStacksCommand({ StackName: "shop" })),
    "ValidationError",
    /^Stack with id shop does not exist$/,
  ],
  [
    "making one",
    () => client.send(new CreateStackCommand({ StackName: "shop", TemplateBody: TEMPLATE })),
    "ValidationError",
    /there is no transform here|Requires capabilities|must have values/,
  ],
  ["no template", () => client.send(new ValidateTemplateCommand({})), "ValidationError", /^Either Template URL or/],
  [
    "a template elsewhere",
    () => client.send(new ValidateTemplateCommand({ TemplateURL: "https://s3.amazonaws.com/b/k" })),
    "ValidationError",
    /^S3 error: The specified bucket does not exist/,
  ],
  [
    "wrong YAML",
    () => client.send(new ValidateTemplateCommand({ TemplateBody: "Resources:\n  A: [\n  B: {" })),
    "ValidationError",
    /^Template format error: .* at line \d+, column \d+/,
  ],
  [
    "a cycle",
    () => client.send(new ValidateTemplateCommand({ TemplateBody: `Resources: { A: { ${queue}, DependsOn: A } }` })),
    "ValidationError",
    /^Circular dependency between resources: \[A\]$/,
  ],
  [
    "too much",
    () => client.send(new ValidateTemplateCommand({ TemplateBody: `Resources: {} # ${"x".repeat(51_200)}` })),
    "ValidationError",
    /less than or equal to 51200$/,
  ],
])("%s is refused in AWS's words", async ([, ask, name, text]) => {
  const refusal = (await ask().catch((error: Error) => error)) as Error;
  expect([refusal.name, refusal.message]).toEqual([name, expect.stringMatching(text)]);
});
