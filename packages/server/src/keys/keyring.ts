/**
 * The local keyring: master keys in one file of the data directory, each by its ARN, the default one without. Wraps
 * with AES-256-GCM; the snapshot's id is authenticated with it, so that a wrapped key can't be moved to another
 * snapshot.
 *
 * File: JSON `{"format":1,"keys":[{"arn":null,"state":"Enabled","key":"base64"}]}`, mode 0600, replaced as a whole.
 */
import { createCipheriv, createDecipheriv, type CipherGCM, type DecipherGCM } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Random } from "../base/random.ts";
import { conflict, invalidParameter, notFound } from "../model/api-error.ts";
import type { KeyAdmin, LocalKey } from "../ports/key-admin.ts";
import { type DataKey, KeyError, type KeyProvider } from "../ports/key-provider.ts";

const KEY_SIZE_BYTES = 32;
const NONCE_SIZE_BYTES = 12;
const TAG_SIZE_BYTES = 16;

/** Form of a KMSKeyArn, as in the API's model. */
const ARN = /^arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.+$/;

interface MasterKey extends LocalKey {
  readonly key: string;
}

interface KeyringFile {
  readonly format: 1;
  readonly keys: readonly MasterKey[];
}

export class Keyring implements KeyProvider, KeyAdmin {
  readonly #path: string;
  readonly #random: Random;

  constructor(path: string, random: Random) {
    this.#path = path;
    this.#random = random;
    if (!existsSync(path)) this.#write({ format: 1, keys: [this.#newKey(null)] });
  }

  async generate(keyArn: string | null, snapshotId: string): Promise<DataKey> {
    const master = this.#usable(keyArn);
    const plaintext = this.#random.bytes(KEY_SIZE_BYTES);
    const nonce = this.#random.bytes(NONCE_SIZE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", master, nonce) as CipherGCM;
    cipher.setAAD(Buffer.from(snapshotId));
    const sealed = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    return { plaintext, wrapped: sealed.toString("base64") };
  }

  async unwrap(keyArn: string | null, snapshotId: string, wrapped: string): Promise<Buffer> {
    const master = this.#usable(keyArn);
    const sealed = Buffer.from(wrapped, "base64");
    if (sealed.length !== NONCE_SIZE_BYTES + KEY_SIZE_BYTES + TAG_SIZE_BYTES)
      throw new KeyError("KMS_INVALID_STATE", keyArn);
    const decipher = createDecipheriv("aes-256-gcm", master, sealed.subarray(0, NONCE_SIZE_BYTES)) as DecipherGCM;
    decipher.setAAD(Buffer.from(snapshotId));
    decipher.setAuthTag(sealed.subarray(-TAG_SIZE_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_SIZE_BYTES, -TAG_SIZE_BYTES)), decipher.final()]);
    } catch (error) {
      throw new KeyError("KMS_INVALID_STATE", keyArn, error);
    }
  }

  has(keyArn: string | null): boolean {
    return this.#read().keys.some((key) => key.arn === keyArn);
  }

  list(): readonly LocalKey[] {
    return this.#read().keys.map(({ arn, state }) => ({ arn, state }));
  }

  create(arn: string): void {
    if (!ARN.test(arn)) throw invalidParameter(`${arn} is not the ARN of a key.`);
    if (this.has(arn)) throw conflict(`Key already exists: ${arn}`);
    this.#change((keys) => [...keys, this.#newKey(arn)]);
  }

  setState(arn: string | null, state: LocalKey["state"]): void {
    this.#refuseUnknown(arn);
    this.#change((keys) => keys.map((key) => (key.arn === arn ? { ...key, state } : key)));
  }

  remove(arn: string): void {
    this.#refuseUnknown(arn);
    this.#change((keys) => keys.filter((key) => key.arn !== arn));
  }

  #refuseUnknown(arn: string | null): void {
    if (!this.has(arn)) throw notFound(`Key not found: ${arn ?? "default"}`);
  }

  #change(change: (keys: readonly MasterKey[]) => readonly MasterKey[]): void {
    this.#write({ format: 1, keys: change(this.#read().keys) });
  }

  #usable(keyArn: string | null): Buffer {
    const found = this.#read().keys.find((key) => key.arn === keyArn);
    if (found === undefined) throw new KeyError("KMS_NOT_FOUND", keyArn);
    if (found.state === "Disabled") throw new KeyError("KMS_DISABLED", keyArn);
    return Buffer.from(found.key, "base64");
  }

  #newKey(arn: string | null): MasterKey {
    return { arn, state: "Enabled", key: this.#random.bytes(KEY_SIZE_BYTES).toString("base64") };
  }

  #read(): KeyringFile {
    return JSON.parse(readFileSync(this.#path, "utf8")) as KeyringFile;
  }

  #write(file: KeyringFile): void {
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(file, null, 1)}\n`, { mode: 0o600, flush: true });
    renameSync(`${this.#path}.new`, this.#path);
  }
}
