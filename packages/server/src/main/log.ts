/** The server's own log: JSON lines on stderr. */
import { systemClock } from "../base/clock.ts";

export function log(event: string, fields: Readonly<Record<string, unknown>>): void {
  process.stderr.write(`${JSON.stringify({ time: new Date(systemClock.nowMs()).toISOString(), event, ...fields })}\n`);
}
