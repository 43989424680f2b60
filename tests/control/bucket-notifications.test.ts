/** Notifications of buckets: how they are configured, and what functions, queues, topics and buses get of them. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketNotificationConfigurationCommand,
  type NotificationConfiguration,
  PutBucketNotificationConfigurationCommand,
  type PutBucketNotificationConfigurationCommandInput,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { ACCOUNT, allow, ask, FUNCTION_ARN, noting } from "./events-harness.ts";
import type { ControlHarness } from "./harness.ts";
import { startS3 } from "./s3-harness.ts";

const Bucket = "things";
const NOTE = `${FUNCTION_ARN}note`;
const QUEUE = `arn:aws:sqs:us-east-1:${ACCOUNT}:jobs`;
const TOPIC = `arn:aws:sns:us-east-1:${ACCOUNT}:news`;

interface Record {
  readonly eventName: string;
  readonly s3: { readonly configurationId: string; readonly object: { readonly [member: string]: unknown } };
}

async function start() {
  const { seen, functions } = noting();
  const started = await startS3({ functions });
  const { s3, harness } = started;
  const { control } = harness;
  await s3.send(new CreateBucketCommand({ Bucket }));
  await control.create("note", "note", { snapStart: false });
  /** Records of all events that the function got since. */
  const records = async (): Promise<readonly Record[]> => {
    await control.advance(0);
    return seen.splice(0).flatMap(({ Records }) => Records as readonly Record[]);
  };
  return { ...started, control, records, seen };
}

function allowS3(control: ControlHarness, more: { [name: string]: string } = {}): Promise<unknown> {
  return control.call("AddPermission", {
    FunctionName: "note",
    StatementId: "s3",
    Action: "lambda:InvokeFunction",
    Principal: "s3.amazonaws.com",
    SourceArn: `arn:aws:s3:::${Bucket}`,
    SourceAccount: ACCOUNT,
    ...more,
  });
}

async function configure(
  s3: S3Client,
  NotificationConfiguration: NotificationConfiguration,
  more: Partial<PutBucketNotificationConfigurationCommandInput> = {},
): Promise<string> {
  const input = { Bucket, NotificationConfiguration, ...more };
  return s3.send(new PutBucketNotificationConfigurationCommand(input)).then(
    () => "done",
    (error: Error) => `${error.name}: ${error.message}`,
  );
}

function toNote(Events: readonly string[], more: object = {}): NotificationConfiguration {
  return { LambdaFunctionConfigurations: [{ LambdaFunctionArn: NOTE, Events: Events as never, ...more }] };
}

it("a configuration is shown as AWS shows it", async () => {
  const { s3, control } = await start();
  const show = async () => {
    const { $metadata: _, ...shown } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    return shown;
  };
  expect(await show()).toEqual({});
  await allowS3(control);
  const FilterRules = [
    { Name: "suffix" as const, Value: ".jpg" },
    { Name: "prefix" as const, Value: "in put/" },
  ];
  const rules = toNote(["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"], { Filter: { Key: { FilterRules } } });
  const others = {
    QueueConfigurations: [{ Id: "mine", QueueArn: QUEUE, Events: ["s3:ObjectRemoved:DeleteMarkerCreated" as const] }],
    EventBridgeConfiguration: {},
  };
  expect(await configure(s3, { ...rules, ...others })).toBe("done");
  expect(await show()).toEqual({
    LambdaFunctionConfigurations: [
      {
        Id: expect.stringMatching(/^[A-Za-z0-9+/=]{40,}$/),
        LambdaFunctionArn: NOTE,
        Events: ["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"],
        Filter: {
          Key: {
            FilterRules: [
              { Name: "Prefix", Value: "in put/" },
              { Name: "Suffix", Value: ".jpg" },
            ],
          },
        },
      },
    ],
    ...others,
  });
  // Tools write back what they have read.
  expect(await configure(s3, await show())).toBe("done");
  expect(await configure(s3, {})).toBe("done");
  expect(await show()).toEqual({});
});

