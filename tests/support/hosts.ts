/** Several hosts of one installation: the same metadata and keys, snapshots and chunks of their own. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startThaw, type ThawServer, type ThawServerOptions } from "../../tools/thaw-server.ts";

const SHARED = ["thaw.db", "thaw.db-wal", "thaw.db-shm", "secret", "keyring.json", "code", "packages"];

/** A host with nothing in its cache, as `server` was when it stopped. */
export async function startColdHost(server: ThawServer, options: ThawServerOptions): Promise<ThawServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "thaw-data-"));
  for (const name of SHARED)
    if (existsSync(join(server.dataDir, name))) execFileSync("cp", ["-a", join(server.dataDir, name), dataDir]);
  return startThaw({ ...options, previous: { dataDir, env: server.env } });
}

export interface StoreCounts {
  readonly chunksFetched: number;
  readonly chunkBytesFetched: number;
  readonly chunksFailed: number;
  readonly chunksEvicted: number;
  readonly chunksCollected: number;
  readonly chunksUploaded: number;
  readonly snapshotsFetched: number;
  readonly manifestsReplaced: number;
  readonly fallbacks: number;
}
