/**
 * Pages of events. One is read in slices of some milliseconds, between which the thread does other things, and ends
 * where it is full, or where enough was looked at: the memory and the time of a page do not depend on the group's size.
 */
import { setImmediate } from "node:timers/promises";
import { type LogFilter, parseLogFilter } from "@thaw/aws-api/log-filter/log-filter";
import type {
  LogEventPage,
  LogEventQuery,
  LogPosition,
  LogStreamMissing,
  StoredLogEvent,
} from "../ports/log-groups.ts";
import { EVENT_OVERHEAD_BYTES, type LogDatabase, ORIGINS } from "./log-database.ts";

interface EventRow {
  readonly timestamp_ms: number;
  readonly id: number;
  readonly ingestion_ms: number;
  readonly origin: number;
  readonly message: string;
  readonly stream: string;
  readonly is_removed: number;
}

export interface PageBudget {
  /** AWS's limit of a page: UTF-8 and 26 bytes for each event. */
  readonly bytesMax: number;
  /** What is looked at for one page, in steps of about a nanosecond. */
  readonly costMax: number;
}

export const PAGE_BUDGET: PageBudget = { bytesMax: 1024 * 1024, costMax: 200_000_000 };
const SLICE_COST_MAX = 5_000_000;
const SLICE_ROWS_MAX = 2_000;
/** Cost of an event, however short. */
const EVENT_COST = 1_500;
const DAY_MS = 86_400_000;
const EVERYTHING: LogFilter = { weight: 1, test: () => true };

const COLUMNS = `e.timestamp_ms, e.id, e.ingestion_ms, e.origin, e.message, s.name AS stream, s.is_removed
  FROM events AS e`;
/** By what is looked for and in which direction; the values are in the order of `valuesOf`. */
const SQL = {
  group: { forward: sqlOf("events_of_group", ">", "ASC"), backward: sqlOf("events_of_group", "<", "DESC") },
  stream: { forward: sqlOf("events_by_stream", ">", "ASC"), backward: sqlOf("events_by_stream", "<", "DESC") },
};

function sqlOf(index: "events_of_group" | "events_by_stream", beyond: string, order: string): string {
  // Without the index SQLite would walk through the whole group in the hope of an early end.
  const from = index === "events_by_stream" ? "INDEXED BY events_by_stream" : "";
  const owner = index === "events_by_stream" ? "e.stream_id" : "e.group_id";
  return `SELECT ${COLUMNS} ${from} CROSS JOIN streams AS s ON s.id = e.stream_id
    WHERE ${owner} = ? AND (e.timestamp_ms, e.id) ${beyond} (?, ?) AND e.timestamp_ms >= ? AND e.timestamp_ms < ?
    ORDER BY e.timestamp_ms ${order}, e.id ${order} LIMIT ${SLICE_ROWS_MAX}`;
}

/** Reads a page. `idsBelow`: later events are left out; null: none is. */
export async function readPage(
  database: LogDatabase,
  query: LogEventQuery,
  nowMs: number,
  { bytesMax, costMax }: PageBudget,
  idsBelow: number | null = null,
): Promise<LogEventPage | LogStreamMissing> {
  const target = findTarget(database, query);
  if (typeof target === "string") return target;
  const page = new Page(query.countMax, bytesMax);
  const scan = new Scan(database, target, query, nowMs, idsBelow);
  while (scan.cost < costMax) {
    const end = scan.readSlice(page);
    if (end === "full") break;
    if (end === "end") return page.finish(query.direction, null);
    await setImmediate();
  }
  return page.finish(query.direction, scan.position);
}

/** Goes over the events of a group or of a stream. */
class Scan {
  readonly #database: LogDatabase;
  readonly #sql: string;
  readonly #targetId: number;
  readonly #fromMs: number;
  readonly #untilMs: number;
  readonly #isWanted: (row: EventRow) => boolean;
  readonly #weight: number;
  /** The last event that was looked at. */
  position: LogPosition;
  cost = 0;

