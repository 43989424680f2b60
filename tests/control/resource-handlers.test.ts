/**
 * Handlers of a stack's resources over the real services: made, made again after a crash, changed, removed twice. What
 * another has made under the same name is never taken over.
 */
import { HandlerError } from "@thaw/server/testing/handlers";
import { expect, it, onTestFinished } from "vitest";
import { HttpHarness } from "./http-harness.ts";
import { resourcesOf } from "./resource-harness.ts";
import { openTestObjects } from "./test-objects.ts";

async function start() {
  const { objects } = openTestObjects();
  const http = await HttpHarness.start({ functions: {}, services: { objects } });
  onTestFinished(() => http[Symbol.asyncDispose]());
  const services = http.services((_label, id) => id);
  const resource = resourcesOf(services);
  const call = (service: string, operation: string, input: object): Promise<Readonly<Record<string, unknown>>> =>
    services.call(service, operation, input as Readonly<Record<string, unknown>>);
  return { resource, call };
}

const QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs";

const failure = (sent: Promise<unknown>): Promise<unknown> => sent.catch((error: unknown) => error);

it("a bucket has what the template says, and loses what it says no more", async () => {
  const { resource, call } = await start();
  const bucket = resource("AWS::S3::Bucket", "Bucket");
  const before = {
    VersioningConfiguration: { Status: "Enabled" },
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } }],
    },
    PublicAccessBlockConfiguration: { BlockPublicAcls: "true", RestrictPublicBuckets: false },
    LifecycleConfiguration: {
      Rules: [{ Id: "old", Status: "Enabled", NoncurrentVersionExpirationInDays: "30" }],
    },
    NotificationConfiguration: {
      EventBridgeConfiguration: { EventBridgeEnabled: "true" },
      QueueConfigurations: [
        {
          Event: "s3:ObjectCreated:*",
          Queue: QUEUE,
          Filter: { S3Key: { Rules: [{ Name: "Suffix", Value: ".jpg" }] } },
        },
      ],
    },
    Tags: [{ Key: "own", Value: "1" }],
  };
  const made = await bucket.create(before);
  const Bucket = "shop-bucket-token";
  expect(made).toMatchObject({
    physicalId: Bucket,
    attributes: { Arn: `arn:aws:s3:::${Bucket}`, RegionalDomainName: `${Bucket}.s3.us-east-1.amazonaws.com` },
  });
  expect(await bucket.again(before)).toEqual(made);
  expect(await call("s3", "GetBucketVersioning", { Bucket })).toEqual({ Status: "Enabled" });
  expect(await call("s3", "GetPublicAccessBlock", { Bucket })).toEqual({
    PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: false },
  });
  expect(await call("s3", "GetBucketLifecycleConfiguration", { Bucket })).toEqual({
    Rules: [
      { ID: "old", Status: "Enabled", Filter: { Prefix: "" }, NoncurrentVersionExpiration: { NoncurrentDays: 30 } },
    ],
  });
  expect(await call("s3", "GetBucketNotificationConfiguration", { Bucket })).toEqual({
    EventBridgeConfiguration: {},
    QueueConfigurations: [
      {
        Id: expect.any(String),
        QueueArn: QUEUE,
        Events: ["s3:ObjectCreated:*"],
        Filter: { Key: { FilterRules: [{ Name: "Suffix", Value: ".jpg" }] } },
      },
    ],
  });
  const { TagSet } = await call("s3", "GetBucketTagging", { Bucket });
  expect(TagSet).toContainEqual({ Key: "own", Value: "1" });
  expect(TagSet).toContainEqual({ Key: "aws:cloudformation:logical-id", Value: "Bucket" });
  await bucket.update(Bucket, before, {});
  expect(await call("s3", "GetBucketVersioning", { Bucket })).toEqual({ Status: "Suspended" });
  expect(await call("s3", "GetBucketNotificationConfiguration", { Bucket })).toEqual({});
  expect(await failure(call("s3", "GetBucketLifecycleConfiguration", { Bucket }))).toMatchObject({
    code: "NoSuchLifecycleConfiguration",
  });
  await call("s3", "PutObject", { Bucket, Key: "k", Body: "content" });
  expect(await failure(bucket.remove(Bucket, {}))).toMatchObject({ code: "BucketNotEmpty" });
  await call("s3", "DeleteObject", { Bucket, Key: "k", VersionId: "null" });
  await bucket.remove(Bucket, {});
  await bucket.remove(Bucket, {});
  expect(await failure(call("s3", "HeadBucket", { Bucket }))).toMatchObject({ code: "NoSuchBucket" });
});