const UNABLE = "InvalidArgument: Unable to validate the following destination configurations: ";
const AMBIGUOUS =
  "InvalidArgument: Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.";
const PUT = ["s3:ObjectCreated:Put" as const];

const REFUSED: ReadonlyArray<readonly [string, NotificationConfiguration, string]> = [
  [
    "a function that is not there",
    { LambdaFunctionConfigurations: [{ LambdaFunctionArn: `${FUNCTION_ARN}none`, Events: PUT }] },
    `${UNABLE}The destination Lambda function does not exist [${FUNCTION_ARN}none]`,
  ],
  [
    "a function of another Region",
    { LambdaFunctionConfigurations: [{ LambdaFunctionArn: NOTE.replace("us-east-1", "eu-west-1"), Events: PUT }] },
    "InvalidArgument: The notification destination service region is not valid for the bucket location constraint",
  ],
  ["a function's name", toNote(PUT, { LambdaFunctionArn: "note" }), "InvalidArgument: The ARN could not be parsed"],
  [
    "a queue among functions",
    toNote(PUT, { LambdaFunctionArn: QUEUE }),
    "InvalidArgument: The ARN could not be parsed",
  ],
  [
    "a FIFO queue",
    { QueueConfigurations: [{ QueueArn: `${QUEUE}.fifo`, Events: PUT }] },
    `${UNABLE}The destination queue must be a standard one [${QUEUE}.fifo]`,
  ],
  [
    "an unknown type",
    toNote(["s3:ObjectCreated:Get"]),
    "InvalidArgument: The event is not supported for notifications",
  ],
  [
    "a filter of another kind",
    toNote(PUT, { Filter: { Key: { FilterRules: [{ Name: "infix", Value: "a" }] } } }),
    "InvalidArgument: filter rule name must be either prefix or suffix",
  ],
  [
    "two prefixes",
    toNote(PUT, {
      Filter: {
        Key: {
          FilterRules: [
            { Name: "prefix", Value: "a" },
            { Name: "prefix", Value: "b" },
          ],
        },
      },
    }),
    "InvalidArgument: Cannot specify more than one prefix rule in a filter.",
  ],
  [
    "rules that overlap",
    {
      QueueConfigurations: [
        { QueueArn: QUEUE, Events: PUT },
        { QueueArn: QUEUE, Events: ["s3:ObjectCreated:*"] },
      ],
    },
    AMBIGUOUS,
  ],
  [
    "one id for two",
    {
      QueueConfigurations: [
        { Id: "a", QueueArn: QUEUE, Events: PUT },
        { Id: "a", QueueArn: QUEUE, Events: ["s3:ObjectRemoved:*"] },
      ],
    },
    "InvalidArgument: Same ID used for multiple configurations. IDs must be unique",
  ],
  [
    "no type",
    { QueueConfigurations: [{ QueueArn: QUEUE, Events: [] }] },
    "MalformedXML: The XML you provided was not well-formed or did not validate against our published schema",
  ],
];

it("what can't be is refused in S3's words, and nothing of it is kept", async () => {
  const { s3 } = await start();
  for (const [what, configuration, refusal] of REFUSED) expect(await configure(s3, configuration), what).toBe(refusal);
  const { $metadata: _, ...shown } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
  expect(shown).toEqual({});
});

const OTHERS: ReadonlyArray<readonly [string, { [name: string]: string } | null]> = [
  ["nobody", null],
  ["another bucket", { SourceArn: "arn:aws:s3:::others" }],
  ["another account", { SourceAccount: "111111111111" }],
  ["another service", { Principal: "sns.amazonaws.com" }],
];

it("a function that does not let the bucket in is refused, unless that is not to be checked", async () => {
  const { s3, control } = await start();
  for (const [what, permission] of OTHERS) {
    if (permission !== null) await allowS3(control, { ...permission, StatementId: what.replaceAll(" ", "-") });
    expect(await configure(s3, toNote(PUT)), what).toBe(`${UNABLE}Not authorized to invoke function [${NOTE}]`);
  }
  expect(await configure(s3, toNote(PUT), { SkipDestinationValidation: true })).toBe("done");
});

