/** The fingerprint of an engine on this host: what a snapshot's host must have in common with that of its clones. */
import { createHash } from "node:crypto";
import { SNAPSHOT_FORMAT } from "./envelope.ts";

/** Hashes the engine's name, the format of the files, and the engine's own facts. The worker adds the runtime's fingerprint to it. */
export function fingerprintOf(engine: string, facts: readonly (string | null)[]): string {
  return createHash("sha256")
    .update(JSON.stringify([SNAPSHOT_FORMAT, engine, ...facts]))
    .digest("hex")
    .slice(0, 32);
}
