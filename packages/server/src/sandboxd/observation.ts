/**
 * Reads sandboxd's answer to `observe`. It holds traffic of a function: foreign bytes of connections that the function
 * chose.
 */
import type { SentConnection, SentTraffic } from "../model/sent-requests.ts";
import type { SandboxObservation } from "../ports/engine.ts";
import { SandboxError } from "./errors.ts";

const PEER = /^\d{1,3}(\.\d{1,3}){3}:\d{1,5}$/;
const DIGITS = /^[0-9a-f]*$/;

export function readObservation(answer: Record<string, unknown>): SandboxObservation {
  return { ...(answer as unknown as SandboxObservation), sent: readSent(answer["sent"] ?? null) };
}

function readSent(value: unknown): SentTraffic | null {
  if (value === null) return null;
  const { connections, isCut } = value as { readonly connections?: unknown; readonly isCut?: unknown };
  if (!Array.isArray(connections) || typeof isCut !== "boolean") throw unreadable();
  return { connections: connections.map(readConnection), isCut };
}

function readConnection(value: unknown): SentConnection {
  const { peer, bytes, isCut } = (value ?? {}) as { readonly [name: string]: unknown };
  const isSound =
    typeof peer === "string" &&
    PEER.test(peer) &&
    typeof bytes === "string" &&
    DIGITS.test(bytes) &&
    bytes.length % 2 === 0 &&
    typeof isCut === "boolean";
  if (!isSound) throw unreadable();
  return { peer, bytes: Buffer.from(bytes, "hex"), isCut };
}

function unreadable(): SandboxError {
  return new SandboxError("SANDBOX_FAILED", "observe: what was sent is not of the protocol's form");
}
