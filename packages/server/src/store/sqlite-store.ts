/** The metadata in one SQLite file. Records are JSON documents beside their keys; the schema's version is checked at start. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { ThawError } from "../model/platform-errors.ts";
import type {
  AliasRecord,
  EventRecord,
  FunctionRecord,
  ProvisionedRecord,
  VersionRecord,
  VersionUse,
} from "../model/function-record.ts";
import type { MetadataStore } from "../ports/metadata-store.ts";

const UID_FIRST = 100_000;

/** One step a format: the first makes an empty file's tables, each later one brings the format before it up. */
const MIGRATIONS = [
  `
  CREATE TABLE functions (name TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT;
  CREATE TABLE versions (function_name TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, version TEXT NOT NULL,
    number INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (function_name, version)) STRICT;
  CREATE TABLE aliases (function_name TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, name TEXT NOT NULL,
    doc TEXT NOT NULL, PRIMARY KEY (function_name, name)) STRICT;
  CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, function_name TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE,
    request_id TEXT NOT NULL, qualifier TEXT, payload BLOB NOT NULL, client_context TEXT, attempts INTEGER NOT NULL,
    accepted_at_ms INTEGER NOT NULL, not_before_ms INTEGER NOT NULL) STRICT;
  CREATE INDEX events_due ON events (not_before_ms, id);
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
`,
  `
  CREATE TABLE version_uses (function_name TEXT NOT NULL, version TEXT NOT NULL, used_at_ms INTEGER NOT NULL, PRIMARY KEY (function_name, version),
    FOREIGN KEY (function_name, version) REFERENCES versions(function_name, version) ON DELETE CASCADE) STRICT;
  UPDATE versions SET doc = json_set(doc, '$.snapshotFacts', json('null'), '$.regenerationFailure', json('null'), '$.config.fileSystems', json('[]'));
  CREATE TABLE provisioned (function_name TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL,
    doc TEXT NOT NULL, PRIMARY KEY (function_name, qualifier)) STRICT;
  UPDATE functions SET doc = json_set(doc, '$.reservedConcurrency', json('null'));
  CREATE INDEX events_of_function ON events (function_name, not_before_ms, id);
`,
];
const SCHEMA_VERSION = MIGRATIONS.length;

/** One step in the index for each function, however many events there are. */
const FUNCTIONS_WITH_EVENTS = `WITH RECURSIVE n(name) AS (SELECT min(function_name) FROM events
  UNION ALL SELECT (SELECT min(function_name) FROM events WHERE function_name > n.name) FROM n WHERE n.name IS NOT NULL)
  SELECT name FROM n WHERE name IS NOT NULL`;

export class StoreFormatError extends ThawError {
  constructor(found: number) {
    super("STORE_FORMAT_UNKNOWN", {
      publicMessage: `The data directory has format ${found}; this version of Thaw knows formats up to ${SCHEMA_VERSION}. It was written by a newer version of Thaw: start that one, or restore a backup of this one.`,
      detail: { found },
    });
  }
}

export function openSqliteStore(path: string): MetadataStore {
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
  return new SqliteStore(db);
}

class SqliteStore implements MetadataStore {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  transaction<T>(run: () => T): T {
    if (this.#depth > 0) return run();
    this.#db.exec("BEGIN IMMEDIATE");
    this.#depth++;
    try {
      const result = run();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    } finally {
      this.#depth--;
    }
  }

  getFunction(name: string): FunctionRecord | null {
    return this.#one("SELECT doc FROM functions WHERE name = ?", name);
  }

  listFunctions(): readonly FunctionRecord[] {
    return this.#all("SELECT doc FROM functions ORDER BY name");
  }

  putFunction(record: FunctionRecord): void {
    this.#run(
      "INSERT INTO functions (name, doc) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET doc = excluded.doc",
      record.name,
      JSON.stringify(record),
    );
  }

  removeFunction(name: string): void {
    this.#run("DELETE FROM functions WHERE name = ?", name);
  }

