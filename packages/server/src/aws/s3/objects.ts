/** Objects: put, read, copied and removed. */
import { Readable } from "node:stream";
import type { BucketRecord, ObjectVersion } from "../../model/object-record.ts";
import type { ByteRange } from "../../ports/object-store.ts";
import { ServiceError } from "../../model/service-error.ts";
import { causeOf } from "./cause.ts";
import { algorithmOf, listedChecksum, receive, shownChecksum } from "./checksums.ts";
import { checkConditions, checkSource, rangeOf } from "./conditions.ts";
import { factsOf, shownFacts } from "./facts.ts";
import { bucketOf, checkKey, objectOf, quoted, shownVersion } from "./found.ts";
import { invalidArgument, malformedXml, S3Error } from "./s3-error.ts";
import type { S3Call, S3Input, S3Operations, S3Output, S3Parts } from "./s3-service.ts";
import { sourceOf } from "./copy-source.ts";

const DELETED_MAX = 1000;
const PARTS_MAX = 1000;

export function objectOperations({ objects }: S3Parts): S3Operations {
  return {
    async PutObject(input, call) {
      const bucket = await bucketOf(objects, input, call);
      checkKey(input.Key);
      checkIfNoneMatch(input.IfNoneMatch);
      const facts = factsOf(input);
      if (input.IfNoneMatch !== undefined) await checkAbsent({ objects }, input);
      const content = await receive(objects, input, call);
      const value = content.algorithm === null ? undefined : content.checksums[content.algorithm];
      const checksum =
        content.algorithm === null || value === undefined
          ? null
          : { algorithm: content.algorithm, type: "FULL_OBJECT" as const, value };
      const conditions = { ifMatch: input.IfMatch, ifNoneMatch: input.IfNoneMatch };
      const cause = causeOf(call, "ObjectCreated:Put");
      const write = { bucket: input.Bucket, key: input.Key, facts, checksum, conditions, cause };
      const version = await objects.put(write, content);
      return {
        ETag: quoted(version.etag),
        VersionId: shownVersion(bucket, version.versionId),
        ...shownChecksum(checksum),
      };
    },
    async GetObject(input, call) {
      const { version, range, output } = await findToRead({ objects }, input, call);
      const content = await objects.read(version, range ?? undefined);
      // Another write came in between.
      if (content === null) throw new S3Error("OperationAborted", "The object was changed meanwhile. Try again.");
      return { ...output, Body: content };
    },
    async HeadObject(input, call) {
      return (await findToRead({ objects }, input, call)).output as S3Output<"HeadObject">;
    },
    async DeleteObject(input, call) {
      const bucket = await bucketOf(objects, input, call);
      const named = { bucket: input.Bucket, key: input.Key, versionId: input.VersionId };
      const removed = await objects.remove(named, causeOf(call, "ObjectRemoved:Delete"));
      const versionId = removed.versionId === null ? undefined : shownVersion(bucket, removed.versionId);
      return {
        ...(versionId === undefined ? {} : { VersionId: versionId }),
        ...(removed.isMarker ? { DeleteMarker: true } : {}),
      };
    },
    async DeleteObjects(input, call) {
      const bucket = await bucketOf(objects, input, call);
      const { Objects, Quiet } = input.Delete;
      if (Objects.length > DELETED_MAX || Objects.length === 0) throw malformedXml();
      const Deleted: object[] = [];
      const Errors: object[] = [];
      for (const each of Objects) {
        try {
          Deleted.push(await removeListed({ objects }, bucket, each, call));
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
          Errors.push({ Key: each.Key, VersionId: each.VersionId, Code: error.code, Message: error.message });
        }
      }
      return { ...(Quiet === true ? {} : { Deleted }), Errors } as S3Output<"DeleteObjects">;
    },
    CopyObject: (input, call) => copy({ objects }, input, call),
    GetObjectAttributes: (input, call) => attributes({ objects }, input, call),
  };
}

type Objects = Pick<S3Parts, "objects">;

interface ReadObject {
  readonly version: ObjectVersion;
  readonly range: ByteRange | null;
  readonly output: S3Output<"GetObject">;
}

