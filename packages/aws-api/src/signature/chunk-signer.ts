/**
 * Signatures of the chunks of one body: each covers the one before, the first the head's
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html).
 */
import { createHmac, type KeyObject } from "node:crypto";
import { type Scope, scopeText, sha256 } from "./canonical.ts";
import { signingKey } from "./signing-key.ts";

const EMPTY = sha256("");

export class ChunkSigner {
  readonly #key: KeyObject;
  /** Timestamp and scope. */
  readonly #lines: string;
  #previous: string;

  constructor(scope: Scope, timestamp: string, headSignature: string, secret: string) {
    this.#key = signingKey(scope, secret);
    this.#lines = `${timestamp}\n${scopeText(scope)}`;
    this.#previous = headSignature;
  }

  /** Signs the next chunk, by its digest (hexadecimal). */
  ofChunk(chunkSha256: string): string {
    return this.#sign("AWS4-HMAC-SHA256-PAYLOAD", `${EMPTY}\n${chunkSha256}`);
  }

  /** Signs the trailers, by the digest of their lines. */
  ofTrailers(linesSha256: string): string {
    return this.#sign("AWS4-HMAC-SHA256-TRAILER", linesSha256);
  }

  #sign(algorithm: string, digests: string): string {
    const toSign = `${algorithm}\n${this.#lines}\n${this.#previous}\n${digests}`;
    this.#previous = createHmac("sha256", this.#key).update(toSign).digest("hex");
    return this.#previous;
  }
}
