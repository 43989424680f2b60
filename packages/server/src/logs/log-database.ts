/** Groups, streams and events in one SQLite file. Every call is carried out at once: it belongs in a thread. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { LogGroupRecord, LogGroups, LogStreamQuery, LogStreamRecord } from "../ports/log-groups.ts";
import type { LogOrigin } from "../ports/log-store.ts";

/** Consecutive events of one stream. */
export interface EventRun {
  readonly groupArn: string;
  readonly logStream: string;
  readonly events: ReadonlyArray<readonly [timestampMs: number, message: string, origin: LogOrigin]>;
}

export interface LogLimits {
  /** Bytes of one group, as AWS counts, beyond which its oldest events go. */
  readonly groupBytesMax: number;
  /** Bytes of all groups, beyond which the oldest events of the largest one go. */
  readonly totalBytesMax: number;
}

interface GroupRow {
  readonly id: number;
  readonly arn: string;
  readonly created_ms: number;
  readonly retention_days: number | null;
  readonly tags: string;
  readonly stored_bytes: number;
}

interface StreamRow {
  readonly id: number;
  readonly name: string;
  readonly created_ms: number;
  readonly last_event_ms: number;
  readonly last_ingestion_ms: number;
}

type Result<K extends keyof LogGroups> = Awaited<ReturnType<LogGroups[K]>>;

/** AWS adds as much to the size of each event. */
export const EVENT_OVERHEAD_BYTES = 26;
/** In the order of their numbers on disk. */
export const ORIGINS: readonly LogOrigin[] = ["function", "platform", "client"];
/** Number of groups that clients can make in one account and Region. */
const GROUPS_MAX = 10_000;
/** Number of streams that clients can make in one group. */
const STREAMS_MAX = 100_000;
const TAGS_MAX = 50;
const STREAM_IDS_CACHED_MAX = 10_000;
/** Behind every character that a name can have, in the order of SQLite, which is that of UTF-8. */
const LAST_CHARACTER = "\u{10FFFF}";

export class LogDatabase {
  readonly db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** Ids of streams by group and name. */
  readonly #streamIds = new Map<string, number>();
  #nextEventId: number;
  #totalBytes: number;

  constructor(db: DatabaseSync) {
    this.db = db;
    this.#totalBytes = this.get<{ total: number }>("SELECT total(stored_bytes) AS total FROM groups")?.total ?? 0;
    this.#nextEventId = this.get<{ id: number }>("SELECT id FROM next_event")?.id ?? 1;
  }

  /** The id that the next event gets: those that are there have smaller ones. */
  get nextEventId(): number {
    return this.#nextEventId;
  }

  /** The size of all groups. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#prepare(sql).get(...values) as T | undefined;
  }

  all<T>(sql: string, ...values: SQLInputValue[]): readonly T[] {
    return this.#prepare(sql).all(...values) as unknown as readonly T[];
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  /** Goes over rows one by one. No other statement may run until that has ended. */
  iterate<T>(sql: string, ...values: SQLInputValue[]): Iterable<T> {
    return this.#prepare(sql).iterate(...values) as unknown as Iterable<T>;
  }