it("the CDK's notifications are set by Thaw itself, beside those of others", async () => {
  const { resource, call } = await start();
  const rules = (Bucket: string) => call("s3", "GetBucketNotificationConfiguration", { Bucket });
  const notifications = resource("Custom::S3BucketNotifications", "Notifications");
  await call("s3", "CreateBucket", { Bucket: "of-stack" });
  const ofQueue = (Events: string) => ({
    QueueConfigurations: [
      { Events: [Events], QueueArn: QUEUE, Filter: { Key: { FilterRules: [{ Name: "prefix", Value: "in/" }] } } },
    ],
  });
  const managed = {
    ServiceToken: "arn:aws:lambda:us-east-1:000000000000:function:never-called",
    BucketName: "of-stack",
    NotificationConfiguration: { ...ofQueue("s3:ObjectCreated:*"), EventBridgeConfiguration: {} },
    Managed: "true",
    SkipDestinationValidation: false,
  };
  const made = await notifications.create(managed);
  expect(await rules("of-stack")).toMatchObject({
    EventBridgeConfiguration: {},
    QueueConfigurations: [{ QueueArn: QUEUE, Events: ["s3:ObjectCreated:*"] }],
  });
  const after = { ...managed, NotificationConfiguration: ofQueue("s3:ObjectRemoved:*") };
  expect(await notifications.update(made.physicalId, managed, after)).toEqual(made);
  expect(await rules("of-stack")).toMatchObject({ QueueConfigurations: [{ Events: ["s3:ObjectRemoved:*"] }] });
  await notifications.remove(made.physicalId, after);
  expect(await rules("of-stack")).toEqual({});
  await call("s3", "CreateBucket", { Bucket: "of-another" });
  const others = { QueueConfigurations: [{ Id: "mine", QueueArn: QUEUE, Events: ["s3:ObjectTagging:*"] }] };
  await call("s3", "PutBucketNotificationConfiguration", { Bucket: "of-another", NotificationConfiguration: others });
  const beside = { ...managed, BucketName: "of-another", Managed: false };
  await notifications.create(beside);
  await notifications.again(beside);
  expect((await rules("of-another"))["QueueConfigurations"]).toHaveLength(2);
  await notifications.remove("any", beside);
  expect(await rules("of-another")).toEqual({ ...others, EventBridgeConfiguration: {} });
  await call("s3", "DeleteBucket", { Bucket: "of-stack" });
  await notifications.remove(made.physicalId, after);
});

it("a bucket of another is not taken, and one that can't be finished is told", async () => {
  const { resource, call } = await start();
  await call("s3", "CreateBucket", { Bucket: "of-another" });
  const bucket = resource("AWS::S3::Bucket", "Bucket");
  expect(await failure(bucket.again({ BucketName: "of-another" }))).toMatchObject({
    message: `Resource of type 'AWS::S3::Bucket' with identifier '{"/properties/BucketName":"of-another"}' already exists.`,
    physicalId: null,
  });
  const rules = { LifecycleConfiguration: { Rules: [{ Status: "Enabled", Transitions: [] }] } };
  expect(await failure(bucket.create(rules))).toMatchObject({
    message: expect.stringMatching(/Transitions/),
    physicalId: "shop-bucket-token",
  });
  const open = { BucketName: "open-bucket", AccessControl: "PublicRead" };
  expect(await failure(bucket.create(open))).toBeInstanceOf(HandlerError);
});

