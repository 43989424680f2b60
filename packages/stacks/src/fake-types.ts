/** Types of resources for tests: a few of AWS's, cut down, and what a test needs to prepare a template. */
import { parseTemplate } from "@thaw/template/template";
import { prepare, type PrepareInput, type PrepareResult } from "./prepare.ts";
import type { Prepared } from "./prepared.ts";
import type { ResourceType, ResourceTypes } from "./resource-type.ts";

const BASE: Omit<ResourceType, "name" | "properties"> = {
  kind: "real",
  required: [],
  attributes: ["Arn"],
  nameProperty: null,
  isTaggable: false,
  canSnapshot: false,
};

const TYPES: readonly ResourceType[] = [
  {
    ...BASE,
    name: "AWS::Lambda::Function",
    properties: {
      "Code.S3Bucket": "update",
      "Code.S3Key": "update",
      FunctionName: "replace",
      MemorySize: "update",
      PackageType: "maybe",
      Role: "update",
      Environment: "update",
    },
    lacks: { VpcConfig: "leave it out" },
    lacksValues: { PackageType: { Tar: "make it a Zip" } },
    required: ["Role"],
    nameProperty: "FunctionName",
    isTaggable: true,
  },
  { ...BASE, name: "AWS::IAM::Role", properties: { RoleName: "replace", Path: "replace", Description: "update" } },
  {
    ...BASE,
    name: "AWS::Lambda::Permission",
    properties: { FunctionName: "replace", Principal: "replace" },
    attributes: [],
  },
  {
    ...BASE,
    name: "AWS::SNS::Topic",
    properties: { TopicName: "replace", DisplayName: "update" },
    nameProperty: "TopicName",
  },
  { ...BASE, name: "Custom::Thing", properties: { "*": "update" }, attributes: null },
  { ...BASE, name: "AWS::CloudFormation::Stack", properties: { TemplateURL: "update" }, attributes: null },
];

export const FAKE_TYPES: ResourceTypes = {
  find: (type) => TYPES.find(({ name }) => name === type) ?? null,
  refusal: (type) => (type === "AWS::Cognito::UserPool" ? "Thaw has no user pools." : null),
  isReplaced: (_type, before, after) => before["PackageType"] === "Zip" && after["PackageType"] === "Image",
};

export const PLACE = {
  accountId: "123456789012",
  region: "eu-west-1",
  stackId: "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1",
  stackName: "shop",
  notificationArns: [],
};

export function prepareText(body: string, others: Partial<PrepareInput> = {}): PrepareResult {
  return prepare({
    template: parseTemplate(body, "Template format error"),
    place: PLACE,
    tags: {},
    parameters: {},
    ssm: new Map(),
    exports: new Map(),
    types: FAKE_TYPES,
    digest: (text) => `digest${text.length}`,
    ...others,
  });
}

export function preparedOf(body: string, others: Partial<PrepareInput> = {}): Prepared {
  return prepareText(body, others).prepared;
}
