/** Uploads in parts. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { type ChecksumAlgorithm, digestOf } from "../../base/digests.ts";
import { inTurns } from "../../base/turns.ts";
import type { Checksum, PartRecord, UploadRecord } from "../../model/object-record.ts";
import { ServiceError } from "../../model/service-error.ts";
import { causeOf } from "./cause.ts";
import { checkType, CONTENT_BYTES_MAX, receive, shownChecksum } from "./checksums.ts";
import { checkSource, rangeOf } from "./conditions.ts";
import { sourceOf } from "./copy-source.ts";
import { combineCrcs } from "./crc-combine.ts";
import { factsOf } from "./facts.ts";
import { bucketOf, checkKey, type NamesBucket, quoted, shownVersion } from "./found.ts";
import { invalidArgument, malformedXml, S3Error } from "./s3-error.ts";
import type { S3Call, S3Input, S3Operations, S3Output, S3Parts } from "./s3-service.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const PARTS_MAX = 10_000;
const PART_BYTES_MIN = 5 * 1024 * 1024;
const PAGE_MAX = 1000;

export function uploadOperations({ objects, clock, random }: S3Parts): S3Operations {
  const uploadOf = async (
    input: NamesBucket & { readonly Key: string; readonly UploadId: string },
    call: S3Call,
  ): Promise<UploadRecord> => {
    await bucketOf(objects, input, call);
    const upload = await objects.findUpload(input.Bucket, input.Key, input.UploadId);
    if (upload === null) throw noSuchUpload(input.UploadId);
    return upload;
  };
  return {
    async CreateMultipartUpload(input, call) {
      await bucketOf(objects, input, call);
      checkKey(input.Key);
      const checksum = checksumOf(input);
      const id = random.bytes(48).toString("base64url");
      const { Bucket, Key } = input;
      const facts = factsOf(input);
      await objects.createUpload({ id, bucket: Bucket, key: Key, startedMs: clock.nowMs(), facts, checksum });
      return {
        Bucket,
        Key,
        UploadId: id,
        ...(checksum === null ? {} : { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type }),
      };
    },
    async UploadPart(input, call) {
      const upload = await uploadOf(input, call);
      checkNumber(input.PartNumber);
      const content = await receive(objects, input, call, upload.checksum?.algorithm ?? null);
      const said = content.algorithm;
      const part = await objects.putPart(upload, input.PartNumber, content);
      return {
        ETag: quoted(part.etag),
        ...(said === null ? {} : { [`Checksum${said}`]: content.checksums[said] }),
      };
    },
    async UploadPartCopy(input, call) {
      const upload = await uploadOf(input, call);
      checkNumber(input.PartNumber);
      const part = await copyPart({ objects }, upload, input, call);
      return {
        CopyPartResult: {
          ETag: quoted(part.etag),
          LastModified: new Date(part.modifiedMs),
          ...shownPart(upload, part),
        },
      } as S3Output<"UploadPartCopy">;
    },
    CompleteMultipartUpload: async (input, call) =>
      complete({ objects, clock }, await uploadOf(input, call), input, call),
    async AbortMultipartUpload(input, call) {
      await objects.abortUpload(await uploadOf(input, call));
      return {};
    },
    ListParts: async (input, call) => listParts({ objects }, await uploadOf(input, call), input, call),
  };
}

type Objects = Pick<S3Parts, "objects">;

async function listParts(
  { objects }: Objects,
  upload: UploadRecord,
  input: S3Input<"ListParts">,
  call: S3Call,
): Promise<S3Output<"ListParts">> {
  const after = Number(input.PartNumberMarker ?? 0);
  const max = Math.min(Math.max(input.MaxParts ?? PAGE_MAX, 0), PAGE_MAX);
  const found = await objects.listParts(upload, Number.isInteger(after) ? after : 0, max + 1);
  const page = found.slice(0, max);
  const owner = { ID: call.accountId };
  return {
    Bucket: input.Bucket,
    Key: input.Key,
    UploadId: upload.id,
    Initiator: owner,
    Owner: owner,
    StorageClass: "STANDARD",
    PartNumberMarker: after,
    NextPartNumberMarker: page.at(-1)?.number ?? 0,
    MaxParts: max,
    IsTruncated: found.length > page.length,
    ...(upload.checksum === null
      ? {}
      : { ChecksumAlgorithm: upload.checksum.algorithm, ChecksumType: upload.checksum.type }),
    Parts: page.map((part) => ({
      PartNumber: part.number,
      Size: part.sizeBytes,
      ETag: quoted(part.etag),
      LastModified: new Date(part.modifiedMs),
      ...shownPart(upload, part),
    })),
  } as S3Output<"ListParts">;
}

function checksumOf({ ChecksumAlgorithm, ChecksumType }: S3Input<"CreateMultipartUpload">): UploadRecord["checksum"] {
  if (ChecksumAlgorithm === undefined) {
    if (ChecksumType === undefined) return null;
    throw new S3Error(
      "InvalidRequest",
      "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    );
  }
  const algorithm = ChecksumAlgorithm as ChecksumAlgorithm;
  const type = ChecksumType ?? (algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE");
  checkType(algorithm, type);
  return { algorithm, type };
}

function checkNumber(number: number): void {
  if (!Number.isInteger(number) || number < 1 || number > PARTS_MAX)
    throw invalidArgument(
      `Part number must be an integer between 1 and ${PARTS_MAX}, inclusive`,
      "partNumber",
      String(number),
    );
}

function shownPart({ checksum }: UploadRecord, part: PartRecord): object {
  return checksum === null || part.checksum === null ? {} : { [`Checksum${checksum.algorithm}`]: part.checksum };
}

async function copyPart(
  { objects }: Objects,
  upload: UploadRecord,
  input: S3Input<"UploadPartCopy">,
  call: S3Call,
): Promise<PartRecord> {
  const { source } = await sourceOf({ objects }, input, call);
  checkSource(source, {
    IfMatch: input.CopySourceIfMatch,
    IfNoneMatch: input.CopySourceIfNoneMatch,
    IfModifiedSince: input.CopySourceIfModifiedSince,
    IfUnmodifiedSince: input.CopySourceIfUnmodifiedSince,
  });
  const range = rangeOf(input.CopySourceRange, source.sizeBytes);
  if (input.CopySourceRange !== undefined && range === null)
    throw invalidArgument(
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
      "x-amz-copy-source-range",
      input.CopySourceRange.slice(0, 100),
    );
  const content = (await objects.read(source, range ?? undefined)) ?? Readable.from([]);
  const algorithm = upload.checksum?.algorithm;
  const received = await objects.receive(content, {
    algorithms: algorithm === undefined ? [] : [algorithm],
    sizeBytesMax: CONTENT_BYTES_MAX,
  });
  return objects.putPart(upload, input.PartNumber, received);
}

async function complete(
  { objects, clock }: Objects & Pick<S3Parts, "clock">,
  upload: UploadRecord,
  input: S3Input<"CompleteMultipartUpload">,
  call: S3Call,
): Promise<S3Output<"CompleteMultipartUpload">> {
  const bucket = await bucketOf(objects, input, call);
  const named = input.MultipartUpload?.Parts ?? [];
  if (named.length === 0 || named.length > PARTS_MAX) throw malformedXml();
  const stored = new Map((await objects.listParts(upload, 0, PARTS_MAX)).map((part) => [part.number, part]));
  const parts = named.map((each, at) => {
    const { PartNumber, ETag } = each;
    if (PartNumber === undefined || ETag === undefined) throw malformedXml();
    if (PartNumber <= (named[at - 1]?.PartNumber ?? 0))
      throw new S3Error(
        "InvalidPartOrder",
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
      );
    return checkedPart(upload, stored.get(PartNumber), ETag.replaceAll('"', ""), each as Record<string, unknown>);
  });
  for (const part of parts.slice(0, -1))
    if (part.sizeBytes < PART_BYTES_MIN)
      throw new S3Error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", {
        elements: {
          ProposedSize: String(part.sizeBytes),
          MinSizeAllowed: String(PART_BYTES_MIN),
          PartNumber: String(part.number),
          ETag: part.etag,
        },
      });
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (input.MpuObjectSize !== undefined && input.MpuObjectSize !== sizeBytes)
    throw new S3Error("InvalidRequest", "The provided 'x-amz-mp-object-size' header does not match the object's size.");
  const checksum = await wholeChecksum(clock, upload, parts);
  checkWhole(checksum, input);
  const md5s = createHash("md5");
  for (const { etag } of parts) md5s.update(Buffer.from(etag, "hex"));
  const version = await objects.completeUpload(
    upload,
    parts.map(({ number, etag }) => ({ number, etag })),
    { etag: `${md5s.digest("hex")}-${parts.length}`, checksum },
    { ifMatch: input.IfMatch, ifNoneMatch: input.IfNoneMatch },
    causeOf(call, "ObjectCreated:CompleteMultipartUpload"),
  );
  return {
    Location: call.url,
    Bucket: input.Bucket,
    Key: input.Key,
    ETag: quoted(version.etag),
    VersionId: shownVersion(bucket, version.versionId),
    ...shownChecksum(checksum),
  } as S3Output<"CompleteMultipartUpload">;
}

function checkedPart(
  { checksum }: UploadRecord,
  part: PartRecord | undefined,
  etag: string,
  said: Readonly<Record<string, unknown>>,
): PartRecord {
  const given = checksum === null ? undefined : said[`Checksum${checksum.algorithm}`];
  if (part === undefined || part.etag !== etag || (given !== undefined && given !== part.checksum))
    throw new ServiceError(
      "InvalidPart",
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    );
  return part;
}

/** The checksum of the object, out of those of its parts. */
async function wholeChecksum(
  clock: S3Parts["clock"],
  { checksum }: UploadRecord,
  parts: readonly PartRecord[],
): Promise<Checksum | null> {
  if (checksum === null) return null;
  const { algorithm, type } = checksum;
  const values = parts.map(({ checksum: value, sizeBytes }) => ({ value: value ?? "", sizeBytes }));
  if (type === "FULL_OBJECT") return { algorithm, type, value: await inTurns(clock, combineCrcs(algorithm, values)) };
  const all = Buffer.concat(values.map(({ value }) => Buffer.from(value, "base64")));
  return { algorithm, type, value: `${await digestOf(algorithm, all)}-${parts.length}` };
}

function checkWhole(checksum: Checksum | null, input: S3Input<"CompleteMultipartUpload">): void {
  if (checksum === null) return;
  const { algorithm, type, value } = checksum;
  const given = (input as unknown as Record<string, unknown>)[`Checksum${algorithm}`];
  // Clients say a composite one with or without the number of parts.
  const isRight =
    given === undefined || given === value || (type === "COMPOSITE" && value.startsWith(`${String(given)}-`));
  if (!isRight) throw new S3Error("BadDigest", `The ${algorithm} you specified did not match the calculated checksum.`);
  if (input.ChecksumType !== undefined && input.ChecksumType !== type)
    throw new S3Error(
      "InvalidRequest",
      `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`,
    );
}

function noSuchUpload(id: string): S3Error {
  return new S3Error(
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    { elements: { UploadId: id.slice(0, 1024) } },
  );
}
