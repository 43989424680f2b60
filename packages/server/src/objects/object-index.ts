/** Rows of the index of objects. Each call is carried out at once; changes of several rows are transactions. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { ServiceError } from "../model/service-error.ts";
import type { ObjectEvent, StoredObjectEvent } from "../model/bucket-events/event.ts";
import type { BucketRecord, ObjectPart, ObjectVersion, PartRecord, UploadRecord } from "../model/object-record.ts";
import type { Listed, ListRange } from "../ports/object-store.ts";
import type { Piece } from "./content-files.ts";
import { type From, rollUp, type Row } from "./roll-up.ts";

/** SQLITE_FULL, and what SQLite says where a file beside the database can't grow. */
const FULL_CODES: ReadonlySet<unknown> = new Set([13, 778, 4874]);

interface DocRow {
  readonly doc: string;
}

interface VersionRow extends DocRow {
  readonly id: number;
  readonly key: string;
  readonly is_current: number;
}

export interface StoredVersion {
  readonly row: number;
  readonly version: ObjectVersion;
}

export class ObjectIndex {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  close(): void {
    this.#db.close();
  }

  storedBytes(): number {
    return Number(this.#get("SELECT stored_bytes FROM totals")?.["stored_bytes"]);
  }

  /** Carries out `change` as a whole or not at all. */
  transaction<T>(change: () => T): T {
    this.#run("BEGIN IMMEDIATE");
    try {
      const result = change();
      this.#run("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#run("ROLLBACK");
      if (FULL_CODES.has((error as { readonly errcode?: number }).errcode))
        throw new ServiceError("QuotaExceeded", "The host's disk is full.");
      throw error;
    }
  }

  addBucket(bucket: BucketRecord): boolean {
    const sql = "INSERT INTO buckets VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    return this.#run(sql, bucket.name, bucket.accountId, JSON.stringify(bucket)) === 1;
  }

  bucket(name: string): BucketRecord | null {
    const row = this.#get("SELECT doc FROM buckets WHERE name = ?", name);
    return row === undefined ? null : fromDoc<BucketRecord>(row);
  }

  buckets(accountId: string): readonly BucketRecord[] {
    return this.#all("SELECT doc FROM buckets WHERE account_id = ? ORDER BY name", accountId).map((row) =>
      fromDoc<BucketRecord>(row),
    );
  }

  setBucket(bucket: BucketRecord): void {
    this.#run("UPDATE buckets SET doc = ? WHERE name = ?", JSON.stringify(bucket), bucket.name);
  }

  /** True where the bucket has a version, a delete marker or an upload. */
  isUsed(bucket: string): boolean {
    const sql = `SELECT EXISTS (SELECT 1 FROM versions WHERE bucket = ?1)
      OR EXISTS (SELECT 1 FROM uploads WHERE bucket = ?1) AS used`;
    return this.#get(sql, bucket)?.["used"] === 1;
  }

  removeBucket(name: string): void {
    this.#run("DELETE FROM buckets WHERE name = ?", name);
  }

  current(bucket: string, key: string): StoredVersion | null {
    return this.#version("SELECT * FROM versions WHERE bucket = ? AND key = ? AND is_current = 1", bucket, key);
  }

