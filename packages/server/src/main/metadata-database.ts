/**
 * The metadata in a PostgreSQL database, and the file that ties the data directory to it: code, keys and snapshots are
 * in the one, and what names them in the other. A server that had only one of the two right would sweep what the other
 * one needs.
 */
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { systemClock as clock } from "../base/clock.ts";
import { systemRandom as random } from "../base/random.ts";
import { type AccountScope, isSameScope } from "../model/function-name.ts";
import { ThawError } from "../model/platform-errors.ts";
import type { DatabaseAddress } from "../store/postgres/database-url.ts";
import { type Metadata, metadataInFiles } from "./metadata.ts";
import { UsageError } from "./options/usage-error.ts";
import { logProblem } from "./problems.ts";
import { DATABASE, scopeDirectories } from "./scope-directories.ts";

/** In the data directory, where its metadata is in a database. */
export const DATABASE_MARK = "database.json";

interface Mark {
  readonly installation: string;
  /** Whether the database has been seen to have the same. */
  readonly isKnown: boolean;
}

export interface OpenedMetadata {
  readonly metadata: Metadata;
  /** Resolves when another server has taken the database; never for files. */
  readonly taken: Promise<void>;
}

export interface MetadataOptions {
  readonly dataDir: string;
  readonly home: AccountScope;
  /** Null: files. */
  readonly database: DatabaseAddress | null;
}

/** Throws a UsageError where the metadata is elsewhere, or can't be used. */
export async function openMetadata(options: MetadataOptions): Promise<OpenedMetadata> {
  const { dataDir, database } = options;
  if (database !== null) return openInDatabase(options, database);
  if (existsSync(join(dataDir, DATABASE_MARK)))
    throw new UsageError(
      `The metadata of ${dataDir} is in a PostgreSQL database. Name it: --database, or THAW_DATABASE where the URL has a password.`,
    );
  return { metadata: metadataInFiles(dataDir), taken: new Promise(() => undefined) };
}

async function openInDatabase({ dataDir, home }: MetadataOptions, address: DatabaseAddress): Promise<OpenedMetadata> {
  if (existsSync(join(dataDir, DATABASE)) || scopeDirectories(dataDir).length > 0)
    throw new UsageError(
      `${dataDir} has its metadata in ${DATABASE}, and moving it to a database is not supported. Start without --database, or name a new directory with --data.`,
    );
  const mark = readMark(dataDir) ?? makeMark(dataDir);
  const { openDatabase } = await import("../store/postgres/database.ts");
  const holder = { id: `${mark.installation} ${hostOf(dataDir)}`, shown: `process ${process.pid} on ${hostname()}` };
  try {
    const database = await openDatabase({
      address,
      holder,
      installation: mark.installation,
      isKnown: mark.isKnown,
      home,
      clock,
      onProblem: logProblem,
    });
    if (!mark.isKnown) writeMark(dataDir, { ...mark, isKnown: true });
    const metadata: Metadata = {
      listScopes: async () => (await database.listScopes()).filter((scope) => !isSameScope(scope, home)),
      open: (scope, _directory, onCommitted) => database.openStore(scope, onCommitted),
      removeAccount: (accountId) => database.removeAccount(accountId),
      close: () => database.close(),
    };
    return { metadata, taken: database.taken };
  } catch (error) {
    throw error instanceof ThawError ? new UsageError(error.publicMessage) : error;
  }
}

/** Throws a UsageError where the file is damaged: with another one's id nothing of the database may be touched. */
function readMark(dataDir: string): Mark | null {
  const path = join(dataDir, DATABASE_MARK);
  if (!existsSync(path)) return null;
  try {
    const { installation, isKnown } = JSON.parse(readFileSync(path, "utf8")) as Partial<Mark>;
    if (typeof installation === "string" && typeof isKnown === "boolean") return { installation, isKnown };
  } catch {
    // Said below.
  }
  throw new UsageError(
    `${path} is damaged. It has the id of the installation in the database: restore it from a backup.`,
  );
}

/** Before the database has it: a start that ends in between goes on with the same. */
function makeMark(dataDir: string): Mark {
  const mark = { installation: random.bytes(16).toString("hex"), isKnown: false };
  writeMark(dataDir, mark);
  return mark;
}

function writeMark(dataDir: string, mark: Mark): void {
  const path = join(dataDir, DATABASE_MARK);
  writeFileSync(`${path}.new`, `${JSON.stringify(mark)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

/** The same for one directory on one host, under whatever path it is mounted; another one for a copy of it. */
function hostOf(dataDir: string): string {
  const machine = existsSync("/etc/machine-id") ? readFileSync("/etc/machine-id", "utf8").trim() : "";
  return `${machine === "" ? hostname() : machine} ${statSync(dataDir).ino}`;
}
