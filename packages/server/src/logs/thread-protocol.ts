/** What goes between the server's thread and that of the logs: calls by name, each with one answer, in their order. */
import type { LogEventPage, LogEventQuery, LogGroups, LogStreamMissing, NewLogEvent } from "../ports/log-groups.ts";
import type { EventRun, LogLimits } from "./log-database.ts";

export interface ThreadSettings {
  readonly path: string;
  readonly limits: LogLimits;
}

/** A page of a reader that is told later events as they come: the first page says from where on. */
export interface FollowedPage extends LogEventPage {
  /** The events below are in this page or those that follow it. */
  readonly idsBelow: number;
}

export interface ThreadCalls extends Omit<LogGroups, "putEvents"> {
  /** Gives the id of the first event; the others follow it in their order. */
  append(runs: readonly EventRun[]): Promise<number>;
  /** Gives the id of the first event. */
  putEvents(groupArn: string, logStream: string, events: readonly NewLogEvent[]): Promise<number | LogStreamMissing>;
  /** `idsBelow` is null for the first page. */
  follow(query: LogEventQuery, idsBelow: number | null): Promise<FollowedPage | LogStreamMissing>;
  close(): Promise<void>;
}

export interface Call {
  readonly id: number;
  readonly name: keyof ThreadCalls;
  readonly values: readonly unknown[];
}

/** `problem` is null where the call has its result. An answer with id 0 is a problem that no call has asked about. */
export interface Answer {
  readonly id: number;
  readonly result: unknown;
  readonly problem: string | null;
}
