/** Fingerprint of an engine on this host: the facts that a snapshot's host must share with the hosts of its clones. */
import { createHash } from "node:crypto";
import { SNAPSHOT_FORMAT } from "./envelope.ts";

/**
 * Hashes the engine's name, the format of the files, and the engine's own facts. The runtime's fingerprint is kept
 * beside it.
 */
export function fingerprintOf(engine: string, facts: readonly (string | null)[]): string {
  return createHash("sha256")
    .update(JSON.stringify([SNAPSHOT_FORMAT, engine, ...facts]))
    .digest("hex")
    .slice(0, 32);
}
