/**
 * The metadata of an installation in one PostgreSQL database: its format, whose it is, who may write, and the stores of
 * its scopes. docs/design/0034-metadata-on-postgresql.md
 */
import type { Clock } from "../../base/clock.ts";
import type { AccountScope } from "../../model/function-name.ts";
import { ThawError } from "../../model/platform-errors.ts";
import type { MetadataStore, Write } from "../../ports/metadata-store.ts";
import type { DatabaseAddress } from "./database-url.ts";
import { Connections, type Outcome, type Query } from "./connections.ts";
import { DatabaseTakenError, stateOf } from "./database-errors.ts";
import { type Holder, Lease } from "./lease.ts";
import { FORMAT, MIGRATIONS } from "./migrations.ts";
import { PostgresStore } from "./postgres-store.ts";
import { ScopeTransactions } from "./scope-transactions.ts";

export interface DatabaseOptions {
  readonly address: DatabaseAddress;
  readonly holder: Holder;
  /** Id of the installation whose data directory belongs to the database. */
  readonly installation: string;
  /** Whether the directory has been used with its database before: then the database must know it. */
  readonly isKnown: boolean;
  readonly home: AccountScope;
  readonly clock: Clock;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** Why a database can't be used, for whoever starts the server. */
export class DatabaseRefusedError extends ThawError<"DATABASE_REFUSED"> {
  constructor(publicMessage: string, cause?: unknown) {
    super("DATABASE_REFUSED", { publicMessage, cause });
  }
}

/** Older ones are not tested. */
const SERVER_VERSION_MIN = 15;
/** Two starts that make the same tables wait for one another: a lock of the transaction, which PgBouncer allows. */
const MIGRATION_LOCK = 7_239_412_026;

/** Opens the database, makes or brings up its tables, and takes it. Throws with a sentence where it can't be used. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { address, clock, holder, onProblem } = options;
  const connections = new Connections(address, clock);
  try {
    await checkServer(connections, address);
    const found = await formatOf(connections);
    if (found > FORMAT)
      throw new DatabaseRefusedError(
        `The database ${address.shown} has format ${found}; this version of Thaw knows formats up to ${FORMAT}. It was written by a newer version of Thaw: start that one, or restore a backup of this one.`,
      );
    // The lease is one of the first format's tables: later ones are made by who has it.
    if (found === 0) await migrate(connections, address, 0, 1);
    const lease = await Lease.take({ connections, holder, database: address.shown, clock, onProblem });
    try {
      if (found < FORMAT) await migrate(connections, address, Math.max(found, 1), FORMAT);
      await checkInstallation(connections, options);
    } catch (error) {
      await lease.release();
      throw error;
    }
    return new Database(connections, lease);
  } catch (error) {
    await connections.close();
    throw error;
  }
}

export class Database {
  readonly #connections: Connections;
  readonly #lease: Lease;

  constructor(connections: Connections, lease: Lease) {
    this.#connections = connections;
    this.#lease = lease;
  }

  /** Resolves when another server has taken the database: nothing can be read or written any more. */
  get taken(): Promise<void> {
    return this.#lease.taken;
  }

  async listScopes(): Promise<readonly AccountScope[]> {
    const rows = await this.#connections.read("SELECT account_id, region FROM thaw.scopes ORDER BY id");
    return rows.map((row) => ({ accountId: row["account_id"] as string, region: row["region"] as string }));
  }

  async openStore(scope: AccountScope, onCommitted: (writes: readonly Write[]) => void): Promise<MetadataStore> {
    const id = await this.#scopeId(scope);
    return new PostgresStore(new ScopeTransactions(this.#connections, this.#lease, id), onCommitted);
  }

  /** Removes all that an account has. */
  async removeAccount(accountId: string): Promise<void> {
    await this.#asHolder(async (query) => {
      await query("DELETE FROM thaw.scopes WHERE account_id = $1", accountId);
      return { isDone: true, value: undefined };
    });
  }

  async close(): Promise<void> {
    await this.#lease.release();
    await this.#connections.close();
  }

