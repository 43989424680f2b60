/** Stacks in the tables of `thaw.db`. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { StackEvent, StackExport, StackParts, StackRecord } from "../model/stack-record.ts";
import type { Committed, Revision, Stored } from "../ports/metadata-store.ts";
import type { StackListing, StackPartKind, StackStore, StackWrite } from "../ports/stack-store.ts";

/** Carries out `write` in a transaction, which is undone where it gives false; `next` makes a new revision. */
export type Transaction = (write: (next: () => Revision) => boolean, makesRoom: boolean) => Committed;

type Row = Record<string, SQLInputValue>;

export class SqliteStacks implements StackStore {
  readonly #db: DatabaseSync;
  readonly #transaction: Transaction;

  constructor(db: DatabaseSync, transaction: Transaction) {
    this.#db = db;
    this.#transaction = transaction;
  }

  async commit(writes: readonly StackWrite[]): Promise<Committed> {
    // The end of a run takes little, and what it removes needs room at first.
    const makesRoom = writes.some(({ op }) => op.startsWith("remove"));
    return this.#transaction((next) => writes.every((write) => this.#write(write, next)), makesRoom);
  }

  async getStack(id: string): Promise<Stored<StackRecord> | null> {
    return this.#stacks("WHERE id = ?", id)[0] ?? null;
  }

  async findStack(name: string): Promise<Stored<StackRecord> | null> {
    return this.#stacks("WHERE name = ? AND deleted_at_ms IS NULL", name)[0] ?? null;
  }

  async listStacks({ after, countMax, withDeleted }: StackListing): Promise<ReadonlyArray<Stored<StackRecord>>> {
    const living = withDeleted ? "1" : "deleted_at_ms IS NULL";
    const order = "ORDER BY created_at_ms DESC, id DESC LIMIT ?";
    if (after === null) return this.#stacks(`WHERE ${living} ${order}`, countMax);
    const { createdAtMs, id } = after;
    return this.#stacks(`WHERE ${living} AND (created_at_ms, id) < (?, ?) ${order}`, createdAtMs, id, countMax);
  }

  async countStacks(): Promise<number> {
    return this.#rows("SELECT count(*) AS count FROM stacks WHERE deleted_at_ms IS NULL")[0]?.["count"] as number;
  }

  async listDeleted(beforeMs: number, countMax: number): Promise<ReadonlyArray<Stored<StackRecord>>> {
    return this.#stacks("WHERE deleted_at_ms < ? ORDER BY deleted_at_ms LIMIT ?", beforeMs, countMax);
  }

  async listRunning(): Promise<ReadonlyArray<Stored<StackRecord>>> {
    return this.#stacks("WHERE is_running = 1");
  }

  async getPart<K extends StackPartKind>(stackId: string, kind: K, key: string): Promise<StackParts[K] | null> {
    const sql = "SELECT doc FROM stack_parts WHERE stack_id = ? AND kind = ? AND key = ?";
    const [row] = this.#rows(sql, stackId, kind, key);
    return row === undefined ? null : (docOf(row) as StackParts[K]);
  }

  async listParts<K extends StackPartKind>(stackId: string, kind: K): Promise<ReadonlyArray<StackParts[K]>> {
    const sql = "SELECT doc FROM stack_parts WHERE stack_id = ? AND kind = ? ORDER BY key";
    return this.#rows(sql, stackId, kind).map(docOf) as Array<StackParts[K]>;
  }

  async listEvents(stackId: string, beforeMs: number, countMax: number): Promise<readonly StackEvent[]> {
    const sql = "SELECT doc FROM stack_events WHERE stack_id = ? AND at_ms < ? ORDER BY at_ms DESC LIMIT ?";
    return this.#rows(sql, stackId, beforeMs, countMax).map(docOf) as StackEvent[];
  }

