/**
 * Objects by bucket and key: where S3Bucket/S3Key of a deployment package are looked up. A directory here, S3 later.
 */
import type { Readable } from "node:stream";

export interface ObjectStore {
  /** Durable when it resolves, and whole or not there for a reader. */
  put(bucket: string, key: string, content: Readable): Promise<{ readonly sizeBytes: number }>;
  /** Null when there is no such object. */
  get(bucket: string, key: string): Promise<{ readonly content: Readable; readonly sizeBytes: number } | null>;
  hasBucket(bucket: string): Promise<boolean>;
  remove(bucket: string, key: string): Promise<void>;
}
