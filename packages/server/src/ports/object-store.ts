/**
 * Buckets and objects: what the S3 API serves, and where S3Bucket and S3Key of a deployment package are looked up.
 * Whatever has been stored when a promise resolves is there after a crash. Refusals that only the store can decide, in
 * the moment in which it writes, are thrown as a ServiceError with S3's code.
 */
import type { Readable } from "node:stream";
import type { ChecksumAlgorithm } from "../base/digests.ts";
import type { ChangeCause, StoredObjectEvent } from "../model/bucket-events/event.ts";
import type {
  BucketRecord,
  Checksum,
  ObjectFacts,
  ObjectPart,
  ObjectVersion,
  PartRecord,
  UploadRecord,
} from "../model/object-record.ts";

/** Content that is on the disk and belongs to nothing yet: it is put somewhere, or discarded. */
export interface ReceivedContent {
  readonly file: string;
  readonly sizeBytes: number;
  /** MD5, hexadecimal. */
  readonly md5: string;
  /** In base64. */
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

export interface ReceiveLimits {
  readonly algorithms: readonly ChecksumAlgorithm[];
  readonly sizeBytesMax: number;
}

export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
  /** The current version where it is missing. */
  readonly versionId?: string | undefined;
}

/** What must hold of the current version in the moment of a write. */
export interface WriteConditions {
  readonly ifMatch?: string | undefined;
  /** Only `*`: there must be no object. */
  readonly ifNoneMatch?: string | undefined;
}

export interface ObjectWrite extends ObjectName {
  readonly facts: ObjectFacts;
  readonly checksum: Checksum | null;
  readonly conditions: WriteConditions;
  /** Absent: the bucket's notifications do not tell of it. */
  readonly cause?: ChangeCause;
}

export interface CompletedPart {
  readonly number: number;
  readonly etag: string;
}

export interface CompletedObject {
  readonly etag: string;
  readonly checksum: Checksum | null;
}

export interface ListRange {
  readonly bucket: string;
  readonly prefix: string;
  /** Empty: no common prefixes. */
  readonly delimiter: string;
  /** Keys after this one; empty for the first page. */
  readonly after: string;
  readonly max: number;
}

export interface Listed<T> {
  readonly items: readonly T[];
  readonly commonPrefixes: readonly string[];
  /** Where the next page begins; null at the end. */
  readonly next: string | null;
}

export interface ByteRange {
  readonly first: number;
  /** Included. */
  readonly last: number;
}

export interface Removed {
  /** The version that was removed, or the delete marker that was made; null where nothing was there. */
  readonly versionId: string | null;
  readonly isMarker: boolean;
}

/**
 * Events of buckets with notifications, each stored in the transaction that changed the object. They stay until they
 * are removed.
 */
export interface ObjectEvents {
  /** The oldest. */
  list(countMax: number): Promise<readonly StoredObjectEvent[]>;
  remove(events: readonly StoredObjectEvent[]): Promise<void>;
  /** The one listener hears after each event that is stored. */
  listen(onEvent: () => void): void;
}

export interface ObjectStore {
  readonly events: ObjectEvents;
  /** False where there is one of that name already. */
  createBucket(bucket: BucketRecord): Promise<boolean>;
  findBucket(name: string): Promise<BucketRecord | null>;
  listBuckets(accountId: string): Promise<readonly BucketRecord[]>;
  changeBucket(name: string, change: (bucket: BucketRecord) => BucketRecord): Promise<void>;
  /** Throws BucketNotEmpty. */
  removeBucket(name: string): Promise<void>;

  /** Writes content to the disk. An error of `content` leaves nothing. Throws EntityTooLarge and QuotaExceeded. */
  receive(content: AsyncIterable<Uint8Array>, limits: ReceiveLimits): Promise<ReceivedContent>;
  discard(content: ReceivedContent): Promise<void>;

  put(write: ObjectWrite, content: ReceivedContent): Promise<ObjectVersion>;
  /** Puts the same content under another name, without copying a byte. */
  copy(from: ObjectVersion, to: ObjectWrite): Promise<ObjectVersion>;
  find(name: ObjectName): Promise<ObjectVersion | null>;
  /** Null where it has gone meanwhile. The caller reads the stream or destroys it. */
  read(version: ObjectVersion, range?: ByteRange): Promise<Readable | null>;
  /** Gives the parts of an object with greater numbers than `after`. */
  partsOf(version: ObjectVersion, after: number, max: number): Promise<readonly ObjectPart[]>;
  setTags(version: ObjectVersion, tags: ObjectFacts["tags"], cause?: ChangeCause): Promise<void>;
  remove(name: ObjectName, cause?: ChangeCause): Promise<Removed>;
  /** Current versions by key. */
  list(range: ListRange): Promise<Listed<ObjectVersion>>;
  /** All versions: by key, the newest first. `afterVersionId` is one of the key `after`. */
  listVersions(range: ListRange & { readonly afterVersionId: string }): Promise<Listed<ObjectVersion>>;

  createUpload(upload: UploadRecord): Promise<void>;
  findUpload(bucket: string, key: string, id: string): Promise<UploadRecord | null>;
  listUploads(range: ListRange & { readonly afterId: string }): Promise<Listed<UploadRecord>>;
  putPart(upload: UploadRecord, number: number, content: ReceivedContent): Promise<PartRecord>;
  listParts(upload: UploadRecord, after: number, max: number): Promise<readonly PartRecord[]>;
  /** Makes an object of the parts that are named, and removes the others. Throws NoSuchUpload and InvalidPart. */
  completeUpload(
    upload: UploadRecord,
    parts: readonly CompletedPart[],
    object: CompletedObject,
    conditions: WriteConditions,
    cause?: ChangeCause,
  ): Promise<ObjectVersion>;
  abortUpload(upload: UploadRecord): Promise<void>;
}
