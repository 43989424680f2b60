/** The server's own log: JSON lines on stderr. The keys below always mean the same; an event adds what else it has. */
import { systemClock } from "../base/clock.ts";

export interface LogFields {
  readonly functionName?: string;
  readonly version?: string;
  readonly environmentId?: string | null;
  readonly snapshotId?: string;
  readonly requestId?: string;
  /** init, restore, invoke, snapshot, shutdown. */
  readonly phase?: string;
  readonly durationMs?: number;
  readonly [other: string]: unknown;
}

export function log(event: string, fields: LogFields): void {
  process.stderr.write(`${JSON.stringify({ time: new Date(systemClock.nowMs()).toISOString(), event, ...fields })}\n`);
}