  async listExports(after: string, countMax: number): Promise<readonly StackExport[]> {
    return this.#rows("SELECT * FROM stack_exports WHERE name > ? ORDER BY name LIMIT ?", after, countMax).map(
      toExport,
    );
  }

  async getExport(name: string): Promise<StackExport | null> {
    return this.#rows("SELECT * FROM stack_exports WHERE name = ?", name).map(toExport)[0] ?? null;
  }

  async listImporters(exportName: string): Promise<readonly string[]> {
    const sql = `SELECT stacks.name AS name FROM stack_imports JOIN stacks ON stacks.id = stack_imports.stack_id
      WHERE stack_imports.name = ? ORDER BY stacks.name`;
    return this.#rows(sql, exportName).map((row) => row["name"] as string);
  }

  #write(write: StackWrite, next: () => Revision): boolean {
    switch (write.op) {
      case "putStack":
        return this.#putStack(write.record, write.over, next());
      case "removeStack":
        return (
          this.#run("DELETE FROM stacks WHERE id = ? AND revision = ?", write.record.id, write.record.revision) > 0
        );
      case "putPart": {
        const sql = `INSERT INTO stack_parts (stack_id, kind, key, doc) VALUES (?, ?, ?, ?)
          ON CONFLICT DO UPDATE SET doc = excluded.doc`;
        this.#run(sql, write.stackId, write.kind, write.key, JSON.stringify(write.part));
        return true;
      }
      case "removePart": {
        const sql = "DELETE FROM stack_parts WHERE stack_id = ? AND kind = ? AND key = ?";
        this.#run(sql, write.stackId, write.kind, write.key);
        return true;
      }
      case "removeParts":
        this.#run("DELETE FROM stack_parts WHERE stack_id = ? AND kind = ?", write.stackId, write.kind);
        return true;
      case "addEvent": {
        const sql = "INSERT INTO stack_events (stack_id, at_ms, doc) VALUES (?, ?, ?)";
        return this.#run(sql, write.stackId, write.event.atMs, JSON.stringify(write.event)) > 0;
      }
      case "trimEvents": {
        const sql = `DELETE FROM stack_events WHERE stack_id = ? AND at_ms <=
          (SELECT at_ms FROM stack_events WHERE stack_id = ? ORDER BY at_ms DESC LIMIT 1 OFFSET ?)`;
        this.#run(sql, write.stackId, write.stackId, write.countMax);
        return true;
      }
      case "setExports":
        this.#run("DELETE FROM stack_exports WHERE stack_id = ?", write.stackId);
        return write.exports.every(({ name, value, stackId }) => {
          const sql = "INSERT INTO stack_exports (name, value, stack_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
          return this.#run(sql, name, value, stackId) > 0;
        });
      case "setImports":
        this.#run("DELETE FROM stack_imports WHERE stack_id = ?", write.stackId);
        for (const name of write.names)
          this.#run("INSERT INTO stack_imports (stack_id, name) VALUES (?, ?)", write.stackId, name);
        return true;
    }
  }

  #putStack(record: StackRecord, over: Stored<StackRecord> | null, revision: Revision): boolean {
    const { id, name, createdAtMs, deletedAtMs, head } = record;
    const isRunning = head !== null && head.phase !== "end" ? 1 : 0;
    const { revision: _, ...bare } = record as StackRecord & { readonly revision?: Revision };
    const doc = JSON.stringify(bare);
    if (over === null) {
      const sql = `INSERT INTO stacks (id, name, created_at_ms, deleted_at_ms, is_running, doc, revision)
        VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
      return this.#run(sql, id, name, createdAtMs, deletedAtMs, isRunning, doc, revision) > 0;
    }
    const sql = `UPDATE stacks SET deleted_at_ms = ?, is_running = ?, doc = ?, revision = ?
      WHERE id = ? AND revision = ?`;
    return this.#run(sql, deletedAtMs, isRunning, doc, revision, id, over.revision) > 0;
  }

  #stacks(where: string, ...values: SQLInputValue[]): ReadonlyArray<Stored<StackRecord>> {
    return this.#rows(`SELECT doc, revision FROM stacks ${where}`, ...values).map((row) => ({
      ...(docOf(row) as StackRecord),
      revision: row["revision"] as Revision,
    }));
  }

  #rows(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#db.prepare(sql).all(...values) as Row[];
  }

  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#db.prepare(sql).run(...values).changes);
  }
}

function docOf(row: Row): unknown {
  return JSON.parse(row["doc"] as string);
}

function toExport(row: Row): StackExport {
  return { name: row["name"] as string, value: row["value"] as string, stackId: row["stack_id"] as string };
}
