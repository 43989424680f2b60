/** Change sets against AWS's own comparison of templates, which the CDK shows. */
import { ResourceImpact, fullDiff } from "@aws-cdk/cloudformation-diff";
import { expect, it } from "vitest";
import { describeType, TYPE_SPECS } from "@thaw/server/testing/stacks";
import { evaluateResource } from "@thaw/stacks/evaluate";
import { plan, type ResourceChange } from "@thaw/stacks/plan";
import { prepare } from "@thaw/stacks/prepare";
import type { Prepared } from "@thaw/stacks/prepared";
import type { ResourceTypes } from "@thaw/stacks/resource-type";
import type { StackResource } from "@thaw/stacks/stack-resource";
import { parseTemplate } from "@thaw/template/template";

type Resources = Readonly<Record<string, { readonly Type: string } & Readonly<Record<string, unknown>>>>;

/** All that AWS describes, as if Thaw had it. */
const TYPES: ResourceTypes = {
  find: (type) => (Object.hasOwn(TYPE_SPECS, type) ? describeType(type) : null),
  refusal: () => null,
  isReplaced: () => false,
};
const ARN = "arn:aws:iam::123456789012:role/r";
const BASE: Resources = {
  Role: { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: {}, Description: "a" } },
  Function: {
    Type: "AWS::Lambda::Function",
    Properties: { Code: { S3Bucket: "b", S3Key: "1" }, Role: { "Fn::GetAtt": ["Role", "Arn"] }, MemorySize: 128 },
  },
  Version: { Type: "AWS::Lambda::Version", Properties: { FunctionName: { Ref: "Function" } } },
  Alias: {
    Type: "AWS::Lambda::Alias",
    Properties: {
      Name: "live",
      FunctionName: { Ref: "Function" },
      FunctionVersion: { "Fn::GetAtt": ["Version", "Version"] },
    },
  },
  Permission: {
    Type: "AWS::Lambda::Permission",
    Properties: { FunctionName: { Ref: "Alias" }, Action: "lambda:InvokeFunction", Principal: "events.amazonaws.com" },
  },
  Logs: {
    Type: "AWS::Logs::LogGroup",
    Properties: { LogGroupName: { "Fn::Sub": "/aws/${Function}" }, RetentionInDays: 7 },
  },
  Bucket: { Type: "AWS::S3::Bucket", Properties: { BucketName: "one" } },
  Parameter: { Type: "AWS::SSM::Parameter", Properties: { Type: "String", Value: { Ref: "Bucket" } } },
};

function edit(id: string, properties: Readonly<Record<string, unknown>>): Resources {
  const { Properties: before, ...rest } = BASE[id] ?? { Type: "" };
  return { ...BASE, [id]: { ...rest, Properties: { ...(before as object), ...properties } } };
}

function without(id: string): Resources {
  return Object.fromEntries(Object.entries(BASE).filter(([name]) => name !== id));
}

const CASES: ReadonlyArray<readonly [string, Resources]> = [
  ["nothing", BASE],
  ["a property in place", edit("Function", { MemorySize: 256 })],
  ["a member of a property", edit("Function", { Code: { S3Bucket: "b", S3Key: "2" } })],
  ["a property that is new", edit("Function", { Timeout: 5 })],
  ["a name, and all that is built on it", edit("Function", { FunctionName: "own" })],
  ["a reference to what is replaced", edit("Bucket", { BucketName: "two" })],
  ["a reference that becomes a text", edit("Function", { Role: ARN })],
  ["what replaces one that others name", edit("Role", { Path: "/x/" })],
  ["a version that is new", edit("Version", { CodeSha256: "x" })],
  ["a resource less", without("Permission")],
  ["a resource more", { ...BASE, Topic: { Type: "AWS::SNS::Topic" } }],
  ["a number as a text", edit("Function", { MemorySize: "128" })],
  ["a parameter's type", edit("Parameter", { Type: "StringList" })],
];

function prepared(resources: Resources): Prepared {
  return prepare({
    template: parseTemplate(JSON.stringify({ Resources: resources }), "template"),
    place: { accountId: "1", region: "eu-west-1", stackId: "s", stackName: "s", notificationArns: [] },
    tags: {},
    parameters: {},
    ssm: new Map(),
    exports: new Map(),
    types: TYPES,
    digest: (text) => text,
  }).prepared;
}

/** A stack that a template has made. */
function rowsOf(target: Prepared): readonly StackResource[] {
  const attributesOf = (type: string, id: string): Record<string, string> =>
    Object.fromEntries((TYPES.find(type)?.attributes ?? []).map((name) => [name, `${id}.${name}`]));
  const facts = { ref: (id: string) => id, attribute: (id: string, name: string) => `${id}.${name}` };
  return Object.entries(target.resources).map(([id, resource]) => ({
    ...resource,
    ...evaluateResource(target, id, resource, facts),
    key: id,
    logicalId: id,
    physicalId: id,
    ref: null,
    attributes: attributesOf(resource.type, id),
    tags: {},
    neededKeys: [],
    staleKeys: [],
    isObsolete: false,
    isIncomplete: false,
    madeSince: 0,
    run: 1,
    before: null,
    status: "CREATE_COMPLETE",
    statusReason: null,
    updatedAtMs: 0,
  }));
}

function impactOf({ action, replacement }: ResourceChange): ResourceImpact {
  if (action === "Add") return ResourceImpact.WILL_CREATE;
  if (action === "Remove") return ResourceImpact.WILL_DESTROY;
  if (replacement === "True") return ResourceImpact.WILL_REPLACE;
  return replacement === "Conditional" ? ResourceImpact.MAY_REPLACE : ResourceImpact.WILL_UPDATE;
}

function isReference({ changeSource }: ResourceChange["details"][number]): boolean {
  return changeSource === "ResourceReference" || changeSource === "ResourceAttribute";
}

it.for(CASES)("%s", ([, after]) => {
  const previous = prepared(BASE);
  const { changes } = plan({ target: prepared(after), previous, resources: rowsOf(previous), types: TYPES });
  const { resources } = fullDiff({ Resources: BASE }, { Resources: after });
  const theirs = Object.fromEntries(
    resources.logicalIds
      .map((id) => [id, resources.get(id).changeImpact] as const)
      .filter(([, impact]) => impact !== ResourceImpact.NO_CHANGE),
  );
  const ours = Object.fromEntries(changes.map((change) => [change.logicalId, impactOf(change)]));
  // Theirs follows a reference only where it replaces, and none in a text: a change set lists whatever names a change.
  const byReference = changes.filter(({ details }) => details.length > 0 && details.every(isReference));
  const others = byReference.map(({ logicalId }) => logicalId).filter((id) => !Object.hasOwn(theirs, id));
  const sure = Object.entries(ours).filter(([id]) => !others.includes(id));
  expect(Object.fromEntries(sure)).toEqual(theirs);
});
