/** What stores and streams tell of their data. */
import { inBase64 } from "./base64.ts";
import type { Place, Sample, SampleName } from "./names.ts";

const AT = "2026-01-01T00:00:00.000Z";
const AT_MS = Date.parse(AT);

export const DATA = {
  "S3 put": (place) => stored(place, "ObjectCreated:Put", { size: 1024, eTag: "0123456789abcdef0123456789abcdef" }),
  "S3 delete": (place) => stored(place, "ObjectRemoved:Delete", {}),
  "DynamoDB stream": ({ accountId, region }) => {
    const head = { eventVersion: "1.1", eventSource: "aws:dynamodb", awsRegion: region };
    const eventSourceARN = `arn:aws:dynamodb:${region}:${accountId}:table/table/stream/2026-01-01T00:00:00.000`;
    const change = { Keys: { Id: { N: "101" } }, ApproximateCreationDateTime: AT_MS / 1000 };
    const form = { SizeBytes: 26, StreamViewType: "NEW_AND_OLD_IMAGES" };
    const image = { Id: { N: "101" }, Message: { S: "a message" } };
    return {
      Records: [
        {
          eventID: "c4ca4238a0b923820dcc509a6f75849b",
          eventName: "INSERT",
          ...head,
          dynamodb: { ...change, NewImage: image, SequenceNumber: "111", ...form },
          eventSourceARN,
        },
        {
          eventID: "c81e728d9d4c2f636f067f89cc14862c",
          eventName: "REMOVE",
          ...head,
          dynamodb: { ...change, OldImage: image, SequenceNumber: "222", ...form },
          eventSourceARN,
        },
      ],
    };
  },
  Kinesis: ({ accountId, region }) => ({
    Records: [
      {
        kinesis: {
          kinesisSchemaVersion: "1.0",
          partitionKey: "1",
          sequenceNumber: "49590338271490256608559692538361571095921575989136588898",
          data: inBase64("a record"),
          approximateArrivalTimestamp: AT_MS / 1000,
        },
        eventSource: "aws:kinesis",
        eventVersion: "1.0",
        eventID: "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
        eventName: "aws:kinesis:record",
        invokeIdentityArn: `arn:aws:iam::${accountId}:role/role`,
        awsRegion: region,
        eventSourceARN: `arn:aws:kinesis:${region}:${accountId}:stream/stream`,
      },
    ],
  }),
  "Data Firehose transformation": ({ accountId, region }) => ({
    invocationId: "3a2d1f7c-5b7b-4d0a-8f9f-7d1f0c8e4f55",
    deliveryStreamArn: `arn:aws:firehose:${region}:${accountId}:deliverystream/stream`,
    region,
    records: [
      {
        recordId: "49546986683135544286507457936321625675700192471156785154",
        approximateArrivalTimestamp: AT_MS,
        data: inBase64("a record"),
      },
    ],
  }),
  DocumentDB: ({ accountId, region }) => ({
    eventSourceArn: `arn:aws:rds:${region}:${accountId}:cluster:cluster`,
    events: [
      {
        event: {
          _id: { _data: "0163eeb6e7000000090100000009000041e1" },
          clusterTime: { $timestamp: { t: AT_MS / 1000, i: 9 } },
          documentKey: { _id: { $oid: "63eeb6e7d418cd98afb1c1d7" } },
          fullDocument: { _id: { $oid: "63eeb6e7d418cd98afb1c1d7" }, message: "a message" },
          ns: { db: "database", coll: "collection" },
          operationType: "insert",
        },
      },
    ],
    eventSource: "aws:docdb",
  }),
  "CloudWatch Logs": async ({ accountId }) => {
    const batch = {
      messageType: "DATA_MESSAGE",
      owner: accountId,
      logGroup: "group",
      logStream: "stream",
      subscriptionFilters: ["filter"],
      logEvents: [
        {
          id: "31953106606966983378809025079804211143289615424298221568",
          timestamp: AT_MS,
          message: "ERROR a message",
        },
      ],
    };
    return { awslogs: { data: inBase64(await gzipped(JSON.stringify(batch))) } };
  },
} as const satisfies Partial<Record<SampleName, Sample>>;

function stored({ accountId, region }: Place, eventName: string, properties: object): object {
  return {
    Records: [
      {
        eventVersion: "2.1",
        eventSource: "aws:s3",
        awsRegion: region,
        eventTime: AT,
        eventName,
        userIdentity: { principalId: accountId },
        requestParameters: { sourceIPAddress: "127.0.0.1" },
        responseElements: { "x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "id" },
        s3: {
          s3SchemaVersion: "1.0",
          configurationId: "notification",
          bucket: { name: "bucket", ownerIdentity: { principalId: accountId }, arn: "arn:aws:s3:::bucket" },
          object: { key: "folder/key", ...properties, sequencer: "0A1B2C3D4E5F678901" },
        },
      },
    ],
  };
}

async function gzipped(text: string): Promise<Uint8Array> {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}
