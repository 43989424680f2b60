/**
 * Objects on this host's disk: content in files (content-files.ts), everything else in an index (schema.ts). A file is
 * on the disk before a row names it, and is removed after the last row that did.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { ChangeCause } from "../model/bucket-events/event.ts";
import type { AccountScope } from "../model/function-name.ts";
import { ServiceError } from "../model/service-error.ts";
import {
  type BucketRecord,
  NO_FACTS,
  NULL_VERSION,
  type ObjectFacts,
  type ObjectPart,
  type ObjectVersion,
  type PartRecord,
  type UploadRecord,
} from "../model/object-record.ts";
import type {
  ByteRange,
  CompletedObject,
  CompletedPart,
  Listed,
  ListRange,
  ObjectName,
  ObjectStore,
  ObjectWrite,
  ReceivedContent,
  ReceiveLimits,
  Removed,
  WriteConditions,
} from "../ports/object-store.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { ContentFiles, type Piece } from "./content-files.ts";
import { adoptEarlier, earlierBuckets } from "./earlier-objects.ts";
import { EventOutbox } from "./event-outbox.ts";
import { ObjectIndex, type StoredVersion } from "./object-index.ts";
import { Room } from "./room.ts";
import { openIndexDatabase } from "./schema.ts";

export interface ObjectDirectoryOptions {
  readonly dataDir: string;
  /** Whose the buckets are that an earlier release made. */
  readonly scope: AccountScope;
  /** Of all objects together. */
  readonly bytesMax: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly onProblem: (what: string, error: unknown) => void;
}

export interface ObjectDirectory extends ObjectStore {
  close(): Promise<void>;
}

export function openObjectDirectory(options: ObjectDirectoryOptions): ObjectDirectory {
  const root = join(options.dataDir, "objects");
  mkdirSync(join(root, "content"), { recursive: true });
  return new Directory(root, new ObjectIndex(openIndexDatabase(join(options.dataDir, "objects.db"))), options);
}

/** What a transaction gives, and the files that no row names any more. */
interface Changed<T> {
  readonly result: T;
  readonly files: readonly string[];
}

class Directory implements ObjectDirectory {
  readonly events: EventOutbox;
  readonly #root: string;
  readonly #index: ObjectIndex;
  readonly #files: ContentFiles;
  readonly #options: ObjectDirectoryOptions;
  readonly #earlier: Set<string>;
  readonly #sweep: Promise<void>;
  #isClosed = false;

  constructor(root: string, index: ObjectIndex, options: ObjectDirectoryOptions) {
    this.#root = root;
    this.#index = index;
    this.#options = options;
    this.events = new EventOutbox(index, options.clock);
    this.#files = new ContentFiles(join(root, "content"), new Room(options.bytesMax, () => index.storedBytes()));
    this.#earlier = earlierBuckets(root);
    this.#sweep = this.#files
      .sweep(
        (file) => index.isNamed(file),
        () => this.#isClosed,
      )
      .catch((error: unknown) => options.onProblem("remove what was left of objects", error));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#sweep;
    this.#index.close();
  }

  async createBucket(bucket: BucketRecord): Promise<boolean> {
    return this.#index.addBucket(bucket);
  }

  async findBucket(name: string): Promise<BucketRecord | null> {
    return this.#index.bucket(name);
  }

  async listBuckets(accountId: string): Promise<readonly BucketRecord[]> {
    return this.#index.buckets(accountId);
  }

  async changeBucket(name: string, change: (bucket: BucketRecord) => BucketRecord): Promise<void> {
    this.#index.transaction(() => this.#index.setBucket(change(this.#bucket(name))));
  }

