/**
 * DATA/server.json, while a server runs: where it listens, for commands on the same host. It holds no secret:
 * `credentials` beside it does, unless the operator chose the keys, whose id then differs from the one there.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const SERVER_FILE = "server.json";

export interface ServerFacts {
  readonly endpoint: string;
  readonly region: string;
  /** The home account, whose key `accessKeyId` is. */
  readonly accountId: string;
  readonly accessKeyId: string;
}

export function writeServerFile(dataDir: string, facts: ServerFacts): void {
  writeFileSync(join(dataDir, SERVER_FILE), `${JSON.stringify({ ...facts, pid: process.pid })}\n`, { mode: 0o600 });
}

/** Removes the file of this process; another one's stays. */
export function removeServerFile(dataDir: string): void {
  const path = join(dataDir, SERVER_FILE);
  try {
    const { pid } = JSON.parse(readFileSync(path, "utf8")) as { pid?: number };
    if (pid === process.pid) rmSync(path);
  } catch {
    // Nobody relies on it: without it, or with a broken one, commands ask for the server's address.
  }
}