it("a bucket has one policy", async () => {
  const { resource, call } = await start();
  await call("s3", "CreateBucket", { Bucket: "with-policy" });
  const policy = resource("AWS::S3::BucketPolicy", "Policy");
  const properties = { Bucket: "with-policy", PolicyDocument: { Version: "2012-10-17", Statement: [] } };
  expect(await policy.create(properties)).toEqual({ physicalId: "with-policy" });
  expect(await policy.again(properties)).toEqual({ physicalId: "with-policy" });
  expect(await failure(policy.create(properties))).toMatchObject({
    message: "The bucket policy already exists on bucket with-policy.",
  });
  await policy.remove("with-policy", properties);
  await policy.remove("with-policy", properties);
  await policy.remove("gone-with-its-bucket", properties);
});

it("a log group keeps events as long as the template says", async () => {
  const { resource, call } = await start();
  const group = resource("AWS::Logs::LogGroup", "Logs");
  const before = { LogGroupName: "/aws/lambda/f", RetentionInDays: "7" };
  const made = await group.create(before);
  expect(made).toEqual({
    physicalId: "/aws/lambda/f",
    attributes: { Arn: "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f:*" },
  });
  expect(await group.again(before)).toEqual(made);
  const shown = async (): Promise<unknown> => (await call("logs", "DescribeLogGroups", {}))["logGroups"];
  expect(await shown()).toMatchObject([{ retentionInDays: 7 }]);
  await group.update("/aws/lambda/f", before, { LogGroupName: "/aws/lambda/f", Tags: [{ Key: "own", Value: "1" }] });
  expect(await shown()).not.toMatchObject([{ retentionInDays: 7 }]);
  expect((await call("logs", "ListTagsLogGroup", { logGroupName: "/aws/lambda/f" }))["tags"]).toMatchObject({
    own: "1",
    team: "a",
  });
  expect(await failure(group.create({ LogGroupName: "/x", RetentionInDays: 8 }))).toMatchObject({ physicalId: "/x" });
  await call("logs", "CreateLogGroup", { logGroupName: "/of-another" });
  expect(await failure(group.create({ LogGroupName: "/of-another" }))).toMatchObject({
    message: expect.stringMatching(/already exists\.$/),
    physicalId: null,
  });
  await group.remove("/aws/lambda/f", before);
  await group.remove("/aws/lambda/f", before);
});

const TRUST = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
};
const READ = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:Get*", Resource: "*" }] };
const BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
const XRAY = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess";

it("a role has the policies of the template, and keeps those of others", async () => {
  const { resource, call } = await start();
  const role = resource("AWS::IAM::Role", "Role");
  const before = {
    AssumeRolePolicyDocument: TRUST,
    Description: "d",
    ManagedPolicyArns: [BASIC],
    Policies: [{ PolicyName: "read", PolicyDocument: READ }],
  };
  const made = await role.create(before);
  const RoleName = "shop-Role-TOKEN";
  expect(made).toEqual({
    physicalId: RoleName,
    attributes: { Arn: `arn:aws:iam::000000000000:role/${RoleName}`, RoleId: expect.stringMatching(/^AROA/) },
  });
  expect(await role.again(before)).toEqual(made);
  const other = resource("AWS::IAM::Policy", "Policy");
  const inline = { PolicyName: "of-a-policy", PolicyDocument: READ, Roles: [RoleName] };
  const { physicalId } = await other.create(inline);
  const after = { AssumeRolePolicyDocument: TRUST, ManagedPolicyArns: [XRAY], MaxSessionDuration: "7200" };
  expect(await role.update(RoleName, before, after)).toEqual(made);
  expect(await call("iam", "ListAttachedRolePolicies", { RoleName })).toMatchObject({
    AttachedPolicies: [{ PolicyArn: XRAY }],
  });
  expect(await call("iam", "ListRolePolicies", { RoleName })).toMatchObject({ PolicyNames: ["of-a-policy"] });
  expect(await call("iam", "GetRole", { RoleName })).toMatchObject({ Role: { MaxSessionDuration: 7200 } });
  const renamed = { ...inline, PolicyName: "renamed" };
  await other.update(physicalId, inline, renamed);
  expect(await call("iam", "ListRolePolicies", { RoleName })).toMatchObject({ PolicyNames: ["renamed"] });
  expect(await failure(role.remove(RoleName, after))).toMatchObject({ code: "DeleteConflict" });
  await other.remove(physicalId, renamed);
  await other.remove(physicalId, renamed);
  await role.remove(RoleName, after);
  await role.remove(RoleName, after);
  await other.remove(physicalId, renamed);
});