  version(bucket: string, key: string, versionId: string): StoredVersion | null {
    return this.#version(
      "SELECT * FROM versions WHERE bucket = ? AND key = ? AND version_id = ?",
      bucket,
      key,
      versionId,
    );
  }

  newest(bucket: string, key: string): StoredVersion | null {
    return this.#version("SELECT * FROM versions WHERE bucket = ? AND key = ? ORDER BY id DESC LIMIT 1", bucket, key);
  }

  pieces(row: number): readonly Piece[] {
    return this.#all("SELECT file, size_bytes FROM pieces WHERE version = ? ORDER BY number", row).map(toPiece);
  }

  partsOf(row: number, after: number, max: number): readonly ObjectPart[] {
    const sql = "SELECT * FROM pieces WHERE version = ? AND number > ? ORDER BY number LIMIT ?";
    return this.#all(sql, row, after, max).map((piece) => ({
      number: Number(piece["number"]),
      sizeBytes: Number(piece["size_bytes"]),
      checksum: piece["checksum"] === null ? null : String(piece["checksum"]),
    }));
  }

  addVersion(version: ObjectVersion, pieces: ReadonlyArray<Piece & { readonly checksum?: string | null }>): void {
    const { bucket, key, versionId, isMarker, sizeBytes } = version;
    this.#run("UPDATE versions SET is_current = 0 WHERE bucket = ? AND key = ? AND is_current = 1", bucket, key);
    const sql = `INSERT INTO versions (bucket, key, version_id, is_current, is_marker, size_bytes, doc)
      VALUES (?, ?, ?, 1, ?, ?, ?) RETURNING id`;
    const row = this.#get(sql, bucket, key, versionId, isMarker ? 1 : 0, sizeBytes, JSON.stringify(version));
    const sqlOfPiece = "INSERT INTO pieces VALUES (?, ?, ?, ?, ?)";
    for (const [at, { file, sizeBytes: bytes, checksum = null }] of pieces.entries())
      this.#run(sqlOfPiece, Number(row?.["id"]), at + 1, file, bytes, checksum);
  }

  setVersion({ row, version }: StoredVersion): void {
    this.#run("UPDATE versions SET doc = ? WHERE id = ?", JSON.stringify(version), row);
  }

  setCurrent({ row }: StoredVersion): void {
    this.#run("UPDATE versions SET is_current = 1 WHERE id = ?", row);
  }

  removeVersion({ row }: StoredVersion): void {
    this.#run("DELETE FROM versions WHERE id = ?", row);
  }

  listCurrent(range: ListRange): Listed<ObjectVersion> {
    return rollUp(range, (from) => this.#versionsFrom("is_current = 1 AND is_marker = 0", "key", range.bucket, from));
  }

  listVersions(range: ListRange & { readonly afterVersionId: string }): Listed<ObjectVersion> {
    const { bucket, after, afterVersionId } = range;
    const from = (start: From): Iterable<Row<ObjectVersion>> => this.#versionsFrom("1", "key, id DESC", bucket, start);
    const marked = afterVersionId === "" ? null : this.version(bucket, after, afterVersionId);
    if (marked === null) return rollUp(range, from);
    const older = this.#restOfKey(bucket, after, marked.row);
    return rollUp(
      range,
      (start) => (start.at === "after" && start.key === after ? chain(older, from(start)) : from(start)),
      {
        at: "after",
        key: after,
      },
    );
  }

  addUpload(upload: UploadRecord): void {
    this.#run(
      "INSERT INTO uploads (id, bucket, key, doc) VALUES (?, ?, ?, ?)",
      upload.id,
      upload.bucket,
      upload.key,
      JSON.stringify(upload),
    );
  }

  upload(bucket: string, key: string, id: string): UploadRecord | null {
    const row = this.#get("SELECT doc FROM uploads WHERE id = ? AND bucket = ? AND key = ?", id, bucket, key);
    return row === undefined ? null : fromDoc<UploadRecord>(row);
  }

  removeUpload(id: string): void {
    this.#run("DELETE FROM uploads WHERE id = ?", id);
  }

  listUploads(range: ListRange & { readonly afterId: string }): Listed<UploadRecord> {
    const { bucket, after, afterId } = range;
    const marked = afterId === "" ? undefined : this.#get("SELECT number FROM uploads WHERE id = ?", afterId);
    const from = (start: From): Iterable<Row<UploadRecord>> =>
      rowsOf<UploadRecord>(this.#iterate("SELECT key, doc FROM uploads", bucket, start, "key, number"));
    if (marked === undefined) return rollUp(range, from);
    const later = rowsOf<UploadRecord>(
      this.#statement("SELECT key, doc FROM uploads WHERE bucket = ? AND key = ? AND number > ? ORDER BY number").all(
        bucket,
        after,
        Number(marked["number"]),
      ),
    );
    return rollUp(
      range,
      (start) => (start.at === "after" && start.key === after ? chain(later, from(start)) : from(start)),
      {
        at: "after",
        key: after,
      },
    );
  }

  /** Gives the file of the part that this one takes the place of. */
  putPart(uploadId: string, part: PartRecord, file: string): string | null {
    const before = this.#get("SELECT file FROM parts WHERE upload = ? AND number = ?", uploadId, part.number);
    this.#run("DELETE FROM parts WHERE upload = ? AND number = ?", uploadId, part.number);
    const sql = "INSERT INTO parts VALUES (?, ?, ?, ?, ?)";
    this.#run(sql, uploadId, part.number, file, part.sizeBytes, JSON.stringify(part));
    return before === undefined ? null : String(before["file"]);
  }

  parts(uploadId: string, after: number, max: number): ReadonlyArray<PartRecord & { readonly file: string }> {
    const sql = "SELECT file, doc FROM parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?";
    return this.#all(sql, uploadId, after, max).map((row) => ({
      ...fromDoc<PartRecord>(row),
      file: String(row["file"]),
    }));
  }

  addEvent(event: ObjectEvent): void {
    this.#run("INSERT INTO events (doc) VALUES (?)", JSON.stringify(event));
  }

  events(countMax: number): readonly StoredObjectEvent[] {
    return this.#all("SELECT id, doc FROM events ORDER BY id LIMIT ?", countMax).map((row) => ({
      ...fromDoc<ObjectEvent>(row),
      id: Number(row["id"]),
    }));
  }

  removeEvent({ id }: StoredObjectEvent): void {
    this.#run("DELETE FROM events WHERE id = ?", id);
  }

  isNamed(file: string): boolean {
    const sql = `SELECT EXISTS (SELECT 1 FROM pieces WHERE file = ?1) OR EXISTS (SELECT 1 FROM parts WHERE file = ?1) AS named`;
    return this.#get(sql, file)?.["named"] === 1;
  }

  #versionsFrom(where: string, order: string, bucket: string, from: From): Iterable<Row<ObjectVersion>> {
    return versionRows(this.#iterate(`SELECT * FROM versions WHERE ${where} AND`, bucket, from, order));
  }

  /** The versions of a key that are older than a row. */
  #restOfKey(bucket: string, key: string, row: number): Iterable<Row<ObjectVersion>> {
    const sql = "SELECT * FROM versions WHERE bucket = ? AND key = ? AND id < ? ORDER BY id DESC";
    return versionRows(this.#statement(sql).all(bucket, key, row));
  }

  #iterate(select: string, bucket: string, from: From, order: string): Iterable<Record<string, unknown>> {
    const head = select.endsWith("AND") ? select : `${select} WHERE`;
    const at = { key: "key >= ?", after: "key > ?", behind: "key > CAST(? AS TEXT)" }[from.at];
    // No text in UTF-8 has the byte 255, so this is greater than all that begin alike.
    const start = from.at === "behind" ? Buffer.concat([Buffer.from(from.prefix), Buffer.from([255])]) : from.key;
    return this.#statement(`${head} bucket = ? AND ${at} ORDER BY ${order}`).iterate(bucket, start);
  }

  #version(sql: string, ...values: SQLInputValue[]): StoredVersion | null {
    const row = this.#get(sql, ...values) as VersionRow | undefined;
    return row === undefined ? null : { row: row.id, version: toVersion(row) };
  }

  #get(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    return this.#statement(sql).get(...values) as Record<string, unknown> | undefined;
  }

  #all(sql: string, ...values: SQLInputValue[]): ReadonlyArray<Record<string, unknown>> {
    return this.#statement(sql).all(...values) as Array<Record<string, unknown>>;
  }

  /** Gives the number of rows that were changed. */
  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  #statement(sql: string): StatementSync {
    const found = this.#statements.get(sql);
    if (found !== undefined) return found;
    const made = this.#db.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}

function fromDoc<T>(row: Readonly<Record<string, unknown>>): T {
  return JSON.parse(String(row["doc"])) as T;
}

function toPiece(row: Readonly<Record<string, unknown>>): Piece {
  return { file: String(row["file"]), sizeBytes: Number(row["size_bytes"]) };
}

/** Whether it is the current one is the row's matter: it changes without the document. */
function toVersion(row: Pick<VersionRow, "doc" | "is_current">): ObjectVersion {
  return { ...(JSON.parse(row.doc) as ObjectVersion), isCurrent: row.is_current === 1 };
}

function* versionRows(rows: Iterable<unknown>): Generator<Row<ObjectVersion>> {
  for (const row of rows as Iterable<VersionRow>) yield { key: row.key, item: toVersion(row) };
}

function* rowsOf<T>(rows: Iterable<unknown>): Generator<Row<T>> {
  for (const row of rows as Iterable<{ readonly key: string; readonly doc: string }>)
    yield { key: row.key, item: JSON.parse(row.doc) as T };
}

function* chain<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  yield* first;
  yield* second;
}
