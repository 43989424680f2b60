/** The bucket and the object that a request names. */
import type { BucketRecord, ObjectVersion } from "../../model/object-record.ts";
import { NULL_VERSION } from "../../model/object-record.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { invalidArgument, noSuchKey, S3Error } from "./s3-error.ts";
import type { S3Call } from "./s3-service.ts";

const KEY_BYTES_MAX = 1024;

export interface NamesBucket {
  readonly Bucket: string;
  readonly ExpectedBucketOwner?: string;
}

/** Throws NoSuchBucket, and AccessDenied where it is another account's. */
export async function bucketOf(
  objects: ObjectStore,
  { Bucket, ExpectedBucketOwner }: NamesBucket,
  { accountId }: Pick<S3Call, "accountId">,
): Promise<BucketRecord> {
  const bucket = await objects.findBucket(Bucket);
  if (bucket === null)
    throw new S3Error("NoSuchBucket", "The specified bucket does not exist", { elements: { BucketName: Bucket } });
  if (bucket.accountId !== accountId || (ExpectedBucketOwner ?? accountId) !== accountId)
    throw new S3Error("AccessDenied", "Access Denied");
  return bucket;
}

export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes > KEY_BYTES_MAX)
    throw new S3Error("KeyTooLongError", "Your key is too long", {
      elements: { Size: String(bytes), MaxSizeAllowed: String(KEY_BYTES_MAX) },
    });
  if (key.includes("\0")) throw invalidArgument("A key must not have the character NUL.", "key", "");
}

/** Throws NoSuchKey, NoSuchVersion, and MethodNotAllowed for a delete marker. */
export async function objectOf(
  objects: ObjectStore,
  {
    Bucket,
    Key,
    VersionId,
  }: { readonly Bucket: string; readonly Key: string; readonly VersionId?: string | undefined },
): Promise<ObjectVersion> {
  const found = await objects.find({ bucket: Bucket, key: Key, versionId: VersionId });
  if (found === null) {
    if (VersionId === undefined) throw noSuchKey(Key);
    throw new S3Error("NoSuchVersion", "The specified version does not exist.", {
      elements: { Key, VersionId: VersionId.slice(0, 1024) },
    });
  }
  if (!found.isMarker) return found;
  const headers = { "x-amz-delete-marker": "true", "x-amz-version-id": found.versionId };
  if (VersionId === undefined)
    throw new S3Error("NoSuchKey", "The specified key does not exist.", { headers, elements: { Key } });
  throw new S3Error("MethodNotAllowed", "The specified method is not allowed against this resource.", {
    headers: { ...headers, Allow: "DELETE" },
    elements: { Method: "GET", ResourceType: "DeleteMarker" },
  });
}

/** The id that answers show: none where the bucket never had versioning. */
export function shownVersion({ versioning }: BucketRecord, versionId: string): string | undefined {
  return versioning === null && versionId === NULL_VERSION ? undefined : versionId;
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}
