/** A queue's messages as a function gets them: environment-behaviour.md 8.3, …test_sqs_event_source_mapping. */
import type { QueueMessage, QueueRef } from "../../ports/event-sources.ts";

/** A message of a batch. */
export interface QueueItem {
  readonly messageId: string;
  readonly receiptHandle: string;
  /** The record as JSON. */
  readonly json: string;
  readonly sizeBytes: number;
  /** Wall clock; null where the queue does not say when it was sent. */
  readonly sentAtMs: number | null;
  /** The header X-Amzn-Trace-Id of its sender; null: none. */
  readonly traceId: string | null;
}

/** Attributes that a function gets, in AWS's order. */
const ATTRIBUTES = [
  "ApproximateReceiveCount",
  "AWSTraceHeader",
  "SentTimestamp",
  "SequenceNumber",
  "MessageGroupId",
  "SenderId",
  "MessageDeduplicationId",
  "ApproximateFirstReceiveTimestamp",
  "DeadLetterQueueSourceArn",
] as const;
/** Characters of a header; anything else is no trace header, whoever sent it. */
const TRACE_HEADER = /^[\x21-\x7e]{1,500}$/;

export function queueRecord(message: QueueMessage, arn: string, region: string): Record<string, unknown> {
  const { attributes, messageAttributes } = message;
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: Object.fromEntries(
      ATTRIBUTES.flatMap((name) => (attributes[name] === undefined ? [] : [[name, attributes[name]]])),
    ),
    messageAttributes: Object.fromEntries(
      Object.entries(messageAttributes).map(([name, { dataType, stringValue, binaryValue }]) => [
        name,
        {
          ...(stringValue === null ? {} : { stringValue }),
          ...(binaryValue === null ? {} : { binaryValue }),
          stringListValues: [],
          binaryListValues: [],
          dataType,
        },
      ]),
    ),
    md5OfBody: message.md5OfBody,
    md5OfMessageAttributes: message.md5OfMessageAttributes,
    eventSource: "aws:sqs",
    eventSourceARN: arn,
    awsRegion: region,
  };
}

export function queueItem(message: QueueMessage, record: Record<string, unknown>): QueueItem {
  const json = JSON.stringify(record);
  const sentAtMs = Number(message.attributes["SentTimestamp"]);
  const traceId = message.attributes["AWSTraceHeader"] ?? "";
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    json,
    sizeBytes: Buffer.byteLength(json),
    sentAtMs: Number.isSafeInteger(sentAtMs) && sentAtMs > 0 ? sentAtMs : null,
    traceId: TRACE_HEADER.test(traceId) ? traceId : null,
  };
}

const HEAD = '{"Records":[';
const TAIL = "]}";

/** Bytes of an event around its records; each record but the first adds a comma. */
export const EVENT_FRAME_BYTES = HEAD.length + TAIL.length;

export function queueEvent(items: readonly QueueItem[]): Buffer {
  return Buffer.from(HEAD + items.map(({ json }) => json).join(",") + TAIL);
}

/** Reads a queue's ARN; null where it is that of something else. */
export function parseQueueArn(arn: string): QueueRef | null {
  const [, , service, region = "", accountId = "", name = "", ...more] = arn.split(":");
  if (service !== "sqs" || more.length > 0) return null;
  if (!/^[a-z0-9-]{1,32}$/.test(region) || !/^\d{12}$/.test(accountId)) return null;
  return /^[A-Za-z0-9_-]{1,80}(?:\.fifo)?$/.test(name) ? { region, accountId, name } : null;
}
