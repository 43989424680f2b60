/** The metadata of one scope in PostgreSQL: the same documents, keys and revisions as in SQLite, and the same rules. */
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
} from "../../model/function-record.ts";
import type {
  AccountEntryKind,
  Committed,
  EntriesMeasure,
  MetadataStore,
  Revision,
  SettingKind,
  Stored,
  VersionsWish,
  Write,
} from "../../ports/metadata-store.ts";
import { DocumentCache } from "../document-cache.ts";
import { type DocumentRow, toStored, toStoredOrNull } from "../document-rows.ts";
import { mayWaitForDisk } from "../durability.ts";
import { ACCOUNT_ENTRIES, BEFORE_ALL_VERSIONS, SETTINGS, type Table, TABLES } from "../places.ts";
import { freeUid } from "../uids.ts";
import type { Row, Value } from "./connections.ts";
import { PostgresStacks } from "./postgres-stacks.ts";
import { carryOut, isKeyOf } from "./postgres-writes.ts";
import type { ScopeTransactions } from "./scope-transactions.ts";

const DOCUMENT = "SELECT doc, revision FROM";

export class PostgresStore implements MetadataStore {
  readonly #transactions: ScopeTransactions;
  readonly #documents = new DocumentCache();
  readonly #onCommitted: (writes: readonly Write[]) => void;
  readonly stacks: PostgresStacks;

  /** `onCommitted` hears of the writes of each commit that was made, before its writer does. */
  constructor(transactions: ScopeTransactions, onCommitted: (writes: readonly Write[]) => void) {
    this.#transactions = transactions;
    this.#onCommitted = onCommitted;
    this.stacks = new PostgresStacks(transactions);
  }

  nextCommit(): Promise<void> {
    return this.#transactions.nextCommit();
  }

