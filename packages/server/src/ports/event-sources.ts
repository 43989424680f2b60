/**
 * Sources that event source mappings read. Owned by control/, implemented by event-sources/ with AWS's clients, against
 * the endpoints that the operator names.
 */
import type { SourceService } from "../model/event-source-record.ts";

/** A queue by the parts of its ARN. */
export interface QueueRef {
  readonly region: string;
  readonly accountId: string;
  readonly name: string;
}

/** An attribute as its sender gave it. */
export interface QueueMessageAttribute {
  readonly dataType: string;
  readonly stringValue: string | null;
  /** Base64. */
  readonly binaryValue: string | null;
}

export interface QueueMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly md5OfBody: string;
  /** System attributes, by AWS's names: `SentTimestamp`, `MessageGroupId` …. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, QueueMessageAttribute>>;
  /** Null where there are no attributes. */
  readonly md5OfMessageAttributes: string | null;
}

export type ReceivedMessage = Pick<QueueMessage, "messageId" | "receiptHandle">;

/** Each method throws EventSourceError. An abort of the signal makes it throw, too. */
export interface QueueReader {
  /** Time for which a received message is nobody else's. */
  visibilityTimeoutMs(signal: AbortSignal): Promise<number>;
  /** Waits up to `waitS` seconds for a first message; `countMax` is 1 to 10. */
  receive(countMax: number, waitS: number, signal: AbortSignal): Promise<readonly QueueMessage[]>;
  /** Returns those that the queue would not delete. */
  remove(messages: readonly ReceivedMessage[], signal: AbortSignal): Promise<readonly ReceivedMessage[]>;
  /** Makes messages visible again at once. */
  release(messages: readonly ReceivedMessage[], signal: AbortSignal): Promise<void>;
}

/** A stream by its ARN. */
export interface StreamRef {
  readonly service: "kinesis" | "dynamodb";
  readonly region: string;
  readonly accountId: string;
  readonly arn: string;
}

export interface Shard {
  readonly id: string;
  /** Shards that it came out of; they may be gone already. */
  readonly parentIds: readonly string[];
}

export type ShardStart =
  | { readonly kind: "TRIM_HORIZON" | "LATEST" }
  /** Kinesis only. */
  | { readonly kind: "AT_TIMESTAMP"; readonly atMs: number }
  | { readonly kind: "AFTER_SEQUENCE_NUMBER"; readonly sequenceNumber: string };

export interface StreamRecord {
  readonly sequenceNumber: string;
  /** Records of one key keep their order. */
  readonly key: string;
  readonly arrivedAtMs: number;
  /** The record as a function gets it, but for its source. Of Kinesis: what is below `kinesis`. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface StreamPart {
  readonly records: readonly StreamRecord[];
  /** Null: the shard is closed, and this was its end. */
  readonly nextIterator: string | null;
}

/** Each method throws EventSourceError. An abort of the signal makes it throw, too. */
export interface StreamReader {
  shards(signal: AbortSignal): Promise<readonly Shard[]>;
  /** Throws `expired` where the start is no longer in the stream. */
  iterator(shardId: string, start: ShardStart, signal: AbortSignal): Promise<string>;
  read(iterator: string, countMax: number, signal: AbortSignal): Promise<StreamPart>;
}

export interface EventSources {
  /** Whether the operator has named an endpoint of the service: without one nothing is read. */
  hasEndpoint(service: SourceService): boolean;
  queue(ref: QueueRef): Promise<QueueReader>;
  stream(ref: StreamRef): Promise<StreamReader>;
  close(): void;
}

/**
 * missing: the source is not there. refused: the service answered, and does not let us read. expired: an iterator, or a
 * place in a shard that is no longer kept. away: no answer, or one that may be another one next time.
 */
export type EventSourceProblem = "missing" | "refused" | "expired" | "away";

export class EventSourceError extends Error {
  override readonly name = "EventSourceError";
  readonly problem: EventSourceProblem;
  /** The service's own name of the error; null where it gave none. */
  readonly code: string | null;

  constructor(problem: EventSourceProblem, message: string, code: string | null = null, cause?: unknown) {
    super(message, { cause });
    this.problem = problem;
    this.code = code;
  }
}
