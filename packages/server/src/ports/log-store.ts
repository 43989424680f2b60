/**
 * Log groups and streams, as CloudWatch Logs has them: one stream an execution environment, kept on disk with a size
 * limit.
 */
export interface LogEvent {
  readonly timestampMs: number;
  readonly logStream: string;
  readonly message: string;
  /**
   * Who wrote it. A function can print any text, also one that looks like a REPORT line: only this tells them apart.
   */
  readonly origin: LogOrigin;
}

export type LogOrigin = "platform" | "function";

export interface LogReadOptions {
  readonly sinceMs?: number;
  readonly logStream?: string;
  /** Only streams of environments of these versions. */
  readonly versions?: readonly string[];
  /** Keep going with new events until the signal. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export interface LogStore {
  /**
   * One event a call; a message may hold line breaks; a trailing one is kept out. Never throws: a full disk drops
   * events and counts them.
   */
  append(logGroup: string, logStream: string, timestampMs: number, message: string, origin: LogOrigin): void;
  read(logGroup: string, options: LogReadOptions): AsyncIterable<LogEvent>;
  removeGroup(logGroup: string): Promise<void>;
  close(): Promise<void>;
}
