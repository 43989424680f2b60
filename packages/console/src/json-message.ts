/** Messages of logs that are JSON documents, as structured loggers write them: one line, with all members behind. */

export interface JsonMessage {
  /** What is before it, level and message, where the document has them by a usual name; else the text itself. */
  readonly headline: string;
  /** As the document names it; null: it does not. */
  readonly level: string | null;
  /** The whole document on many lines, as people read it. */
  readonly whole: string;
}

/** A longer one is shown as text: drawing a line must not take longer than a frame. */
const LENGTH_MAX = 64 * 1024;
const MESSAGES = ["message", "msg", "event"] as const;
const LEVELS = ["level", "severity", "lvl"] as const;

/**
 * Null: it is no document with members. Runtimes write time, request id and level before what a function prints, with a
 * tab behind each.
 */
export function readJsonMessage(text: string): JsonMessage | null {
  const at = text.indexOf("{");
  if (at === -1 || (at > 0 && text[at - 1] !== "\t") || text.length > LENGTH_MAX) return null;
  const document = parsed(text.slice(at));
  if (document === null) return null;
  const message = firstText(document, MESSAGES);
  const level = firstText(document, LEVELS);
  const headline = message === null ? text : `${text.slice(0, at)}${level === null ? "" : `${level} `}${message}`;
  return { headline, level, whole: JSON.stringify(document, null, 2) };
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}

function firstText(document: Readonly<Record<string, unknown>>, names: readonly string[]): string | null {
  const name = names.find((each) => typeof document[each] === "string");
  return name === undefined ? null : (document[name] as string);
}