it("a role of another is not taken, and one that can't be finished is told", async () => {
  const { resource, call } = await start();
  await call("iam", "CreateRole", { RoleName: "theirs", AssumeRolePolicyDocument: JSON.stringify(TRUST) });
  const role = resource("AWS::IAM::Role", "Role");
  const named = { RoleName: "theirs", AssumeRolePolicyDocument: TRUST };
  expect(await failure(role.again(named))).toMatchObject({
    message: expect.stringMatching(/'{"\/properties\/RoleName":"theirs"}' already exists\.$/),
    physicalId: null,
  });
  const wrong = { AssumeRolePolicyDocument: TRUST, Policies: [{ PolicyName: "p", PolicyDocument: {} }] };
  expect(await failure(role.create(wrong))).toMatchObject({ physicalId: "shop-Role-TOKEN" });
  expect(await failure(role.create({ RoleName: "bad", AssumeRolePolicyDocument: {} }))).toMatchObject({
    code: "MalformedPolicyDocument",
  });
});

it("a managed policy is changed more often than it has versions", async () => {
  const { resource, call } = await start();
  await call("iam", "CreateRole", { RoleName: "r", AssumeRolePolicyDocument: JSON.stringify(TRUST) });
  const policy = resource("AWS::IAM::ManagedPolicy", "Managed");
  const ofAction = (action: string) => ({
    PolicyDocument: { ...READ, Statement: [{ Effect: "Allow", Action: `s3:${action}`, Resource: "*" }] },
    Path: "/p/",
    Roles: ["r"],
  });
  const made = await policy.create(ofAction("A0"));
  const arn = "arn:aws:iam::000000000000:policy/p/shop-Managed-TOKEN";
  expect(made).toMatchObject({ physicalId: arn, attributes: { PolicyArn: arn, DefaultVersionId: "v1" } });
  expect(await policy.again(ofAction("A0"))).toEqual(made);
  for (let count = 1; count <= 7; count++) await policy.update(arn, ofAction(`A${count - 1}`), ofAction(`A${count}`));
  expect(await call("iam", "GetPolicy", { PolicyArn: arn })).toMatchObject({
    Policy: { DefaultVersionId: "v8", AttachmentCount: 1 },
  });
  await policy.remove(arn, ofAction("A7"));
  await policy.remove(arn, ofAction("A7"));
  await call("iam", "DeleteRole", { RoleName: "r" });
});

it("an instance profile has its role", async () => {
  const { resource, call } = await start();
  for (const RoleName of ["r", "s"])
    await call("iam", "CreateRole", { RoleName, AssumeRolePolicyDocument: JSON.stringify(TRUST) });
  const profile = resource("AWS::IAM::InstanceProfile", "Profile");
  const name = "shop-Profile-TOKEN";
  const made = await profile.create({ Roles: ["r"] });
  expect(made).toEqual({
    physicalId: name,
    attributes: { Arn: `arn:aws:iam::000000000000:instance-profile/${name}` },
  });
  expect(await profile.again({ Roles: ["r"] })).toEqual(made);
  await profile.update(name, { Roles: ["r"] }, { Roles: ["s"] });
  expect(await call("iam", "GetInstanceProfile", { InstanceProfileName: name })).toMatchObject({
    InstanceProfile: { Roles: [{ RoleName: "s" }] },
  });
  await profile.remove(name, { Roles: ["s"] });
  await profile.remove(name, { Roles: ["s"] });
});

