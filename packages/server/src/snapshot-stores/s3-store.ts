/**
 * Objects in a bucket of S3, or of a store that speaks its API. Endpoint, region and credentials come as for any AWS
 * client.
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import type { Readable } from "node:stream";
import { type SnapshotStore, SnapshotStoreError, type StoredObject } from "../ports/snapshot-store.ts";

export interface S3StoreOptions {
  readonly bucket: string;
  /** Beginning of every key; empty or ends with a slash. */
  readonly prefix: string;
  /** Endpoint; null: as the AWS variables say, else AWS's own. */
  readonly endpoint: string | null;
  /** True where the bucket is in the path, not in the host's name, as most stores other than AWS's want. */
  readonly pathStyle: boolean;
  readonly region: string;
  /** Credentials; null: variables, profiles and roles, as for any AWS client. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
}

const REFUSALS = new Set([
  "AccessDenied",
  "AllAccessDisabled",
  "AuthorizationHeaderMalformed",
  "CredentialsProviderError",
  "ExpiredToken",
  "Forbidden",
  "InvalidAccessKeyId",
  "InvalidBucketName",
  "NoSuchBucket",
  "PermanentRedirect",
  "SignatureDoesNotMatch",
]);

export function createS3Store(options: S3StoreOptions): SnapshotStore {
  return new S3Store(options);
}

class S3Store implements SnapshotStore {
  readonly name: string;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: S3Client;

  constructor(options: S3StoreOptions) {
    const { bucket, prefix, endpoint, pathStyle, region, credentials } = options;
    this.name = `s3://${bucket}/${prefix}`;
    this.#bucket = bucket;
    this.#prefix = prefix;
    const config: S3ClientConfig = {
      region,
      forcePathStyle: pathStyle,
      // The caller tries again: it knows who is waiting.
      maxAttempts: 1,
      // Contents are checked by name or by key: a checksum more costs and says nothing.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      ...(endpoint === null ? {} : { endpoint }),
      ...(credentials === null ? {} : { credentials }),
    };
    this.#client = new S3Client(config);
  }

  async put(key: string, content: Buffer, signal: AbortSignal): Promise<void> {
    await this.#call(() =>
      this.#client.send(new PutObjectCommand({ ...this.#at(key), Body: content }), { abortSignal: signal }),
    );
  }

  async putNew(key: string, content: Buffer, signal: AbortSignal): Promise<boolean> {
    const command = new PutObjectCommand({ ...this.#at(key), Body: content, IfNoneMatch: "*" });
    const done = await this.#call(
      () => this.#client.send(command, { abortSignal: signal }),
      ["PreconditionFailed", "ConditionalRequestConflict"],
    );
    return done !== null;
  }

  async get(key: string, sizeBytesMax: number, signal: AbortSignal): Promise<Buffer | null> {
    const command = new GetObjectCommand({ ...this.#at(key), Range: `bytes=0-${sizeBytesMax - 1}` });
    return this.#call(async () => {
      let found;
      try {
        found = await this.#client.send(command, { abortSignal: signal });
      } catch (error) {
        // A range of an empty object.
        if (error instanceof S3ServiceException && error.name === "InvalidRange") return Buffer.alloc(0);
        throw error;
      }
      return readBody(found.Body as Readable, found.ContentLength, sizeBytesMax, signal);
    }, ["NoSuchKey", "NotFound"]);
  }

  async has(key: string, signal: AbortSignal): Promise<boolean> {
    const found = await this.#call(
      () => this.#client.send(new HeadObjectCommand(this.#at(key)), { abortSignal: signal }),
      ["NotFound", "NoSuchKey"],
    );
    return found !== null;
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    await this.#call(
      () => this.#client.send(new DeleteObjectCommand(this.#at(key)), { abortSignal: signal }),
      ["NoSuchKey", "NotFound"],
    );
  }

  async list(prefix: string, signal: AbortSignal): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    let token: string | undefined;
    do {
      const input = {
        Bucket: this.#bucket,
        Prefix: `${this.#prefix}${prefix}`,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      };
      const page = await this.#call(() => this.#client.send(new ListObjectsV2Command(input), { abortSignal: signal }));
      for (const each of page?.Contents ?? []) {
        const key = (each.Key ?? "").slice(this.#prefix.length);
        found.push({
          key,
          sizeBytes: each.Size ?? 0,
          modifiedMs: each.LastModified?.getTime() ?? 0,
          tag: each.ETag ?? "",
        });
      }
      token = page?.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
    return found;
  }

  close(): void {
    this.#client.destroy();
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${key}` };
  }

  /** Runs a call; null for an error of `absent`. */
  async #call<T>(send: () => Promise<T>, absent: readonly string[] = []): Promise<T | null> {
    try {
      return await send();
    } catch (error) {
      const name = error instanceof Error ? error.name : "";
      if (absent.includes(name)) return null;
      if (name === "AbortError" || name === "TimeoutError") throw error;
      const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      const isRefusal = REFUSALS.has(name) || status === 401 || status === 403;
      throw new SnapshotStoreError(
        isRefusal ? "STORE_REFUSED" : "STORE_UNAVAILABLE",
        { store: this.name, error: name, status },
        error,
      );
    }
  }
}

/** Reads a body. Throws when it is shorter than announced; one that stops coming ends with the signal. */
async function readBody(
  body: Readable,
  length: number | undefined,
  sizeBytesMax: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const onAbort = (): void => void body.destroy(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      parts.push(part);
      size += part.length;
      if (size > sizeBytesMax) break;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    body.destroy();
  }
  if (length !== undefined && size < Math.min(length, sizeBytesMax)) throw new Error("the object's body was cut short");
  return Buffer.concat(parts).subarray(0, sizeBytesMax);
}
