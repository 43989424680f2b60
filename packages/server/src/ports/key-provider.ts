/**
 * Data keys of snapshots. A provider makes a key and wraps it under a master key that never leaves it; only the wrapped form is
 * stored, with the version's record: where the record goes, the snapshot can't be read any more.
 */
import { ThawError } from "../base/errors.ts";

export interface DataKey {
  /** 32 bytes. */
  readonly plaintext: Buffer;
  /** Base64; opaque to all but the provider. */
  readonly wrapped: string;
}

export interface KeyProvider {
  /** `keyArn` null: the provider's own default key. Throws KeyError. */
  generate(keyArn: string | null, snapshotId: string): Promise<DataKey>;
  /** The plaintext. Throws KeyError where the master key does not answer, or the wrapped form belongs to another snapshot. */
  unwrap(keyArn: string | null, snapshotId: string, wrapped: string): Promise<Buffer>;
}

export type KeyProblem =
  | "KMS_ACCESS_DENIED"
  | "KMS_DISABLED"
  | "KMS_INVALID_STATE"
  | "KMS_NOT_FOUND"
  | "KMS_UNAVAILABLE";

const MESSAGES: Readonly<Record<KeyProblem, string>> = {
  KMS_ACCESS_DENIED:
    "Lambda was unable to decrypt the snapshot because KMS access was denied. Check the function's KMS key settings.",
  KMS_DISABLED:
    "Lambda was unable to decrypt the snapshot because the KMS key used is disabled. Check the function's KMS key settings.",
  KMS_INVALID_STATE:
    "Lambda was unable to decrypt the snapshot because the KMS key used is in an invalid state. Check the function's KMS key settings.",
  KMS_NOT_FOUND:
    "Lambda was unable to decrypt the snapshot because the KMS key was not found. Check the function's KMS key settings.",
  KMS_UNAVAILABLE: "The key service can't be reached. Try again.",
};

export class KeyError extends ThawError {
  readonly code: KeyProblem;
  constructor(code: KeyProblem, keyArn: string | null, cause?: unknown) {
    super({ publicMessage: MESSAGES[code], detail: { keyArn }, cause });
    this.code = code;
  }
}
