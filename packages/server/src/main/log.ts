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

/**
 * Characters that are controls for a terminal, and that JSON leaves as they are. Messages may name what functions
 * chose: files in /tmp, programs.
 */
const TERMINAL_CONTROLS = /[\u007f-\u009f]/g;

export function log(event: string, fields: LogFields): void {
  const line = JSON.stringify({ time: new Date(systemClock.nowMs()).toISOString(), event, ...fields });
  const escape = (character: string): string => `\\u00${character.charCodeAt(0).toString(16)}`;
  process.stderr.write(`${line.replace(TERMINAL_CONTROLS, escape)}\n`);
}
