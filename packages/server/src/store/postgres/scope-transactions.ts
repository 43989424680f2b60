/**
 * The transactions of one scope. Each begins with its scope's row, which gives the revision: so writers of a scope wait
 * for one another, in this process and in others, and what each of them reads is what the one before has left. With
 * that the plain isolation of PostgreSQL (read committed) is as good as one writer at a time.
 */
import type { Committed, Revision } from "../../ports/metadata-store.ts";
import type { Connections, Outcome, Query, Row, Value } from "./connections.ts";
import { DatabaseTakenError } from "./database-errors.ts";
import type { Lease } from "./lease.ts";

export class ScopeTransactions {
  readonly #connections: Connections;
  readonly #lease: Lease;
  readonly scope: number;
  readonly #heard = new Set<() => void>();
  /** End of the transaction that was asked for last: they are begun in that order. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(connections: Connections, lease: Lease, scope: number) {
    this.#connections = connections;
    this.#lease = lease;
    this.scope = scope;
  }

  /** Runs a statement of its own; `$1` is the scope. */
  async read(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    this.#lease.check();
    return this.#connections.read(sql, this.scope, ...values);
  }

  /**
   * Carries out `write` in a transaction that is undone where it gives false. `$1` of its statements is the scope.
   * `mayBeLost`: whoever waits need not wait for the disk of the database.
   */
  async commit(
    write: (query: Query, revision: Revision) => Promise<boolean>,
    { mayBeLost }: { readonly mayBeLost: boolean },
  ): Promise<Committed> {
    const isDone = await this.run(
      async (query, row) => {
        const isWritten = await write(query, row["revision"] as Revision);
        return { isDone: isWritten, value: isWritten };
      },
      mayBeLost ? "SET LOCAL synchronous_commit = off;" : "",
    );
    if (isDone) this.#tell();
    return isDone ? "done" : "changed";
  }

  /** Runs a transaction in its turn; `row` is the scope's. */
  run<T>(body: (query: Query, row: Row) => Promise<Outcome<T>>, settings = ""): Promise<T> {
    const own = this.#last.then(() => this.#run(body, settings));
    this.#last = own.catch(() => undefined);
    return own;
  }

  nextCommit(): Promise<void> {
    return new Promise((resolve) => this.#heard.add(resolve));
  }

  /** Resolves when all that was asked for has ended. */
  async close(): Promise<void> {
    await this.#last;
  }

  #run<T>(body: (query: Query, row: Row) => Promise<Outcome<T>>, settings: string): Promise<T> {
    this.#lease.check();
    const opening = `${settings} UPDATE thaw.scopes SET revision = revision + 1
      WHERE id = ${this.scope} AND epoch = ${this.#lease.epoch} RETURNING revision, last_uid`;
    return this.#connections.transact(opening, async ([row], query) => {
      if (row === undefined) throw await this.#whyNot(query);
      return body((sql, ...values) => query(sql, this.scope, ...values), row);
    });
  }

  /** The scope has another epoch, or has gone with its account. */
  async #whyNot(query: Query): Promise<Error> {
    const { rows } = await query("SELECT epoch FROM thaw.lease");
    if (rows[0]?.["epoch"] === this.#lease.epoch) return new Error("the account of this data has been removed");
    this.#lease.lost();
    return new DatabaseTakenError();
  }

  #tell(): void {
    for (const resolve of this.#heard) resolve();
    this.#heard.clear();
  }
}
