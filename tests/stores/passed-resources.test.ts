/**
 * Types that another service has, by their handlers at moto: made, found again after a crash, changed, removed twice.
 * What somebody else has made under the same name is neither taken over nor changed.
 */
import { AwsPassedServices } from "@thaw/server/testing/passed-services";
import { afterAll, beforeAll, expect, it } from "vitest";
import { resourcesOf } from "../control/resource-harness.ts";
import { MotoServer } from "../support/moto-server.ts";

const ACCOUNT = "123456789012";
const SERVICES = ["sqs", "sns", "dynamodb", "kinesis", "secretsmanager"] as const;
const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };

let moto: MotoServer;
let passed: AwsPassedServices;

beforeAll(async () => {
  moto = await MotoServer.start();
  passed = connect(moto.endpoint);
});
afterAll(async () => {
  passed?.close();
  await moto?.stop();
});

function connect(endpoint: string): AwsPassedServices {
  const endpoints = new Map(SERVICES.map((service) => [service, endpoint]));
  return new AwsPassedServices({ endpoints, credentials: CREDENTIALS });
}

function resourceAt(services: AwsPassedServices) {
  const call = (service: string, operation: string, input: object) =>
    services.call("us-east-1", service as (typeof SERVICES)[number], operation, input as Record<string, unknown>);
  return resourcesOf({ call }, services);
}

const resource = (type: string, logicalId: string) => resourceAt(passed)(type, logicalId);
// biome-ignore lint/suspicious/noExplicitAny: answers of services, of which tests look at some members
const call = (service: (typeof SERVICES)[number], operation: string, input: object): Promise<any> =>
  passed.call("us-east-1", service, operation, input as Record<string, unknown>);
const failure = (sent: Promise<unknown>): Promise<unknown> => sent.catch((error: unknown) => error);
const taken = (logicalId: string) => ({
  message: expect.stringMatching(new RegExp(`with identifier .*${logicalId}.* already exists\\.$`)),
  physicalId: null,
});

it("a queue has what the template says, and loses what it says no more", async () => {
  const letters = await resource("AWS::SQS::Queue", "Letters").create({});
  const queue = resource("AWS::SQS::Queue", "Queue");
  const RedrivePolicy = { deadLetterTargetArn: letters.attributes?.["Arn"] ?? null, maxReceiveCount: "3" };
  const before = { VisibilityTimeout: 60, RedrivePolicy, Tags: [{ Key: "own", Value: "1" }] };
  const made = await queue.create(before);
  expect(made).toEqual({
    physicalId: `${moto.endpoint}/${ACCOUNT}/shop-Queue-TOKEN`,
    attributes: {
      Arn: `arn:aws:sqs:us-east-1:${ACCOUNT}:shop-Queue-TOKEN`,
      QueueName: "shop-Queue-TOKEN",
      QueueUrl: made.physicalId,
    },
  });
  expect(await queue.again(before)).toEqual(made);
  const attributes = async () =>
    (await call("sqs", "GetQueueAttributes", { QueueUrl: made.physicalId, AttributeNames: ["All"] })).Attributes;
  expect(await attributes()).toMatchObject({ VisibilityTimeout: "60", RedrivePolicy: expect.stringContaining("3") });
  await queue.update(made.physicalId, before, { DelaySeconds: "5" });
  expect(await attributes()).toMatchObject({ VisibilityTimeout: "30", DelaySeconds: "5" });
  expect(await attributes()).not.toHaveProperty("RedrivePolicy");
  const { Tags } = await call("sqs", "ListQueueTags", { QueueUrl: made.physicalId });
  expect(Tags).toMatchObject({ team: "a", "thaw:stack-name": "shop", "thaw:logical-id": "Queue" });
  expect(Tags).not.toHaveProperty("own");
  for (const each of [made, made, letters]) await queue.remove(each.physicalId, {});
  expect(await call("sqs", "ListQueues", {})).not.toHaveProperty("QueueUrls");
});

