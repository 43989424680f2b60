/**
 * Values of secure parameters, as the disk has them: AES-256-GCM under a key of their own, which the keyring wraps. The
 * name and the version are authenticated, so that no value can be put in the place of another.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { ParameterValueRecord } from "../../model/parameter-record.ts";
import { valueId } from "../../model/parameter-record.ts";
import { ServiceError } from "../../model/service-error.ts";
import { KeyError } from "../../ports/key-provider.ts";
import type { SsmParts } from "./context.ts";

const NONCE_SIZE_BYTES = 12;
const TAG_SIZE_BYTES = 16;
/** What KeyId means where none is given; the keyring's default key stands for it. */
export const DEFAULT_KEY = "alias/aws/ssm";

export async function sealValue(
  parts: SsmParts,
  name: string,
  version: number,
  value: string,
  keyId: string,
): Promise<ParameterValueRecord> {
  const keyArn = keyId === DEFAULT_KEY ? null : keyId;
  const { plaintext: key, wrapped } = await withKey(
    keyId,
    parts.keys.generate(keyArn, contextOf(parts, name, version)),
  );
  const nonce = parts.random.bytes(NONCE_SIZE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(contextOf(parts, name, version)));
  const sealed = Buffer.concat([nonce, cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return { id: valueId(name, version), value: sealed.toString("base64"), wrappedKey: wrapped, keyArn };
}

export async function openValue(
  parts: SsmParts,
  name: string,
  version: number,
  { value, wrappedKey, keyArn }: ParameterValueRecord,
): Promise<string> {
  if (wrappedKey === null) return value;
  const context = contextOf(parts, name, version);
  const key = await withKey(keyArn ?? DEFAULT_KEY, parts.keys.unwrap(keyArn, context, wrappedKey));
  const sealed = Buffer.from(value, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_SIZE_BYTES));
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(-TAG_SIZE_BYTES));
  const opened = decipher.update(sealed.subarray(NONCE_SIZE_BYTES, -TAG_SIZE_BYTES));
  return Buffer.concat([opened, decipher.final()]).toString("utf8");
}

function contextOf({ scope }: SsmParts, name: string, version: number): string {
  return `parameter ${scope.accountId}/${scope.region}/${valueId(name, version)}`;
}

async function withKey<T>(keyId: string, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw new ServiceError("InvalidKeyId", `The key ${keyId.slice(0, 200)} can't be used: ${error.publicMessage}`);
  }
}
