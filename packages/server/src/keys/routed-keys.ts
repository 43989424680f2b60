/**
 * Chooses the provider of a function's key: the local keyring where it has that ARN (and for functions without one),
 * else AWS KMS where the server was given one. A wrapped key is opened by the provider that made it, whatever the
 * settings are by then.
 */
import { type DataKey, KeyError, type KeyProvider } from "../ports/key-provider.ts";
import type { AwsKms } from "./aws-kms.ts";
import type { Keyring } from "./keyring.ts";
import { KMS_PREFIX } from "./wrapped-form.ts";

export class RoutedKeys implements KeyProvider {
  readonly #keyring: Keyring;
  readonly #kms: AwsKms | null;

  constructor(keyring: Keyring, kms: AwsKms | null) {
    this.#keyring = keyring;
    this.#kms = kms;
  }

  async generate(keyArn: string | null, snapshotId: string): Promise<DataKey> {
    const isFar = keyArn !== null && this.#kms !== null && !this.#keyring.has(keyArn);
    return (isFar ? this.#kms : this.#keyring).generate(keyArn, snapshotId);
  }

  async unwrap(keyArn: string | null, snapshotId: string, wrapped: string): Promise<Buffer> {
    if (!wrapped.startsWith(KMS_PREFIX)) return this.#keyring.unwrap(keyArn, snapshotId, wrapped);
    if (this.#kms === null) throw new KeyError("KMS_NOT_FOUND", keyArn);
    return this.#kms.unwrap(keyArn, snapshotId, wrapped);
  }
}
