/** Checksums: those that a request says of its content, and those that answers say of an object. */
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from "../../base/digests.ts";
import type { Checksum, ObjectVersion } from "../../model/object-record.ts";
import type { ObjectStore, ReceivedContent } from "../../ports/object-store.ts";
import { invalidArgument, notImplemented, S3Error } from "./s3-error.ts";
import type { S3Call } from "./s3-service.ts";

/** 5 GiB: https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html */
export const CONTENT_BYTES_MAX = 5 * 1024 ** 3;
const TRAILER = "x-amz-checksum-";

/** Members of an input that say a checksum, as far as there are any. */
export type Declared = Readonly<Partial<Record<`Checksum${ChecksumAlgorithm}`, string>>> & {
  readonly ContentMD5?: string;
  readonly ChecksumAlgorithm?: string;
};

/** The one checksum that a request says or asks for; null where it has none. Throws where it says several. */
export function algorithmOf(declared: Declared, call: Pick<S3Call, "header">): ChecksumAlgorithm | null {
  const named = CHECKSUM_ALGORITHMS.filter((name) => declared[`Checksum${name}`] !== undefined);
  if (named.length > 1)
    throw new S3Error(
      "InvalidRequest",
      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    );
  const trailer = call.header("x-amz-trailer").toLowerCase();
  const inTrailer = CHECKSUM_ALGORITHMS.find((name) => trailer === `${TRAILER}${name.toLowerCase()}`);
  if (trailer !== "" && inTrailer === undefined)
    throw notImplemented(`The trailer must be one of ${TRAILER}${CHECKSUM_ALGORITHMS.join(", ").toLowerCase()}.`);
  const algorithm = (named[0] ?? inTrailer ?? declared.ChecksumAlgorithm) as ChecksumAlgorithm | undefined;
  return algorithm ?? null;
}

/**
 * Receives the content of a request, and checks it against all that the request says of it. `also` is computed in any
 * case. What does not fit is discarded.
 */
export async function receive(
  objects: ObjectStore,
  declared: Declared,
  call: S3Call,
  also: ChecksumAlgorithm | null = null,
): Promise<ReceivedContent & { readonly algorithm: ChecksumAlgorithm | null }> {
  const said = algorithmOf(declared, call);
  const algorithm = also ?? said;
  const algorithms = [...new Set([said, also].filter((each) => each !== null))];
  const received = await objects.receive(call.content, { algorithms, sizeBytesMax: CONTENT_BYTES_MAX });
  try {
    checkMd5(declared.ContentMD5, received.md5);
    if (said !== null) {
      const expected = declared[`Checksum${said}`] ?? call.trailers()[`${TRAILER}${said.toLowerCase()}`];
      if (expected !== undefined && expected !== received.checksums[said])
        throw new S3Error("BadDigest", `The ${said} you specified did not match the calculated checksum.`);
    }
    return { ...received, algorithm };
  } catch (error) {
    await objects.discard(received);
    throw error;
  }
}

function checkMd5(given: string | undefined, md5: string): void {
  if (given === undefined) return;
  const bytes = Buffer.from(given, "base64");
  if (bytes.length !== 16) throw new S3Error("InvalidDigest", "The Content-MD5 you specified was invalid.");
  if (bytes.toString("hex") !== md5)
    throw new S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.", {
      elements: { ExpectedDigest: bytes.toString("hex"), CalculatedDigest: md5 },
    });
}

/** The members that answers have of a checksum. */
export function shownChecksum(checksum: Checksum | null): Readonly<Record<string, string>> {
  return checksum === null ? {} : { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type };
}

/** Members of a list's item: which checksums there are, not their values. */
export function listedChecksum({ checksum }: ObjectVersion): object {
  return checksum === null ? {} : { ChecksumAlgorithm: [checksum.algorithm], ChecksumType: checksum.type };
}

/** Throws where an upload can't have the checksum of this type: AWS's table of them is below. */
export function checkType(algorithm: ChecksumAlgorithm, type: string): void {
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
  const isRight =
    type === "FULL_OBJECT" ? algorithm.startsWith("CRC") : type === "COMPOSITE" && algorithm !== "CRC64NVME";
  if (!isRight)
    throw invalidArgument(
      `The ${type.slice(0, 20)} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
      "x-amz-checksum-type",
      type.slice(0, 20),
    );
}