  async removeBucket(name: string): Promise<void> {
    this.#index.transaction(() => {
      this.#bucket(name);
      if (this.#index.isUsed(name))
        throw new ServiceError("BucketNotEmpty", "The bucket you tried to delete is not empty");
      this.#index.removeBucket(name);
    });
  }

  receive(content: AsyncIterable<Uint8Array>, limits: ReceiveLimits): Promise<ReceivedContent> {
    return this.#files.receive(content, limits);
  }

  discard(content: ReceivedContent): Promise<void> {
    return this.#files.settle(content, false);
  }

  put(write: ObjectWrite, content: ReceivedContent): Promise<ObjectVersion> {
    const { sizeBytes, md5 } = content;
    return this.#settling([content], () => this.#add(write, { sizeBytes, etag: md5, partCount: null }, [content]));
  }

  async copy(from: ObjectVersion, to: ObjectWrite): Promise<ObjectVersion> {
    const { sizeBytes, etag, partCount } = from;
    const source = this.#stored(from);
    if (source === null) throw noSuchKey();
    const parts = this.#index.partsOf(source.row, 0, Number.MAX_SAFE_INTEGER);
    const linked = await this.#files.link(this.#index.pieces(source.row));
    const pieces = linked.map((each, at) => ({ ...each, checksum: parts[at]?.checksum ?? null }));
    return this.#settling(linked, () => this.#add(to, { sizeBytes, etag, partCount }, pieces));
  }

  async find(name: ObjectName): Promise<ObjectVersion | null> {
    const { bucket, key, versionId } = name;
    const found =
      versionId === undefined ? this.#index.current(bucket, key) : this.#index.version(bucket, key, versionId);
    if (found !== null || versionId !== undefined || !this.#earlier.has(bucket)) return found?.version ?? null;
    return adoptEarlier(this, this.#root, name, this.#options);
  }

  async read(version: ObjectVersion, range?: ByteRange): Promise<Readable | null> {
    const stored = this.#stored(version);
    return stored === null ? null : this.#files.read(this.#index.pieces(stored.row), range);
  }

  async partsOf(version: ObjectVersion, after: number, max: number): Promise<readonly ObjectPart[]> {
    const stored = this.#stored(version);
    return stored === null ? [] : this.#index.partsOf(stored.row, after, max);
  }

  async setTags(version: ObjectVersion, tags: ObjectFacts["tags"], cause?: ChangeCause): Promise<void> {
    this.#index.transaction(() => {
      const stored = this.#stored(version);
      if (stored === null) throw noSuchKey();
      const facts = { ...stored.version.facts, tags };
      this.#index.setVersion({ ...stored, version: { ...stored.version, facts } });
      this.events.note(this.#bucket(version.bucket), stored.version, cause);
    });
  }

  async remove(name: ObjectName, cause?: ChangeCause): Promise<Removed> {
    // What an earlier release stored must not come back.
    if (name.versionId === undefined) await this.find(name);
    const { result, files } = this.#index.transaction(() => this.#remove(name, cause));
    await this.#files.remove(files);
    return result;
  }

  async list(range: ListRange): Promise<Listed<ObjectVersion>> {
    return this.#index.listCurrent(range);
  }

  async listVersions(range: ListRange & { readonly afterVersionId: string }): Promise<Listed<ObjectVersion>> {
    return this.#index.listVersions(range);
  }

  async createUpload(upload: UploadRecord): Promise<void> {
    this.#index.transaction(() => {
      this.#bucket(upload.bucket);
      this.#index.addUpload(upload);
    });
  }

  async findUpload(bucket: string, key: string, id: string): Promise<UploadRecord | null> {
    return this.#index.upload(bucket, key, id);
  }

  async listUploads(range: ListRange & { readonly afterId: string }): Promise<Listed<UploadRecord>> {
    return this.#index.listUploads(range);
  }

  async putPart(upload: UploadRecord, number: number, content: ReceivedContent): Promise<PartRecord> {
    const { sizeBytes, md5, checksums, file } = content;
    const algorithm = upload.checksum?.algorithm;
    const checksum = algorithm === undefined ? null : (checksums[algorithm] ?? null);
    const part = { number, sizeBytes, etag: md5, modifiedMs: this.#options.clock.nowMs(), checksum };
    return this.#settling([content], () => {
      this.#upload(upload);
      const replaced = this.#index.putPart(upload.id, part, file);
      return { result: part, files: replaced === null ? [] : [replaced] };
    });
  }

  async listParts(upload: UploadRecord, after: number, max: number): Promise<readonly PartRecord[]> {
    return this.#index.parts(upload.id, after, max);
  }

  async completeUpload(
    upload: UploadRecord,
    parts: readonly CompletedPart[],
    object: CompletedObject,
    conditions: WriteConditions,
    cause?: ChangeCause,
  ): Promise<ObjectVersion> {
    const { bucket, key, facts } = upload;
    const { result, files } = this.#index.transaction(() => {
      this.#upload(upload);
      const stored = new Map(
        this.#index.parts(upload.id, 0, Number.MAX_SAFE_INTEGER).map((part) => [part.number, part]),
      );
      const named = parts.map(({ number, etag }) => {
        const part = stored.get(number);
        if (part === undefined || part.etag !== etag) throw invalidPart();
        stored.delete(number);
        return part;
      });
      // The rows of the parts go first: a file has one name in the index.
      this.#index.removeUpload(upload.id);
      const sizeBytes = named.reduce((sum, part) => sum + part.sizeBytes, 0);
      const write = { bucket, key, facts, checksum: object.checksum, conditions, ...(cause && { cause }) };
      const added = this.#add(write, { sizeBytes, etag: object.etag, partCount: named.length }, named);
      return { result: added.result, files: [...added.files, ...[...stored.values()].map(({ file }) => file)] };
    });
    await this.#files.remove(files);
    return result;
  }

  async abortUpload(upload: UploadRecord): Promise<void> {
    const files = this.#index.transaction(() => {
      this.#upload(upload);
      const parts = this.#index.parts(upload.id, 0, Number.MAX_SAFE_INTEGER);
      this.#index.removeUpload(upload.id);
      return parts.map(({ file }) => file);
    });
    await this.#files.remove(files);
  }

  /** Adds a version, and gives the files of the one whose place it takes. */
  #add(
    { bucket: name, key, facts, checksum, conditions, cause }: ObjectWrite,
    content: Pick<ObjectVersion, "sizeBytes" | "etag" | "partCount">,
    pieces: readonly Piece[],
  ): Changed<ObjectVersion> {
    const bucket = this.#bucket(name);
    checkConditions(this.#index.current(name, key), conditions);
    const { clock } = this.#options;
    const versionId = bucket.versioning === "Enabled" ? this.#newVersionId() : NULL_VERSION;
    const files = versionId === NULL_VERSION ? this.#drop(name, key, NULL_VERSION) : [];
    const at = { bucket: name, key, versionId, isCurrent: true, isMarker: false, modifiedMs: clock.nowMs() };
    const version: ObjectVersion = { ...at, ...content, facts, checksum };
    this.#index.addVersion(version, pieces);
    this.events.note(bucket, version, cause);
    return { result: version, files };
  }

  #remove({ bucket: name, key, versionId }: ObjectName, cause?: ChangeCause): Changed<Removed> {
    const bucket = this.#bucket(name);
    if (versionId !== undefined) {
      const found = this.#index.version(name, key, versionId);
      const files = this.#drop(name, key, versionId);
      if (found !== null) this.events.noteRemoval(bucket, { key, versionId }, cause);
      if (found?.version.isCurrent === true) {
        const newest = this.#index.newest(name, key);
        if (newest !== null) this.#index.setCurrent(newest);
      }
      return { result: { versionId, isMarker: found?.version.isMarker ?? false }, files };
    }
    if (bucket.versioning === null) {
      const found = this.#index.version(name, key, NULL_VERSION);
      if (found !== null) this.events.noteRemoval(bucket, { key, versionId: NULL_VERSION }, cause);
      return { result: { versionId: null, isMarker: false }, files: this.#drop(name, key, NULL_VERSION) };
    }
    const markerId = bucket.versioning === "Enabled" ? this.#newVersionId() : NULL_VERSION;
    const files = markerId === NULL_VERSION ? this.#drop(name, key, NULL_VERSION) : [];
    const marker: ObjectVersion = {
      bucket: name,
      key,
      versionId: markerId,
      isCurrent: true,
      isMarker: true,
      sizeBytes: 0,
      etag: "",
      modifiedMs: this.#options.clock.nowMs(),
      facts: NO_FACTS,
      checksum: null,
      partCount: null,
    };
    this.#index.addVersion(marker, []);
    this.events.noteMarker(bucket, marker, cause);
    return { result: { versionId: markerId, isMarker: true }, files };
  }

  /** Removes a version where it is there, and gives its files. */
  #drop(bucket: string, key: string, versionId: string): readonly string[] {
    const found = this.#index.version(bucket, key, versionId);
    if (found === null) return [];
    const files = this.#index.pieces(found.row).map(({ file }) => file);
    this.#index.removeVersion(found);
    return files;
  }

  /** Carries out a change that names `contents` in the index, and settles them by whether it did. */
  async #settling<T>(contents: readonly ReceivedContent[], change: () => Changed<T>): Promise<T> {
    let isNamed = false;
    try {
      const changed = this.#index.transaction(change);
      isNamed = true;
      await this.#files.remove(changed.files);
      return changed.result;
    } finally {
      for (const content of contents) await this.#files.settle(content, isNamed);
    }
  }

  /** The row of a version, unless another has taken its place. */
  #stored({ bucket, key, versionId, etag, modifiedMs }: ObjectVersion): StoredVersion | null {
    const found = this.#index.version(bucket, key, versionId);
    return found?.version.etag === etag && found.version.modifiedMs === modifiedMs ? found : null;
  }

  #bucket(name: string): BucketRecord {
    const bucket = this.#index.bucket(name);
    if (bucket === null) throw new ServiceError("NoSuchBucket", "The specified bucket does not exist");
    return bucket;
  }

  #upload({ bucket, key, id }: UploadRecord): void {
    if (this.#index.upload(bucket, key, id) === null)
      throw new ServiceError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
      );
  }

  #newVersionId(): string {
    return this.#options.random.bytes(24).toString("base64url");
  }
}

function checkConditions(current: StoredVersion | null, { ifMatch, ifNoneMatch }: WriteConditions): void {
  const version = current === null || current.version.isMarker ? null : current.version;
  if (ifNoneMatch !== undefined && version !== null) throw preconditionFailed();
  if (ifMatch === undefined) return;
  if (version === null) throw noSuchKey();
  if (ifMatch !== "*" && ifMatch.replaceAll('"', "") !== version.etag) throw preconditionFailed();
}

function preconditionFailed(): ServiceError {
  return new ServiceError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
}

function noSuchKey(): ServiceError {
  return new ServiceError("NoSuchKey", "The specified key does not exist.");
}

function invalidPart(): ServiceError {
  return new ServiceError(
    "InvalidPart",
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  );
}
