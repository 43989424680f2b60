/** A package of a function or of a layer that a request brings: in itself, or as an object of the store. */
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { ApiError, invalidParameter } from "../../model/api-error.ts";
import type { CodeInfo } from "../../model/code-info.ts";
import type { ControlServices } from "../services.ts";

const ZIP_SIZE_BYTES_MAX = 50 * 1024 * 1024;
const S3_ZIP_SIZE_BYTES_MAX = 262_144_000;

/** Where a request says that the package is. */
export interface PackageSource {
  readonly ZipFile?: Uint8Array;
  readonly S3Bucket?: string;
  readonly S3Key?: string;
  readonly S3ObjectVersion?: string;
  readonly S3ObjectStorageMode?: string;
}

type Needs = Pick<ControlServices, "code" | "objects" | "scope">;

/** Unpacks the package. Throws an ApiError where there is none, or where it is broken, hostile or too large. */
export async function fetchCode(
  services: Needs,
  from: PackageSource,
  what: "function code" | "layer content" = "function code",
): Promise<CodeInfo> {
  if (from.S3ObjectStorageMode === "REFERENCE")
    throw invalidParameter("S3ObjectStorageMode REFERENCE is not supported by Thaw: it keeps a copy. Use COPY.");
  if (from.ZipFile !== undefined) {
    if (from.S3Bucket !== undefined || from.S3Key !== undefined)
      throw invalidParameter("Please do not provide other FunctionCode parameters when providing a ZipFile.");
    if (from.ZipFile.length > ZIP_SIZE_BYTES_MAX)
      throw new ApiError(
        "RequestEntityTooLargeException",
        `Zipped size must be smaller than ${ZIP_SIZE_BYTES_MAX} bytes`,
      );
    return services.code.unpack(Buffer.from(from.ZipFile));
  }
  if (from.S3Bucket === undefined || from.S3Key === undefined)
    throw invalidParameter(`Please provide a source for ${what}.`);
  const content = await readObject(services, from.S3Bucket, from.S3Key, from.S3ObjectVersion);
  return services.code.unpack(await buffer(content));
}

async function readObject(
  { objects, scope }: Needs,
  bucket: string,
  key: string,
  versionId: string | undefined,
): Promise<Readable> {
  const found = await objects.findBucket(bucket);
  // An object that an earlier release stored has no bucket before it is asked for.
  const version = await objects.find({ bucket, key, versionId });
  if (found === null && version === null) throw refusedByS3("NoSuchBucket", "The specified bucket does not exist");
  if (found !== null && found.accountId !== scope.accountId)
    throw new ApiError(
      "AccessDeniedException",
      `Your access has been denied by S3, please make sure your request credentials have permission to GetObject for ${bucket}/${key}. S3 Error Code: AccessDenied. S3 Error Message: Access Denied`,
    );
  const content = version === null || version.isMarker ? null : await objects.read(version);
  if (version === null || content === null)
    throw versionId === undefined
      ? refusedByS3("NoSuchKey", "The specified key does not exist.")
      : refusedByS3("NoSuchVersion", "The specified version does not exist.");
  if (version.sizeBytes > S3_ZIP_SIZE_BYTES_MAX) {
    content.destroy();
    throw invalidParameter(`Unzipped size must be smaller than ${S3_ZIP_SIZE_BYTES_MAX} bytes`);
  }
  return content;
}

/** Recorded …TestLambdaFunction.test_lambda_code_location_s3_errors. */
function refusedByS3(code: string, message: string): ApiError {
  return invalidParameter(`Error occurred while GetObject. S3 Error Code: ${code}. S3 Error Message: ${message}`);
}

/** Finds the image and unpacks it. Throws an ApiError where it can't be had, or can't be run. */
export function fetchImage({ code, images }: Pick<ControlServices, "code" | "images">, uri: string): Promise<CodeInfo> {
  return images.withImage(uri, (image) => code.unpackImage(image));
}
