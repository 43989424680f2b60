/**
 * Streams of Kinesis by AWS's client, always named by their ARN: a name alone would be that of another account's.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/Welcome.html
 */
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  type _Record,
} from "@aws-sdk/client-kinesis";
import {
  EventSourceError,
  type Shard,
  type ShardStart,
  type StreamPart,
  type StreamReader,
  type StreamRecord,
} from "../ports/event-sources.ts";
import { inOurTerms } from "./aws-clients.ts";

const RECORDS_MAX = 10_000;
/** More shards than any stream has: a service that lists for ever is none. */
const SHARDS_MAX = 10_000;

export class KinesisStream implements StreamReader {
  readonly #client: KinesisClient;
  readonly #arn: string;

  constructor(client: KinesisClient, arn: string) {
    this.#client = client;
    this.#arn = arn;
  }

  async shards(abortSignal: AbortSignal): Promise<readonly Shard[]> {
    const shards: Shard[] = [];
    let NextToken: string | undefined;
    do {
      // A page after the first is named by its token alone.
      const wish = NextToken === undefined ? { StreamARN: this.#arn } : { NextToken };
      const page = await inOurTerms(this.#client.send(new ListShardsCommand(wish), { abortSignal }));
      for (const { ShardId: id, ParentShardId: one, AdjacentParentShardId: other } of page.Shards ?? [])
        if (id !== undefined) shards.push({ id, parentIds: [one, other].flatMap((each) => each ?? []) });
      NextToken = page.NextToken;
    } while (NextToken !== undefined && shards.length < SHARDS_MAX);
    return shards;
  }

  async iterator(ShardId: string, start: ShardStart, abortSignal: AbortSignal): Promise<string> {
    const command = new GetShardIteratorCommand({
      StreamARN: this.#arn,
      ShardId,
      ShardIteratorType: start.kind,
      ...(start.kind === "AT_TIMESTAMP" ? { Timestamp: new Date(start.atMs) } : {}),
      ...(start.kind === "AFTER_SEQUENCE_NUMBER" ? { StartingSequenceNumber: start.sequenceNumber } : {}),
    });
    const { ShardIterator } = await inOurTerms(this.#client.send(command, { abortSignal }));
    if (ShardIterator === undefined) throw new EventSourceError("away", `${this.#arn} gave no iterator.`);
    return ShardIterator;
  }

  async read(ShardIterator: string, countMax: number, abortSignal: AbortSignal): Promise<StreamPart> {
    const command = new GetRecordsCommand({
      StreamARN: this.#arn,
      ShardIterator,
      Limit: Math.min(countMax, RECORDS_MAX),
    });
    const { Records = [], NextShardIterator } = await inOurTerms(this.#client.send(command, { abortSignal }));
    return { records: Records.flatMap((record) => toRecord(record) ?? []), nextIterator: NextShardIterator ?? null };
  }
}

/** Null where it lacks what every record has. */
function toRecord({ SequenceNumber, PartitionKey, Data, ApproximateArrivalTimestamp }: _Record): StreamRecord | null {
  if (SequenceNumber === undefined || PartitionKey === undefined || Data === undefined) return null;
  const arrivedAtMs = ApproximateArrivalTimestamp?.getTime() ?? 0;
  return {
    sequenceNumber: SequenceNumber,
    key: PartitionKey,
    arrivedAtMs,
    data: {
      kinesisSchemaVersion: "1.0",
      partitionKey: PartitionKey,
      sequenceNumber: SequenceNumber,
      data: Buffer.from(Data).toString("base64"),
      approximateArrivalTimestamp: arrivedAtMs / 1000,
    },
  };
}