async function findToRead({ objects }: Objects, input: S3Input<"GetObject">, call: S3Call): Promise<ReadObject> {
  const bucket = await bucketOf(objects, input, call);
  const version = await objectOf(objects, input);
  checkConditions(version, input);
  const part = input.PartNumber === undefined ? null : await partOf({ objects }, version, input);
  const range = part ?? rangeOf(input.Range, version.sizeBytes);
  const { sizeBytes, etag, modifiedMs, versionId } = version;
  // A checksum is of the whole object, which a part of it can't be checked by.
  const isShown = input.ChecksumMode === "ENABLED" && range === null;
  const output = {
    AcceptRanges: "bytes",
    ETag: quoted(etag),
    LastModified: new Date(modifiedMs),
    ContentLength: range === null ? sizeBytes : range.last - range.first + 1,
    VersionId: shownVersion(bucket, versionId),
    ...(range === null ? {} : { ContentRange: `bytes ${range.first}-${range.last}/${sizeBytes}`, status: 206 }),
    ...(input.PartNumber === undefined || version.partCount === null ? {} : { PartsCount: version.partCount }),
    ...shownFacts(version, input),
    ...(isShown ? shownChecksum(version.checksum) : {}),
  };
  return { version, range, output: output as S3Output<"GetObject"> };
}

/** The range of a part; null where it is all of the object. */
async function partOf(
  { objects }: Objects,
  version: ObjectVersion,
  { PartNumber = 1, Range }: S3Input<"GetObject">,
): Promise<ByteRange | null> {
  if (Range !== undefined)
    throw new S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter.");
  const count = version.partCount ?? 1;
  if (PartNumber < 1 || PartNumber > count)
    throw new S3Error("InvalidPartNumber", "The requested partnumber is not satisfiable");
  if (version.partCount === null) return null;
  const parts = await objects.partsOf(version, 0, PartNumber);
  const before = parts.slice(0, -1).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { first: before, last: before + (parts.at(-1)?.sizeBytes ?? 1) - 1 };
}

function checkIfNoneMatch(value: string | undefined): void {
  if (value !== undefined && value !== "*")
    throw invalidArgument("If-None-Match of a write must be *", "If-None-Match", value.slice(0, 100));
}

/** Asked before the content comes, so that it need not; the store asks again when it writes. */
async function checkAbsent({ objects }: Objects, { Bucket, Key }: { Bucket: string; Key: string }): Promise<void> {
  const found = await objects.find({ bucket: Bucket, key: Key });
  if (found !== null && !found.isMarker)
    throw new S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", {
      elements: { Condition: "If-None-Match" },
    });
}

async function removeListed(
  { objects }: Objects,
  bucket: BucketRecord,
  { Key, VersionId, ETag }: { readonly Key: string; readonly VersionId?: string; readonly ETag?: string },
  call: S3Call,
): Promise<object> {
  if (ETag !== undefined) throw new S3Error("NotImplemented", "Thaw does not have conditional deletes.");
  const named = { bucket: bucket.name, key: Key, versionId: VersionId };
  const removed = await objects.remove(named, causeOf(call, "ObjectRemoved:Delete"));
  if (removed.isMarker && removed.versionId !== null)
    return {
      Key,
      ...(VersionId === undefined ? {} : { VersionId }),
      DeleteMarker: true,
      DeleteMarkerVersionId: removed.versionId,
    };
  return { Key, ...(VersionId === undefined ? {} : { VersionId }) };
}

