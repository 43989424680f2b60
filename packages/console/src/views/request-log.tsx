/** The log lines of one request, of its function and of the platform. */
import type { PlacedLogEvent } from "@thaw/thaw-api/log-events";
import { readAnsi } from "../ansi.ts";
import { get } from "../api/client.ts";
import { AnsiText } from "../ui/log-line.tsx";
import { Loaded } from "../ui/parts.tsx";
import { useData } from "../ui/use-data.ts";

/** Events that one page may have. */
const LIMIT = 200;
/** Pages that are asked for: a page looks at a part of the log, and may have nothing of this request. */
const PAGES_MAX = 5;
/** The platform's line of the start is written before the invocation comes to the worker. */
const BEFORE_MS = 5000;
const SHOWN_MAX = 2000;

interface Wanted {
  readonly functionName: string;
  readonly requestId: string;
  readonly startedAtMs: number;
}

async function load(
  { functionName, requestId, startedAtMs }: Wanted,
  signal: AbortSignal,
): Promise<readonly PlacedLogEvent[]> {
  const query = { function: functionName, requestId, since: startedAtMs - BEFORE_MS, limit: LIMIT };
  let found: readonly PlacedLogEvent[] = [];
  let before: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const more = before === undefined ? {} : { before };
    const answer = await get("log-events", { query: { ...query, ...more } }, signal);
    found = [...answer.events, ...found];
    before = answer.before;
    if (before === undefined) break;
  }
  return found;
}

export function RequestLog(wanted: Wanted) {
  const data = useData(`log ${wanted.requestId}`, (signal) => load(wanted, signal));
  return (
    <>
      <h2>Log</h2>
      <Loaded data={data}>
        {(events) =>
          events.length === 0 ? (
            <p class="muted">No line of this request is kept.</p>
          ) : (
            <pre tabIndex={0} role="region" aria-label="Log of this request">
              {events.map((event) => (
                <EventLines key={event.sequence} event={event} />
              ))}
            </pre>
          )
        }
      </Loaded>
    </>
  );
}

export function EventLines({ event: { message, origin } }: { readonly event: PlacedLogEvent }) {
  return (
    <>
      {message
        .slice(0, SHOWN_MAX)
        .trimEnd()
        .split(/\r\n|\n|\r/)
        .map((line, at) => (
          // oxlint-disable-next-line react/no-array-index-key -- a line has no other name
          <div key={at} class={origin === "platform" ? "muted" : ""}>
            <AnsiText runs={readAnsi(line)} />
          </div>
        ))}
      {message.length > SHOWN_MAX && <div class="muted">…</div>}
    </>
  );
}