it("a function gets each change of an object once, with its name", async () => {
  const { s3, control, records } = await start();
  await allowS3(control);
  const all = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"];
  await configure(s3, toNote(all, { Id: "all" }));
  const send = async (command: object) => {
    const answer = await s3.send(command as PutObjectCommand);
    return [answer, await records()] as const;
  };
  const [put, [first, ...more]] = await send(new PutObjectCommand({ Bucket, Key: "red flower.jpg", Body: "abc" }));
  expect(more).toEqual([]);
  expect(first).toMatchObject({
    eventVersion: "2.1",
    eventName: "ObjectCreated:Put",
    userIdentity: { principalId: `AWS:${ACCOUNT}` },
    requestParameters: { sourceIPAddress: "127.0.0.1" },
    responseElements: { "x-amz-request-id": put.$metadata.requestId, "x-amz-id-2": put.$metadata.extendedRequestId },
    s3: { configurationId: "all", bucket: { name: Bucket, arn: `arn:aws:s3:::${Bucket}` } },
  });
  expect(first?.s3.object).toEqual({
    key: "red+flower.jpg",
    size: 3,
    eTag: "900150983cd24fb0d6963f7d28e17f72",
    sequencer: expect.stringMatching(/^[0-9A-F]{18}$/),
  });
  const named = { Bucket, Key: "red flower.jpg" };
  const Tagging = { TagSet: [{ Key: "a", Value: "b" }] };
  const CopySource = `${Bucket}/red%20flower.jpg`;
  const upload = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "parts" }));
  const part = { Bucket, Key: "parts", UploadId: upload.UploadId };
  const { ETag } = await s3.send(new UploadPartCommand({ ...part, PartNumber: 1, Body: "abcd" }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  const steps: ReadonlyArray<readonly [object, readonly string[]]> = [
    [new PutObjectTaggingCommand({ ...named, Tagging }), ["ObjectTagging:Put"]],
    [new DeleteObjectTaggingCommand(named), ["ObjectTagging:Delete"]],
    [new CopyObjectCommand({ Bucket, Key: "copy", CopySource }), ["ObjectCreated:Copy"]],
    [new CompleteMultipartUploadCommand({ ...part, MultipartUpload }), ["ObjectCreated:CompleteMultipartUpload"]],
    [new DeleteObjectCommand(named), ["ObjectRemoved:Delete"]],
    // There is none any more.
    [new DeleteObjectCommand(named), []],
    [
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "copy" }, { Key: "parts" }, { Key: "none" }] } }),
      ["ObjectRemoved:Delete", "ObjectRemoved:Delete"],
    ],
  ];
  for (const [command, names] of steps) {
    const [, got] = await send(command);
    expect(got.map(({ eventName }) => eventName)).toEqual(names);
  }
});

it("versions and delete markers are told apart, in their order", async () => {
  const { s3, control, records } = await start();
  await allowS3(control);
  await configure(s3, toNote(["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  const put = await s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "" }));
  const marked = await s3.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "k", VersionId: put.VersionId as string }));
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "k", VersionId: marked.VersionId as string }));
  const got = (await records()).toSorted((a, b) =>
    String(a.s3.object["sequencer"]).localeCompare(String(b.s3.object["sequencer"])),
  );
  const eTag = "d41d8cd98f00b204e9800998ecf8427e";
  const sequencer = expect.any(String);
  expect(got.map(({ eventName, s3: { object } }) => [eventName, object])).toEqual([
    ["ObjectCreated:Put", { key: "k", size: 0, eTag, versionId: put.VersionId, sequencer }],
    ["ObjectRemoved:DeleteMarkerCreated", { key: "k", eTag, versionId: marked.VersionId, sequencer }],
    ["ObjectRemoved:Delete", { key: "k", versionId: put.VersionId, sequencer }],
    ["ObjectRemoved:Delete", { key: "k", versionId: marked.VersionId, sequencer }],
  ]);
});

