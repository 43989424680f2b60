/** A package or an image on its way to the server: in the request, or as an object where it is too large for that. */
import type { PlannedCode } from "@thaw/template/planned";
import type { Connection } from "../connection.ts";
import { digestOf } from "./package-code.ts";
import { BUCKET } from "./stack-record.ts";

export interface CodeMembers {
  readonly ZipFile?: Uint8Array;
  readonly S3Bucket?: string;
  readonly S3Key?: string;
  readonly S3ObjectVersion?: string;
  readonly ImageUri?: string;
}

export interface PreparedCode {
  readonly members: CodeMembers;
  /** Null where it is an object or an image that was there before. */
  readonly sha256: string | null;
}

const REQUEST_ZIP_BYTES_MAX = 50 * 1024 * 1024;

export function objectCode({ bucket, key, version }: Extract<PlannedCode, { kind: "object" }>): PreparedCode {
  const ofVersion = version === undefined ? {} : { S3ObjectVersion: version };
  return { members: { S3Bucket: bucket, S3Key: key, ...ofVersion }, sha256: null };
}

/** The server finds the image, and what its tag means now. */
export function imageCode(uri: string): PreparedCode {
  return { members: { ImageUri: uri }, sha256: null };
}

export async function sendZip(connection: Connection, zip: Buffer): Promise<PreparedCode> {
  const sha256 = digestOf(zip);
  if (zip.length <= REQUEST_ZIP_BYTES_MAX) return { members: { ZipFile: zip }, sha256 };
  const key = `${Buffer.from(sha256, "base64").toString("hex")}.zip`;
  await connection.thaw.call("putObject", { parameters: { bucket: BUCKET, key }, body: zip });
  return { members: { S3Bucket: BUCKET, S3Key: key }, sha256 };
}