  async commit(writes: readonly Write[]): Promise<Committed> {
    const committed = await this.#transactions.commit(
      async (query, revision) => {
        for (const write of writes) if (!(await carryOut(write, query, revision))) return false;
        return true;
      },
      { mayBeLost: writes.every(mayWaitForDisk) },
    );
    if (committed === "done") this.#onCommitted(writes);
    return committed;
  }

  nextUid(living: ReadonlySet<number>): Promise<number | null> {
    return this.#transactions.run(async (query, row) => {
      const { rows } = await query("SELECT uid FROM thaw.functions WHERE scope = $1");
      const used = new Set([...living, ...rows.map(({ uid }) => uid as number)]);
      const uid = freeUid(row["last_uid"] as number | null, used);
      if (uid !== null) await query("UPDATE thaw.scopes SET last_uid = $2 WHERE id = $1", uid);
      return { isDone: uid !== null, value: uid };
    });
  }

  async listUids(): Promise<readonly number[]> {
    const rows = await this.#transactions.read("SELECT uid FROM thaw.functions WHERE scope = $1");
    return rows.map(({ uid }) => uid as number);
  }

  async accountRevision(): Promise<Revision> {
    const [row] = await this.#transactions.read("SELECT account_revision FROM thaw.scopes WHERE id = $1");
    return row?.["account_revision"] as Revision;
  }

  getFunction(name: string): Promise<Stored<FunctionRecord> | null> {
    return this.#one(TABLES.function, name);
  }

  listFunctions(): Promise<ReadonlyArray<Stored<FunctionRecord>>> {
    return this.#all(`${DOCUMENT} thaw.functions WHERE scope = $1 ORDER BY name`);
  }

  getVersion(functionName: string, version: string): Promise<Stored<VersionRecord> | null> {
    return this.#one(TABLES.version, functionName, version);
  }

  listVersions(functionName: string): Promise<ReadonlyArray<Stored<VersionRecord>>> {
    return this.#all(`${DOCUMENT} thaw.versions WHERE scope = $1 AND function_name = $2 ORDER BY number`, functionName);
  }

  listAllVersions(): Promise<ReadonlyArray<Stored<VersionRecord>>> {
    return this.#all(`${DOCUMENT} thaw.versions WHERE scope = $1 ORDER BY function_name, number`);
  }

  listVersionsAfter({ after, isLatestOnly, countMax }: VersionsWish): Promise<ReadonlyArray<Stored<VersionRecord>>> {
    const { functionName, number } = after ?? BEFORE_ALL_VERSIONS;
    const latest = isLatestOnly ? `AND version = '${LATEST}'` : "";
    const sql = `${DOCUMENT} thaw.versions WHERE scope = $1 AND (function_name, number) > ($2, $3) ${latest} ORDER BY function_name, number LIMIT $4`;
    return this.#all(sql, functionName, number, countMax);
  }

  async listUses(): Promise<readonly VersionUse[]> {
    const rows = await this.#transactions.read(
      "SELECT * FROM thaw.version_uses WHERE scope = $1 ORDER BY function_name, version",
    );
    return rows.map((row) => ({
      functionName: row["function_name"] as string,
      version: row["version"] as string,
      usedAtMs: row["used_at_ms"] as number,
    }));
  }

  async listUnfinished(): Promise<readonly UnfinishedWork[]> {
    const rows = await this.#transactions.read(
      "SELECT * FROM thaw.unfinished WHERE scope = $1 ORDER BY kind, function_name, key",
    );
    return rows.map((row) => ({
      kind: row["kind"] as UnfinishedWork["kind"],
      functionName: row["function_name"] as string,
      key: row["key"] as string,
      tries: row["tries"] as number,
    }));
  }

  getAlias(functionName: string, name: string): Promise<Stored<AliasRecord> | null> {
    return this.#one(TABLES.alias, functionName, name);
  }

  listAliases(functionName: string): Promise<ReadonlyArray<Stored<AliasRecord>>> {
    return this.#all(`${DOCUMENT} thaw.aliases WHERE scope = $1 AND function_name = $2 ORDER BY name`, functionName);
  }

  getProvisioned(functionName: string, qualifier: string): Promise<Stored<ProvisionedRecord> | null> {
    return this.#one(TABLES.provisioned, functionName, qualifier);
  }

  listProvisioned(functionName: string): Promise<ReadonlyArray<Stored<ProvisionedRecord>>> {
    return this.#all(
      `${DOCUMENT} thaw.provisioned WHERE scope = $1 AND function_name = $2 ORDER BY qualifier`,
      functionName,
    );
  }

  listAllProvisioned(): Promise<ReadonlyArray<Stored<ProvisionedRecord>>> {
    return this.#all(`${DOCUMENT} thaw.provisioned WHERE scope = $1 ORDER BY function_name, qualifier`);
  }

  getSetting<K extends SettingKind>(
    kind: K,
    functionName: string,
    qualifier: string,
  ): Promise<Stored<Settings[K]> | null> {
    return this.#one(SETTINGS, kind, functionName, qualifier);
  }

  listSettings<K extends SettingKind>(kind: K, functionName: string): Promise<ReadonlyArray<Stored<Settings[K]>>> {
    const where = "WHERE scope = $1 AND kind = $2 AND function_name = $3 ORDER BY qualifier";
    return this.#all(`${DOCUMENT} thaw.settings ${where}`, kind, functionName);
  }

  listAllSettings<K extends SettingKind>(kind: K): Promise<ReadonlyArray<Stored<Settings[K]>>> {
    return this.#all(
      `${DOCUMENT} thaw.settings WHERE scope = $1 AND kind = $2 ORDER BY function_name, qualifier`,
      kind,
    );
  }

  getAccountEntry<K extends AccountEntryKind>(kind: K, id: string): Promise<Stored<AccountEntries[K]> | null> {
    return this.#one(ACCOUNT_ENTRIES, kind, id);
  }

  listAccountEntries<K extends AccountEntryKind>(kind: K): Promise<ReadonlyArray<Stored<AccountEntries[K]>>> {
    return this.#all(`${DOCUMENT} thaw.account_entries WHERE scope = $1 AND kind = $2 ORDER BY id`, kind);
  }

  listAccountEntriesAfter<K extends AccountEntryKind>(
    kind: K,
    after: string,
    countMax: number,
  ): Promise<ReadonlyArray<Stored<AccountEntries[K]>>> {
    const where = "WHERE scope = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4";
    return this.#all(`${DOCUMENT} thaw.account_entries ${where}`, kind, after, countMax);
  }

  async measureAccountEntries(kind: AccountEntryKind): Promise<EntriesMeasure> {
    const columns = "count(*) AS count, coalesce(sum(octet_length(doc)), 0) AS size";
    const sql = `SELECT ${columns} FROM thaw.account_entries WHERE scope = $1 AND kind = $2`;
    const [row] = await this.#transactions.read(sql, kind);
    return { count: Number(row?.["count"]), sizeBytes: Number(row?.["size"]) };
  }

  async listEvents(dueMs: number, limitEach: number): Promise<ReadonlyArray<Stored<EventRecord>>> {
    const sql = `${valuesOf("events", "function_name")}
      SELECT e.* FROM n CROSS JOIN LATERAL (SELECT * FROM thaw.events
        WHERE scope = $1 AND function_name = n.name AND not_before_ms <= $2 ORDER BY id LIMIT $3) e ORDER BY e.id`;
    return (await this.#transactions.read(sql, dueMs, limitEach)).map(toEvent);
  }

  async listDeliveries(dueMs: number, limitEach: number): Promise<ReadonlyArray<Stored<DeliveryRecord>>> {
    const sql = `${valuesOf("deliveries", "destination")}
      SELECT d.* FROM n CROSS JOIN LATERAL (SELECT * FROM thaw.deliveries
        WHERE scope = $1 AND destination = n.name AND not_before_ms <= $2 ORDER BY not_before_ms, id LIMIT $3) d
      ORDER BY d.not_before_ms, d.id`;
    return (await this.#transactions.read(sql, dueMs, limitEach)).map(toDelivery);
  }

  nextDeliveryDueMs(afterMs: number): Promise<number | null> {
    return this.#nextDue("deliveries", afterMs);
  }

  nextEventDueMs(afterMs: number): Promise<number | null> {
    return this.#nextDue("events", afterMs);
  }

  /** The connections are those of all scopes, and stay. */
  close(): Promise<void> {
    return this.#transactions.close();
  }

  async #nextDue(table: "deliveries" | "events", afterMs: number): Promise<number | null> {
    const sql = `SELECT min(not_before_ms) AS due FROM thaw.${table} WHERE scope = $1 AND not_before_ms > $2`;
    const [row] = await this.#transactions.read(sql, afterMs);
    return (row?.["due"] ?? null) as number | null;
  }

  /** One question, and the document comes only where it is not the one that was read last. */
  async #one<T extends object>(table: Table, ...keys: readonly string[]): Promise<Stored<T> | null> {
    const known = this.#documents.known<T>(table.name, keys);
    const sql = `SELECT revision, CASE WHEN revision = $2 THEN NULL ELSE doc END AS doc
      FROM thaw.${table.name} WHERE ${isKeyOf(table, 3)}`;
    const [row] = await this.#transactions.read(sql, known?.revision ?? 0, ...keys);
    if (row !== undefined && row["doc"] === null) return known;
    return this.#documents.keep(table.name, keys, toStoredOrNull<T>(row as DocumentRow | undefined));
  }

  async #all<T>(sql: string, ...values: readonly Value[]): Promise<ReadonlyArray<Stored<T>>> {
    const rows = await this.#transactions.read(sql, ...values);
    return rows.map((row) => toStored<T>(row as unknown as DocumentRow));
  }
}

