/** Settings that say where the metadata is. */
import { readFileSync } from "node:fs";
import {
  type DatabaseAddress,
  DatabaseUrlError,
  hasPassword,
  parseDatabaseUrl,
} from "../../store/postgres/database-url.ts";
import { optional } from "./declaration.ts";
import { UsageError } from "./usage-error.ts";
import { directory, text } from "./value-types.ts";

export const DATABASE_OPTIONS = {
  database: optional({
    name: "database",
    flag: "URL",
    variable: "THAW_DATABASE",
    type: text("`postgres://USER@HOST:PORT/DATABASE`, with `?sslmode=verify-full` for another host"),
    defaultText: "SQLite in the data directory",
    unit: null,
    secretIn: (url) => (hasPassword(url) ? "a URL with a password" : null),
    help: "functions, versions, accepted events and stacks are kept in this PostgreSQL database; code and snapshots stay in the data directory",
  }),
  databasePasswordFile: optional({
    name: "database-password-file",
    flag: "FILE",
    variable: "THAW_DATABASE_PASSWORD_FILE",
    type: directory,
    defaultText: "none",
    unit: null,
    help: "file with the password of the database's user; read by whoever starts the server",
  }),
  databasePassword: optional({
    name: "database-password",
    flag: null,
    variable: "THAW_DATABASE_PASSWORD",
    type: text("a password"),
    defaultText: "the one in the URL or the file",
    unit: null,
    isSecret: true,
    help: "password of the database's user",
  }),
};

interface DatabaseSettings {
  readonly database: string | null;
  readonly databasePassword: string | null;
  readonly databasePasswordFile: string | null;
}

/** Null: no database is named. Throws a UsageError where the settings are wrong. */
export function toDatabase(settings: DatabaseSettings): DatabaseAddress | null {
  const { database, databasePassword, databasePasswordFile } = settings;
  if (database === null) {
    if (databasePasswordFile !== null) throw new UsageError("--database-password-file needs --database");
    return null;
  }
  if (databasePassword !== null && databasePasswordFile !== null)
    throw new UsageError("THAW_DATABASE_PASSWORD and --database-password-file are both set: leave one of them out");
  const password = databasePasswordFile === null ? databasePassword : readPassword(databasePasswordFile);
  try {
    return parseDatabaseUrl(database, password);
  } catch (error) {
    if (!(error instanceof DatabaseUrlError)) throw error;
    // Without its text, which may have a password.
    throw new UsageError(`--database: ${error.message}`);
  }
}

function readPassword(path: string): string {
  try {
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new UsageError(`--database-password-file ${path} can't be read: ${(error as Error).message}`);
  }
}
