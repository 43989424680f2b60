/** A package of a function or of a layer that a request brings: in itself, or as an object of the store. */
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
  readonly S3ObjectStorageMode?: string;
}

type Needs = Pick<ControlServices, "code" | "objects">;

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
  const found = await services.objects.get(from.S3Bucket, from.S3Key);
  if (found === null) throw invalidParameter(await missingObject(services, from.S3Bucket));
  if (found.sizeBytes > S3_ZIP_SIZE_BYTES_MAX)
    throw invalidParameter(`Unzipped size must be smaller than ${S3_ZIP_SIZE_BYTES_MAX} bytes`);
  const parts: Buffer[] = [];
  for await (const part of found.content as AsyncIterable<Buffer>) parts.push(part);
  return services.code.unpack(Buffer.concat(parts));
}

/** Recorded …TestLambdaFunction.test_lambda_code_location_s3_errors. */
async function missingObject({ objects }: Needs, bucket: string): Promise<string> {
  const [code, message] = (await objects.hasBucket(bucket))
    ? ["NoSuchKey", "The specified key does not exist."]
    : ["NoSuchBucket", "The specified bucket does not exist"];
  return `Error occurred while GetObject. S3 Error Code: ${code}. S3 Error Message: ${message}`;
}

/** Finds the image and unpacks it. Throws an ApiError where it can't be had, or can't be run. */
export function fetchImage({ code, images }: Pick<ControlServices, "code" | "images">, uri: string): Promise<CodeInfo> {
  return images.withImage(uri, (image) => code.unpackImage(image));
}
