/** What all streams do the same for a poller: one in memory, and moto's Kinesis and DynamoDB by AWS's clients. */
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { CreateStreamCommand, KinesisClient, PutRecordCommand } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { systemClock } from "@thaw/server/testing/base";
import { AwsEventSources, type ShardStart, type StreamReader } from "@thaw/server/testing/event-sources";
import { FakeEventSources } from "@thaw/server/testing/fakes";
import { afterAll, beforeAll, describe, it } from "vitest";
import { MotoServer } from "../support/moto-server.ts";

const SIGNAL = new AbortController().signal;
const AWS = { region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };
const ACCOUNT = "123456789012";
const KINESIS = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/s`;

/** A stream with one shard. */
interface Service {
  readonly service: "kinesis" | "dynamodb";
  open(arn?: string): Promise<StreamReader>;
  put(text: string): Promise<void>;
  /** The text of a record as a function gets it. */
  textOf(data: Readonly<Record<string, unknown>>): unknown;
  stop(): Promise<void>;
}

const decoded = ({ data }: Readonly<Record<string, unknown>>): string => Buffer.from(String(data), "base64").toString();

async function inMemory(): Promise<Service> {
  const made = new FakeEventSources(systemClock);
  const stream = made.createStream(KINESIS, ["shardId-000000000000"]);
  return {
    service: "kinesis",
    open: (arn = KINESIS) => made.connect().stream({ service: "kinesis", region: AWS.region, accountId: ACCOUNT, arn }),
    put: async (text) => void stream.put("shardId-000000000000", "k", text),
    textOf: decoded,
    stop: async () => undefined,
  };
}

async function kinesis(): Promise<Service> {
  const moto = await MotoServer.start();
  const client = new KinesisClient({ ...AWS, endpoint: moto.endpoint, requestHandler: new NodeHttpHandler() });
  await client.send(new CreateStreamCommand({ StreamName: "s", ShardCount: 1 }));
  const sources = new AwsEventSources({
    endpoints: new Map([["kinesis", moto.endpoint]]),
    credentials: AWS.credentials,
  });
  return {
    service: "kinesis",
    open: (arn = KINESIS) => sources.stream({ service: "kinesis", region: AWS.region, accountId: ACCOUNT, arn }),
    put: async (text) => {
      await client.send(new PutRecordCommand({ StreamName: "s", PartitionKey: "k", Data: Buffer.from(text) }));
    },
    textOf: decoded,
    stop: async () => {
      client.destroy();
      sources.close();
      await moto.stop();
    },
  };
}

async function dynamodb(): Promise<Service> {
  const moto = await MotoServer.start();
  const client = new DynamoDBClient({ ...AWS, endpoint: moto.endpoint });
  const { TableDescription } = await client.send(
    new CreateTableCommand({
      TableName: "t",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    }),
  );
  const latest = TableDescription?.LatestStreamArn ?? "";
  const sources = new AwsEventSources({
    endpoints: new Map([["dynamodb", moto.endpoint]]),
    credentials: AWS.credentials,
  });
  return {
    service: "dynamodb",
    open: (arn = latest) => sources.stream({ service: "dynamodb", region: AWS.region, accountId: ACCOUNT, arn }),
    put: async (text) => {
      const Item = { id: { S: text }, bytes: { B: Buffer.from([0, 1]) } };
      await client.send(new PutItemCommand({ TableName: "t", Item }));
    },
    textOf: (data) => {
      const { NewImage } = data["dynamodb"] as { readonly NewImage: { readonly id: { readonly S: string } } };
      return NewImage.id.S;
    },
    stop: async () => {
      client.destroy();
      sources.close();
      await moto.stop();
    },
  };
}

describe.each([
  ["in memory", inMemory],
  ["of Kinesis at moto", kinesis],
  ["of DynamoDB at moto", dynamodb],
] as const)("a stream %s", (_, start) => {
  let service: Service;
  let stream: StreamReader;
  let shard: string;
  beforeAll(async () => {
    service = await start();
    stream = await service.open();
    shard = (await stream.shards(SIGNAL))[0]?.id ?? "";
  });
  afterAll(() => service?.stop());

  /** All records from there on, by several reads. */
  async function from(
    begin: ShardStart,
    countMax = 100,
  ): Promise<Array<{ readonly text: unknown; readonly number: string }>> {
    const found: Array<{ readonly text: unknown; readonly number: string }> = [];
    let iterator: string | null = await stream.iterator(shard, begin, SIGNAL);
    while (iterator !== null) {
      const part = await stream.read(iterator, countMax, SIGNAL);
      if (part.records.length === 0) break;
      found.push(
        ...part.records.map(({ data, sequenceNumber }) => ({ text: service.textOf(data), number: sequenceNumber })),
      );
      iterator = part.nextIterator;
    }
    return found;
  }

  it("gives its records in their order, from its beginning or after one of them", async ({ expect }) => {
    for (const text of ["a", "b", "c"]) await service.put(text);
    const all = await from({ kind: "TRIM_HORIZON" }, 2);
    expect(all.map(({ text }) => text)).toEqual(["a", "b", "c"]);
    const after = await from({ kind: "AFTER_SEQUENCE_NUMBER", sequenceNumber: all[0]?.number ?? "" });
    expect(after.map(({ text }) => text)).toEqual(["b", "c"]);
  });

  it("gives what comes after LATEST", async ({ expect }) => {
    const iterator = await stream.iterator(shard, { kind: "LATEST" }, SIGNAL);
    await service.put("late");
    const { records, nextIterator } = await stream.read(iterator, 100, SIGNAL);
    expect(records.map(({ data }) => service.textOf(data))).toEqual(["late"]);
    expect(nextIterator).not.toBeNull();
  });

  it("has records in AWS's form", async ({ expect }) => {
    const iterator = await stream.iterator(shard, { kind: "TRIM_HORIZON" }, SIGNAL);
    const [record] = (await stream.read(iterator, 1, SIGNAL)).records;
    expect(record).toMatchObject({ sequenceNumber: expect.stringMatching(/^\d+$/), key: expect.stringMatching(/./) });
    expect(Math.abs((record?.arrivedAtMs ?? 0) - Date.now())).toBeLessThan(120_000);
    const number = expect.any(Number);
    expect(record?.data).toMatchObject(
      service.service === "kinesis"
        ? { kinesisSchemaVersion: "1.0", partitionKey: "k", data: "YQ==", approximateArrivalTimestamp: number }
        : {
            eventID: expect.any(String),
            eventName: "INSERT",
            eventVersion: expect.stringMatching(/^1\.\d$/),
            dynamodb: {
              ApproximateCreationDateTime: number,
              Keys: { id: { S: "a" } },
              NewImage: { id: { S: "a" }, bytes: { B: "AAE=" } },
              SizeBytes: number,
              StreamViewType: "NEW_AND_OLD_IMAGES",
            },
          },
    );
  });

  it("says that it is not there", async ({ expect }) => {
    const gone =
      service.service === "kinesis"
        ? KINESIS.replace("stream/s", "stream/nobody")
        : `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/nobody/stream/2026-01-01T00:00:00.000`;
    const nobody = await service.open(gone);
    await expect(nobody.shards(SIGNAL)).rejects.toMatchObject({ name: "EventSourceError", problem: "missing" });
  });
});
