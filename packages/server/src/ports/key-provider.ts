/**
 * Data keys of snapshots. A provider makes a key and wraps it under a master key that never leaves it; only the wrapped
 * form is stored, with the version's record: where the record goes, the snapshot can't be read any more.
 */
import { type PlatformCode, ThawError } from "../model/platform-errors.ts";

export interface DataKey {
  /** Key of 32 bytes. */
  readonly plaintext: Buffer;
  /** Wrapped form in Base64; opaque to all but the provider. */
  readonly wrapped: string;
}

export interface KeyProvider {
  /** Makes a data key for a snapshot. `keyArn` null: under the provider's own default key. Throws KeyError. */
  generate(keyArn: string | null, snapshotId: string): Promise<DataKey>;
  /**
   * Opens a wrapped key. Throws KeyError when the master key does not answer, or the wrapped form belongs to another
   * snapshot.
   */
  unwrap(keyArn: string | null, snapshotId: string, wrapped: string): Promise<Buffer>;
}

export type KeyProblem = Extract<PlatformCode, `KMS_${string}`>;

export class KeyError extends ThawError<KeyProblem> {
  constructor(code: KeyProblem, keyArn: string | null, cause?: unknown) {
    super(code, { detail: { keyArn }, cause });
  }
}
