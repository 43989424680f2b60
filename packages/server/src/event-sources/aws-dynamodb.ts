/** Streams of DynamoDB by AWS's client. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html */
import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type _Record,
} from "@aws-sdk/client-dynamodb-streams";
import {
  EventSourceError,
  type Shard,
  type ShardStart,
  type StreamPart,
  type StreamReader,
  type StreamRecord,
} from "../ports/event-sources.ts";
import { inOurTerms } from "./aws-clients.ts";

const RECORDS_MAX = 1000;
const SHARDS_MAX = 10_000;

export class DynamoDbStream implements StreamReader {
  readonly #client: DynamoDBStreamsClient;
  readonly #arn: string;

  constructor(client: DynamoDBStreamsClient, arn: string) {
    this.#client = client;
    this.#arn = arn;
  }

  async shards(abortSignal: AbortSignal): Promise<readonly Shard[]> {
    const shards: Shard[] = [];
    let last: string | undefined;
    do {
      const wish = { StreamArn: this.#arn, ...(last === undefined ? {} : { ExclusiveStartShardId: last }) };
      const page = await inOurTerms(this.#client.send(new DescribeStreamCommand(wish), { abortSignal }));
      for (const { ShardId: id, ParentShardId: parent } of page.StreamDescription?.Shards ?? [])
        if (id !== undefined) shards.push({ id, parentIds: parent === undefined ? [] : [parent] });
      last = page.StreamDescription?.LastEvaluatedShardId;
    } while (last !== undefined && shards.length < SHARDS_MAX);
    return shards;
  }

  async iterator(ShardId: string, start: ShardStart, abortSignal: AbortSignal): Promise<string> {
    const command = new GetShardIteratorCommand({
      StreamArn: this.#arn,
      ShardId,
      // There are no times in these streams: checks of the mapping refuse them.
      ShardIteratorType: start.kind === "AT_TIMESTAMP" ? "TRIM_HORIZON" : start.kind,
      ...(start.kind === "AFTER_SEQUENCE_NUMBER" ? { SequenceNumber: start.sequenceNumber } : {}),
    });
    const { ShardIterator } = await inOurTerms(this.#client.send(command, { abortSignal }));
    if (ShardIterator === undefined) throw new EventSourceError("away", `${this.#arn} gave no iterator.`);
    return ShardIterator;
  }

  async read(ShardIterator: string, countMax: number, abortSignal: AbortSignal): Promise<StreamPart> {
    const command = new GetRecordsCommand({ ShardIterator, Limit: Math.min(countMax, RECORDS_MAX) });
    const { Records = [], NextShardIterator } = await inOurTerms(this.#client.send(command, { abortSignal }));
    return { records: Records.flatMap((record) => toRecord(record) ?? []), nextIterator: NextShardIterator ?? null };
  }
}

/** Null where it lacks what every record has. */
function toRecord({ eventID, eventName, eventVersion, dynamodb, userIdentity }: _Record): StreamRecord | null {
  const sequenceNumber = dynamodb?.SequenceNumber;
  if (dynamodb === undefined || sequenceNumber === undefined) return null;
  const arrivedAtMs = dynamodb.ApproximateCreationDateTime?.getTime() ?? 0;
  const { ApproximateCreationDateTime: _, ...change } = dynamodb;
  return {
    sequenceNumber,
    key: JSON.stringify(plain(dynamodb.Keys ?? {})),
    arrivedAtMs,
    data: {
      eventID,
      eventName,
      eventVersion: eventVersion ?? "1.1",
      ...(userIdentity === undefined
        ? {}
        : { userIdentity: { type: userIdentity.Type, principalId: userIdentity.PrincipalId } }),
      dynamodb: { ApproximateCreationDateTime: arrivedAtMs / 1000, ...(plain(change) as object) },
    },
  };
}

/** Bytes as Base64, as JSON has them. Items are 32 levels deep at most. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]: [string, unknown]) => [name, plain(each)]));
}
