/** Log groups and streams, as CloudWatch Logs has them: one stream an execution environment, kept on disk with a size limit. */
export interface LogEvent {
  readonly timestampMs: number;
  readonly logStream: string;
  readonly message: string;
}

export interface LogReadOptions {
  readonly sinceMs?: number;
  readonly logStream?: string;
  /** Keep going with new events until the signal. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export interface LogStore {
  /** One event a call; a message may hold line breaks; a trailing one is kept out. Never throws: a full disk drops events and counts them. */
  append(logGroup: string, logStream: string, timestampMs: number, message: string): void;
  read(logGroup: string, options: LogReadOptions): AsyncIterable<LogEvent>;
  removeGroup(logGroup: string): Promise<void>;
  close(): Promise<void>;
}