it("a queue and a topic get a test event, and then the records", async () => {
  const { s3, control, harness } = await start();
  const { sent } = control.destinations;
  const to = {
    QueueConfigurations: [{ Id: "q", QueueArn: QUEUE, Events: PUT }],
    TopicConfigurations: [{ Id: "t", TopicArn: TOPIC, Events: ["s3:ObjectRemoved:*" as const] }],
  };
  control.destinations.beforeSend = () => {
    throw new Error("no such queue");
  };
  expect(await configure(s3, to)).toMatch(/The destination queue does not take the test event .*: no such queue; The/);
  control.destinations.beforeSend = () => undefined;
  expect(await configure(s3, to)).toBe("done");
  expect(sent.splice(0).map(({ to: where, message }) => [where, JSON.parse(message.body), message.subject])).toEqual(
    ["jobs", TOPIC].map((where) => [
      where,
      {
        Service: "Amazon S3",
        Event: "s3:TestEvent",
        Time: expect.any(String),
        Bucket,
        RequestId: expect.any(String),
        HostId: expect.any(String),
      },
      "Amazon S3 Notification",
    ]),
  );
  await s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "" }));
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
  await control.advance(0);
  expect(
    sent.map(({ to: where, message }) => {
      const [record] = JSON.parse(message.body).Records as [Record];
      return [where, record.eventName, record.s3.configurationId, message.attributes, message.subject];
    }),
  ).toEqual([
    ["jobs", "ObjectCreated:Put", "q", {}, "Amazon S3 Notification"],
    [TOPIC, "ObjectRemoved:Delete", "t", {}, "Amazon S3 Notification"],
  ]);
  expect(harness.problems).toEqual([]);
});

it("the default bus gets events of all kinds", async () => {
  const { s3, control, seen } = await start();
  await allow(control, "note");
  expect(await configure(s3, { EventBridgeConfiguration: {} })).toBe("done");
  const EventPattern = JSON.stringify({ source: ["aws.s3"], detail: { object: { key: [{ prefix: "in/" }] } } });
  await ask(control, "PutRule", { Name: "of-bucket", EventPattern });
  await ask(control, "PutTargets", { Rule: "of-bucket", Targets: [{ Id: "1", Arn: NOTE }] });
  await s3.send(new PutObjectCommand({ Bucket, Key: "in/a b", Body: "abc" }));
  await s3.send(new PutObjectCommand({ Bucket, Key: "out", Body: "abc" }));
  await control.advance(0);
  expect(seen).toMatchObject([
    {
      source: "aws.s3",
      "detail-type": "Object Created",
      account: ACCOUNT,
      resources: [`arn:aws:s3:::${Bucket}`],
      detail: {
        version: "0",
        bucket: { name: Bucket },
        object: { key: "in/a b", size: 3, etag: "900150983cd24fb0d6963f7d28e17f72" },
        requester: ACCOUNT,
        reason: "PutObject",
      },
    },
  ]);
});

it("an event whose function has gone is dropped, and told of; those that follow are delivered", async () => {
  const { s3, control, records, objects } = await start();
  await allowS3(control);
  await configure(s3, toNote(PUT));
  await control.call("RemovePermission", { FunctionName: "note", StatementId: "s3" });
  await s3.send(new PutObjectCommand({ Bucket, Key: "one", Body: "" }));
  expect(await records()).toEqual([]);
  expect(control.problems.splice(0)).toEqual([
    expect.stringMatching(/ObjectCreated:Put of things for .*:note is dropped/),
  ]);
  expect(await objects.events.list(10)).toEqual([]);
  await allowS3(control);
  await s3.send(new PutObjectCommand({ Bucket, Key: "two", Body: "" }));
  expect((await records()).map(({ s3: { object } }) => object["key"])).toEqual(["two"]);
});
