/** Stacks in PostgreSQL, as in SQLite. */
import type { StackEvent, StackExport, StackParts, StackRecord } from "../../model/stack-record.ts";
import type { Committed, Revision, Stored } from "../../ports/metadata-store.ts";
import type { StackListing, StackPartKind, StackStore, StackWrite } from "../../ports/stack-store.ts";
import type { Query, Row, Value } from "./connections.ts";
import type { ScopeTransactions } from "./scope-transactions.ts";

export class PostgresStacks implements StackStore {
  readonly #transactions: ScopeTransactions;

  constructor(transactions: ScopeTransactions) {
    this.#transactions = transactions;
  }

  commit(writes: readonly StackWrite[]): Promise<Committed> {
    return this.#transactions.commit(
      async (query, revision) => {
        for (const write of writes) if (!(await carryOut(write, query, revision))) return false;
        return true;
      },
      { mayBeLost: false },
    );
  }

  async getStack(id: string): Promise<Stored<StackRecord> | null> {
    return (await this.#stacks("AND id = $2", id))[0] ?? null;
  }

  async findStack(name: string): Promise<Stored<StackRecord> | null> {
    return (await this.#stacks("AND name = $2 AND deleted_at_ms IS NULL", name))[0] ?? null;
  }

  listStacks({ after, countMax, withDeleted }: StackListing): Promise<ReadonlyArray<Stored<StackRecord>>> {
    const living = withDeleted ? "" : "AND deleted_at_ms IS NULL";
    const order = "ORDER BY created_at_ms DESC, id DESC LIMIT $2";
    if (after === null) return this.#stacks(`${living} ${order}`, countMax);
    return this.#stacks(`${living} AND (created_at_ms, id) < ($3, $4) ${order}`, countMax, after.createdAtMs, after.id);
  }

  async countStacks(): Promise<number> {
    const sql = "SELECT count(*) AS count FROM thaw.stacks WHERE scope = $1 AND deleted_at_ms IS NULL";
    return (await this.#transactions.read(sql))[0]?.["count"] as number;
  }

  listDeleted(beforeMs: number, countMax: number): Promise<ReadonlyArray<Stored<StackRecord>>> {
    return this.#stacks("AND deleted_at_ms < $2 ORDER BY deleted_at_ms LIMIT $3", beforeMs, countMax);
  }

  listRunning(): Promise<ReadonlyArray<Stored<StackRecord>>> {
    return this.#stacks("AND is_running");
  }

  async getPart<K extends StackPartKind>(stackId: string, kind: K, key: string): Promise<StackParts[K] | null> {
    const sql = "SELECT doc FROM thaw.stack_parts WHERE scope = $1 AND stack_id = $2 AND kind = $3 AND key = $4";
    const [row] = await this.#transactions.read(sql, stackId, kind, key);
    return row === undefined ? null : (docOf(row) as StackParts[K]);
  }

  async listParts<K extends StackPartKind>(stackId: string, kind: K): Promise<ReadonlyArray<StackParts[K]>> {
    const sql = "SELECT doc FROM thaw.stack_parts WHERE scope = $1 AND stack_id = $2 AND kind = $3 ORDER BY key";
    return (await this.#transactions.read(sql, stackId, kind)).map(docOf) as Array<StackParts[K]>;
  }

  async listEvents(stackId: string, beforeMs: number, countMax: number): Promise<readonly StackEvent[]> {
    const sql = `SELECT doc FROM thaw.stack_events WHERE scope = $1 AND stack_id = $2 AND at_ms < $3
      ORDER BY at_ms DESC LIMIT $4`;
    return (await this.#transactions.read(sql, stackId, beforeMs, countMax)).map(docOf) as StackEvent[];
  }

  async listExports(after: string, countMax: number): Promise<readonly StackExport[]> {
    const sql = "SELECT doc FROM thaw.stack_exports WHERE scope = $1 AND name > $2 ORDER BY name LIMIT $3";
    return (await this.#transactions.read(sql, after, countMax)).map(docOf) as StackExport[];
  }

  async getExport(name: string): Promise<StackExport | null> {
    const rows = await this.#transactions.read(
      "SELECT doc FROM thaw.stack_exports WHERE scope = $1 AND name = $2",
      name,
    );
    return (rows.map(docOf)[0] ?? null) as StackExport | null;
  }

  async listImporters(exportName: string): Promise<readonly string[]> {
    const sql = `SELECT s.name AS name FROM thaw.stack_imports i
      JOIN thaw.stacks s ON s.scope = i.scope AND s.id = i.stack_id
      WHERE i.scope = $1 AND i.name = $2 ORDER BY s.name`;
    return (await this.#transactions.read(sql, exportName)).map((row) => row["name"] as string);
  }

  async #stacks(where: string, ...values: readonly Value[]): Promise<ReadonlyArray<Stored<StackRecord>>> {
    const sql = `SELECT doc, revision FROM thaw.stacks WHERE scope = $1 ${where}`;
    return (await this.#transactions.read(sql, ...values)).map((row) => ({
      ...(docOf(row) as StackRecord),
      revision: row["revision"] as Revision,
    }));
  }
}

async function carryOut(write: StackWrite, query: Query, revision: Revision): Promise<boolean> {
  switch (write.op) {
    case "putStack":
      return putStack(write.record, write.over, query, revision);
    case "removeStack": {
      const sql = "DELETE FROM thaw.stacks WHERE scope = $1 AND id = $2 AND revision = $3";
      return (await query(sql, write.record.id, write.record.revision)).count > 0;
    }
    case "setExports":
      return setExports(write, query);
    case "setImports":
      await query("DELETE FROM thaw.stack_imports WHERE scope = $1 AND stack_id = $2", write.stackId);
      for (const name of write.names) {
        const sql = "INSERT INTO thaw.stack_imports (scope, stack_id, name) VALUES ($1, $2, $3)";
        await query(sql, write.stackId, name);
      }
      return true;
    default:
      await carryOutPart(write, query);
      return true;
  }
}

type PartWrite = Exclude<StackWrite, { readonly op: "putStack" | "removeStack" | "setExports" | "setImports" }>;

/** What belongs to a stack, and expects nothing. */
async function carryOutPart(write: PartWrite, query: Query): Promise<void> {
  const { stackId } = write;
  switch (write.op) {
    case "putPart": {
      const sql = `INSERT INTO thaw.stack_parts (scope, stack_id, kind, key, doc) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (scope, stack_id, kind, key) DO UPDATE SET doc = excluded.doc`;
      await query(sql, stackId, write.kind, write.key, JSON.stringify(write.part));
      return;
    }
    case "removePart": {
      const sql = "DELETE FROM thaw.stack_parts WHERE scope = $1 AND stack_id = $2 AND kind = $3 AND key = $4";
      await query(sql, stackId, write.kind, write.key);
      return;
    }
    case "removeParts":
      await query("DELETE FROM thaw.stack_parts WHERE scope = $1 AND stack_id = $2 AND kind = $3", stackId, write.kind);
      return;
    case "addEvent": {
      const sql = "INSERT INTO thaw.stack_events (scope, stack_id, at_ms, doc) VALUES ($1, $2, $3, $4)";
      await query(sql, stackId, write.event.atMs, JSON.stringify(write.event));
      return;
    }
    case "trimEvents": {
      const sql = `DELETE FROM thaw.stack_events WHERE scope = $1 AND stack_id = $2 AND at_ms <=
        (SELECT at_ms FROM thaw.stack_events WHERE scope = $1 AND stack_id = $2
          ORDER BY at_ms DESC LIMIT 1 OFFSET $3)`;
      await query(sql, stackId, write.countMax);
    }
  }
}

async function setExports(
  { stackId, exports }: Extract<StackWrite, { readonly op: "setExports" }>,
  query: Query,
): Promise<boolean> {
  await query("DELETE FROM thaw.stack_exports WHERE scope = $1 AND stack_id = $2", stackId);
  for (const { name, value, stackId: of } of exports) {
    const sql = `INSERT INTO thaw.stack_exports (scope, name, doc, stack_id) VALUES ($1, $2, $3, $4)
      ON CONFLICT DO NOTHING`;
    const doc = JSON.stringify({ name, value, stackId: of });
    if ((await query(sql, name, doc, of)).count === 0) return false;
  }
  return true;
}

async function putStack(
  record: StackRecord,
  over: Stored<StackRecord> | null,
  query: Query,
  revision: Revision,
): Promise<boolean> {
  const { id, name, createdAtMs, deletedAtMs, head } = record;
  const isRunning = String(head !== null && head.phase !== "end");
  const doc = JSON.stringify({ ...record, revision: undefined });
  if (over === null) {
    const sql = `INSERT INTO thaw.stacks (scope, id, name, created_at_ms, deleted_at_ms, is_running, doc, revision)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`;
    return (await query(sql, id, name, createdAtMs, deletedAtMs, isRunning, doc, revision)).count > 0;
  }
  const sql = `UPDATE thaw.stacks SET deleted_at_ms = $4, is_running = $5, doc = $6, revision = $7
    WHERE scope = $1 AND id = $2 AND revision = $3`;
  return (await query(sql, id, over.revision, deletedAtMs, isRunning, doc, revision)).count > 0;
}

function docOf(row: Row): unknown {
  return JSON.parse(row["doc"] as string);
}
