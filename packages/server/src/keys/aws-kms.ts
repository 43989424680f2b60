/**
 * Keys of AWS KMS, or of a service that speaks its API: a data key for each snapshot, bound to it by the encryption
 * context. Wrapped form: `kms:` and KMS's own ciphertext, base64; the key that made it is named in there.
 */
import { DecryptCommand, GenerateDataKeyCommand, KMSClient, KMSServiceException } from "@aws-sdk/client-kms";
import { type DataKey, KeyError, type KeyProblem, type KeyProvider } from "../ports/key-provider.ts";
import { KMS_PREFIX } from "./wrapped-form.ts";

const KEY_SIZE_BYTES = 32;
const TIMEOUT_MS = 5000;

/**
 * Codes by the name of KMS's error.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors and CommonErrors.
 */
const PROBLEMS: Readonly<Record<string, KeyProblem>> = {
  AccessDeniedException: "KMS_ACCESS_DENIED",
  ExpiredTokenException: "KMS_ACCESS_DENIED",
  IncompleteSignature: "KMS_ACCESS_DENIED",
  InvalidClientTokenId: "KMS_ACCESS_DENIED",
  InvalidSignatureException: "KMS_ACCESS_DENIED",
  MissingAuthenticationToken: "KMS_ACCESS_DENIED",
  NotAuthorized: "KMS_ACCESS_DENIED",
  UnrecognizedClientException: "KMS_ACCESS_DENIED",
  CredentialsProviderError: "KMS_ACCESS_DENIED",
  DisabledException: "KMS_DISABLED",
  IncorrectKeyException: "KMS_INVALID_STATE",
  InvalidCiphertextException: "KMS_INVALID_STATE",
  InvalidKeyUsageException: "KMS_INVALID_STATE",
  KMSInvalidStateException: "KMS_INVALID_STATE",
  InvalidArnException: "KMS_NOT_FOUND",
  NotFoundException: "KMS_NOT_FOUND",
  ValidationException: "KMS_NOT_FOUND",
};

export interface AwsKmsOptions {
  /** Endpoint; null: as the AWS variables say, else AWS's own. */
  readonly endpoint: string | null;
  readonly region: string;
}

export class AwsKms implements KeyProvider {
  readonly #client: KMSClient;

  constructor(options: AwsKmsOptions) {
    const { endpoint, region } = options;
    const requestHandler = { connectionTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS, throwOnRequestTimeout: true };
    this.#client = new KMSClient({
      region,
      maxAttempts: 3,
      requestHandler,
      ...(endpoint === null ? {} : { endpoint }),
    });
  }

  async generate(keyArn: string | null, snapshotId: string): Promise<DataKey> {
    const input = {
      KeyId: keyArn ?? undefined,
      KeySpec: "AES_256" as const,
      EncryptionContext: { snapshot: snapshotId },
    };
    const made = await this.#call(keyArn, () => this.#client.send(new GenerateDataKeyCommand(input)));
    const wrapped = Buffer.from(made.CiphertextBlob ?? []).toString("base64");
    return { plaintext: checkKey(keyArn, made.Plaintext), wrapped: `${KMS_PREFIX}${wrapped}` };
  }

  async unwrap(keyArn: string | null, snapshotId: string, wrapped: string): Promise<Buffer> {
    const CiphertextBlob = Buffer.from(wrapped.slice(KMS_PREFIX.length), "base64");
    const input = {
      CiphertextBlob,
      EncryptionContext: { snapshot: snapshotId },
      ...(keyArn === null ? {} : { KeyId: keyArn }),
    };
    const opened = await this.#call(keyArn, () => this.#client.send(new DecryptCommand(input)));
    return checkKey(keyArn, opened.Plaintext);
  }

  async #call<T>(keyArn: string | null, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      const name = error instanceof Error ? error.name : "";
      const isRefusal = error instanceof KMSServiceException && error.$metadata.httpStatusCode === 403;
      throw new KeyError(PROBLEMS[name] ?? (isRefusal ? "KMS_ACCESS_DENIED" : "KMS_UNAVAILABLE"), keyArn, error);
    }
  }
}

function checkKey(keyArn: string | null, plaintext: Uint8Array | undefined): Buffer {
  if (plaintext?.length !== KEY_SIZE_BYTES) throw new KeyError("KMS_UNAVAILABLE", keyArn);
  return Buffer.from(plaintext);
}
