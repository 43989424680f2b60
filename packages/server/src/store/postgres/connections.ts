/**
 * The connections to a PostgreSQL database, all scopes together. Nothing rests on the session: PgBouncer may hand the
 * next transaction to another one. So there are no prepared statements, no session locks, no LISTEN, and settings are
 * those of a transaction (`SET LOCAL`).
 */
import pg from "pg";
import type { Clock } from "../../base/clock.ts";
import type { DatabaseAddress } from "./database-url.ts";
import { areWritesRefused, isConflict, toStoreError } from "./database-errors.ts";

export type Row = Readonly<Record<string, unknown>>;
export type Value = string | number | Buffer | null;

/** Carries out one statement: its rows, and how many it wrote or read. */
export type Query = (
  sql: string,
  ...values: readonly Value[]
) => Promise<{ readonly rows: Row[]; readonly count: number }>;

/** Outcome of a transaction's statements: false undoes them. */
export interface Outcome<T> {
  readonly isDone: boolean;
  readonly value: T;
}

const CONNECTIONS_MAX = 10;
const CONNECT_MS_MAX = 5000;
/** An answer that takes longer will not come: the way to the database is lost, and nobody has said so. */
const ANSWER_MS_MAX = 15_000;
const ATTEMPTS_MAX = 5;
/**
 * The server's own limit of a transaction that says nothing more, so that one of a host that is lost does not keep its
 * locks.
 */
const IDLE_MS_MAX = 20_000;
/** After a refused write: who reads, acts and then writes must not act again and again. */
const REFUSED_PAUSE_MS = 1000;
const INT8 = 20;

/** What the database answered, or the way to it, where that was an error. */
class FailedAnswer extends Error {}

export class Connections {
  readonly #pool: pg.Pool;
  readonly #clock: Clock;
  #refused: { readonly error: unknown; readonly untilMs: number } | null = null;

  constructor(address: DatabaseAddress, clock: Clock) {
    this.#clock = clock;
    this.#pool = new pg.Pool({
      host: address.host,
      port: address.port,
      database: address.database,
      user: address.user,
      password: address.password ?? undefined,
      ssl: address.ssl,
      application_name: address.applicationName,
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      query_timeout: ANSWER_MS_MAX,
      keepAlive: true,
      types: { getTypeParser: parserOf as typeof pg.types.getTypeParser },
    });
    // One that ends in the pool has left it; one that ends in use fails its query. Without a listener it is an
    // uncaught exception.
    this.#pool.on("error", () => undefined);
    this.#pool.on("connect", (client) => void client.on("error", () => undefined));
  }

  async read(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    this.#refuseSoon();
    try {
      return (await this.#pool.query<Record<string, unknown>>(sql, [...values])).rows;
    } catch (error) {
      throw toStoreError(error);
    }
  }

  /**
   * Runs a transaction. `opening` is sent along with its beginning, without values, and `run` gets its rows. Where
   * others were in the way it is run again, as a whole. Rejects where the database fails; what was written is then
   * undone, unless the failure hid the answer to the commit.
   */
  async transact<T>(opening: string, run: (rows: Row[], query: Query) => Promise<Outcome<T>>): Promise<T> {
    this.#refuseSoon();
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#transactOnce(opening, run);
      } catch (thrown) {
        // What `run` throws by itself is no failure of the database.
        if (!(thrown instanceof FailedAnswer)) throw thrown;
        const { cause } = thrown;
        if (isConflict(cause) && attempt < ATTEMPTS_MAX) continue;
        const told = toStoreError(cause);
        if (areWritesRefused(cause))
          this.#refused = { error: told, untilMs: this.#clock.monotonicMs() + REFUSED_PAUSE_MS };
        throw told;
      }
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  #refuseSoon(): void {
    if (this.#refused === null) return;
    if (this.#clock.monotonicMs() < this.#refused.untilMs) throw this.#refused.error;
    this.#refused = null;
  }

  async #transactOnce<T>(opening: string, run: (rows: Row[], query: Query) => Promise<Outcome<T>>): Promise<T> {
    const client = await answered(this.#pool.connect());
    // Closed and not given back where anything fails: the server then undoes what it has.
    let isWhole = false;
    try {
      const begin = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${IDLE_MS_MAX}; ${opening}`;
      const answers = (await answered(client.query(begin))) as unknown as ReadonlyArray<{ readonly rows: Row[] }>;
      const { isDone, value } = await run(answers.at(-1)?.rows ?? [], async (sql, ...values) => {
        const { rows, rowCount } = await answered(client.query<Record<string, unknown>>(sql, [...values]));
        return { rows, count: rowCount ?? 0 };
      });
      await answered(client.query(isDone ? "COMMIT" : "ROLLBACK"));
      isWhole = true;
      return value;
    } finally {
      client.release(!isWhole);
    }
  }
}

async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new FailedAnswer("the database failed", { cause });
  }
}

/** Numbers of 64 bits as JavaScript's: those here are times, counts and revisions, far below 2 ** 53. */
function parserOf(oid: number, format?: "text" | "binary"): unknown {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format as "text");
}
