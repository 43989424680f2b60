/** Lists of objects, of their versions and of uploads, page by page. */
import type { ObjectVersion } from "../../model/object-record.ts";
import type { ListRange } from "../../ports/object-store.ts";
import { bucketOf } from "./found.ts";
import { listed } from "./objects.ts";
import { invalidArgument } from "./s3-error.ts";
import type { S3Call, S3Input, S3Operations, S3Output, S3Parts } from "./s3-service.ts";

const PAGE_MAX = 1000;

interface Query {
  readonly Bucket: string;
  readonly Prefix?: string | undefined;
  readonly Delimiter?: string | undefined;
  readonly EncodingType?: string | undefined;
}

type Objects = Pick<S3Parts, "objects">;

export function listOperations(parts: S3Parts): S3Operations {
  return {
    ListObjects: (input, call) => listObjects(parts, input, call),
    ListObjectsV2: (input, call) => listObjectsV2(parts, input, call),
    ListObjectVersions: (input, call) => listObjectVersions(parts, input, call),
    ListMultipartUploads: (input, call) => listMultipartUploads(parts, input, call),
  };
}

async function listObjects(
  { objects }: Objects,
  input: S3Input<"ListObjects">,
  call: S3Call,
): Promise<S3Output<"ListObjects">> {
  await bucketOf(objects, input, call);
  const { Marker = "", MaxKeys } = input;
  const range = rangeOf(input, Marker, MaxKeys, "max-keys");
  const { items, commonPrefixes, next } = await objects.list(range);
  const write = writerOf(input);
  return {
    ...headOf(input, write),
    Marker: write(Marker),
    MaxKeys: MaxKeys ?? PAGE_MAX,
    IsTruncated: next !== null,
    // Without a delimiter the last key is the marker, and AWS does not say it.
    ...(next === null || range.delimiter === "" ? {} : { NextMarker: write(next) }),
    Contents: items.map((each) => ({ ...listed(each, write(each.key)), Owner: { ID: call.accountId } })),
    CommonPrefixes: commonPrefixes.map((Prefix) => ({ Prefix: write(Prefix) })),
  } as S3Output<"ListObjects">;
}

async function listObjectsV2(
  { objects }: Objects,
  input: S3Input<"ListObjectsV2">,
  call: S3Call,
): Promise<S3Output<"ListObjectsV2">> {
  await bucketOf(objects, input, call);
  const { ContinuationToken, StartAfter, MaxKeys, FetchOwner } = input;
  if (ContinuationToken === "")
    throw invalidArgument("The continuation token provided is incorrect", "continuation-token", "");
  const after = ContinuationToken === undefined ? (StartAfter ?? "") : keyOf(ContinuationToken);
  const { items, commonPrefixes, next } = await objects.list(rangeOf(input, after, MaxKeys, "max-keys"));
  const write = writerOf(input);
  return {
    ...headOf(input, write),
    MaxKeys: MaxKeys ?? PAGE_MAX,
    KeyCount: items.length + commonPrefixes.length,
    IsTruncated: next !== null,
    ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
    ...(StartAfter === undefined ? {} : { StartAfter: write(StartAfter) }),
    ...(next === null ? {} : { NextContinuationToken: Buffer.from(next).toString("base64url") }),
    Contents: items.map((each) => ({
      ...listed(each, write(each.key)),
      ...(FetchOwner === true ? { Owner: { ID: call.accountId } } : {}),
    })),
    CommonPrefixes: commonPrefixes.map((Prefix) => ({ Prefix: write(Prefix) })),
  } as S3Output<"ListObjectsV2">;
}

