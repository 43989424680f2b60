/** Stacks whose resources are real, or recorded by a service of their own: there as the stack says, gone with it. */
import {
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  type Stack,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import { expect, it, onTestFinished } from "vitest";
import { HttpHarness } from "./http-harness.ts";
import { cloudFormationOf, untilEnded } from "./stack-harness.ts";
import { openTestObjects } from "./test-objects.ts";

async function start() {
  const { objects } = openTestObjects();
  const http = await HttpHarness.start({ functions: {}, services: { objects } });
  const client = cloudFormationOf(http);
  onTestFinished(async () => {
    client.destroy();
    await http[Symbol.asyncDispose]();
    expect(http.problems).toEqual([]);
  });
  const ended = (name: string): Promise<Stack> => untilEnded(http, client, name);
  return { client, ended, services: http.services((_label, id) => id) };
}

it("buckets, log groups and roles are there as the stack says, and go with it", async () => {
  const { client, ended, services } = await start();
  const body = (days: number): string => `
Resources:
  Bucket: { Type: AWS::S3::Bucket, DeletionPolicy: Delete }
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{ Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: "sts:AssumeRole" }]
  Policy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: read
      Roles: [!Ref Role]
      PolicyDocument: { Statement: [{ Effect: Allow, Action: "s3:Get*", Resource: !Sub "\${Bucket.Arn}/*" }] }
  Logs: { Type: AWS::Logs::LogGroup, Properties: { LogGroupName: /of/stack, RetentionInDays: ${days} } }
Outputs: { Role: { Value: !GetAtt Role.Arn }, Bucket: { Value: !Ref Bucket } }`;
  const common = { StackName: "kept", Capabilities: ["CAPABILITY_IAM" as const] };
  await client.send(new CreateStackCommand({ ...common, TemplateBody: body(7) }));
  const { Outputs = [], StackStatus, StackId } = await ended("kept");
  expect(StackStatus).toBe("CREATE_COMPLETE");
  const outputOf = (key: string): string => Outputs.find(({ OutputKey }) => OutputKey === key)?.OutputValue ?? "";
  const RoleName = outputOf("Role").split("/").at(-1) ?? "";
  const Bucket = outputOf("Bucket");
  expect(await services.call("iam", "GetRole", { RoleName })).toMatchObject({ Role: { Arn: outputOf("Role") } });
  const inline = await services.call("iam", "GetRolePolicy", { RoleName, PolicyName: "read" });
  expect(decodeURIComponent(String(inline["PolicyDocument"]))).toContain(`arn:aws:s3:::${Bucket}/*`);
  await services.call("s3", "HeadBucket", { Bucket });
  await client.send(new UpdateStackCommand({ ...common, TemplateBody: body(14) }));
  expect(await ended("kept")).toMatchObject({ StackStatus: "UPDATE_COMPLETE" });
  expect(await services.call("logs", "DescribeLogGroups", { logGroupNamePrefix: "/of/" })).toMatchObject({
    logGroups: [{ retentionInDays: 14 }],
  });
  await client.send(new DeleteStackCommand({ StackName: "kept" }));
  expect(await ended(StackId ?? "")).toMatchObject({ StackStatus: "DELETE_COMPLETE" });
  for (const [service, operation, input] of [
    ["iam", "GetRole", { RoleName }],
    ["s3", "HeadBucket", { Bucket }],
    ["logs", "ListTagsLogGroup", { logGroupName: "/of/stack" }],
  ] as const)
    await expect(services.call(service, operation, input)).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:NoSuchEntity|NoSuchBucket|ResourceNotFoundException)$/),
    });
});

it("a stack whose bucket another one has is rolled back, and leaves the other's", async () => {
  const { client, ended, services } = await start();
  await services.call("s3", "CreateBucket", { Bucket: "of-somebody-else" });
  const body = `
Resources:
  Logs: { Type: AWS::Logs::LogGroup, Properties: { LogGroupName: /rolled/back } }
  Bucket: { Type: AWS::S3::Bucket, DependsOn: Logs, Properties: { BucketName: of-somebody-else } }`;
  await client.send(new CreateStackCommand({ StackName: "rolled", TemplateBody: body }));
  expect(await ended("rolled")).toMatchObject({ StackStatus: "ROLLBACK_COMPLETE" });
  const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName: "rolled" }));
  expect(StackEvents.find(({ ResourceStatus }) => ResourceStatus === "CREATE_FAILED")).toMatchObject({
    LogicalResourceId: "Bucket",
    ResourceStatusReason: expect.stringMatching(/"of-somebody-else"}' already exists\./),
  });
  await services.call("s3", "HeadBucket", { Bucket: "of-somebody-else" });
  expect(await services.call("logs", "DescribeLogGroups", { logGroupNamePrefix: "/rolled" })).toEqual({
    logGroups: [],
  });
});
