/** What functions and destinations get of streams, field by field: environment-behaviour.md 8.2 and 8.3. */
import type { StreamRecord, StreamRef } from "../../ports/event-sources.ts";

/** A record of a batch. */
export interface StreamItem {
  readonly sequenceNumber: string;
  readonly key: string;
  readonly arrivedAtMs: number;
  /** The record as JSON. */
  readonly json: string;
  readonly sizeBytes: number;
}

export interface StreamFacts extends StreamRef {
  readonly shardId: string;
  /** ARN of the function's role, which a record of Kinesis names. */
  readonly roleArn: string;
}

export interface WindowFacts {
  readonly startMs: number;
  readonly endMs: number;
  /** As JSON. */
  readonly state: string;
  readonly isFinal: boolean;
  readonly isTerminatedEarly: boolean;
}

export function streamItem(record: StreamRecord, facts: StreamFacts): StreamItem {
  const { sequenceNumber, key, arrivedAtMs, data } = record;
  const source = { awsRegion: facts.region, eventSourceARN: facts.arn };
  const whole =
    facts.service === "dynamodb"
      ? { ...data, eventSource: "aws:dynamodb", ...source }
      : {
          kinesis: data,
          eventSource: "aws:kinesis",
          eventVersion: "1.0",
          eventID: `${facts.shardId}:${sequenceNumber}`,
          eventName: "aws:kinesis:record",
          invokeIdentityArn: facts.roleArn,
          ...source,
        };
  const json = JSON.stringify(whole);
  return { sequenceNumber, key, arrivedAtMs, json, sizeBytes: Buffer.byteLength(json) };
}

export function streamEvent(items: readonly StreamItem[], facts: StreamFacts, window: WindowFacts | null): Buffer {
  const records = `"Records":[${items.map(({ json }) => json).join(",")}]`;
  if (window === null) return Buffer.from(`{${records}}`);
  const around = {
    window: { start: timeOf(window.startMs), end: timeOf(window.endMs) },
    shardId: facts.shardId,
    eventSourceARN: facts.arn,
    isFinalInvokeForWindow: window.isFinal,
    isWindowTerminatedEarly: window.isTerminatedEarly,
  };
  return Buffer.from(`{${records},"state":${window.state},${JSON.stringify(around).slice(1)}`);
}

/** Bytes of an event around its records; a window's state is beside them. */
export const STREAM_FRAME_BYTES = 1024;

export interface FailedBatch {
  readonly requestId: string;
  /** Without a qualifier that the mapping does not have. */
  readonly functionArn: string;
  readonly condition: "RetryAttemptsExhausted" | "RecordAgeExceeded";
  readonly invokeCount: number;
  /** Null where the function did not run in the end. */
  readonly response: { readonly executedVersion: string; readonly functionError: string | null } | null;
  readonly nowMs: number;
  /** At least one. */
  readonly items: readonly StreamItem[];
  readonly facts: StreamFacts;
  /** Only a bucket gets the records themselves. */
  readonly withRecords: boolean;
}

/** The record of a batch that was given up, for a destination. */
export function failureRecord(failed: FailedBatch): Buffer {
  const { requestId, functionArn, condition, invokeCount, response, items, facts } = failed;
  const [first, last] = [items[0] as StreamItem, items.at(-1) as StreamItem];
  const isKinesis = facts.service === "kinesis";
  // With milliseconds where the stream has them.
  const time = isKinesis ? (ms: number): string => new Date(ms).toISOString() : timeOf;
  const batch = {
    shardId: facts.shardId,
    startSequenceNumber: first.sequenceNumber,
    endSequenceNumber: last.sequenceNumber,
    approximateArrivalOfFirstRecord: time(first.arrivedAtMs),
    approximateArrivalOfLastRecord: time(last.arrivedAtMs),
    batchSize: items.length,
    streamArn: facts.arn,
  };
  const { functionError } = response ?? { functionError: null };
  const record = {
    requestContext: { requestId, functionArn, condition, approximateInvokeCount: invokeCount },
    ...(response === null
      ? {}
      : {
          responseContext: {
            statusCode: 200,
            executedVersion: response.executedVersion,
            ...(functionError === null ? {} : { functionError }),
          },
        }),
    version: "1.0",
    timestamp: new Date(failed.nowMs).toISOString(),
    [isKinesis ? "KinesisBatchInfo" : "DDBStreamBatchInfo"]: batch,
  };
  const text = JSON.stringify(record);
  if (!failed.withRecords) return Buffer.from(text);
  return Buffer.from(`${text.slice(0, -1)},"payload":${streamEvent(items, facts, null).toString()}}`);
}

/** Reads the ARN of a stream of Kinesis or DynamoDB; null where it is that of something else. */
export function parseStreamArn(arn: string): StreamRef | null {
  const [, , service, region = "", accountId = "", ...resource] = arn.split(":");
  if (!/^[a-z0-9-]{1,32}$/.test(region) || !/^\d{12}$/.test(accountId)) return null;
  const name = resource.join(":");
  if (service === "kinesis" && /^stream\/[A-Za-z0-9_.-]{1,128}$/.test(name)) return { service, region, accountId, arn };
  if (service !== "dynamodb" || !/^table\/[A-Za-z0-9_.-]{1,255}\/stream\/[0-9T:.-]{1,64}$/.test(name)) return null;
  return { service, region, accountId, arn };
}

function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
