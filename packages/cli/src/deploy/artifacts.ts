/**
 * Where code, definitions and templates lie for a stack: a bucket of Thaw's in S3 of the same server, made on first
 * use. A key is the digest of its content, so that what has not changed is neither sent nor changes a template.
 */
import { createHash } from "node:crypto";
import {
  CreateBucketCommand,
  HeadObjectCommand,
  NotFound,
  PutObjectCommand,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import type { StackClients } from "../aws-clients.ts";

export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
}

export interface Artifacts {
  readonly bucket: string;
  /** `ending`: of the key, with its dot. */
  put(content: Buffer, ending: string): Promise<StoredObject>;
  /** Under a key that already is a digest; `read` is called only where the object is not there. */
  putAs(key: string, read: () => Promise<Buffer>): Promise<StoredObject>;
}

export interface ArtifactOptions {
  readonly region: string;
  /** False: names are told, and nothing is sent, for those who only want to see differences. */
  readonly isSending: boolean;
}

export function createArtifacts({ s3, accountId }: StackClients, { region, isSending }: ArtifactOptions): Artifacts {
  // Names of buckets are the same for all accounts of a server.
  const bucket = `thaw-deployments-${accountId}-${region}`;
  let made: Promise<void> | null = null;
  const makeBucket = async (): Promise<void> => {
    try {
      // The one Region that is not named so: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
      const place =
        region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint: region as never } };
      await s3.send(new CreateBucketCommand({ Bucket: bucket, ...place }));
    } catch (error) {
      if (!(error instanceof S3ServiceException) || error.name !== "BucketAlreadyOwnedByYou") throw error;
    }
  };
  const isThere = async (key: string): Promise<boolean> => {
    try {
      await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      return true;
    } catch (error) {
      if (error instanceof NotFound || (error as S3ServiceException).$metadata?.httpStatusCode === 404) return false;
      throw error;
    }
  };
  const putAs = async (key: string, read: () => Promise<Buffer>): Promise<StoredObject> => {
    if (isSending && !(await isThere(key))) {
      made ??= makeBucket();
      await made;
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: await read() }));
    }
    return { bucket, key };
  };
  return {
    bucket,
    put: (content, ending) =>
      putAs(`${createHash("sha256").update(content).digest("hex")}${ending}`, async () => content),
    putAs,
  };
}