async function listObjectVersions(
  { objects }: Objects,
  input: S3Input<"ListObjectVersions">,
  call: S3Call,
): Promise<S3Output<"ListObjectVersions">> {
  await bucketOf(objects, input, call);
  const { KeyMarker = "", VersionIdMarker = "", MaxKeys } = input;
  if (VersionIdMarker !== "" && KeyMarker === "")
    throw invalidArgument(
      "A version-id marker cannot be specified without a key marker.",
      "version-id-marker",
      VersionIdMarker.slice(0, 100),
    );
  const range = { ...rangeOf(input, KeyMarker, MaxKeys, "max-keys"), afterVersionId: VersionIdMarker };
  const { items, commonPrefixes, next } = await objects.listVersions(range);
  const write = writerOf(input);
  const show = (each: ObjectVersion): object => ({
    ...listed(each, write(each.key)),
    VersionId: each.versionId,
    IsLatest: each.isCurrent,
    Owner: { ID: call.accountId },
  });
  const last = items.at(-1);
  return {
    ...headOf(input, write),
    KeyMarker: write(KeyMarker),
    VersionIdMarker,
    MaxKeys: MaxKeys ?? PAGE_MAX,
    IsTruncated: next !== null,
    ...(next === null ? {} : { NextKeyMarker: write(next) }),
    ...(next !== null && last?.key === next ? { NextVersionIdMarker: last.versionId } : {}),
    Versions: items.filter(({ isMarker }) => !isMarker).map(show),
    DeleteMarkers: items.filter(({ isMarker }) => isMarker).map(show),
    CommonPrefixes: commonPrefixes.map((Prefix) => ({ Prefix: write(Prefix) })),
  } as S3Output<"ListObjectVersions">;
}

async function listMultipartUploads(
  { objects }: Objects,
  input: S3Input<"ListMultipartUploads">,
  call: S3Call,
): Promise<S3Output<"ListMultipartUploads">> {
  await bucketOf(objects, input, call);
  const { KeyMarker = "", UploadIdMarker = "", MaxUploads } = input;
  // As on AWS, an upload's id without a key says nothing.
  const afterId = KeyMarker === "" ? "" : UploadIdMarker;
  const range = { ...rangeOf(input, KeyMarker, MaxUploads, "max-uploads"), afterId };
  const { items, commonPrefixes, next } = await objects.listUploads(range);
  const write = writerOf(input);
  const last = items.at(-1);
  const { Name, ...head } = headOf(input, write);
  return {
    Bucket: Name,
    ...head,
    KeyMarker: write(KeyMarker),
    UploadIdMarker: afterId,
    MaxUploads: MaxUploads ?? PAGE_MAX,
    IsTruncated: next !== null,
    ...(next === null ? {} : { NextKeyMarker: write(next) }),
    ...(next !== null && last?.key === next ? { NextUploadIdMarker: last.id } : {}),
    Uploads: items.map(({ id, key, startedMs, checksum }) => ({
      UploadId: id,
      Key: write(key),
      Initiated: new Date(startedMs),
      StorageClass: "STANDARD",
      Owner: { ID: call.accountId },
      Initiator: { ID: call.accountId },
      ...(checksum === null ? {} : { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type }),
    })),
    CommonPrefixes: commonPrefixes.map((Prefix) => ({ Prefix: write(Prefix) })),
  } as S3Output<"ListMultipartUploads">;
}

function rangeOf(
  { Bucket, Prefix = "", Delimiter = "" }: Query,
  after: string,
  max: number | undefined,
  name: string,
): ListRange {
  if (max !== undefined && (!Number.isInteger(max) || max < 0))
    throw invalidArgument(`Argument ${name} must be an integer between 0 and 2147483647`, name, String(max));
  return { bucket: Bucket, prefix: Prefix, delimiter: Delimiter, after, max: Math.min(max ?? PAGE_MAX, PAGE_MAX) };
}

function headOf({ Bucket, Prefix = "", Delimiter, EncodingType }: Query, write: (text: string) => string) {
  return {
    Name: Bucket,
    Prefix: write(Prefix),
    ...(Delimiter === undefined || Delimiter === "" ? {} : { Delimiter: write(Delimiter) }),
    ...(EncodingType === undefined ? {} : { EncodingType }),
  };
}

/** Keys may have characters that XML can't hold; clients then ask for them percent-encoded. */
function writerOf({ EncodingType }: Query): (text: string) => string {
  return EncodingType === undefined ? (text) => text : (text) => encodeURIComponent(text).replaceAll("%2F", "/");
}

function keyOf(token: string): string {
  const key = Buffer.from(token, "base64url").toString("utf8");
  if (Buffer.from(key).toString("base64url") !== token)
    throw invalidArgument("The continuation token provided is incorrect", "continuation-token", token.slice(0, 1024));
  return key;
}
