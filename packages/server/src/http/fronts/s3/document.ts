/** A document of a request against what its head says of it. */
import type { OperationName } from "@thaw/aws-api/s3";
import { createHash } from "node:crypto";
import { S3Error } from "../../../aws/s3/create-s3.ts";
import { CHECKSUM_ALGORITHMS, digestOf } from "../../../base/digests.ts";
import type { WireHead } from "../../wire-head.ts";

/** Throws BadDigest, and InvalidRequest where DeleteObjects has no digest at all. */
export async function checkDocument(
  operation: OperationName,
  document: Buffer,
  headers: WireHead["headers"],
  trailers: Readonly<Record<string, string>>,
): Promise<void> {
  const md5 = headers["content-md5"];
  if (md5 !== undefined && createHash("md5").update(document).digest("base64") !== md5)
    throw new S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.");
  let isChecked = md5 !== undefined;
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const name = `x-amz-checksum-${algorithm.toLowerCase()}`;
    // Of CompleteMultipartUpload this is the checksum of the object.
    const given = operation === "CompleteMultipartUpload" ? undefined : (headers[name] ?? trailers[name]);
    if (given === undefined) continue;
    if ((await digestOf(algorithm, document)) !== given)
      throw new S3Error("BadDigest", `The ${algorithm} you specified did not match the calculated checksum.`);
    isChecked = true;
  }
  if (operation === "DeleteObjects" && !isChecked)
    throw new S3Error("InvalidRequest", "Missing required header for this request: Content-MD5");
}
