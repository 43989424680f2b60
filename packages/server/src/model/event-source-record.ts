/** An event source mapping: what it reads, which function gets it, and what is being done to it. */
import type { EventSourceMappingConfiguration } from "@thaw/aws-api";

/** The members that are kept as they were given, or as AWS sets them by itself. */
export type EventSourceConfig = Omit<
  EventSourceMappingConfiguration,
  | "UUID"
  | "EventSourceMappingArn"
  | "FunctionArn"
  | "State"
  | "StateTransitionReason"
  | "LastModified"
  | "StartingPositionTimestamp"
>;

/** Services whose sources Thaw reads, as ARNs name them. */
export const SOURCE_SERVICES = ["sqs", "kinesis", "dynamodb"] as const;
export type SourceService = (typeof SOURCE_SERVICES)[number];

export interface EventSourceRecord {
  /** Its UUID. */
  readonly id: string;
  /** It outlives its function, as on AWS. */
  readonly functionName: string;
  readonly qualifier: string | null;
  readonly isEnabled: boolean;
  readonly config: EventSourceConfig;
  readonly startingPositionMs: number | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly lastModifiedMs: number;
  /** The state for the time that a change can be seen; null: it had its state at once. */
  readonly change: "Creating" | "Updating" | "Enabling" | "Disabling" | "Deleting" | null;
}

/** How far a mapping has come in one shard of its stream. */
export interface EventSourceShardRecord {
  /** `MAPPING/SHARD`. */
  readonly id: string;
  /** Sequence number of the last record that is done with; null: none is yet. */
  readonly position: string | null;
  /** Records that arrived before are none of the mapping's, where there is no position; null: all are. */
  readonly fromMs: number | null;
  /** The shard is closed, and all of it is done with. */
  readonly isEnded: boolean;
  /** The tumbling window that is open, with the function's state as JSON; null: none is. */
  readonly window: { readonly startMs: number; readonly state: string } | null;
}

export function shardKey(mappingId: string, shardId: string): string {
  return `${mappingId}/${shardId}`;
}

/** True as long as the change of a mapping can be seen, and nothing else is done to it. */
export function isChanging({ change, lastModifiedMs }: EventSourceRecord, nowMs: number, seenMs: number): boolean {
  return change !== null && nowMs - lastModifiedMs < seenMs;
}

/** True where it was deleted, and that is not to be seen any more. */
export function isGone(record: EventSourceRecord, nowMs: number, seenMs: number): boolean {
  return record.change === "Deleting" && !isChanging(record, nowMs, seenMs);
}