/** Lists the values of a column that an index begins with: one step for each value, however many rows have it. */
const valuesOf = (table: string, column: string): string => `WITH RECURSIVE steps (name) AS (
    (SELECT ${column} FROM thaw.${table} WHERE scope = $1 ORDER BY ${column} LIMIT 1)
    UNION ALL
    SELECT (SELECT ${column} FROM thaw.${table} WHERE scope = $1 AND ${column} > steps.name ORDER BY ${column} LIMIT 1)
      FROM steps WHERE steps.name IS NOT NULL),
  n AS (SELECT name FROM steps WHERE name IS NOT NULL)`;

function toEvent(row: Row): Stored<EventRecord> {
  return {
    ...(JSON.parse(row["doc"] as string) as Pick<EventRecord, "requestId" | "qualifier" | "clientContext" | "traceId">),
    id: row["id"] as number,
    functionName: row["function_name"] as string,
    payload: row["payload"] as Buffer,
    attempts: row["attempts"] as number,
    acceptedAtMs: row["accepted_at_ms"] as number,
    notBeforeMs: row["not_before_ms"] as number,
    revision: row["revision"] as number,
  };
}

function toDelivery(row: Row): Stored<DeliveryRecord> {
  return {
    ...(JSON.parse(row["doc"] as string) as Omit<DeliveryRecord, "id" | "body" | "attempts" | "notBeforeMs">),
    id: row["id"] as number,
    body: row["body"] as Buffer,
    attempts: row["attempts"] as number,
    notBeforeMs: row["not_before_ms"] as number,
    revision: row["revision"] as number,
  };
}
