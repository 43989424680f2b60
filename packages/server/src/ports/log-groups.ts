/** Log groups, their streams and events, as the CloudWatch Logs API shows and changes them. Same store as LogStore. */
import type { LogOrigin } from "./log-store.ts";

export interface LogGroupRecord {
  readonly arn: string;
  readonly createdMs: number;
  /** Null: events are kept until the store has no more room. */
  readonly retentionDays: number | null;
  readonly tags: Readonly<Record<string, string>>;
  /** As AWS counts: UTF-8 and 26 bytes for each event. */
  readonly storedBytes: number;
}

export interface LogStreamRecord {
  readonly name: string;
  readonly createdMs: number;
  /** The three are null where the stream has no events. */
  readonly firstEventMs: number | null;
  readonly lastEventMs: number | null;
  readonly lastIngestionMs: number | null;
}

/** Where an event stands in its group: by time, then in the order of arrival. */
export interface LogPosition {
  readonly timestampMs: number;
  readonly id: number;
}

export interface StoredLogEvent extends LogPosition {
  readonly logStream: string;
  readonly message: string;
  readonly origin: LogOrigin;
  readonly ingestionMs: number;
}

export interface LogEventQuery {
  readonly groupArn: string;
  /** Null: all streams. */
  readonly streams: { readonly names: readonly string[] } | { readonly prefix: string } | null;
  /** First time that is wanted. */
  readonly fromMs: number;
  /** First time that is not wanted any more; null: there is no end. */
  readonly untilMs: number | null;
  /** Reads on behind an event, or before one; null: from the one end or the other of the span. */
  readonly from: LogPosition | null;
  /** `backward` finds the last events first; a page has them in the order of time all the same. */
  readonly direction: "forward" | "backward";
  readonly countMax: number;
  /** A pattern that CloudWatch Logs takes; null: every event is wanted. */
  readonly filterPattern: string | null;
}

export interface LogEventPage {
  readonly events: readonly StoredLogEvent[];
  /** The last position that was looked at, from where the next page goes on; null: there is nothing more. */
  readonly next: LogPosition | null;
}

export interface LogStreamQuery {
  readonly groupArn: string;
  readonly prefix: string;
  readonly orderBy: "name" | "lastEvent";
  readonly isDescending: boolean;
  /** The stream that the last page ended with; null: from the beginning. */
  readonly after: { readonly name: string; readonly lastEventMs: number } | null;
  readonly countMax: number;
}

export interface NewLogEvent {
  readonly timestampMs: number;
  readonly message: string;
}

export type LogGroupMissing = "no group";
export type LogStreamMissing = LogGroupMissing | "no stream";

export interface LogGroups {
  createGroup(arn: string, tags: Readonly<Record<string, string>>): Promise<"created" | "exists" | "too many">;
  findGroup(arn: string): Promise<LogGroupRecord | null>;
  /** Lists groups in the order of their ARNs, those behind `after`. `part`: what their names have in them. */
  listGroups(query: {
    readonly arnPrefix: string;
    readonly part: string;
    readonly after: string;
    readonly countMax: number;
  }): Promise<readonly LogGroupRecord[]>;
  /** Removes a group at once; its events are taken from the disk in the background. */
  removeGroup(arn: string): Promise<"removed" | LogGroupMissing>;
  setRetention(arn: string, days: number | null): Promise<"set" | LogGroupMissing>;
  /** Adds tags, then removes some. */
  changeTags(
    arn: string,
    added: Readonly<Record<string, string>>,
    removed: readonly string[],
  ): Promise<"set" | "too many" | LogGroupMissing>;
  createStream(groupArn: string, name: string): Promise<"created" | "exists" | "too many" | LogGroupMissing>;
  removeStream(groupArn: string, name: string): Promise<"removed" | LogStreamMissing>;
  listStreams(query: LogStreamQuery): Promise<readonly LogStreamRecord[] | LogGroupMissing>;
  /** Writes events into a stream that is there. */
  putEvents(groupArn: string, logStream: string, events: readonly NewLogEvent[]): Promise<"written" | LogStreamMissing>;
  /** Reads a page. It may be empty and not the last one: what is looked at for one page is limited. */
  readEvents(query: LogEventQuery): Promise<LogEventPage | LogStreamMissing>;
}