async function copy({ objects }: Objects, input: S3Input<"CopyObject">, call: S3Call): Promise<S3Output<"CopyObject">> {
  const bucket = await bucketOf(objects, input, call);
  checkKey(input.Key);
  checkIfNoneMatch(input.IfNoneMatch);
  const { source, sourceBucket } = await sourceOf({ objects }, input, call);
  checkSource(source, {
    IfMatch: input.CopySourceIfMatch,
    IfNoneMatch: input.CopySourceIfNoneMatch,
    IfModifiedSince: input.CopySourceIfModifiedSince,
    IfUnmodifiedSince: input.CopySourceIfUnmodifiedSince,
  });
  const isReplaced = input.MetadataDirective === "REPLACE";
  const areTagsReplaced = input.TaggingDirective === "REPLACE";
  const isItself = source.bucket === input.Bucket && source.key === input.Key && source.isCurrent;
  if (isItself && !isReplaced && !areTagsReplaced && bucket.versioning !== "Enabled")
    throw new S3Error(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  const given = factsOf(input);
  const facts = {
    ...(isReplaced ? given : source.facts),
    tags: areTagsReplaced ? given.tags : source.facts.tags,
  };
  const asked = algorithmOf(input, call);
  const conditions = { ifMatch: input.IfMatch, ifNoneMatch: input.IfNoneMatch };
  const cause = causeOf(call, "ObjectCreated:Copy");
  const target = { bucket: input.Bucket, key: input.Key, facts, conditions, cause };
  // Another checksum needs the content read once more.
  const version =
    asked === null || asked === source.checksum?.algorithm
      ? await objects.copy(source, { ...target, checksum: source.checksum })
      : await copyWithChecksum({ objects }, source, target, asked);
  return {
    CopyObjectResult: {
      ETag: quoted(version.etag),
      LastModified: new Date(version.modifiedMs),
      ...shownChecksum(version.checksum),
    },
    VersionId: shownVersion(bucket, version.versionId),
    CopySourceVersionId: shownVersion(sourceBucket, source.versionId),
  } as S3Output<"CopyObject">;
}

async function copyWithChecksum(
  { objects }: Objects,
  source: ObjectVersion,
  target: Omit<Parameters<S3Parts["objects"]["put"]>[0], "checksum">,
  algorithm: NonNullable<ReturnType<typeof algorithmOf>>,
): Promise<ObjectVersion> {
  const content = (await objects.read(source)) ?? Readable.from([]);
  const received = await objects.receive(content, { algorithms: [algorithm], sizeBytesMax: source.sizeBytes });
  const value = received.checksums[algorithm] ?? "";
  return objects.put({ ...target, checksum: { algorithm, type: "FULL_OBJECT", value } }, received);
}

async function attributes(
  { objects }: Objects,
  input: S3Input<"GetObjectAttributes">,
  call: S3Call,
): Promise<S3Output<"GetObjectAttributes">> {
  const bucket = await bucketOf(objects, input, call);
  const version = await objectOf(objects, input);
  const { etag, sizeBytes, modifiedMs, checksum, partCount, versionId } = version;
  const asked = new Set<string>(input.ObjectAttributes);
  const max = Math.min(Math.max(input.MaxParts ?? PARTS_MAX, 1), PARTS_MAX);
  const after = Number(input.PartNumberMarker ?? 0);
  const parts = asked.has("ObjectParts") && partCount !== null ? await objects.partsOf(version, after, max + 1) : [];
  const page = parts.slice(0, max);
  return {
    LastModified: new Date(modifiedMs),
    VersionId: shownVersion(bucket, versionId),
    ...(asked.has("ETag") ? { ETag: etag } : {}),
    ...(asked.has("Checksum") && checksum !== null ? { Checksum: shownChecksum(checksum) } : {}),
    ...(asked.has("ObjectSize") ? { ObjectSize: sizeBytes } : {}),
    ...(asked.has("StorageClass") ? { StorageClass: "STANDARD" } : {}),
    ...(asked.has("ObjectParts") && partCount !== null
      ? {
          ObjectParts: {
            TotalPartsCount: partCount,
            PartNumberMarker: after,
            NextPartNumberMarker: page.at(-1)?.number ?? 0,
            MaxParts: max,
            IsTruncated: parts.length > page.length,
            Parts: page.map(({ number, sizeBytes: Size, checksum: value }) => ({
              PartNumber: number,
              Size,
              ...(checksum === null || value === null ? {} : { [`Checksum${checksum.algorithm}`]: value }),
            })),
          },
        }
      : {}),
  } as S3Output<"GetObjectAttributes">;
}

/** An object as lists show it. */
export function listed(version: ObjectVersion, key: string): object {
  return {
    Key: key,
    LastModified: new Date(version.modifiedMs),
    ...(version.isMarker
      ? {}
      : { ETag: quoted(version.etag), Size: version.sizeBytes, StorageClass: "STANDARD", ...listedChecksum(version) }),
  };
}
