import { expect, it } from "vitest";
import { objectOf } from "./template-url.ts";

it.for([
  ["https://s3.amazonaws.com/bucket/a/b.json", { Bucket: "bucket", Key: "a/b.json" }],
  ["https://s3.eu-west-1.amazonaws.com/bucket/a%20b", { Bucket: "bucket", Key: "a b" }],
  ["http://127.0.0.1:9000/bucket/k?versionId=v1", { Bucket: "bucket", Key: "k", VersionId: "v1" }],
  ["https://bucket.s3.us-east-1.amazonaws.com/k/l", { Bucket: "bucket", Key: "k/l" }],
  ["https://my.bucket.s3.amazonaws.com/k", { Bucket: "my.bucket", Key: "k" }],
  ["https://bucket.s3-us-west-2.amazonaws.com/k", { Bucket: "bucket", Key: "k" }],
  ["http://bucket.localhost:9000/k", { Bucket: "bucket", Key: "k" }],
  ["http://localhost:9000/bucket/k", { Bucket: "bucket", Key: "k" }],
  ["s3://bucket/k/l", { Bucket: "bucket", Key: "k/l" }],
  ["https://s3.amazonaws.com/bucket", null],
  ["https://s3.amazonaws.com/%E0%A4%A/k", null],
  ["file:///etc/passwd", null],
  ["nonsense", null],
] as const)("%s names %j", ([url, object]) => expect(objectOf(url)).toEqual(object));
