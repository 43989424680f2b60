/**
 * An event as a line of a segment: JSON with short keys, one line each; `o` is 1 for events of the platform. A line
 * that isn't whole (a crash tore it) is no event.
 */
import type { LogEvent } from "../ports/log-store.ts";

export function encodeRecord(event: LogEvent): string {
  return `${JSON.stringify({ t: event.timestampMs, s: event.logStream, m: event.message, ...(event.origin === "platform" ? { o: 1 } : {}) })}\n`;
}

/** Reads a line; null where it is torn or foreign. */
export function decodeRecord(line: string): LogEvent | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const { t, s, m, o } = parsed as Record<string, unknown>;
  if (typeof t !== "number" || typeof s !== "string" || typeof m !== "string") return null;
  return { timestampMs: t, logStream: s, message: m, origin: o === 1 ? "platform" : "function" };
}
