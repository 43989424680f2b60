/**
 * Log events of all functions together, those of before and those that come, over broken connections: none twice, and
 * none left out that the server still has and that is not older than the pages that are read.
 */
import type { PlacedLogEvent } from "@thaw/thaw-api/log-events";
import type { ShownEvent } from "../ui/log-line.tsx";
import { follow, get, Refused } from "./client.ts";
import { SeenSequences } from "./seen-sequences.ts";

const RETRY_MS = 1000;
/** Events of one page. */
const LIMIT = 1000;
/** Pages that are read of what was before: a page may have nothing, and not be the last. */
const PAGES_MAX = 10;

export interface AllLogsWish {
  readonly sinceMs: number;
  /** Empty: it may be any. */
  readonly text: string;
  readonly requestId: string;
}

/** Ends when `signal` is aborted, or the server refuses: with its sentence. */
export async function followAllLogs(
  { sinceMs, text, requestId }: AllLogsWish,
  signal: AbortSignal,
  onEvent: (event: ShownEvent) => void,
): Promise<string | null> {
  const seen = new SeenSequences();
  const query = { q: text, requestId };
  const take = (event: PlacedLogEvent): void => {
    if (seen.take(event.sequence)) onEvent(event);
  };
  while (!signal.aborted) {
    try {
      // In this order: what is written while the pages are read comes by the follower.
      const live = await follow("log-events/follow", { query }, signal);
      for (const event of await readBefore({ ...query, since: sinceMs }, seen, signal)) take(event);
      for await (const event of live)
        if ("skipped" in event) onEvent(leftOut(event.skipped));
        else take(event);
    } catch (error) {
      if (error instanceof Refused) return error.message;
    }
    await new Promise<void>((next) => setTimeout(next, RETRY_MS));
  }
  return null;
}

/** In the order of time. A connection that begins again reads back to what it has. */
async function readBefore(
  wish: { readonly q: string; readonly requestId: string; readonly since: number },
  seen: SeenSequences,
  signal: AbortSignal,
): Promise<readonly PlacedLogEvent[]> {
  let found: readonly PlacedLogEvent[] = [];
  let before: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = { ...wish, limit: LIMIT, ...(before === undefined ? {} : { before }) };
    const answer = await get("log-events", { query: query as never }, signal);
    found = [...answer.events, ...found];
    before = answer.before;
    if (before === undefined || answer.events.some(({ sequence }) => seen.has(sequence))) break;
  }
  return found;
}

function leftOut(count: number): ShownEvent {
  const message = `${count} lines came too fast for this page, and are left out here`;
  return { timestampMs: Date.now(), origin: "platform", message };
}