it("a parameter has the value of the template", async () => {
  const { resource, call } = await start();
  const parameter = resource("AWS::SSM::Parameter", "Parameter");
  const before = { Name: "/cdk-bootstrap/x/version", Type: "String", Value: 33, Tags: { own: "1" } };
  const made = await parameter.create(before);
  const Name = "/cdk-bootstrap/x/version";
  expect(made).toEqual({ physicalId: Name, attributes: { Type: "String", Value: "33" } });
  expect(await parameter.again(before)).toEqual(made);
  await parameter.update(Name, before, { ...before, Value: "34", Tags: {} });
  expect(await call("ssm", "GetParameter", { Name })).toMatchObject({ Parameter: { Value: "34", Version: 2 } });
  const { TagList } = await call("ssm", "ListTagsForResource", { ResourceType: "Parameter", ResourceId: Name });
  expect(TagList).not.toContainEqual({ Key: "own", Value: "1" });
  expect(TagList).toContainEqual({ Key: "aws:cloudformation:logical-id", Value: "Parameter" });
  await call("ssm", "PutParameter", { Name: "theirs", Type: "String", Value: "x" });
  expect(await failure(parameter.again({ ...before, Name: "theirs" }))).toMatchObject({
    message: expect.stringMatching(/already exists\.$/),
  });
  await parameter.remove(Name, before);
  await parameter.remove(Name, before);
});

it("a repository is recorded with its settings", async () => {
  const { resource, call } = await start();
  const repository = resource("AWS::ECR::Repository", "Repository");
  const policy = { Version: "2012-10-17", Statement: [] };
  const selection = { tagStatus: "untagged", countType: "sinceImagePushed", countNumber: 365, countUnit: "days" };
  const rule = { rulePriority: 1, selection, action: { type: "expire" } };
  const before = {
    ImageScanningConfiguration: { ScanOnPush: "true" },
    ImageTagMutability: "IMMUTABLE",
    LifecyclePolicy: { LifecyclePolicyText: JSON.stringify({ rules: [rule] }) },
    RepositoryPolicyText: policy,
  };
  const made = await repository.create(before);
  const name = "shop-repository-token";
  expect(made).toEqual({
    physicalId: name,
    attributes: {
      Arn: `arn:aws:ecr:us-east-1:000000000000:repository/${name}`,
      RepositoryUri: `000000000000.dkr.ecr.us-east-1.amazonaws.com/${name}`,
    },
  });
  expect(await repository.again(before)).toEqual(made);
  const named = { repositoryName: name };
  expect((await call("ecr", "GetRepositoryPolicy", named))["policyText"]).toBe(JSON.stringify(policy));
  expect(await call("ecr", "DescribeRepositories", {})).toMatchObject({
    repositories: [{ imageTagMutability: "IMMUTABLE", imageScanningConfiguration: { scanOnPush: true } }],
  });
  await repository.update(name, before, {});
  for (const operation of ["GetRepositoryPolicy", "GetLifecyclePolicy"])
    expect(await failure(call("ecr", operation, named))).toMatchObject({
      code: expect.stringMatching(/PolicyNotFoundException$/),
    });
  await call("ecr", "CreateRepository", { repositoryName: "theirs" });
  expect(await failure(repository.again({ RepositoryName: "theirs" }))).toMatchObject({
    message: expect.stringMatching(/already exists\.$/),
  });
  await repository.remove(name, {});
  await repository.remove(name, {});
});
