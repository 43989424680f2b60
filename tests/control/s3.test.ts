/** S3 as AWS's SDK for JavaScript sees it. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  paginateListObjectsV2,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectTaggingCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { startS3 } from "./s3-harness.ts";

const Bucket = "things";
const MIB = 2 ** 20;

async function withBucket() {
  const started = await startS3();
  await started.s3.send(new CreateBucketCommand({ Bucket }));
  const { s3 } = started;
  const put = (Key: string, Body: PutObjectCommandInput["Body"] = Key, more: Partial<PutObjectCommandInput> = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
  return { ...started, put };
}

async function read(s3: S3Client, Key: string, more: object = {}) {
  const got = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return [await got.Body?.transformToString(), got] as const;
}

it("buckets: made, found, listed, configured, removed", async () => {
  const { s3, put, harness } = await withBucket();
  expect(await s3.send(new HeadBucketCommand({ Bucket }))).toMatchObject({ BucketRegion: "us-east-1" });
  const { Buckets, Owner } = await s3.send(new ListBucketsCommand({}));
  expect([Buckets, Owner]).toEqual([
    [{ Name: Bucket, BucketRegion: "us-east-1", CreationDate: expect.any(Date) }],
    { ID: "000000000000" },
  ]);
  expect((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBeUndefined();
  expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBeUndefined();
  const encryption = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
  expect(encryption.ServerSideEncryptionConfiguration?.Rules).toMatchObject([
    { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } },
  ]);
  const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID: "k" } }];
  await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
  expect((await s3.send(new GetBucketEncryptionCommand({ Bucket }))).ServerSideEncryptionConfiguration).toEqual({
    Rules,
  });
  await expect(s3.send(new GetBucketPolicyCommand({ Bucket }))).rejects.toMatchObject({ name: "NoSuchBucketPolicy" });
  const Policy = '{"Version":"2012-10-17","Statement":[]}';
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  expect((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy);
  const TagSet = [{ Key: "a&b", Value: "<c>" }];
  await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  expect((await s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(TagSet);
  expect((await s3.send(new GetBucketAclCommand({ Bucket }))).Grants).toEqual([
    { Grantee: { ID: "000000000000", Type: "CanonicalUser" }, Permission: "FULL_CONTROL" },
  ]);
  await expect(s3.send(new GetBucketCorsCommand({ Bucket }))).rejects.toMatchObject({
    name: "NoSuchCORSConfiguration",
  });
  await put("x");
  await expect(s3.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({ name: "BucketNotEmpty" });
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "x" }));
  await s3.send(new DeleteBucketCommand({ Bucket }));
  await expect(s3.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({ name: "NotFound" });
  for (const name of ["Capital", "a", "1.2.3.4", "healthz"])
    await expect(s3.send(new CreateBucketCommand({ Bucket: name }))).rejects.toMatchObject({
      name: "InvalidBucketName",
    });
  expect(harness.problems).toEqual([]);
});

it("objects: what was said of them comes back; ranges, conditions, tags", async () => {
  const { s3, put } = await withBucket();
  const Key = "päth/a b+c%d?e&f/'x'";
  const { ETag } = await put(Key, "0123456789", {
    ContentType: "text/x-thing",
    CacheControl: "max-age=1",
    ContentEncoding: "identity",
    Metadata: { filesha256: "abc=" },
    Tagging: "a=1&b=2%203",
    ServerSideEncryption: "AES256",
  });
  expect(ETag).toBe(`"${createHash("md5").update("0123456789").digest("hex")}"`);
  const [text, got] = await read(s3, Key);
  expect([text, got]).toEqual([
    "0123456789",
    expect.objectContaining({
      ContentType: "text/x-thing",
      CacheControl: "max-age=1",
      ContentEncoding: "identity",
      Metadata: { filesha256: "abc=" },
      TagCount: 2,
      ContentLength: 10,
      AcceptRanges: "bytes",
      ETag,
    }),
  ]);
  expect(await s3.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({ ContentLength: 10, ETag });
  const ranges = {
    "bytes=2-4": "234",
    "bytes=7-": "789",
    "bytes=-2": "89",
    "bytes=8-99": "89",
    "lines=1-2": "0123456789",
  };
  for (const [Range, part] of Object.entries(ranges)) {
    const [content, { ContentRange, $metadata }] = await read(s3, Key, { Range });
    expect([content, $metadata.httpStatusCode]).toEqual([part, part.length === 10 ? 200 : 206]);
    if (part.length < 10) expect(ContentRange).toMatch(/^bytes \d-\d\/10$/);
  }
  await expect(read(s3, Key, { Range: "bytes=10-" })).rejects.toMatchObject({ name: "InvalidRange" });
  await expect(read(s3, Key, { IfNoneMatch: ETag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
  await expect(read(s3, Key, { IfMatch: '"other"' })).rejects.toMatchObject({ name: "PreconditionFailed" });
  const hour = 3_600_000;
  await expect(read(s3, Key, { IfModifiedSince: new Date(Date.now() + hour) })).rejects.toMatchObject({
    $metadata: { httpStatusCode: 304 },
  });
  await expect(read(s3, Key, { IfUnmodifiedSince: new Date(Date.now() - hour) })).rejects.toMatchObject({
    name: "PreconditionFailed",
  });
  await expect(put(Key, "new", { IfNoneMatch: "*" })).rejects.toMatchObject({ name: "PreconditionFailed" });
  await put("other", "new", { IfNoneMatch: "*" });
  await expect(put("other", "newer", { IfMatch: '"wrong"' })).rejects.toMatchObject({ name: "PreconditionFailed" });
  await put("other", "newer", { IfMatch: `"${createHash("md5").update("new").digest("hex")}"` });
  expect((await read(s3, "other"))[0]).toBe("newer");
  expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet).toEqual([
    { Key: "a", Value: "1" },
    { Key: "b", Value: "2 3" },
  ]);
  await s3.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet: [{ Key: "c", Value: "" }] } }));
  expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet).toEqual([{ Key: "c", Value: "" }]);
  await expect(read(s3, "missing")).rejects.toMatchObject({ name: "NoSuchKey", Key: "missing" });
  await expect(s3.send(new HeadObjectCommand({ Bucket, Key: "missing" }))).rejects.toMatchObject({ name: "NotFound" });
  await expect(s3.send(new GetObjectCommand({ Bucket: "none", Key }))).rejects.toMatchObject({ name: "NoSuchBucket" });
});

it("checksums: verified, kept and shown; a stream is sent with one in its trailer", async () => {
  const { s3, put } = await withBucket();
  const body = Buffer.alloc(300_000, "abc");
  for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const) {
    const stored = await put(ChecksumAlgorithm, Readable.from([body.subarray(0, 1000), body.subarray(1000)]), {
      ChecksumAlgorithm,
      ContentLength: body.length,
    });
    const name = `Checksum${ChecksumAlgorithm}` as const;
    expect(stored[name]).toMatch(/=$|^.{4,}$/);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: ChecksumAlgorithm, ChecksumMode: "ENABLED" }));
    expect([got[name], got.ContentEncoding]).toEqual([stored[name], undefined]);
    // The client checks it, too.
    expect(await got.Body?.transformToByteArray()).toHaveLength(body.length);
  }
  await expect(
    put("wrong", "x", { ChecksumSHA256: createHash("sha256").update("y").digest("base64") }),
  ).rejects.toMatchObject({ name: "BadDigest" });
  await expect(put("wrong", "x", { ContentMD5: createHash("md5").update("y").digest("base64") })).rejects.toMatchObject(
    {
      name: "BadDigest",
    },
  );
  await expect(read(s3, "wrong")).rejects.toMatchObject({ name: "NoSuchKey" });
});

it("copies: with and without the metadata; conditions of the source", async () => {
  const { s3, put } = await withBucket();
  const { ETag } = await put("from key", "content", { Metadata: { a: "1" }, ContentType: "text/a", Tagging: "t=1" });
  const CopySource = `${Bucket}/from%20key`;
  const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: "same", CopySource }));
  expect(copied.CopyObjectResult).toMatchObject({ ETag, LastModified: expect.any(Date) });
  expect((await read(s3, "same"))[1]).toMatchObject({ Metadata: { a: "1" }, ContentType: "text/a", TagCount: 1 });
  await s3.send(
    new CopyObjectCommand({
      Bucket,
      Key: "new",
      CopySource,
      MetadataDirective: "REPLACE",
      Metadata: { b: "2" },
      ChecksumAlgorithm: "SHA256",
    }),
  );
  const [text, got] = await read(s3, "new", { ChecksumMode: "ENABLED" });
  expect([text, got.Metadata, got.ChecksumSHA256]).toEqual([
    "content",
    { b: "2" },
    createHash("sha256").update("content").digest("base64"),
  ]);
  // The source goes, the copies stay.
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "from key" }));
  expect((await read(s3, "same"))[0]).toBe("content");
  await expect(s3.send(new CopyObjectCommand({ Bucket, Key: "x", CopySource }))).rejects.toMatchObject({
    name: "NoSuchKey",
  });
  await expect(
    s3.send(new CopyObjectCommand({ Bucket, Key: "x", CopySource: `${Bucket}/same`, CopySourceIfNoneMatch: ETag })),
  ).rejects.toMatchObject({ name: "PreconditionFailed" });
  await expect(
    s3.send(new CopyObjectCommand({ Bucket, Key: "same", CopySource: `${Bucket}/same` })),
  ).rejects.toMatchObject({ name: "InvalidRequest" });
});

it("lists: pages, prefixes and delimiters, in the order of UTF-8", async () => {
  const { s3, put } = await withBucket();
  const keys = ["a", "a/1", "a/2", "a/b/3", "b", "c/1", "ü", "\u{ff5e}", "\u{1f600}"];
  for (const key of keys) await put(key, Buffer.alloc(0));
  const list = async (more: object): Promise<string[]> => {
    const found: string[] = [];
    for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket, ...more })) {
      expect(page.KeyCount).toBeLessThanOrEqual(2);
      for (const { Key } of page.Contents ?? []) found.push(String(Key));
      for (const { Prefix } of page.CommonPrefixes ?? []) found.push(`${Prefix} …`);
    }
    return found;
  };
  expect(await list({})).toEqual(keys);
  expect(await list({ Delimiter: "/" })).toEqual(["a", "a/ …", "b", "c/ …", "ü", "\u{ff5e}", "\u{1f600}"]);
  expect(await list({ Delimiter: "/", Prefix: "a/" })).toEqual(["a/1", "a/2", "a/b/ …"]);
  expect(await list({ StartAfter: "b" })).toEqual(["c/1", "ü", "\u{ff5e}", "\u{1f600}"]);
  expect(await list({ Prefix: "zz" })).toEqual([]);
});

it("versions: markers, pages, removal of one, suspension", async () => {
  const { s3, put } = await withBucket();
  await put("k", "before");
  const version = (Status: "Enabled" | "Suspended") =>
    s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
  await version("Enabled");
  const { VersionId: first } = await put("k", "first");
  const { VersionId: second } = await put("k", "second");
  expect(first).not.toBe(second);
  expect((await read(s3, "k", { VersionId: first }))[0]).toBe("first");
  expect((await read(s3, "k", { VersionId: "null" }))[0]).toBe("before");
  const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
  expect(marker).toMatchObject({ DeleteMarker: true, VersionId: expect.any(String) });
  await expect(read(s3, "k")).rejects.toMatchObject({ name: "NoSuchKey" });
  await expect(read(s3, "k", { VersionId: marker.VersionId })).rejects.toMatchObject({ name: "MethodNotAllowed" });
  await expect(read(s3, "k", { VersionId: "other" })).rejects.toMatchObject({ name: "NoSuchVersion" });
  const found: unknown[] = [];
  let at: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
  for (;;) {
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1, ...at }));
    for (const { VersionId, IsLatest } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])])
      found.push([VersionId, IsLatest]);
    if (page.IsTruncated !== true) break;
    at = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
  expect(found).toEqual([
    [marker.VersionId, true],
    [second, false],
    [first, false],
    ["null", false],
  ]);
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "k", VersionId: marker.VersionId }));
  expect((await read(s3, "k"))[0]).toBe("second");
  await version("Suspended");
  expect((await put("k", "null again")).VersionId).toBe("null");
  await expect(s3.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({ name: "BucketNotEmpty" });
  const { Deleted, Errors } = await s3.send(
    new DeleteObjectsCommand({
      Bucket,
      Delete: {
        Objects: [
          { Key: "k", VersionId: first },
          { Key: "k", VersionId: second },
          { Key: "k", VersionId: "null" },
          { Key: "never", VersionId: "null" },
        ],
      },
    }),
  );
  expect([Deleted?.length, Errors]).toEqual([4, undefined]);
  await s3.send(new DeleteBucketCommand({ Bucket }));
});

it("uploads in parts: listed, completed with each kind of checksum, copied from, aborted", async () => {
  const { s3, put } = await withBucket();
  const bodies = [Buffer.alloc(5 * MIB, "a"), Buffer.alloc(5 * MIB + 7, "b"), Buffer.from("end")];
  const whole = Buffer.concat(bodies);
  for (const [ChecksumAlgorithm, ChecksumType] of [
    ["CRC32", "COMPOSITE"],
    ["CRC32C", "FULL_OBJECT"],
    ["CRC64NVME", "FULL_OBJECT"],
  ] as const) {
    const Key = `${ChecksumAlgorithm}-${ChecksumType}`;
    const upload = { Bucket, Key, ChecksumAlgorithm };
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ ...upload, ChecksumType, Metadata: { m: "1" } }),
    );
    const Parts = [];
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index * 2 + 1;
      const part = await s3.send(new UploadPartCommand({ ...upload, UploadId, PartNumber, Body }));
      Parts.push({
        PartNumber,
        ETag: part.ETag,
        [`Checksum${ChecksumAlgorithm}`]: part[`Checksum${ChecksumAlgorithm}`],
      });
    }
    const listed = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 2 }));
    expect([listed.Parts?.map(({ Size }) => Size), listed.IsTruncated]).toEqual([[5 * MIB, 5 * MIB + 7], true]);
    expect((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toMatchObject([{ Key, UploadId }]);
    const complete = (parts: object[]) =>
      s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts } }));
    await expect(complete([...Parts].reverse())).rejects.toMatchObject({ name: "InvalidPartOrder" });
    await expect(complete([{ ...Parts[0], ETag: '"wrong"' }])).rejects.toMatchObject({ name: "InvalidPart" });
    const done = await complete(Parts);
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-3"$/);
    const single = await put("single", whole, { ChecksumAlgorithm });
    const name = `Checksum${ChecksumAlgorithm}` as const;
    if (ChecksumType === "FULL_OBJECT") expect(done[name]).toBe(single[name]);
    else expect(done[name]).toMatch(/-3$/);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(whole)).toBe(true);
    const [across] = await read(s3, Key, { Range: `bytes=${5 * MIB - 2}-${5 * MIB + 1}` });
    expect(across).toBe("aabb");
    const [third, { PartsCount }] = await read(s3, Key, { PartNumber: 3 });
    expect([third, PartsCount]).toEqual(["end", 3]);
    expect(
      await s3.send(new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ["ObjectParts", "ObjectSize"] })),
    ).toMatchObject({
      ObjectSize: whole.length,
      ObjectParts: { TotalPartsCount: 3, Parts: [{ Size: 5 * MIB }, {}, {}] },
    });
  }
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "copy" }));
  const part = await s3.send(
    new UploadPartCopyCommand({
      Bucket,
      Key: "copy",
      UploadId,
      PartNumber: 1,
      CopySource: `${Bucket}/CRC32-COMPOSITE`,
      CopySourceRange: `bytes=${5 * MIB - 1}-${5 * MIB}`,
    }),
  );
  const Parts = [{ PartNumber: 1, ETag: part.CopyPartResult?.ETag }];
  await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: "copy", UploadId, MultipartUpload: { Parts } }));
  expect((await read(s3, "copy"))[0]).toBe("ab");
  const small = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "small" }));
  const of = { Bucket, Key: "small", UploadId: small.UploadId };
  const one = await s3.send(new UploadPartCommand({ ...of, PartNumber: 1, Body: "x" }));
  const two = await s3.send(new UploadPartCommand({ ...of, PartNumber: 2, Body: "y" }));
  const both = [
    { PartNumber: 1, ETag: one.ETag },
    { PartNumber: 2, ETag: two.ETag },
  ];
  await expect(
    s3.send(new CompleteMultipartUploadCommand({ ...of, MultipartUpload: { Parts: both } })),
  ).rejects.toMatchObject({ name: "EntityTooSmall" });
  await s3.send(new AbortMultipartUploadCommand(of));
  await expect(s3.send(new ListPartsCommand(of))).rejects.toMatchObject({ name: "NoSuchUpload" });
});

it("refuses by name what Thaw does not have, with 400", async () => {
  const { s3, put } = await withBucket();
  const refused = { name: "NotImplemented", $metadata: { httpStatusCode: 400 } };
  await expect(
    s3.send(
      new PutBucketCorsCommand({
        Bucket,
        CORSConfiguration: { CORSRules: [{ AllowedMethods: ["GET"], AllowedOrigins: ["*"] }] },
      }),
    ),
  ).rejects.toMatchObject({ ...refused, message: "PutBucketCors is part of S3, but Thaw does not have it." });
  await expect(put("k", "x", { StorageClass: "GLACIER" })).rejects.toMatchObject(refused);
  await expect(put("k", "x", { ACL: "public-read" })).rejects.toMatchObject(refused);
  await expect(put("k", "x", { ServerSideEncryption: "aws:kms:dsse" })).rejects.toMatchObject(refused);
  await expect(put("k", "x", { ServerSideEncryption: "aws:kms", SSEKMSKeyId: "k" })).rejects.toMatchObject(refused);
  await expect(put("k", "x", { WebsiteRedirectLocation: "/y" })).rejects.toMatchObject({
    ...refused,
    message: "WebsiteRedirectLocation is part of S3's PutObject, but Thaw does not have it. Leave it out.",
  });
  await expect(put("k", "x", { ExpectedBucketOwner: "111111111111" })).rejects.toMatchObject({ name: "AccessDenied" });
});

it("all objects together have a limit", async () => {
  const { s3 } = await startS3({ bytesMax: 100_000 });
  await s3.send(new CreateBucketCommand({ Bucket }));
  const put = (Key: string, bytes: number) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(bytes) }));
  await put("a", 50_000);
  await expect(put("b", 60_000)).rejects.toMatchObject({ name: "QuotaExceeded", $metadata: { httpStatusCode: 403 } });
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
  await put("b", 60_000);
});
