/**
 * Values of NoEcho parameters on the disk: AES-256-GCM under a data key that the keyring has wrapped, with the stack's
 * id authenticated; what a stack's rows have in their place is a keyed digest.
 */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import type { Secret } from "@thaw/stacks/secrets";
import type { Random } from "../base/random.ts";
import type { SealedSecrets } from "../model/stack-record.ts";
import type { KeyProvider } from "../ports/key-provider.ts";

const NONCE_SIZE_BYTES = 12;
const TAG_SIZE_BYTES = 16;

export interface SecretBoxParts {
  readonly keys: KeyProvider;
  /** The installation's own secret. */
  readonly secret: Buffer;
  readonly random: Pick<Random, "bytes">;
}

export class SecretBox {
  readonly #parts: SecretBoxParts;

  constructor(parts: SecretBoxParts) {
    this.#parts = parts;
  }

  digest(text: string): string {
    return createHmac("sha256", this.#parts.secret).update("stack parameter\0").update(text).digest("hex");
  }

  async seal(stackId: string, secrets: readonly Secret[]): Promise<SealedSecrets | null> {
    if (secrets.length === 0) return null;
    const { keys, random } = this.#parts;
    const { plaintext, wrapped } = await keys.generate(null, stackId);
    const nonce = random.bytes(NONCE_SIZE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", plaintext, nonce);
    cipher.setAAD(Buffer.from(stackId));
    const sealed = [nonce, cipher.update(JSON.stringify(secrets)), cipher.final(), cipher.getAuthTag()];
    return { wrapped, sealed: Buffer.concat(sealed).toString("base64") };
  }

  /** Throws KeyError where the key is not there any more, and an Error where the text is damaged. */
  async open(stackId: string, sealed: SealedSecrets | null): Promise<readonly Secret[]> {
    if (sealed === null) return [];
    const key = await this.#parts.keys.unwrap(null, stackId, sealed.wrapped);
    const bytes = Buffer.from(sealed.sealed, "base64");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_SIZE_BYTES));
    decipher.setAAD(Buffer.from(stackId));
    decipher.setAuthTag(bytes.subarray(-TAG_SIZE_BYTES));
    const text = [decipher.update(bytes.subarray(NONCE_SIZE_BYTES, -TAG_SIZE_BYTES)), decipher.final()];
    return JSON.parse(Buffer.concat(text).toString("utf8")) as readonly Secret[];
  }
}
