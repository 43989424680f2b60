/** The database of logs: opened, made, or begun anew where it is damaged. */
import { renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const VERSION = 1;

/**
 * An event lies where its group and its time say, so that a page of a group is read in one place; streams find theirs
 * by an index. What is removed is first only marked so: its events are taken away bit by bit.
 */
const SCHEMA = `
  CREATE TABLE groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, arn TEXT NOT NULL, created_ms INTEGER NOT NULL, retention_days INTEGER,
    tags TEXT NOT NULL, stored_bytes INTEGER NOT NULL DEFAULT 0, is_removed INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE UNIQUE INDEX groups_by_arn ON groups (arn) WHERE is_removed = 0;
  CREATE INDEX groups_by_size ON groups (stored_bytes);
  CREATE INDEX groups_with_retention ON groups (id) WHERE retention_days IS NOT NULL;
  CREATE INDEX groups_removed ON groups (id) WHERE is_removed = 1;
  CREATE TABLE streams (
    id INTEGER PRIMARY KEY AUTOINCREMENT, group_id INTEGER NOT NULL, name TEXT NOT NULL, created_ms INTEGER NOT NULL,
    last_event_ms INTEGER NOT NULL DEFAULT 0, last_ingestion_ms INTEGER NOT NULL DEFAULT 0,
    is_explicit INTEGER NOT NULL, is_removed INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE UNIQUE INDEX streams_by_name ON streams (group_id, name) WHERE is_removed = 0;
  CREATE INDEX streams_by_last_event ON streams (group_id, last_event_ms, name) WHERE is_removed = 0;
  CREATE INDEX streams_removed ON streams (id) WHERE is_removed = 1;
  CREATE TABLE events (
    group_id INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL, id INTEGER NOT NULL, stream_id INTEGER NOT NULL,
    ingestion_ms INTEGER NOT NULL, origin INTEGER NOT NULL, message TEXT NOT NULL,
    PRIMARY KEY (group_id, timestamp_ms, id)) STRICT, WITHOUT ROWID;
  CREATE INDEX events_by_stream ON events (stream_id, timestamp_ms, id);
  CREATE TABLE next_event (id INTEGER NOT NULL) STRICT;
  INSERT INTO next_event VALUES (1);
  PRAGMA user_version = ${VERSION};`;
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const DAMAGED_CODES: ReadonlySet<unknown> = new Set([11, 26]);

export interface OpenedDatabase {
  readonly db: DatabaseSync;
  /** Where a damaged database was put aside; null: there was none. */
  readonly putAside: string | null;
}

/** Opens the database. Throws where a newer version of Thaw has written it, or the disk fails. */
export function openLogDatabase(path: string): OpenedDatabase {
  try {
    return { db: open(path), putAside: null };
  } catch (error) {
    if (!DAMAGED_CODES.has((error as { readonly errcode?: unknown }).errcode)) throw error;
  }
  // Logs are no reason not to serve: the file is kept for whoever wants to look into it.
  const putAside = `${path}.damaged`;
  renameSync(path, putAside);
  for (const suffix of ["-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
  return { db: open(path), putAside };
}

function open(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    // A crash of the host may lose the last events, and damages nothing: the file is synced at checkpoints only.
    db.exec(`PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      PRAGMA secure_delete = FAST; PRAGMA busy_timeout = 2000; PRAGMA cache_size = -16000;`);
    const { user_version: found } = db.prepare("PRAGMA user_version").get() as { user_version: number };
    if (found > VERSION)
      throw new Error(`${path} has format ${found}; this version of Thaw knows ${VERSION}. Start the newer one.`);
    if (found < VERSION) db.exec(`BEGIN; ${SCHEMA} COMMIT;`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
