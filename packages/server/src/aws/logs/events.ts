/** GetLogEvents and FilterLogEvents. */
import { LogFilterError, parseLogFilter } from "@thaw/aws-api/log-filter/log-filter";
import type { OperationTypes } from "@thaw/aws-api/logs";
import type { LogEventQuery, LogPosition, StoredLogEvent } from "../../ports/log-groups.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { groupOf, invalidParameter, type LogsContext, missing } from "./context.ts";
import {
  eventIdOf,
  type EventToken,
  eventTokenOf,
  invalidToken,
  listTokenOf,
  readEventToken,
  readListToken,
} from "./tokens.ts";

type In<K extends keyof OperationTypes> = OperationTypes[K]["input"];
type Out<K extends keyof OperationTypes> = OperationTypes[K]["output"];

const LIMIT_DEFAULT = 10_000;
/** AWS's first time from which it reads backwards. */
const BACKWARD_FROM_MS = Date.UTC(2024, 0, 1);

export function eventOperations(
  context: LogsContext,
): Pick<ServiceOperations<OperationTypes>, "GetLogEvents" | "FilterLogEvents"> {
  return {
    GetLogEvents: (input) => getEvents(context, input),
    FilterLogEvents: (input) => filterEvents(context, input),
  };
}

/** Nothing is masked here, so that `unmask` is always as good as done. */
async function getEvents(context: LogsContext, input: In<"GetLogEvents">): Promise<Out<"GetLogEvents">> {
  const token = input.nextToken === undefined ? null : readEventToken(input.nextToken);
  const fromMs = timeOf(input.startTime) ?? 0;
  const direction = token?.direction ?? (input.startFromHead === true ? "forward" : "backward");
  const page = await context.logs.readEvents({
    groupArn: groupOf(context, input),
    streams: { names: [input.logStreamName] },
    fromMs,
    // The end is not in the span, unlike that of FilterLogEvents.
    untilMs: timeOf(input.endTime),
    from: token?.position ?? null,
    direction,
    countMax: input.limit ?? LIMIT_DEFAULT,
    filterPattern: null,
  });
  if (typeof page === "string") throw missing(page);
  const { forward, backward } = placesAround(page.events, token, { timestampMs: fromMs, id: 0 });
  return {
    events: page.events.map((event) => ({
      timestamp: event.timestampMs,
      message: messageOf(event),
      ingestionTime: event.ingestionMs,
    })),
    nextForwardToken: eventTokenOf({ direction: "forward", position: forward }),
    nextBackwardToken: eventTokenOf({ direction: "backward", position: backward }),
  };
}

/**
 * The places behind and before a page. At an end the token that led there is given again: AWS's clients know by it that
 * there is nothing more, and go on with it when they look for later events.
 */
function placesAround(
  events: readonly StoredLogEvent[],
  token: EventToken | null,
  beginning: LogPosition,
): { readonly forward: LogPosition; readonly backward: LogPosition } {
  const [first, last] = [events[0], events.at(-1)];
  if (first !== undefined && last !== undefined) return { forward: last, backward: first };
  if (token === null) return { forward: beginning, backward: beginning };
  const { timestampMs, id } = token.position;
  return token.direction === "forward"
    ? { forward: token.position, backward: { timestampMs, id: id + 1 } }
    : { forward: { timestampMs, id: Math.max(0, id - 1) }, backward: token.position };
}

async function filterEvents(context: LogsContext, input: In<"FilterLogEvents">): Promise<Out<"FilterLogEvents">> {
  const groupArn = groupOf(context, input);
  const { logStreamNames: names, logStreamNamePrefix: prefix, filterPattern = "" } = input;
  if (names !== undefined && prefix !== undefined)
    throw invalidParameter("LogStreamNames and LogStreamNamePrefix are mutually exclusive parameters.");
  checkPattern(filterPattern);
  const asked = [groupArn, names, prefix, input.startTime, input.endTime, filterPattern];
  const token = readFilterToken(asked, input.nextToken);
  const [fromMs, endMs] = [timeOf(input.startTime) ?? 0, timeOf(input.endTime)];
  const direction = token?.direction ?? (input.startFromHead === false ? "backward" : "forward");
  if (direction === "backward" && fromMs < BACKWARD_FROM_MS)
    throw invalidParameter("startFromHead can be false only with a startTime of 2024-01-01T00:00:00Z or later.");
  const query: LogEventQuery = {
    groupArn,
    streams: names === undefined ? (prefix === undefined ? null : { prefix }) : { names },
    fromMs,
    untilMs: endMs === null ? null : endMs + 1,
    from: token?.position ?? null,
    direction,
    countMax: input.limit ?? LIMIT_DEFAULT,
    filterPattern: filterPattern.trim() === "" ? null : filterPattern,
  };
  const page = await context.logs.readEvents(query);
  if (typeof page === "string") throw missing(page);
  const events = page.events.map(presentFiltered);
  return {
    events: direction === "forward" ? events : events.reverse(),
    // AWS leaves this list empty, and says nothing in it any more.
    searchedLogStreams: [],
    ...(page.next === null
      ? {}
      : { nextToken: listTokenOf(asked, [direction === "forward" ? "f" : "b", page.next.timestampMs, page.next.id]) }),
  };
}

function presentFiltered(event: StoredLogEvent): NonNullable<Out<"FilterLogEvents">["events"]>[number] {
  return {
    logStreamName: event.logStream,
    timestamp: event.timestampMs,
    message: messageOf(event),
    ingestionTime: event.ingestionMs,
    eventId: eventIdOf(event),
  };
}

/** Events of functions end with a line break, as on AWS; the store keeps it out. Those of clients are as they came. */
function messageOf({ message, origin }: StoredLogEvent): string {
  return origin === "client" ? message : `${message}\n`;
}

function readFilterToken(asked: unknown, text: string | undefined): EventToken | null {
  const place = readListToken(asked, text);
  if (place === null) return null;
  const [letter, timestampMs, id] = place;
  if (typeof timestampMs !== "number" || typeof id !== "number") throw invalidToken();
  return { direction: letter === "f" ? "forward" : "backward", position: { timestampMs, id } };
}

function checkPattern(pattern: string): void {
  try {
    parseLogFilter(pattern);
  } catch (error) {
    throw error instanceof LogFilterError ? invalidParameter(error.message) : error;
  }
}

/** A time beyond all that can be told apart is as good as the last one. */
function timeOf(value: number | undefined): number | null {
  return value === undefined ? null : Math.min(value, Number.MAX_SAFE_INTEGER - 1);
}
