/**
 * Log events of functions: one stream an execution environment, as CloudWatch Logs has them, kept on disk with a size
 * limit. Written by the worker, read by the control plane. Groups are named by their ARNs (`model/log-group.ts`).
 */
import type { Skipped } from "../base/skipping-queue.ts";

export interface LogEvent {
  readonly timestampMs: number;
  readonly logStream: string;
  readonly message: string;
  /**
   * Who wrote it. A function can print any text, also one that looks like a REPORT line: only this tells them apart.
   */
  readonly origin: LogOrigin;
}

/** `client`: by PutLogEvents. */
export type LogOrigin = "platform" | "function" | "client";

/** An event that is in the store. */
export interface WrittenLogEvent extends LogEvent {
  readonly groupArn: string;
  /** Rises in the order in which events were written; no two events have the same. */
  readonly id: number;
}

export interface LogReadOptions {
  readonly sinceMs?: number;
  readonly logStream?: string;
  /** Only streams of environments of these versions. */
  readonly versions?: readonly string[];
  /** Keep going with new events until the signal. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** Where the worker writes. */
export interface LogSink {
  /**
   * One event a call; a message may hold line breaks; a trailing one is kept out. Makes the group and the stream where
   * they are missing. Never throws: a full disk drops events and counts them.
   */
  append(groupArn: string, logStream: string, timestampMs: number, message: string, origin: LogOrigin): void;
}

export interface LogStore extends LogSink {
  /** Reads events in the order of their timestamps, page by page; nothing where there is no such group. */
  read(groupArn: string, options: LogReadOptions): AsyncIterable<readonly LogEvent[]>;
  has(groupArn: string): Promise<boolean>;
  /**
   * Gives events of any group when they have been written, those of one write together, until the signal. A reader
   * that is too slow is told how many it missed. Null: there are too many readers.
   */
  followWritten(
    isWanted: (event: WrittenLogEvent) => boolean,
    signal: AbortSignal,
  ): AsyncIterable<ReadonlyArray<WrittenLogEvent | Skipped>> | null;
  close(): Promise<void>;
}
