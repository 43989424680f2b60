/**
 * Filter criteria of a mapping. What a source carries as a text (a queue's `body`, a stream's `data`) is looked into as
 * JSON where the pattern does, and is a text where the pattern has a list there; a text of the other kind matches none.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
 */
import { EventPatternError } from "../../model/event-json.ts";
import { EventPattern, MatchedEvent } from "../../model/event-pattern.ts";
import type { EventSourceConfig } from "../../model/event-source-record.ts";

/** Takes the record as the function would get it, and the text that is looked into (of a stream: decoded). */
export type Filter = (record: Readonly<Record<string, unknown>>, text: string) => boolean;

interface OneFilter {
  readonly pattern: EventPattern;
  /** Whether the pattern looks into the text. */
  readonly looksInside: boolean;
}

/** Null where nothing is filtered. `textName`: the record's member that holds a text; null: there is none. */
export function filterOf(
  criteria: EventSourceConfig["FilterCriteria"],
  textName: "body" | "data" | null,
): Filter | null {
  const filters = (criteria?.Filters ?? []).map(({ Pattern = "{}" }) => toFilter(Pattern, textName));
  if (filters.length === 0) return null;
  return (record, text) => {
    const isInside = textName !== null && filters.some(({ looksInside }) => looksInside) && isJsonTree(text);
    try {
      const plain = MatchedEvent.of(JSON.stringify(textName === null ? record : { ...record, [textName]: text }));
      const opened = isInside ? MatchedEvent.of(withText(record, textName, text)) : plain;
      return filters.some(({ pattern, looksInside }) => pattern.matches(looksInside ? opened : plain));
    } catch (error) {
      // Too deep or too large to be judged: what is not judged is not dropped.
      if (error instanceof EventPatternError) return true;
      throw error;
    }
  };
}

function toFilter(text: string, textName: string | null): OneFilter {
  const looksInside = textName !== null && asksInside(JSON.parse(text) as unknown, textName);
  return { pattern: EventPattern.of(text), looksInside };
}

/** At the top of a pattern and in its choices. */
function asksInside(pattern: unknown, textName: string): boolean {
  if (typeof pattern !== "object" || pattern === null) return false;
  return Object.entries(pattern).some(([name, value]: [string, unknown]) => {
    if (name === "$or" && Array.isArray(value)) return value.some((each) => asksInside(each, textName));
    return name.startsWith(`${textName}.`) || (name === textName && !Array.isArray(value));
  });
}

/** The record's JSON with the text as it is written, so that no number is rounded twice. */
function withText(record: Readonly<Record<string, unknown>>, textName: string, text: string): string {
  const { [textName]: _, ...others } = record;
  return `{${JSON.stringify(textName)}:${text},${JSON.stringify(others).slice(1)}`;
}

/** Whether a text is a JSON object or list. */
function isJsonTree(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}
