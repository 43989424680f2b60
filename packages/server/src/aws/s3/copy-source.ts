/** The object that a copy is made of: the header `x-amz-copy-source`. */
import type { BucketRecord, ObjectVersion } from "../../model/object-record.ts";
import { bucketOf, objectOf } from "./found.ts";
import { invalidArgument } from "./s3-error.ts";
import type { S3Call, S3Parts } from "./s3-service.ts";

/** `[/]BUCKET/KEY[?versionId=ID]`, percent-encoded. Throws as a read of it would. */
export async function sourceOf(
  { objects }: Pick<S3Parts, "objects">,
  {
    CopySource,
    ExpectedSourceBucketOwner,
  }: { readonly CopySource: unknown; readonly ExpectedSourceBucketOwner?: string },
  call: S3Call,
): Promise<{ readonly source: ObjectVersion; readonly sourceBucket: BucketRecord }> {
  const text = String(CopySource);
  const [path = "", query = ""] = text.split("?");
  const wrong = invalidArgument("Invalid copy source object key", "x-amz-copy-source", text.slice(0, 1024));
  let decoded: string;
  try {
    decoded = decodeURIComponent(path).replace(/^\//, "");
  } catch {
    throw wrong;
  }
  const at = decoded.indexOf("/");
  if (at < 1 || at === decoded.length - 1) throw wrong;
  const owner = ExpectedSourceBucketOwner === undefined ? {} : { ExpectedBucketOwner: ExpectedSourceBucketOwner };
  const sourceBucket = await bucketOf(objects, { Bucket: decoded.slice(0, at), ...owner }, call);
  const VersionId = new URLSearchParams(query).get("versionId") ?? undefined;
  const source = await objectOf(objects, { Bucket: sourceBucket.name, Key: decoded.slice(at + 1), VersionId });
  return { source, sourceBucket };
}
