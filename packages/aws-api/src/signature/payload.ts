/** How a signature covers the body of its request. */
import type { ChunkSigner } from "./chunk-signer.ts";

export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";

export type Payload =
  /** The digest of the whole body is signed. */
  | { readonly kind: "digest" }
  | { readonly kind: "unsigned" }
  /** The body is aws-chunked. `signer` is null where its chunks are not signed. */
  | { readonly kind: "chunked"; readonly signer: ChunkSigner | null };

/** Reads x-amz-content-sha256, as S3's clients send it; null for a value that it can't have. */
export function payloadOf(given: string, createSigner: () => ChunkSigner): Payload | null {
  switch (given) {
    case UNSIGNED_PAYLOAD:
      return { kind: "unsigned" };
    case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
      return { kind: "chunked", signer: null };
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
    case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
      return { kind: "chunked", signer: createSigner() };
    default:
      return /^[0-9a-f]{64}$/.test(given) ? { kind: "digest" } : null;
  }
}
