/** What the two ends of a join have in common: docs/formats/join.md. */
import { createPublicKey, type KeyObject, verify } from "node:crypto";

/** Rises with every change of these forms: only equal numbers talk. */
export const JOIN_PROTOCOL = 1;
export const JOIN_PROTOCOL_HEADER = "thaw-join-protocol";

/** Bytes of a request and of an answer: a few certificates. */
export const JOIN_BYTES_MAX = 32 * 1024;

const DAY_MS = 24 * 3_600_000;
export const WORKER_LIFETIME_MS = 90 * DAY_MS;
/** A certificate is renewed when this much of its life is left: a month to notice that it can't be. */
export const RENEW_BEFORE_MS = 30 * DAY_MS;

const KEY_LENGTH_MAX = 2048;
/** A host and a port; an address of version 6 in brackets. */
const ADDRESS = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]):([1-9][0-9]{0,4})$/;

/** The parts of a worker's request that its proof is over. */
export interface ProvenParts {
  /** The id of the token; of a renewal, that of the worker. */
  readonly by: string;
  /** Where control planes reach the worker: `HOST:PORT`. */
  readonly address: string;
  /** As PEM. */
  readonly publicKey: string;
}

/** A wish for a certificate, with the proof that who wishes has the private half of the key: RSA, SHA-256, base64. */
export interface SentWish extends ProvenParts {
  /** The token's; null in a renewal, which the certificate of the connection answers for. */
  readonly secret: string | null;
  readonly proof: string;
}

export interface SentCertificate {
  readonly workerId: string;
  readonly certificate: string;
}

/** Said to who asked: a sentence that names what to do. */
export interface SentRefusal {
  readonly refused: string;
}

export function provenBytes({ by, address, publicKey }: ProvenParts): Buffer {
  return Buffer.from(JSON.stringify(["thaw join", JOIN_PROTOCOL, by, address, publicKey]));
}

export function isWorkerAddress(text: string): boolean {
  const port = ADDRESS.exec(text)?.[1];
  return port !== undefined && Number(port) <= 65_535;
}

/** Null: the value is no wish, its key is none to sign for, or its proof is wrong. */
export function readWish(value: unknown): { readonly wish: SentWish; readonly publicKey: string } | null {
  if (typeof value !== "object" || value === null) return null;
  const { by, secret, address, publicKey, proof } = value as Partial<Record<keyof SentWish, unknown>>;
  if (typeof by !== "string" || typeof address !== "string" || !isWorkerAddress(address)) return null;
  if (secret !== null && typeof secret !== "string") return null;
  if (typeof publicKey !== "string" || typeof proof !== "string") return null;
  const key = readKey(publicKey);
  const wish = { by, secret, address, publicKey, proof };
  if (key === null || !verify("sha256", provenBytes(wish), key, Buffer.from(proof, "base64"))) return null;
  // As Node.js writes it: nothing else of the text is read again.
  return { wish, publicKey: key.export({ type: "spki", format: "pem" }).toString() };
}

/** An RSA key of a usual size: others take long to use, or are weak. */
function readKey(text: string): KeyObject | null {
  if (text.length > KEY_LENGTH_MAX || !text.startsWith("-----BEGIN PUBLIC KEY-----")) return null;
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch {
    return null;
  }
  const { modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== "rsa" || publicExponent !== 65_537n) return null;
  return modulusLength >= 2048 && modulusLength <= 4096 ? key : null;
}
