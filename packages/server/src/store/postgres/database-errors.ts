/** What PostgreSQL, PgBouncer and the way to them say, as errors of Thaw. */
import { ThawError } from "../../model/platform-errors.ts";

/** The database does not answer, or not now. What was being written may be there all the same. */
export class DatabaseUnavailableError extends ThawError<"DATABASE_UNAVAILABLE"> {
  constructor(cause: unknown) {
    super("DATABASE_UNAVAILABLE", { cause });
  }
}

/** Another server has taken the database over. */
export class DatabaseTakenError extends ThawError<"DATABASE_TAKEN"> {
  constructor() {
    super("DATABASE_TAKEN", {});
  }
}

class DatabaseFullError extends ThawError<"STORE_FULL"> {
  constructor(cause: unknown) {
    super("STORE_FULL", {
      publicMessage: "The database has no room left: nothing can be changed. Its operator has to make room.",
      cause,
    });
  }
}

/** A transaction that another one was in the way of: nothing was written, and the same may be done now. */
const CONFLICTS: ReadonlySet<string> = new Set(["40001", "40P01"]);
const DISK_FULL = "53100";
/** Writes are refused while reads work: a standby, a full disk, a lock that is not let go. */
const WRITES_REFUSED: ReadonlySet<string> = new Set(["25006", DISK_FULL, "57014", "55P03", "25P03"]);
/**
 * The way is lost (08), resources are (53), an operator has ended it (57), the system has failed (58); who asks is
 * refused (28, 3D000), or the database is a standby (25006, 25P03: the transaction idled too long).
 */
const AWAY = /^(?:08|28|53|57|58)|^(?:3D000|25006|25P03|55P03)$/;

/** The SQLSTATE of an error of the server; null where it is another error, such as one of the way to it. */
export function stateOf(error: unknown): string | null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code) ? code : null;
}

export function isConflict(error: unknown): boolean {
  return CONFLICTS.has(stateOf(error) ?? "");
}

export function areWritesRefused(error: unknown): boolean {
  return WRITES_REFUSED.has(stateOf(error) ?? "");
}

/** Makes an error of Thaw of it where the database is why; a fault of ours stays what it is. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof ThawError) return error;
  const state = stateOf(error);
  if (state === DISK_FULL) return new DatabaseFullError(error);
  if (state === null || AWAY.test(state) || CONFLICTS.has(state)) return new DatabaseUnavailableError(error);
  return error;
}