it("a FIFO queue's name ends as it must, and a queue of another stays as it is", async () => {
  const queue = resource("AWS::SQS::Queue", "Fifo");
  const made = await queue.create({ FifoQueue: true, ContentBasedDeduplication: "true" });
  expect(made.attributes?.["QueueName"]).toBe("shop-Fifo-TOKEN.fifo");
  await queue.remove(made.physicalId, {});
  const { QueueUrl } = await call("sqs", "CreateQueue", { QueueName: "theirs" });
  const wanted = { QueueName: "theirs", VisibilityTimeout: 99 };
  for (const make of [queue.create, queue.again]) expect(await failure(make(wanted))).toMatchObject(taken("theirs"));
  const { Attributes } = await call("sqs", "GetQueueAttributes", { QueueUrl, AttributeNames: ["All"] });
  expect(Attributes).toMatchObject({ VisibilityTimeout: "30" });
  await call("sqs", "DeleteQueue", { QueueUrl });
});

it("policies of queues and topics are put, and go from what they name no more", async () => {
  const queues = await Promise.all(["A", "B"].map((id) => resource("AWS::SQS::Queue", id).create({})));
  const Queues = queues.map(({ physicalId }) => physicalId);
  const Statement = [{ Effect: "Allow", Principal: "*", Action: "sqs:SendMessage", Resource: "*" }];
  const PolicyDocument = { Version: "2012-10-17", Statement };
  const policyOf = async (QueueUrl: string) =>
    (await call("sqs", "GetQueueAttributes", { QueueUrl, AttributeNames: ["All"] })).Attributes?.Policy ?? "";
  const policy = resource("AWS::SQS::QueuePolicy", "Policy");
  const { physicalId } = await policy.create({ Queues, PolicyDocument });
  for (const url of Queues) expect(JSON.parse(await policyOf(url))).toEqual(PolicyDocument);
  await policy.update(physicalId, { Queues, PolicyDocument }, { Queues: Queues.slice(1), PolicyDocument });
  expect(await policyOf(Queues[0] ?? "")).toBe("");
  for (const url of Queues) await resource("AWS::SQS::Queue", "A").remove(url, {});
  await policy.remove(physicalId, { Queues, PolicyDocument });

  const topic = await resource("AWS::SNS::Topic", "Topic").create({});
  const Topics = [topic.physicalId];
  const ofTopic = resource("AWS::SNS::TopicPolicy", "OfTopic");
  const made = await ofTopic.create({ Topics, PolicyDocument });
  const shown = async () => (await call("sns", "GetTopicAttributes", { TopicArn: topic.physicalId })).Attributes.Policy;
  expect(JSON.parse(await shown())).toEqual(PolicyDocument);
  await ofTopic.remove(made.physicalId, { Topics, PolicyDocument });
  expect(await shown()).toContain("__default_policy_ID");
  await resource("AWS::SNS::Topic", "Topic").remove(topic.physicalId, {});
  await ofTopic.remove(made.physicalId, { Topics, PolicyDocument });
});

it("a topic keeps its subscribers, and loses those that the template names no more", async () => {
  const [one, other] = await Promise.all(["One", "Other"].map((id) => resource("AWS::SQS::Queue", id).create({})));
  const endpoints = [one, other].map((made) => ({ Protocol: "sqs", Endpoint: made?.attributes?.["Arn"] ?? null }));
  const topic = resource("AWS::SNS::Topic", "Topic");
  const before = { DisplayName: "Orders", Subscription: endpoints.slice(0, 1) };
  const made = await topic.create(before);
  const TopicArn = `arn:aws:sns:us-east-1:${ACCOUNT}:shop-Topic-TOKEN`;
  expect(made).toEqual({ physicalId: TopicArn, attributes: { TopicArn, TopicName: "shop-Topic-TOKEN" } });
  expect(await topic.again(before)).toEqual(made);
  await topic.update(TopicArn, before, { Subscription: endpoints.slice(1) });
  const { Subscriptions } = await call("sns", "ListSubscriptionsByTopic", { TopicArn });
  expect(Subscriptions).toMatchObject(endpoints.slice(1));
  const { Attributes } = await call("sns", "GetTopicAttributes", { TopicArn });
  expect(Attributes).toMatchObject({ DisplayName: "" });
  const lambda = { Subscription: [{ Protocol: "lambda", Endpoint: "arn:aws:lambda:us-east-1:0:function:f" }] };
  expect(await failure(resource("AWS::SNS::Topic", "Calls").create(lambda))).toMatchObject({
    message: expect.stringContaining("AWS::SNS::Subscription"),
    physicalId: expect.stringContaining("shop-Calls"),
  });
  await call("sns", "CreateTopic", { Name: "theirs" });
  expect(await failure(topic.create({ TopicName: "theirs" }))).toMatchObject(taken("theirs"));
  for (const arn of [TopicArn, TopicArn, TopicArn.replace("Topic", "Calls")]) await topic.remove(arn, {});
  for (const queue of [one, other]) await resource("AWS::SQS::Queue", "One").remove(queue?.physicalId ?? "", {});
});

