/**
 * Requests to S3: of its methods, parameters and headers, with right and strange values, and documents that are half
 * right.
 */
import fc from "fast-check";
import type { Request } from "./request.ts";

const BUCKETS = ["fuzz", "fuzz", "fuzz", "fuzz-2", "Fuzz", "f", "%zz", "..", "fuzz%2Fkey"];
const KEYS = ["key", "a/b", "a//b", "%2e%2e/x", "%zz", "%00", "%F0%9D%92%B3", "", "k".repeat(1025), "%E0%80%80"];
const PARAMETERS = [
  "acl attributes continuation-token cors delete delimiter encoding-type fetch-owner key-marker lifecycle list-type",
  "location marker max-keys max-uploads part-number-marker partNumber policy prefix restore start-after tagging",
  "uploadId uploads version-id-marker versionId versioning versions X-Amz-Signature x-id response-content-type",
].flatMap((line) => line.split(" "));
const HEADERS = [
  "content-encoding content-md5 content-type expect if-match if-modified-since if-none-match if-unmodified-since range",
  "x-amz-acl x-amz-checksum-crc32 x-amz-checksum-sha256 x-amz-copy-source x-amz-copy-source-range",
  "x-amz-decoded-content-length x-amz-expected-bucket-owner x-amz-meta-a x-amz-object-attributes",
  "x-amz-sdk-checksum-algorithm x-amz-server-side-encryption x-amz-storage-class x-amz-tagging x-amz-trailer",
].flatMap((line) => line.split(" "));
const VALUES = [
  "",
  "0",
  "1",
  "-1",
  "10001",
  "1e3",
  "null",
  "2",
  "/",
  "url",
  "aws-chunked",
  "bytes=0-",
  "bytes=5-1,2-",
  "bytes=-99999999999999999999",
  "/fuzz/key",
  "fuzz/%zz?versionId=x",
  "a=b&c=d",
  "AAAAAA==",
  "Sat, 01 Jan 2000 00:00:00 GMT",
  '"etag"',
  "*",
  "CRC64NVME",
  "x-amz-checksum-crc32",
];
const DOCUMENTS = [
  "<Delete><Object><Key>key</Key></Object></Delete>",
  "<Delete><Quiet>maybe</Quiet><Object><Key></Key><VersionId>1</VersionId></Object></Delete>",
  "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>",
  "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
  "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
  "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>",
  '<!DOCTYPE a [<!ENTITY b "c">]><Delete><Object><Key>&b;</Key></Object></Delete>',
  "<Delete>&#0;&lt;</Delete>",
  "5;chunk-signature=0\r\nhello\r\n0;chunk-signature=0\r\n\r\n",
  "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
  "<a>".repeat(20_000),
];
const PAYLOADS = [
  "UNSIGNED-PAYLOAD",
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "digest",
];

const value = fc.oneof(fc.constantFrom(...VALUES), fc.string({ maxLength: 60, unit: "grapheme-ascii" }));
/** Mostly from the list; else bytes. */
const bodies = fc.oneof(
  { arbitrary: fc.constantFrom(...DOCUMENTS).map((text) => Buffer.from(text)), weight: 3 },
  { arbitrary: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)), weight: 1 },
);

export function s3Request(): fc.Arbitrary<Request> {
  const parts = {
    method: fc.constantFrom("GET", "PUT", "POST", "DELETE", "HEAD"),
    bucket: fc.constantFrom(...BUCKETS),
    key: fc.constantFrom(...KEYS),
    query: fc.dictionary(fc.constantFrom(...PARAMETERS), value, { maxKeys: 3 }),
    headers: fc.dictionary(fc.constantFrom(...HEADERS), value, { maxKeys: 3 }),
    body: bodies,
    payload: fc.constantFrom(...PAYLOADS),
  };
  return fc.record(parts).map(({ method, bucket, key, query, headers, body, payload }): Request => {
    const search = new URLSearchParams(Object.entries(query)).toString();
    return {
      kind: "s3",
      method,
      target: `/${bucket}/${key}${search === "" ? "" : `?${search}`}`,
      headers: { ...headers, "x-amz-content-sha256": payload },
      body: method === "GET" || method === "HEAD" ? Buffer.alloc(0) : body,
      service: "s3",
    };
  });
}
