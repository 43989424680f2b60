/**
 * Who may write: one server at a time, by a row with an epoch and a time of the database's clock. Each taking gives a
 * new epoch to all scopes, and each transaction names the epoch that it was begun under: of a server that was taken
 * over nothing is written any more, however late it hears of it.
 */
import type { Clock } from "../../base/clock.ts";
import { ThawError } from "../../model/platform-errors.ts";
import type { Connections, Outcome } from "./connections.ts";
import { DatabaseTakenError } from "./database-errors.ts";

/** How a server is known: the same after its restart, another one's wherever two could run at the same time. */
export interface Holder {
  readonly id: string;
  /** For the message to another server. */
  readonly shown: string;
}

class DatabaseHeldError extends ThawError<"DATABASE_HELD"> {
  constructor(database: string, shown: string, leftS: number) {
    super("DATABASE_HELD", {
      publicMessage: `The database ${database} is in use by another server, ${shown}; two on one database are not supported yet. Stop that one, or give this one a database of its own. If that one has died, its claim ends in ${leftS} s: start again then.`,
    });
  }
}

const LEASE_S = 15;
const RENEW_MS = 5000;

export interface LeaseOptions {
  readonly connections: Connections;
  readonly holder: Holder;
  readonly database: string;
  readonly clock: Clock;
  readonly onProblem: (what: string, error: unknown) => void;
}

export class Lease {
  readonly #options: LeaseOptions;
  readonly epoch: number;
  #isOver = false;
  #isTroubled = false;
  #cancel: () => void = () => undefined;
  #tell: () => void = () => undefined;
  /** Resolves when another server has taken the database. */
  readonly taken: Promise<void>;

  private constructor(options: LeaseOptions, epoch: number) {
    this.#options = options;
    this.epoch = epoch;
    this.taken = new Promise((resolve) => {
      this.#tell = resolve;
    });
    this.#renewLater();
  }

  /** Takes the lease. Throws where another server has it; a restart of the same one goes on at once. */
  static async take(options: LeaseOptions): Promise<Lease> {
    const { connections, holder, database } = options;
    const opening = `SELECT holder, shown, until > now() AS is_held, ceil(extract(epoch FROM until - now())) AS left_s
      FROM thaw.lease FOR UPDATE`;
    const epoch = await connections.transact<number>(opening, async ([row], query) => {
      if (row?.["is_held"] === true && row["holder"] !== holder.id)
        throw new DatabaseHeldError(database, String(row["shown"]), Number(row["left_s"]));
      const sql = `UPDATE thaw.lease SET epoch = epoch + 1, holder = $1, shown = $2,
        until = now() + make_interval(secs => $3) RETURNING epoch`;
      const taken = await query(sql, holder.id, holder.shown, LEASE_S);
      const next = taken.rows[0]?.["epoch"] as number;
      // Waits for the transactions of the one before, which have locked their scope.
      await query("UPDATE thaw.scopes SET epoch = $1", next);
      return { isDone: true, value: next };
    });
    return new Lease(options, epoch);
  }

  /** For what is read: throws once another server is known to have taken over. */
  check(): void {
    if (this.#isOver) throw new DatabaseTakenError();
  }

  /** Hears that a transaction found another epoch. */
  lost(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancel();
    this.#tell();
  }

  /** Lets the next server have it at once. */
  async release(): Promise<void> {
    this.#cancel();
    if (this.#isOver) return;
    this.#isOver = true;
    const { connections, onProblem } = this.#options;
    try {
      await connections.transact(`UPDATE thaw.lease SET until = now() WHERE epoch = ${this.epoch}`, done);
    } catch (error) {
      // It ends by itself.
      onProblem("let go of the database", error);
    }
  }

  #renewLater(): void {
    this.#cancel = this.#options.clock.after(RENEW_MS, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const sql = `UPDATE thaw.lease SET until = now() + interval '${LEASE_S} seconds' WHERE epoch = ${this.epoch} RETURNING epoch`;
    try {
      const isMine = await this.#options.connections.transact(sql, async (rows) => ({
        isDone: true,
        value: rows.length > 0,
      }));
      if (!isMine) return this.lost();
      this.#isTroubled = false;
    } catch (error) {
      // The epoch decides and not the time: once the database answers again it is this server's, unless another one
      // has come meanwhile.
      if (!this.#isTroubled) this.#options.onProblem("renew the claim on the database", error);
      this.#isTroubled = true;
    }
    if (!this.#isOver) this.#renewLater();
  }
}

async function done(): Promise<Outcome<undefined>> {
  return { isDone: true, value: undefined };
}
