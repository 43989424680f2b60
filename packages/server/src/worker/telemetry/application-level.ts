/**
 * LoggingConfig's ApplicationLogLevel for what a function writes (AWS's guide, "Log-level filtering"). With the format
 * JSON, an object with a `level` and a time by RFC 3339 has that level; one without either is INFO. Text that is no
 * JSON object is always kept: a crash of the runtime must not be hidden by a level.
 */
import { LOG_LEVELS, type LogLevel } from "./record-reader.ts";

/** Names of levels that AWS's managed runtimes write beside LOG_LEVELS (Python's). */
const OTHER_NAMES: Readonly<Record<string, LogLevel>> = { WARNING: "WARN", CRITICAL: "FATAL" };
/** Names under which the managed runtimes and common loggers write the time. */
const TIME_KEYS = ["timestamp", "time", "@timestamp", "ts"];
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** Says whether a message is to be logged. `level`: what the record's header says; null: look into the message. */
export function isWantedMessage(message: string, level: LogLevel | null, lowest: LogLevel): boolean {
  const found = level ?? levelOf(message);
  return found === null || LOG_LEVELS.indexOf(found) >= LOG_LEVELS.indexOf(lowest);
}

/** Reads the level of a message; null for what is no JSON object. */
function levelOf(message: string): LogLevel | null {
  const text = message.trim();
  if (!text.startsWith("{") || !text.endsWith("}")) return null;
  let document: Readonly<Record<string, unknown>>;
  try {
    document = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
  return hasTime(document) ? toLogLevel(document["level"]) : "INFO";
}

/** Reads a level's name, in any case; INFO where it is none. */
export function toLogLevel(value: unknown): LogLevel {
  const name = typeof value === "string" ? value.toUpperCase() : "";
  return LOG_LEVELS.find((level) => level === name) ?? OTHER_NAMES[name] ?? "INFO";
}

function hasTime(document: Readonly<Record<string, unknown>>): boolean {
  const value = TIME_KEYS.map((key) => document[key]).find((each) => each !== undefined);
  return typeof value === "string" && RFC_3339.test(value) && !Number.isNaN(Date.parse(value));
}
