/** The index of objects, DATA/objects.db: which buckets, versions and uploads there are, and the files of each. */
import { DatabaseSync } from "node:sqlite";
import { ThawError } from "../model/platform-errors.ts";

/** What a row takes at least, in the index and as a file: empty objects count, too. */
const ROW_BYTES = 4096;

/** Keeps the total of what is stored. */
function countedTable(table: string): string {
  const bytes = (row: string): string =>
    table === "pieces" || table === "parts" ? `${row}.size_bytes + ${ROW_BYTES}` : String(ROW_BYTES);
  return `
  CREATE TRIGGER ${table}_added AFTER INSERT ON ${table} BEGIN
    UPDATE totals SET stored_bytes = stored_bytes + ${bytes("NEW")}; END;
  CREATE TRIGGER ${table}_removed AFTER DELETE ON ${table} BEGIN
    UPDATE totals SET stored_bytes = stored_bytes - (${bytes("OLD")}); END;`;
}

/** One step a format, as in the store of the metadata. */
const MIGRATIONS = [
  `
  CREATE TABLE buckets (name TEXT PRIMARY KEY, account_id TEXT NOT NULL, doc TEXT NOT NULL) STRICT;
  CREATE INDEX buckets_of_account ON buckets (account_id, name);
  CREATE TABLE versions (id INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL REFERENCES buckets(name),
    key TEXT NOT NULL, version_id TEXT NOT NULL, is_current INTEGER NOT NULL, is_marker INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL, doc TEXT NOT NULL, UNIQUE (bucket, key, version_id)) STRICT;
  CREATE INDEX versions_current ON versions (bucket, key) WHERE is_current = 1 AND is_marker = 0;
  CREATE INDEX versions_newest ON versions (bucket, key, id DESC);
  CREATE TABLE uploads (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    bucket TEXT NOT NULL REFERENCES buckets(name), key TEXT NOT NULL, doc TEXT NOT NULL) STRICT;
  CREATE INDEX uploads_of_bucket ON uploads (bucket, key, number);
  CREATE TABLE pieces (version INTEGER NOT NULL REFERENCES versions(id) ON DELETE CASCADE, number INTEGER NOT NULL,
    file TEXT NOT NULL UNIQUE, size_bytes INTEGER NOT NULL, checksum TEXT, PRIMARY KEY (version, number))
    STRICT, WITHOUT ROWID;
  CREATE TABLE parts (upload TEXT NOT NULL REFERENCES uploads(id) ON DELETE CASCADE, number INTEGER NOT NULL,
    file TEXT NOT NULL UNIQUE, size_bytes INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (upload, number))
    STRICT, WITHOUT ROWID;
  CREATE TABLE totals (id INTEGER PRIMARY KEY CHECK (id = 1), stored_bytes INTEGER NOT NULL) STRICT;
  INSERT INTO totals VALUES (1, 0);
${["versions", "uploads", "pieces", "parts"].map(countedTable).join("")}`,
  // Events of buckets, on their way to where notifications go.
  `
  CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, doc TEXT NOT NULL) STRICT;
${countedTable("events")}`,
];

class IndexFormatError extends ThawError {
  constructor(found: number) {
    super("STORE_FORMAT_UNKNOWN", {
      publicMessage: `The index of objects has format ${found}; this version of Thaw knows formats up to ${MIGRATIONS.length}. It was written by a newer version of Thaw: start that one, or restore a backup of this one.`,
      detail: { found },
    });
  }
}

export function openIndexDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 2000;",
  );
  const { user_version: found } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (found > MIGRATIONS.length) {
    db.close();
    throw new IndexFormatError(found);
  }
  if (found < MIGRATIONS.length)
    db.exec(`BEGIN; ${MIGRATIONS.slice(found).join("")} PRAGMA user_version = ${MIGRATIONS.length}; COMMIT;`);
  return db;
}