const KEY = { AttributeName: "id", KeyType: "HASH" };
const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: "S" });

function index(IndexName: string, AttributeName: string) {
  const KeySchema = [{ AttributeName, KeyType: "HASH" }];
  return { IndexName, KeySchema, Projection: { ProjectionType: "ALL" } };
}

it("a table has streams, indexes and a time to live, and changes in place", async () => {
  const table = resource("AWS::DynamoDB::Table", "Table");
  const before = {
    KeySchema: [KEY],
    AttributeDefinitions: ["id", "email"].map(attribute),
    BillingMode: "PAY_PER_REQUEST",
    GlobalSecondaryIndexes: [index("byEmail", "email")],
    StreamSpecification: { StreamViewType: "NEW_IMAGE" },
    TimeToLiveSpecification: { AttributeName: "until", Enabled: "true" },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true },
  };
  const made = await table.create(before);
  const TableName = "shop-Table-TOKEN";
  const Arn = `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/${TableName}`;
  expect(made).toEqual({
    physicalId: TableName,
    attributes: { Arn, StreamArn: expect.stringMatching(new RegExp(`^${Arn}/stream/`)) },
  });
  expect(await table.again(before)).toEqual(made);
  const shown = async () => (await call("dynamodb", "DescribeTable", { TableName })).Table;
  const timeToLive = async () => (await call("dynamodb", "DescribeTimeToLive", { TableName })).TimeToLiveDescription;
  expect(await timeToLive()).toMatchObject({ TimeToLiveStatus: "ENABLED", AttributeName: "until" });
  const after = {
    KeySchema: [KEY],
    AttributeDefinitions: ["id", "name"].map(attribute),
    ProvisionedThroughput: { ReadCapacityUnits: "2", WriteCapacityUnits: 3 },
    GlobalSecondaryIndexes: [
      { ...index("byName", "name"), ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 } },
    ],
    DeletionProtectionEnabled: true,
    Tags: [{ Key: "own", Value: "1" }],
  };
  const changed = await table.update(TableName, before, after);
  expect(changed).toEqual({ physicalId: TableName, attributes: { Arn } });
  expect(await shown()).toMatchObject({
    ProvisionedThroughput: { ReadCapacityUnits: 2, WriteCapacityUnits: 3 },
    GlobalSecondaryIndexes: [{ IndexName: "byName" }],
    DeletionProtectionEnabled: true,
  });
  expect(await timeToLive()).toMatchObject({ TimeToLiveStatus: "DISABLED" });
  expect((await call("dynamodb", "ListTagsOfResource", { ResourceArn: Arn })).Tags).toEqual(
    expect.arrayContaining([
      { Key: "own", Value: "1" },
      { Key: "thaw:logical-id", Value: "Table" },
    ]),
  );
  // A change that was made before a crash is made again.
  expect(await table.update(TableName, before, after)).toEqual(changed);
  expect(await failure(table.remove(TableName, {}))).toMatchObject({ message: expect.stringMatching(/protect/i) });
  // moto makes no second stream of a table.
  await table.update(TableName, after, { ...before, StreamSpecification: null });
  expect(await shown()).toMatchObject({
    BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" },
    GlobalSecondaryIndexes: [{ IndexName: "byEmail" }],
    DeletionProtectionEnabled: false,
  });
  await table.remove(TableName, {});
  await table.remove(TableName, {});
  expect((await call("dynamodb", "ListTables", {})).TableNames).toEqual([]);
});

it("a table of another is not taken, and an index that can't be made is told", async () => {
  const table = resource("AWS::DynamoDB::Table", "Table");
  const plain = { KeySchema: [KEY], AttributeDefinitions: [attribute("id")], BillingMode: "PAY_PER_REQUEST" };
  await call("dynamodb", "CreateTable", { ...plain, TableName: "theirs" });
  expect(await failure(table.again({ ...plain, TableName: "theirs" }))).toMatchObject(taken("theirs"));
  const wrong = { ...plain, GlobalSecondaryIndexes: [{ ...index("i", "id"), WarmThroughput: {} }] };
  expect(await failure(table.create(wrong))).toMatchObject({ message: expect.stringContaining("WarmThroughput") });
  const local = { ...plain, LocalSecondaryIndexes: [index("l", "id")] };
  expect(await failure(table.update("theirs", plain, local))).toMatchObject({
    message: expect.stringContaining("another TableName"),
  });
  await call("dynamodb", "DeleteTable", { TableName: "theirs" });
});