  async #scopeId({ accountId, region }: AccountScope): Promise<number> {
    return this.#asHolder(async (query) => {
      const sql = `INSERT INTO thaw.scopes (account_id, region, epoch) VALUES ($1, $2, $3)
        ON CONFLICT (account_id, region) DO UPDATE SET epoch = excluded.epoch RETURNING id`;
      const { rows } = await query(sql, accountId, region, this.#lease.epoch);
      return { isDone: true, value: rows[0]?.["id"] as number };
    });
  }

  /** Runs a transaction that another server's taking waits for, or that comes after it and is refused. */
  #asHolder<T>(run: (query: Query) => Promise<Outcome<T>>): Promise<T> {
    this.#lease.check();
    const opening = `SELECT epoch FROM thaw.lease WHERE epoch = ${this.#lease.epoch} FOR SHARE`;
    return this.#connections.transact(opening, ([row], query) => {
      if (row !== undefined) return run(query);
      this.#lease.lost();
      throw new DatabaseTakenError();
    });
  }
}

async function checkServer(connections: Connections, { shown }: DatabaseAddress): Promise<void> {
  const sql =
    "SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding";
  const [row] = await reached(connections.read(sql), shown);
  const version = Math.trunc((row?.["version"] as number) / 10_000);
  if (version < SERVER_VERSION_MIN)
    throw new DatabaseRefusedError(
      `The database ${shown} is of PostgreSQL ${version}; Thaw needs ${SERVER_VERSION_MIN} or newer.`,
    );
  if (row?.["encoding"] !== "UTF8")
    throw new DatabaseRefusedError(
      `The database ${shown} has the encoding ${String(row?.["encoding"])}. Make one with: createdb --encoding UTF8 --template template0`,
    );
}

async function reached<T>(answer: Promise<T>, shown: string): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const cause = error instanceof ThawError ? error.cause : error;
    const why = cause instanceof Error && cause.message !== "" ? cause.message : String(Object(cause).code ?? cause);
    throw new DatabaseRefusedError(
      `The database ${shown} can't be used: ${why}. Check --database, the password, and that it is up.`,
      cause,
    );
  }
}

async function formatOf(connections: Connections): Promise<number> {
  const [row] = await connections.read("SELECT to_regclass('thaw.format') IS NOT NULL AS is_there");
  if (row?.["is_there"] !== true) return 0;
  const [format] = await connections.read("SELECT version FROM thaw.format");
  return format?.["version"] as number;
}

/** Brings the tables from one format to another, in one transaction. Another start may have done it meanwhile. */
async function migrate(
  connections: Connections,
  { shown, user }: DatabaseAddress,
  from: number,
  to: number,
): Promise<void> {
  try {
    await connections.transact(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`, async (_rows, query) => {
      const there = await query(
        "SELECT to_regnamespace('thaw') IS NOT NULL AS has_schema, to_regclass('thaw.format') IS NOT NULL AS has_tables",
      );
      const [row] = there.rows;
      const isDone = from === 0 && row?.["has_tables"] === true;
      if (isDone) return { isDone: false, value: undefined };
      if (row?.["has_schema"] !== true) await query("CREATE SCHEMA thaw");
      for (const migration of MIGRATIONS.slice(from, to)) await query(migration);
      await query(`UPDATE thaw.format SET version = ${to}`);
      return { isDone: true, value: undefined };
    });
  } catch (error) {
    if (stateOf(error) !== "42501") throw error;
    throw new DatabaseRefusedError(
      `${user} may not make tables in ${shown}: ${(error as Error).message}. Run as its owner: CREATE SCHEMA thaw AUTHORIZATION "${user}"`,
      error,
    );
  }
}

/** The database and the data directory, which has the code, the keys and the snapshots, must be of one installation. */
async function checkInstallation(
  connections: Connections,
  { address: { shown }, installation, isKnown, home }: DatabaseOptions,
): Promise<void> {
  const own = `${home.accountId}/${home.region}`;
  await connections.transact("SELECT id, home FROM thaw.installation", async ([row], query) => {
    if (row === undefined && isKnown)
      throw new DatabaseRefusedError(
        `The data directory belongs to a database that has its functions, and ${shown} is empty. Name that database, or restore its dump here.`,
      );
    if (row === undefined) {
      await query("INSERT INTO thaw.installation (id, home) VALUES ($1, $2)", installation, own);
      return { isDone: true, value: undefined };
    }
    if (row["id"] !== installation)
      throw new DatabaseRefusedError(
        `The database ${shown} belongs to another data directory, which has the code, the keys and the snapshots of its functions. Name that directory with --data, or another database.`,
      );
    if (row["home"] !== own)
      throw new DatabaseRefusedError(
        `The database ${shown} was begun with the account and Region ${String(row["home"])}, and THAW_ACCOUNT_ID and THAW_REGION say ${own}. Set them to what they were.`,
      );
    return { isDone: false, value: undefined };
  });
}