  transaction<T>(work: () => T): T {
    this.db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.db.exec("COMMIT");
      return result;
    } catch (error) {
      // A full disk may have rolled back already.
      if (this.db.isTransaction) this.db.exec("ROLLBACK");
      this.forgetStreams();
      throw error;
    }
  }

  /** Counts what was written into a group, or was removed. */
  addBytes(groupId: number, bytes: number): void {
    this.run("UPDATE groups SET stored_bytes = stored_bytes + ? WHERE id = ?", bytes, groupId);
    this.#totalBytes += bytes;
  }

  /** Has to be called where streams were removed. */
  forgetStreams(): void {
    this.#streamIds.clear();
  }

  /** Writes events; makes groups and streams that are missing. All of them are written, or none. */
  append(runs: readonly EventRun[], nowMs: number): void {
    const [firstId, bytesBefore] = [this.#nextEventId, this.#totalBytes];
    try {
      this.transaction(() => {
        for (const run of runs) {
          const group = this.findGroupRow(run.groupArn) ?? this.#insertGroup(run.groupArn, {}, nowMs);
          const streamId =
            this.#findStream(group.id, run.logStream) ?? this.#insertStream(group.id, run.logStream, nowMs, 0);
          this.#insertEvents(group.id, streamId, run.events, nowMs);
        }
        this.run("UPDATE next_event SET id = ?", this.#nextEventId);
      });
    } catch (error) {
      this.#nextEventId = firstId;
      this.#totalBytes = bytesBefore;
      throw error;
    }
  }

  /** Writes events of a client into a stream that is there. Returns the id of the first one. */
  put({ groupArn, logStream, events }: EventRun, nowMs: number): number | "no group" | "no stream" {
    const found = this.findStreamId(groupArn, logStream);
    if (typeof found === "string") return found;
    const firstId = this.#nextEventId;
    this.append([{ groupArn, logStream, events }], nowMs);
    return firstId;
  }

  createGroup(arn: string, tags: Readonly<Record<string, string>>, nowMs: number): Result<"createGroup"> {
    if (this.findGroupRow(arn) !== undefined) return "exists";
    // `arn:aws:logs:REGION:ACCOUNT:`
    const scope = `${arn.split(":").slice(0, 5).join(":")}:`;
    const { count = 0 } =
      this.get<{ count: number }>(
        "SELECT count(*) AS count FROM groups WHERE is_removed = 0 AND arn >= ? AND arn < ?",
        scope,
        `${scope}${LAST_CHARACTER}`,
      ) ?? {};
    if (count >= GROUPS_MAX) return "too many";
    this.#insertGroup(arn, tags, nowMs);
    return "created";
  }

  findGroup(arn: string): LogGroupRecord | null {
    const row = this.findGroupRow(arn);
    return row === undefined ? null : toGroup(row);
  }

  findGroupRow(arn: string): GroupRow | undefined {
    return this.get<GroupRow>("SELECT * FROM groups WHERE arn = ? AND is_removed = 0", arn);
  }

  listGroups({ arnPrefix, part, after, countMax }: Parameters<LogGroups["listGroups"]>[0]): Result<"listGroups"> {
    return this.all<GroupRow>(
      `SELECT * FROM groups WHERE is_removed = 0 AND arn >= ? AND arn < ? AND arn > ? AND instr(substr(arn, ?), ?) > 0
       ORDER BY arn LIMIT ?`,
      arnPrefix,
      `${arnPrefix}${LAST_CHARACTER}`,
      after,
      // Behind `arn:aws:logs:REGION:ACCOUNT:log-group:`, so that only names are searched.
      arnPrefix.split(":").slice(0, 6).join(":").length + 2,
      part,
      countMax,
    ).map(toGroup);
  }

  removeGroup(arn: string): Result<"removeGroup"> {
    const removed = this.run("UPDATE groups SET is_removed = 1 WHERE arn = ? AND is_removed = 0", arn);
    return removed === 0 ? "no group" : "removed";
  }

  setRetention(arn: string, days: number | null): Result<"setRetention"> {
    const set = this.run("UPDATE groups SET retention_days = ? WHERE arn = ? AND is_removed = 0", days, arn);
    return set === 0 ? "no group" : "set";
  }

  changeTags(arn: string, added: Readonly<Record<string, string>>, removed: readonly string[]): Result<"changeTags"> {
    const group = this.findGroup(arn);
    if (group === null) return "no group";
    const tags = new Map(Object.entries({ ...group.tags, ...added }));
    for (const key of removed) tags.delete(key);
    if (tags.size > TAGS_MAX) return "too many";
    this.run(
      "UPDATE groups SET tags = ? WHERE arn = ? AND is_removed = 0",
      JSON.stringify(Object.fromEntries(tags)),
      arn,
    );
    return "set";
  }

  createStream(groupArn: string, name: string, nowMs: number): Result<"createStream"> {
    const group = this.findGroupRow(groupArn);
    if (group === undefined) return "no group";
    if (this.#findStream(group.id, name) !== undefined) return "exists";
    const { count = 0 } =
      this.get<{ count: number }>(
        "SELECT count(*) AS count FROM streams WHERE group_id = ? AND is_removed = 0",
        group.id,
      ) ?? {};
    if (count >= STREAMS_MAX) return "too many";
    this.#insertStream(group.id, name, nowMs, 1);
    return "created";
  }

  removeStream(groupArn: string, name: string): Result<"removeStream"> {
    const id = this.findStreamId(groupArn, name);
    if (typeof id === "string") return id;
    this.run("UPDATE streams SET is_removed = 1 WHERE id = ?", id);
    this.forgetStreams();
    return "removed";
  }

  findStreamId(groupArn: string, name: string): number | "no group" | "no stream" {
    const group = this.findGroupRow(groupArn);
    return group === undefined ? "no group" : (this.#findStream(group.id, name) ?? "no stream");
  }

  listStreams({ groupArn, prefix, orderBy, isDescending, after, countMax }: LogStreamQuery): Result<"listStreams"> {
    const group = this.findGroupRow(groupArn);
    if (group === undefined) return "no group";
    const [beyond, order] = isDescending ? ["<", "DESC"] : [">", "ASC"];
    const behindPrefix = `${prefix}${LAST_CHARACTER}`;
    const rows =
      orderBy === "name"
        ? this.all<StreamRow>(
            `SELECT * FROM streams WHERE group_id = ? AND is_removed = 0 AND name >= ? AND name < ? AND name ${beyond} ?
             ORDER BY name ${order} LIMIT ?`,
            group.id,
            prefix,
            behindPrefix,
            after?.name ?? (isDescending ? behindPrefix : ""),
            countMax,
          )
        : this.all<StreamRow>(
            `SELECT * FROM streams WHERE group_id = ? AND is_removed = 0 AND (last_event_ms, name) ${beyond} (?, ?)
             ORDER BY last_event_ms ${order}, name ${order} LIMIT ?`,
            group.id,
            after?.lastEventMs ?? (isDescending ? Number.MAX_SAFE_INTEGER : -1),
            after?.name ?? "",
            countMax,
          );
    return rows.map((row) => this.#toStream(row));
  }

  #toStream(row: StreamRow): LogStreamRecord {
    const first = this.get<{ first: number }>(
      "SELECT timestamp_ms AS first FROM events WHERE stream_id = ? ORDER BY timestamp_ms LIMIT 1",
      row.id,
    );
    const hasEvents = first !== undefined;
    return {
      name: row.name,
      createdMs: row.created_ms,
      firstEventMs: first?.first ?? null,
      lastEventMs: hasEvents ? row.last_event_ms : null,
      lastIngestionMs: hasEvents ? row.last_ingestion_ms : null,
    };
  }

  #insertGroup(arn: string, tags: Readonly<Record<string, string>>, nowMs: number): GroupRow {
    this.run("INSERT INTO groups (arn, created_ms, tags) VALUES (?, ?, ?)", arn, nowMs, JSON.stringify(tags));
    const made = this.findGroupRow(arn);
    if (made === undefined) throw new Error(`the log group ${arn} was made, and is not there`);
    return made;
  }

  #findStream(groupId: number, name: string): number | undefined {
    const key = `${groupId}:${name}`;
    const known = this.#streamIds.get(key);
    if (known !== undefined) return known;
    const sql = "SELECT id FROM streams WHERE group_id = ? AND name = ? AND is_removed = 0";
    const id = this.get<{ id: number }>(sql, groupId, name)?.id;
    if (id !== undefined) this.#keepStreamId(key, id);
    return id;
  }

  #insertStream(groupId: number, name: string, nowMs: number, isExplicit: 0 | 1): number {
    const sql = "INSERT INTO streams (group_id, name, created_ms, is_explicit) VALUES (?, ?, ?, ?) RETURNING id";
    const id = this.get<{ id: number }>(sql, groupId, name, nowMs, isExplicit)?.id;
    if (id === undefined) throw new Error(`the log stream ${name} was made, and has no id`);
    this.#keepStreamId(`${groupId}:${name}`, id);
    return id;
  }

  #keepStreamId(key: string, id: number): void {
    if (this.#streamIds.size >= STREAM_IDS_CACHED_MAX) this.#streamIds.clear();
    this.#streamIds.set(key, id);
  }

  #insertEvents(groupId: number, streamId: number, events: EventRun["events"], nowMs: number): void {
    const insert = this.#prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)");
    let bytes = 0;
    let lastMs = 0;
    for (const [timestampMs, message, origin] of events) {
      insert.run(groupId, timestampMs, this.#nextEventId++, streamId, nowMs, ORIGINS.indexOf(origin), message);
      bytes += Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
      lastMs = Math.max(lastMs, timestampMs);
    }
    this.addBytes(groupId, bytes);
    this.run(
      "UPDATE streams SET last_event_ms = max(last_event_ms, ?), last_ingestion_ms = ? WHERE id = ?",
      lastMs,
      nowMs,
      streamId,
    );
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.db.prepare(sql)));
    return statement;
  }
}

function toGroup(row: GroupRow): LogGroupRecord {
  return {
    arn: row.arn,
    createdMs: row.created_ms,
    retentionDays: row.retention_days,
    tags: JSON.parse(row.tags) as Record<string, string>,
    storedBytes: row.stored_bytes,
  };
}