it("a stream has its shards and keeps its records as long as the template says", async () => {
  const stream = resource("AWS::Kinesis::Stream", "Stream");
  const before = { ShardCount: "2", RetentionPeriodHours: 48, Tags: [{ Key: "own", Value: "1" }] };
  const made = await stream.create(before);
  const StreamName = "shop-Stream-TOKEN";
  const Arn = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/${StreamName}`;
  expect(made).toEqual({ physicalId: StreamName, attributes: { Arn } });
  expect(await stream.again(before)).toEqual(made);
  const shown = async () => (await call("kinesis", "DescribeStreamSummary", { StreamName })).StreamDescriptionSummary;
  expect(await shown()).toMatchObject({ OpenShardCount: 2, RetentionPeriodHours: 48 });
  const after = { ShardCount: 4, StreamEncryption: { EncryptionType: "KMS", KeyId: "alias/aws/kinesis" } };
  await stream.update(StreamName, before, after);
  await stream.update(StreamName, before, after);
  expect(await shown()).toMatchObject({ OpenShardCount: 4, RetentionPeriodHours: 24, EncryptionType: "KMS" });
  const { Tags } = await call("kinesis", "ListTagsForStream", { StreamName });
  expect(Tags).not.toContainEqual({ Key: "own", Value: "1" });
  await call("kinesis", "CreateStream", { StreamName: "theirs", ShardCount: 1 });
  for (const make of [stream.create, stream.again])
    expect(await failure(make({ Name: "theirs" }))).toMatchObject(taken("theirs"));
  await stream.remove(StreamName, {});
  await stream.remove(StreamName, {});
  expect((await call("kinesis", "ListStreams", {})).StreamNames).toEqual(["theirs"]);
});

it("a secret is made up once, and changes only where the template does", async () => {
  const secret = resource("AWS::SecretsManager::Secret", "Secret");
  const GenerateSecretString = {
    SecretStringTemplate: '{"user":"admin"}',
    GenerateStringKey: "password",
    PasswordLength: "24",
    ExcludePunctuation: true,
  };
  const before = { Description: "d", GenerateSecretString };
  const made = await secret.create(before);
  const SecretId = made.physicalId;
  expect(SecretId).toMatch(/^arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-Secret-TOKEN-/);
  const value = async () => (await call("secretsmanager", "GetSecretValue", { SecretId })).SecretString;
  const first = await value();
  expect(JSON.parse(first)).toEqual({ user: "admin", password: expect.stringMatching(/^[A-Za-z0-9]{24}$/) });
  expect(await secret.again(before)).toEqual(made);
  await secret.update(SecretId, before, { GenerateSecretString, Tags: [{ Key: "own", Value: "1" }] });
  expect(await value()).toBe(first);
  const longer = { GenerateSecretString: { ...GenerateSecretString, PasswordLength: 30 } };
  await secret.update(SecretId, before, longer);
  const second = await value();
  expect(JSON.parse(second).password).toHaveLength(30);
  // After a crash the version that was made by the same action stays.
  await secret.update(SecretId, before, longer);
  expect(await value()).toBe(second);
  await call("secretsmanager", "CreateSecret", { Name: "theirs", SecretString: "x" });
  expect(await failure(secret.again({ Name: "theirs" }))).toMatchObject(taken("theirs"));
  const both = { SecretString: "x", GenerateSecretString };
  expect(await failure(resource("AWS::SecretsManager::Secret", "Both").create(both))).toMatchObject({
    message: expect.stringContaining("not both"),
  });
  await secret.remove(SecretId, {});
  await secret.remove(SecretId, {});
  await secret.remove("theirs", {});
  expect((await call("secretsmanager", "ListSecrets", {})).SecretList).toEqual([]);
});

it("an endpoint that is away is told by its address, and by the option that names it", async () => {
  const away = connect("http://127.0.0.1:9");
  expect(await failure(resourceAt(away)("AWS::SQS::Queue", "Queue").create({}))).toMatchObject({
    code: "EndpointAway",
    message: expect.stringMatching(/^The endpoint of sqs, http:\/\/127\.0\.0\.1:9, does not answer: .*--aws-endpoint/),
  });
  away.close();
});
