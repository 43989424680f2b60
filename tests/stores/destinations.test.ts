/** What all destinations do the same: a fake, and AWS's clients against moto's SQS, SNS, EventBridge and S3. */
import { CreateBucketCommand, GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  EventBridgeClient,
  CreateEventBusCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, type Message, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, it } from "vitest";
import {
  AwsDestinations,
  type DestinationMessage,
  type Destinations,
  type DestinationTarget,
} from "@thaw/server/testing/destinations";
import { FakeDestinations } from "@thaw/server/testing/fakes";
import { MotoServer } from "../support/moto-server.ts";

const REGION = "us-east-1";
const ACCOUNT = "123456789012";
const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };

const QUEUE = { service: "sqs", region: REGION, accountId: ACCOUNT, queue: "q" } as const;
const TOPIC = { service: "sns", region: REGION, topicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:t` } as const;
const BUS = { service: "events", region: REGION, busArn: `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/b` } as const;
const BUCKET = { service: "s3", bucket: "my-bucket" } as const;

const MESSAGE: DestinationMessage = {
  body: JSON.stringify({ version: "1.0", text: "ü" }),
  attributes: {
    RequestID: { type: "String", value: "r" },
    ErrorCode: { type: "Number", value: "200" },
    ErrorMessage: { type: "String", value: "no luck" },
  },
  traceId: "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
  event: { source: "lambda", detailType: "Lambda Function Invocation Result - Success", resources: ["arn:a", "arn:b"] },
  key: "aws/lambda/async/f/2026/01/01/one",
};

/** A service's side: what has arrived. */
interface Arrived {
  readonly destinations: Destinations;
  /** The body that the queue, or the queue behind topic or bus, or the bucket has. */
  readonly bodyAt: (target: DestinationTarget) => Promise<string>;
  readonly end: () => Promise<void>;
}

function withFake(): Arrived {
  const destinations = new FakeDestinations();
  return {
    destinations,
    bodyAt: async () => destinations.sent.at(-1)?.message.body ?? "",
    end: async () => undefined,
  };
}

async function withMoto(): Promise<Arrived> {
  const moto = await MotoServer.start();
  const { endpoint } = moto;
  const config = { endpoint, region: REGION, credentials: CREDENTIALS };
  const sqs = new SQSClient(config);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const [own, behind] = await Promise.all(
    ["q", "behind"].map((QueueName) => sqs.send(new CreateQueueCommand({ QueueName }))),
  );
  const behindArn = `arn:aws:sqs:${REGION}:${ACCOUNT}:behind`;
  const sns = new SNSClient(config);
  await sns.send(new CreateTopicCommand({ Name: "t" }));
  const subscription = { TopicArn: TOPIC.topicArn, Protocol: "sqs", Endpoint: behindArn };
  await sns.send(new SubscribeCommand({ ...subscription, Attributes: { RawMessageDelivery: "true" } }));
  const events = new EventBridgeClient(config);
  await events.send(new CreateEventBusCommand({ Name: "b" }));
  const rule = { EventBusName: "b", Name: "all", EventPattern: '{"source":["lambda"]}' };
  await events.send(new PutRuleCommand(rule));
  await events.send(new PutTargetsCommand({ EventBusName: "b", Rule: "all", Targets: [{ Id: "1", Arn: behindArn }] }));
  await s3.send(new CreateBucketCommand({ Bucket: "my-bucket" }));
  const receive = async (QueueUrl: string | undefined): Promise<Message> => {
    const wish = { QueueUrl, WaitTimeSeconds: 5, MessageAttributeNames: ["All"] };
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ ...wish, MessageSystemAttributeNames: ["AWSTraceHeader"] }),
    );
    const [message] = Messages ?? [];
    if (message === undefined) throw new Error("nothing has arrived");
    return message;
  };
  const bodyAt = async (target: DestinationTarget): Promise<string> => {
    if (target.service === "s3") {
      const found = await s3.send(new GetObjectCommand({ Bucket: target.bucket, Key: MESSAGE.key }));
      return (await found.Body?.transformToString()) ?? "";
    }
    const message = await receive((target.service === "sqs" ? own : behind)?.QueueUrl);
    if (target.service === "events") return eventOf(message.Body ?? "");
    checkAttributes(target, message);
    return message.Body ?? "";
  };
  const named = new Map((["sqs", "sns", "events", "s3"] as const).map((service) => [service, endpoint] as const));
  const destinations = new AwsDestinations({ endpoints: named, credentials: CREDENTIALS, region: REGION });
  const end = async (): Promise<void> => {
    for (const client of [sqs, sns, events, s3, destinations])
      if ("destroy" in client) client.destroy();
      else client.close();
    await moto.stop();
  };
  return { destinations, bodyAt, end };
}

/** The detail of an event that has what AWS puts around it. */
function eventOf(text: string): string {
  const event = JSON.parse(text) as Record<string, unknown>;
  const { source, detailType, resources } = MESSAGE.event;
  if (
    event["source"] !== source ||
    event["detail-type"] !== detailType ||
    JSON.stringify(event["resources"]) !== JSON.stringify(resources)
  )
    throw new Error(`not as it was sent: ${text}`);
  return JSON.stringify(event["detail"]);
}

/** A dead letter's attributes, and the trace that only a queue has a place for. */
function checkAttributes({ service }: DestinationTarget, { MessageAttributes, Attributes }: Message): void {
  for (const [name, { type, value }] of Object.entries(MESSAGE.attributes)) {
    const found = MessageAttributes?.[name];
    if (found?.DataType !== type || found.StringValue !== value) throw new Error(`attribute ${name} is another one`);
  }
  if (service === "sqs" && Attributes?.AWSTraceHeader !== MESSAGE.traceId) throw new Error("the trace is another one");
}

describe.each(["fake", "AWS's clients"] as const)("%s", (kind) => {
  let arrived: Arrived;
  beforeAll(async () => {
    arrived = kind === "fake" ? withFake() : await withMoto();
  });
  afterAll(() => arrived.end());

  it.for([QUEUE, TOPIC, BUS, BUCKET])("$service gets what is sent, and has no problem", async (target, { expect }) => {
    expect(await arrived.destinations.problemOf(target)).toBeNull();
    await arrived.destinations.send(target, MESSAGE);
    expect(JSON.parse(await arrived.bodyAt(target))).toEqual(JSON.parse(MESSAGE.body));
  });

  it("refuses for good what is larger than the service takes", async ({ expect }) => {
    const large = { ...MESSAGE, body: JSON.stringify("x".repeat(300_000)) };
    await expect(arrived.destinations.send(TOPIC, large)).rejects.toMatchObject({
      name: "DestinationError",
      isFinal: true,
    });
  });
});

describe("AWS's clients", () => {
  it("say that a queue is not there, or that nobody answers, and not for good", async ({ expect }) => {
    const moto = await MotoServer.start();
    const endpoints = new Map([["sqs", moto.endpoint]] as const);
    const destinations = new AwsDestinations({ endpoints, credentials: CREDENTIALS, region: REGION });
    const missing = { ...QUEUE, queue: "missing" };
    await expect(destinations.send(missing, MESSAGE)).rejects.toMatchObject({ isFinal: false });
    await moto.stop();
    await expect(destinations.send(QUEUE, MESSAGE)).rejects.toMatchObject({ isFinal: false });
    destinations.close();
  });

  it("of a service without an endpoint, say what to do where it does not answer", async ({ expect }) => {
    const destinations = new AwsDestinations({ endpoints: new Map(), credentials: CREDENTIALS, region: REGION });
    const nowhere = { service: "sqs", region: "xx-nowhere-1", accountId: ACCOUNT, queue: "q" } as const;
    expect(await destinations.problemOf(nowhere)).toMatch(
      /^It can't be reached from this host: .* Name the endpoint of the service with --aws-endpoint sqs=URL/,
    );
    destinations.close();
  });
});