  nextUid(): number {
    const sql =
      "INSERT INTO counters (name, value) VALUES ('uid', ?) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value";
    return (this.#prepare(sql).get(UID_FIRST) as { value: number }).value;
  }

  getVersion(functionName: string, version: string): VersionRecord | null {
    return this.#one("SELECT doc FROM versions WHERE function_name = ? AND version = ?", functionName, version);
  }

  listVersions(functionName: string): readonly VersionRecord[] {
    return this.#all("SELECT doc FROM versions WHERE function_name = ? ORDER BY number", functionName);
  }

  putVersion(record: VersionRecord): void {
    const number = record.version === "$LATEST" ? 0 : Number(record.version);
    const sql =
      "INSERT INTO versions (function_name, version, number, doc) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET doc = excluded.doc";
    this.#run(sql, record.functionName, record.version, number, JSON.stringify(record));
  }

  removeVersion(functionName: string, version: string): void {
    this.#run("DELETE FROM versions WHERE function_name = ? AND version = ?", functionName, version);
  }

  putUse({ functionName, version, usedAtMs }: VersionUse): void {
    const sql = `INSERT INTO version_uses (function_name, version, used_at_ms) SELECT function_name, version, ? FROM versions
      WHERE function_name = ? AND version = ? ON CONFLICT DO UPDATE SET used_at_ms = excluded.used_at_ms`;
    this.#run(sql, usedAtMs, functionName, version);
  }

  listUses(): readonly VersionUse[] {
    const rows = this.#prepare("SELECT * FROM version_uses").all() as Array<Record<string, unknown>>;
    return rows.map((row) => ({
      functionName: row["function_name"] as string,
      version: row["version"] as string,
      usedAtMs: row["used_at_ms"] as number,
    }));
  }

  getAlias(functionName: string, name: string): AliasRecord | null {
    return this.#one("SELECT doc FROM aliases WHERE function_name = ? AND name = ?", functionName, name);
  }

  listAliases(functionName: string): readonly AliasRecord[] {
    return this.#all("SELECT doc FROM aliases WHERE function_name = ? ORDER BY name", functionName);
  }

  putAlias(record: AliasRecord): void {
    const sql =
      "INSERT INTO aliases (function_name, name, doc) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET doc = excluded.doc";
    this.#run(sql, record.functionName, record.name, JSON.stringify(record));
  }

  removeAlias(functionName: string, name: string): void {
    this.#run("DELETE FROM aliases WHERE function_name = ? AND name = ?", functionName, name);
  }

  getProvisioned(functionName: string, qualifier: string): ProvisionedRecord | null {
    return this.#one("SELECT doc FROM provisioned WHERE function_name = ? AND qualifier = ?", functionName, qualifier);
  }

  listProvisioned(functionName: string): readonly ProvisionedRecord[] {
    return this.#all("SELECT doc FROM provisioned WHERE function_name = ? ORDER BY qualifier", functionName);
  }

  listAllProvisioned(): readonly ProvisionedRecord[] {
    return this.#all("SELECT doc FROM provisioned ORDER BY function_name, qualifier");
  }

  putProvisioned(record: ProvisionedRecord): void {
    const sql =
      "INSERT INTO provisioned (function_name, qualifier, doc) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET doc = excluded.doc";
    this.#run(sql, record.functionName, record.qualifier, JSON.stringify(record));
  }

  removeProvisioned(functionName: string, qualifier: string): void {
    this.#run("DELETE FROM provisioned WHERE function_name = ? AND qualifier = ?", functionName, qualifier);
  }

  addEvent(event: Omit<EventRecord, "id">): EventRecord {
    const sql = `INSERT INTO events (function_name, request_id, qualifier, payload, client_context, attempts, accepted_at_ms, not_before_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
    const { functionName, requestId, qualifier, payload, clientContext, attempts, acceptedAtMs, notBeforeMs } = event;
    const added = this.#prepare(sql).run(
      functionName,
      requestId,
      qualifier,
      payload,
      clientContext,
      attempts,
      acceptedAtMs,
      notBeforeMs,
    );
    return { ...event, id: Number(added.lastInsertRowid) };
  }

  listEvents(dueMs: number, limitEach: number): readonly EventRecord[] {
    const names = this.#prepare(FUNCTIONS_WITH_EVENTS).all() as Array<{ name: string }>;
    const ofFunction = this.#prepare(
      "SELECT * FROM events WHERE function_name = ? AND not_before_ms <= ? ORDER BY id LIMIT ?",
    );
    const rows = names.flatMap(({ name }) => ofFunction.all(name, dueMs, limitEach) as Array<Record<string, unknown>>);
    rows.sort((a, b) => (a["id"] as number) - (b["id"] as number));
    return rows.map((row) => ({
      id: row["id"] as number,
      requestId: row["request_id"] as string,
      functionName: row["function_name"] as string,
      qualifier: row["qualifier"] as string | null,
      payload: Buffer.from(row["payload"] as Uint8Array),
      clientContext: row["client_context"] as string | null,
      attempts: row["attempts"] as number,
      acceptedAtMs: row["accepted_at_ms"] as number,
      notBeforeMs: row["not_before_ms"] as number,
    }));
  }

  nextEventDueMs(afterMs: number): number | null {
    return (
      this.#prepare("SELECT min(not_before_ms) AS due FROM events WHERE not_before_ms > ?").get(afterMs) as {
        due: number | null;
      }
    ).due;
  }

  postponeEvent(id: number, attempts: number, notBeforeMs: number): void {
    this.#run("UPDATE events SET attempts = ?, not_before_ms = ? WHERE id = ?", attempts, notBeforeMs, id);
  }

  removeEvent(id: number): void {
    this.#run("DELETE FROM events WHERE id = ?", id);
  }

  close(): void {
    this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string, ...values: Array<string | number>): void {
    this.#prepare(sql).run(...values);
  }

  #one<T>(sql: string, ...values: string[]): T | null {
    const row = this.#prepare(sql).get(...values) as { doc: string } | undefined;
    return row === undefined ? null : (JSON.parse(row.doc) as T);
  }

  #all<T>(sql: string, ...values: string[]): T[] {
    return (this.#prepare(sql).all(...values) as Array<{ doc: string }>).map((row) => JSON.parse(row.doc) as T);
  }
}
