/**
 * The metadata in one SQLite file. Records are JSON documents beside their keys and their revisions; the schema's
 * version is checked at start. Each call is carried out at once, before its promise is handed back.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { ThawError } from "../model/platform-errors.ts";
import {
  type AccountEntries,
  type AliasRecord,
  type DeliveryRecord,
  type EventRecord,
  type FunctionRecord,
  LATEST,
  type ProvisionedRecord,
  type Settings,
  type UnfinishedWork,
  type VersionRecord,
  type VersionUse,
} from "../model/function-record.ts";
import { DiskReserve, isFull, StoreFullError } from "./disk-reserve.ts";
import { DocumentCache } from "./document-cache.ts";
import { type DocumentRow, toDocument, toStored, toStoredOrNull } from "./document-rows.ts";
import { makesRoom, mayWaitForDisk } from "./durability.ts";
import { MIGRATIONS, SCHEMA_VERSION } from "./migrations.ts";
import {
  ACCOUNT_ENTRIES,
  BEFORE_ALL_VERSIONS,
  isKeyOf,
  type Place,
  placeOf,
  SETTINGS,
  type Table,
  TABLES,
} from "./places.ts";
import { toDelivery, toEvent, valuesOf } from "./queue-rows.ts";
import { SqliteStacks } from "./sqlite-stacks.ts";
import { freeUid } from "./uids.ts";
import type {
  AccountEntryKind,
  Committed,
  DocumentWrite,
  EntriesMeasure,
  MetadataStore,
  Revision,
  SettingKind,
  Stored,
  VersionsWish,
  Write,
} from "../ports/metadata-store.ts";

type DeliveryWrite = Extract<Write, { readonly op: "addDelivery" | "postponeDelivery" | "removeDelivery" }>;

export class StoreFormatError extends ThawError {
  constructor(found: number) {
    super("STORE_FORMAT_UNKNOWN", {
      publicMessage: `The data directory has format ${found}; this version of Thaw knows formats up to ${SCHEMA_VERSION}. It was written by a newer version of Thaw: start that one, or restore a backup of this one.`,
      detail: { found },
    });
  }
}

/** `onCommitted` hears of the writes of each commit that was made, before its writer does. */
export function openSqliteStore(
  path: string,
  onCommitted: (writes: readonly Write[]) => void = () => undefined,
): MetadataStore {
  const db = new DatabaseSync(path);
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 2000;",
  );
  const { user_version: found } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (found > SCHEMA_VERSION) {
    db.close();
    throw new StoreFormatError(found);
  }
  if (found < SCHEMA_VERSION)
    db.exec(`BEGIN; ${MIGRATIONS.slice(found).join("")} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
  return new SqliteStore(db, new DiskReserve(`${path}-reserve`), onCommitted);
}

class SqliteStore implements MetadataStore {
  readonly #db: DatabaseSync;
  readonly #reserve: DiskReserve;
  readonly #statements = new Map<string, StatementSync>();
  readonly #documents = new DocumentCache();
  readonly #heard = new Set<() => void>();
  readonly #onCommitted: (writes: readonly Write[]) => void;
  readonly stacks: SqliteStacks;

  constructor(db: DatabaseSync, reserve: DiskReserve, onCommitted: (writes: readonly Write[]) => void) {
    this.#db = db;
    this.#onCommitted = onCommitted;
    this.#reserve = reserve;
    this.stacks = new SqliteStacks(db, (write, frees) => this.#inRoom(() => this.#transact(write), frees));
    reserve.hold();
  }

  nextCommit(): Promise<void> {
    return new Promise((resolve) => this.#heard.add(resolve));
  }

  async commit(writes: readonly Write[]): Promise<Committed> {
    const committed = this.#inRoom(() => this.#commitSynced(writes), writes.some(makesRoom));
    if (committed === "done") this.#onCommitted(writes);
    return committed;
  }

  #inRoom(commit: () => Committed, frees: boolean): Committed {
    try {
      return commit();
    } catch (error) {
      if (!isFull(error)) throw error;
      // What makes room must work where there is none.
      if (!frees) throw new StoreFullError(error);
      this.#reserve.release();
      return commit();
    } finally {
      this.#reserve.hold();
    }
  }

  #commitSynced(writes: readonly Write[]): Committed {
    if (!writes.every(mayWaitForDisk)) return this.#commit(writes);
    this.#run("PRAGMA synchronous = NORMAL");
    try {
      return this.#commit(writes);
    } finally {
      this.#run("PRAGMA synchronous = FULL");
    }
  }

  #commit(writes: readonly Write[]): Committed {
    return this.#transact((next) => writes.every((write) => this.#write(write, next)));
  }

  #transact(write: (next: () => Revision) => boolean): Committed {
    this.#run("BEGIN IMMEDIATE");
    try {
      let given: Revision | null = null;
      const next = (): Revision => (given ??= this.#count("revision", 2));
      const isDone = write(next);
      this.#run(isDone ? "COMMIT" : "ROLLBACK");
      if (isDone) this.#tell();
      return isDone ? "done" : "changed";
    } catch (error) {
      // A full disk ends it by itself.
      if (this.#db.isTransaction) this.#run("ROLLBACK");
      throw error;
    }
  }

  #tell(): void {
    for (const resolve of this.#heard) resolve();
    this.#heard.clear();
  }

  async nextUid(living: ReadonlySet<number>): Promise<number | null> {
    this.#run("BEGIN IMMEDIATE");
    try {
      const uid = this.#freeUid(living);
      this.#run("COMMIT");
      return uid;
    } catch (error) {
      if (this.#db.isTransaction) this.#run("ROLLBACK");
      throw isFull(error) ? new StoreFullError(error) : error;
    }
  }

  #freeUid(living: ReadonlySet<number>): number | null {
    const last = this.#prepare("SELECT value FROM counters WHERE name = 'uid'").get() as { value: number } | undefined;
    const uid = freeUid(last?.value ?? null, new Set([...living, ...this.#uids()]));
    if (uid === null) return null;
    const sql = "INSERT INTO counters (name, value) VALUES ('uid', ?) ON CONFLICT (name) DO UPDATE SET value = ?";
    this.#run(sql, uid, uid);
    return uid;
  }

  #uids(): readonly number[] {
    const rows = this.#prepare("SELECT json_extract(doc, '$.uid') AS uid FROM functions").all() as { uid: number }[];
    return rows.map(({ uid }) => uid);
  }

  async listUids(): Promise<readonly number[]> {
    return this.#uids();
  }

  async accountRevision(): Promise<Revision> {
    return (this.#prepare("SELECT revision FROM account").get() as { revision: number }).revision;
  }

  async getFunction(name: string): Promise<Stored<FunctionRecord> | null> {
    return this.#one(TABLES.function, name);
  }

  async listFunctions(): Promise<ReadonlyArray<Stored<FunctionRecord>>> {
    return this.#all("SELECT doc, revision FROM functions ORDER BY name");
  }

  async getVersion(functionName: string, version: string): Promise<Stored<VersionRecord> | null> {
    return this.#one(TABLES.version, functionName, version);
  }

  async listVersions(functionName: string): Promise<ReadonlyArray<Stored<VersionRecord>>> {
    return this.#all("SELECT doc, revision FROM versions WHERE function_name = ? ORDER BY number", functionName);
  }

  async listAllVersions(): Promise<ReadonlyArray<Stored<VersionRecord>>> {
    return this.#all("SELECT doc, revision FROM versions ORDER BY function_name, number");
  }

  async listVersionsAfter({
    after,
    isLatestOnly,
    countMax,
  }: VersionsWish): Promise<ReadonlyArray<Stored<VersionRecord>>> {
    const { functionName, number } = after ?? BEFORE_ALL_VERSIONS;
    const latest = isLatestOnly ? `AND version = '${LATEST}'` : "";
    const sql = `SELECT doc, revision FROM versions WHERE (function_name, number) > (?, ?) ${latest} ORDER BY function_name, number LIMIT ?`;
    return this.#all(sql, functionName, number, countMax);
  }

  async listUses(): Promise<readonly VersionUse[]> {
    const rows = this.#prepare("SELECT * FROM version_uses").all() as Array<Record<string, unknown>>;
    return rows.map((row) => ({
      functionName: row["function_name"] as string,
      version: row["version"] as string,
      usedAtMs: row["used_at_ms"] as number,
    }));
  }

  async listUnfinished(): Promise<readonly UnfinishedWork[]> {
    const rows = this.#prepare("SELECT * FROM unfinished").all() as Array<Record<string, unknown>>;
    return rows.map((row) => ({
      kind: row["kind"] as UnfinishedWork["kind"],
      functionName: row["function_name"] as string,
      key: row["key"] as string,
      tries: row["tries"] as number,
    }));
  }

  async getAlias(functionName: string, name: string): Promise<Stored<AliasRecord> | null> {
    return this.#one(TABLES.alias, functionName, name);
  }

  async listAliases(functionName: string): Promise<ReadonlyArray<Stored<AliasRecord>>> {
    return this.#all("SELECT doc, revision FROM aliases WHERE function_name = ? ORDER BY name", functionName);
  }

  async getProvisioned(functionName: string, qualifier: string): Promise<Stored<ProvisionedRecord> | null> {
    return this.#one(TABLES.provisioned, functionName, qualifier);
  }

  async listProvisioned(functionName: string): Promise<ReadonlyArray<Stored<ProvisionedRecord>>> {
    return this.#all("SELECT doc, revision FROM provisioned WHERE function_name = ? ORDER BY qualifier", functionName);
  }

  async listAllProvisioned(): Promise<ReadonlyArray<Stored<ProvisionedRecord>>> {
    return this.#all("SELECT doc, revision FROM provisioned ORDER BY function_name, qualifier");
  }

  async getSetting<K extends SettingKind>(
    kind: K,
    functionName: string,
    qualifier: string,
  ): Promise<Stored<Settings[K]> | null> {
    return this.#one(SETTINGS, kind, functionName, qualifier);
  }

  async listSettings<K extends SettingKind>(
    kind: K,
    functionName: string,
  ): Promise<ReadonlyArray<Stored<Settings[K]>>> {
    const sql = "SELECT doc, revision FROM settings WHERE kind = ? AND function_name = ? ORDER BY qualifier";
    return this.#all(sql, kind, functionName);
  }

  async listAllSettings<K extends SettingKind>(kind: K): Promise<ReadonlyArray<Stored<Settings[K]>>> {
    return this.#all("SELECT doc, revision FROM settings WHERE kind = ? ORDER BY function_name, qualifier", kind);
  }

  async getAccountEntry<K extends AccountEntryKind>(kind: K, id: string): Promise<Stored<AccountEntries[K]> | null> {
    return this.#one(ACCOUNT_ENTRIES, kind, id);
  }

  async listAccountEntries<K extends AccountEntryKind>(kind: K): Promise<ReadonlyArray<Stored<AccountEntries[K]>>> {
    return this.#all("SELECT doc, revision FROM account_entries WHERE kind = ? ORDER BY id", kind);
  }

  async listAccountEntriesAfter<K extends AccountEntryKind>(kind: K, after: string, countMax: number) {
    const sql = "SELECT doc, revision FROM account_entries WHERE kind = ? AND id > ? ORDER BY id LIMIT ?";
    return this.#all<AccountEntries[K]>(sql, kind, after, countMax);
  }

  async measureAccountEntries(kind: AccountEntryKind): Promise<EntriesMeasure> {
    const columns = "count(*) AS count, coalesce(sum(octet_length(doc)), 0) AS sizeBytes";
    return { ...this.#prepare(`SELECT ${columns} FROM account_entries WHERE kind = ?`).get(kind) } as never;
  }

  async listEvents(dueMs: number, limitEach: number): Promise<ReadonlyArray<Stored<EventRecord>>> {
    const rows = this.#ofEach(
      valuesOf("events", "function_name"),
      "SELECT * FROM events WHERE function_name = ? AND not_before_ms <= ? ORDER BY id LIMIT ?",
      [dueMs, limitEach],
    );
    rows.sort((a, b) => (a["id"] as number) - (b["id"] as number));
    return rows.map(toEvent);
  }

  async listDeliveries(dueMs: number, limitEach: number): Promise<ReadonlyArray<Stored<DeliveryRecord>>> {
    const rows = this.#ofEach(
      valuesOf("deliveries", "destination"),
      "SELECT * FROM deliveries WHERE destination = ? AND not_before_ms <= ? ORDER BY not_before_ms, id LIMIT ?",
      [dueMs, limitEach],
    );
    return rows.map(toDelivery).toSorted((a, b) => a.notBeforeMs - b.notBeforeMs || a.id - b.id);
  }

  async nextDeliveryDueMs(afterMs: number): Promise<number | null> {
    return this.#nextDue("deliveries", afterMs);
  }

  async nextEventDueMs(afterMs: number): Promise<number | null> {
    return this.#nextDue("events", afterMs);
  }

  #nextDue(table: "deliveries" | "events", afterMs: number): number | null {
    const sql = `SELECT min(not_before_ms) AS due FROM ${table} WHERE not_before_ms > ?`;
    return (this.#prepare(sql).get(afterMs) as { due: number | null }).due;
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  /** Carries one write out. False where what it expects is not so. */
  #write(write: Write, next: () => Revision): boolean {
    switch (write.op) {
      case "put":
      case "remove":
      case "expect":
        return this.#writeDocument(write, next);
      case "touchFunction": {
        const { name, revision } = write.record;
        return (
          this.#run("UPDATE functions SET revision = ? WHERE name = ? AND revision = ?", next(), name, revision) > 0
        );
      }
      case "touchAccount":
        return this.#run("UPDATE account SET revision = ? WHERE revision = ?", next(), write.revision) > 0;
      case "addEvent":
        return this.#addEvent(write.event, next());
      case "postponeEvent": {
        const sql = "UPDATE events SET attempts = ?, not_before_ms = ?, revision = ? WHERE id = ? AND revision = ?";
        const { id, revision } = write.event;
        return this.#run(sql, write.attempts, write.notBeforeMs, next(), id, revision) > 0;
      }
      case "removeEvent":
        return this.#run("DELETE FROM events WHERE id = ? AND revision = ?", write.event.id, write.event.revision) > 0;
      case "addDelivery":
      case "postponeDelivery":
      case "removeDelivery":
        return this.#writeDelivery(write, next());
      case "putUse":
        this.#putUse(write.use);
        return true;
      case "putUnfinished":
        this.#putUnfinished(write.work);
        return true;
    }
  }

  #writeDocument(write: DocumentWrite, next: () => Revision): boolean {
    const place = placeOf(write);
    const { table, keys } = place;
    const isKey = isKeyOf(table);
    switch (write.op) {
      case "expect": {
        const sql = `SELECT 1 FROM ${table.name} WHERE ${isKey} AND revision = ?`;
        return this.#prepare(sql).get(...keys, write.record.revision) !== undefined;
      }
      case "remove":
        return (
          this.#run(`DELETE FROM ${table.name} WHERE ${isKey} AND revision = ?`, ...keys, write.record.revision) > 0
        );
      case "put": {
        const doc = toDocument(write.record);
        if (write.over === null) return this.#insert(write, place, doc, next());
        const sql = `UPDATE ${table.name} SET doc = ?, revision = ? WHERE ${isKey} AND revision = ?`;
        return this.#run(sql, doc, next(), ...keys, write.over.revision) > 0;
      }
    }
  }

  #insert(write: DocumentWrite, { table, keys, owner }: Place, doc: string, revision: Revision): boolean {
    const values: SQLInputValue[] = [...keys, doc, revision];
    const columns = [...table.keys, "doc", "revision"];
    if (write.kind === "version") {
      columns.push("number");
      values.push(write.record.version === LATEST ? 0 : Number(write.record.version));
    }
    const marks = columns.map(() => "?").join(", ");
    const into = `INSERT INTO ${table.name} (${columns.join(", ")})`;
    if (owner === null) return this.#run(`${into} VALUES (${marks}) ON CONFLICT DO NOTHING`, ...values) > 0;
    const sql = `${into} SELECT ${marks} FROM functions WHERE name = ? ON CONFLICT DO NOTHING`;
    return this.#run(sql, ...values, owner) > 0;
  }

  #addEvent(event: Omit<EventRecord, "id">, revision: Revision): boolean {
    const sql = `INSERT INTO events
      (function_name, request_id, qualifier, payload, client_context, trace_id, attempts, accepted_at_ms, not_before_ms, revision)
      SELECT name, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM functions WHERE name = ?`;
    const { functionName, requestId, qualifier, payload, clientContext, traceId } = event;
    const { attempts, acceptedAtMs, notBeforeMs } = event;
    const values = [
      requestId,
      qualifier,
      payload,
      clientContext,
      traceId,
      attempts,
      acceptedAtMs,
      notBeforeMs,
      revision,
    ];
    return this.#run(sql, ...values, functionName) > 0;
  }

  #writeDelivery(write: DeliveryWrite, given: Revision): boolean {
    if (write.op === "addDelivery") {
      const { body, attempts, notBeforeMs, ...doc } = write.delivery;
      const sql = "INSERT INTO deliveries (doc, body, attempts, not_before_ms, revision) VALUES (?, ?, ?, ?, ?)";
      return this.#run(sql, JSON.stringify(doc), body, attempts, notBeforeMs, given) > 0;
    }
    const { id, revision } = write.delivery;
    if (write.op === "removeDelivery")
      return this.#run("DELETE FROM deliveries WHERE id = ? AND revision = ?", id, revision) > 0;
    const sql =
      "UPDATE deliveries SET attempts = attempts + 1, not_before_ms = ?, revision = ? WHERE id = ? AND revision = ?";
    return this.#run(sql, write.notBeforeMs, given, id, revision) > 0;
  }

  #putUse({ functionName, version, usedAtMs }: VersionUse): void {
    const sql = `INSERT INTO version_uses (function_name, version, used_at_ms) SELECT function_name, version, ? FROM versions
      WHERE function_name = ? AND version = ? ON CONFLICT DO UPDATE SET used_at_ms = excluded.used_at_ms`;
    this.#run(sql, usedAtMs, functionName, version);
  }

  #putUnfinished({ kind, functionName, key, tries }: UnfinishedWork): void {
    if (tries === 0) {
      this.#run("DELETE FROM unfinished WHERE kind = ? AND function_name = ? AND key = ?", kind, functionName, key);
      return;
    }
    const sql = `INSERT INTO unfinished (kind, function_name, key, tries) SELECT ?, name, ?, ? FROM functions
      WHERE name = ? ON CONFLICT DO UPDATE SET tries = excluded.tries`;
    this.#run(sql, kind, key, tries, functionName);
  }

  /** The next number of a counter that begins with `first`. */
  #count(name: string, first: number): number {
    const sql =
      "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value";
    return (this.#prepare(sql).get(name, first) as { value: number }).value;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Returns how many rows were written; those that went with another one are not counted. */
  #run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  #one<T extends object>(table: Table, ...keys: readonly string[]): Stored<T> | null {
    const row = (columns: string): DocumentRow | undefined =>
      this.#prepare(`SELECT ${columns} FROM ${table.name} WHERE ${isKeyOf(table)}`).get(...keys) as never;
    return this.#documents.find<T>(table.name, keys, {
      revision: () => row("revision")?.revision ?? null,
      read: () => toStoredOrNull(row("doc, revision")),
    });
  }

  /** Asks `sql` with each of the names that `names` lists. */
  #ofEach(names: string, sql: string, values: readonly SQLInputValue[]): Array<Record<string, unknown>> {
    const listed = this.#prepare(names).all() as Array<{ name: string }>;
    return listed.flatMap(({ name }) => this.#prepare(sql).all(name, ...values) as Array<Record<string, unknown>>);
  }

  #all<T>(sql: string, ...values: readonly SQLInputValue[]): ReadonlyArray<Stored<T>> {
    return (this.#prepare(sql).all(...values) as unknown as DocumentRow[]).map((row) => toStored<T>(row));
  }
}