  constructor(database: LogDatabase, target: Target, query: LogEventQuery, nowMs: number, idsBelow: number | null) {
    const { id, kind, retentionDays } = target;
    this.#database = database;
    this.#sql = SQL[kind][query.direction];
    this.#targetId = id;
    this.#fromMs = Math.max(query.fromMs, retentionDays === null ? 0 : nowMs - retentionDays * DAY_MS);
    this.#untilMs = query.untilMs ?? Number.MAX_SAFE_INTEGER;
    const filter = query.filterPattern === null ? EVERYTHING : parseLogFilter(query.filterPattern);
    const isOfStream = wantedStreams(query);
    this.#weight = filter.weight;
    this.#isWanted = (row) =>
      row.is_removed === 0 &&
      (idsBelow === null || row.id < idsBelow) &&
      isOfStream(row.stream) &&
      filter.test(row.message);
    const firstMs = query.direction === "forward" ? this.#fromMs : this.#untilMs;
    this.position = query.from ?? { timestampMs: firstMs, id: -1 };
  }

  /** Puts wanted events into a page, and says why it stopped. */
  readSlice(page: Page): "full" | "end" | "more" {
    let rows = 0;
    const limit = this.cost + SLICE_COST_MAX;
    const { timestampMs, id } = this.position;
    for (const row of this.#database.iterate<EventRow>(
      this.#sql,
      this.#targetId,
      timestampMs,
      id,
      this.#fromMs,
      this.#untilMs,
    )) {
      rows++;
      this.cost += EVENT_COST + row.message.length * this.#weight;
      if (this.#isWanted(row) && !page.take(row)) return "full";
      this.position = { timestampMs: row.timestamp_ms, id: row.id };
      if (page.isFull) return "full";
      if (this.cost >= limit) return "more";
    }
    return rows < SLICE_ROWS_MAX ? "end" : "more";
  }
}

interface Target {
  readonly kind: "group" | "stream";
  readonly id: number;
  readonly retentionDays: number | null;
}

/** One stream is read by its own index. */
function findTarget(database: LogDatabase, { groupArn, streams }: LogEventQuery): Target | LogStreamMissing {
  const group = database.findGroupRow(groupArn);
  if (group === undefined) return "no group";
  const names = streams !== null && "names" in streams ? streams.names : [];
  const ids = names.map((name) => database.findStreamId(groupArn, name));
  if (ids.some((id) => typeof id === "string")) return "no stream";
  const [only] = ids;
  const isOne = ids.length === 1 && typeof only === "number";
  return { kind: isOne ? "stream" : "group", id: isOne ? only : group.id, retentionDays: group.retention_days };
}

function wantedStreams({ streams }: LogEventQuery): (name: string) => boolean {
  if (streams === null) return () => true;
  if ("prefix" in streams) return (name) => name.startsWith(streams.prefix);
  const names = new Set(streams.names);
  return (name) => names.has(name);
}

class Page {
  readonly #countMax: number;
  readonly #bytesMax: number;
  readonly #events: StoredLogEvent[] = [];
  #bytes = 0;

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get isFull(): boolean {
    return this.#events.length >= this.#countMax;
  }

  /** False where the event has no more room. One alone always has. */
  take(row: EventRow): boolean {
    const bytes = Buffer.byteLength(row.message) + EVENT_OVERHEAD_BYTES;
    if (this.#events.length > 0 && this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    this.#events.push({
      timestampMs: row.timestamp_ms,
      id: row.id,
      ingestionMs: row.ingestion_ms,
      logStream: row.stream,
      message: row.message,
      origin: ORIGINS[row.origin] ?? "function",
    });
    return true;
  }

  finish(direction: LogEventQuery["direction"], next: LogPosition | null): LogEventPage {
    return { events: direction === "forward" ? this.#events : this.#events.reverse(), next };
  }
}
