/** What is kept of buckets, of objects' versions and of uploads in parts. */

import type { ChecksumAlgorithm } from "../base/digests.ts";
import type { BucketNotifications } from "./bucket-events/rules.ts";
import type { AccountScope } from "./function-name.ts";

/** Of all bytes, or of the checksums of the parts. */
export type ChecksumType = "FULL_OBJECT" | "COMPOSITE";

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** In base64; a composite one ends with the number of its parts: `…-3`. */
  readonly value: string;
}

export interface BucketRecord {
  readonly name: string;
  readonly accountId: string;
  readonly region: string;
  readonly createdMs: number;
  /** Null until it is asked for; it can then be suspended, and never taken back. */
  readonly versioning: "Enabled" | "Suspended" | null;
  /** What is only kept and shown, by S3's names. */
  readonly configurations: Readonly<Record<string, unknown>>;
  /** Where its events go; absent: nowhere. */
  readonly notifications?: BucketNotifications;
}

/** What a client says of an object beside its content. */
export interface ObjectFacts {
  /** Headers such as Content-Type, by the members' names in S3's model. */
  readonly headers: Readonly<Record<string, string>>;
  /** The user's own, by names in lower case. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: ReadonlyArray<{ readonly Key: string; readonly Value: string }>;
}

/** A part of an object that came in parts. */
export interface ObjectPart {
  /** From 1. */
  readonly number: number;
  readonly sizeBytes: number;
  readonly checksum: string | null;
}

export interface ObjectVersion {
  readonly bucket: string;
  readonly key: string;
  /** `null`, as S3 says it, for one that was stored while the bucket had no versioning. */
  readonly versionId: string;
  readonly isCurrent: boolean;
  readonly isMarker: boolean;
  readonly sizeBytes: number;
  /** In hexadecimal, without quotes; empty for a delete marker. */
  readonly etag: string;
  readonly modifiedMs: number;
  readonly facts: ObjectFacts;
  readonly checksum: Checksum | null;
  /** Null for an object that came whole. */
  readonly partCount: number | null;
}

export interface UploadRecord {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly startedMs: number;
  readonly facts: ObjectFacts;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType } | null;
}

export interface PartRecord {
  readonly number: number;
  readonly sizeBytes: number;
  /** MD5, hexadecimal. */
  readonly etag: string;
  readonly modifiedMs: number;
  /** In base64; null where the upload asks for none. */
  readonly checksum: string | null;
}

/** What is said of an object that brings nothing but its content. */
export const NO_FACTS: ObjectFacts = { headers: {}, metadata: {}, tags: [] };

export function newBucket(name: string, { accountId, region }: AccountScope, createdMs: number): BucketRecord {
  return { name, accountId, region, createdMs, versioning: null, configurations: {} };
}

/** The version id of what was stored without versioning. */
export const NULL_VERSION = "null";

/** S3's rule for names of buckets. */
export function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes("..") && !/^\d+\.\d+\.\d+\.\d+$/.test(name);
}
