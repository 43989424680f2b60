/**
 * The authority of an installation, which signs for its control planes and workers: key and certificate in one file of
 * mode 0600, `cluster/authority.pem` in the data directory of the server. Whoever has it can be any of them.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { issueCertificate, type KeyedCertificate, makeAuthority } from "../base/certificates.ts";
import { replaceFile } from "../base/replace-file.ts";
import { CONTROL_NAME, JOIN_NAME } from "../model/cluster-names.ts";

export const CLUSTER_DIRECTORY = "cluster";
const AUTHORITY_FILE = "authority.pem";
const DAY_MS = 24 * 3_600_000;
/** All workers join anew when it is over. */
const AUTHORITY_LIFETIME_MS = 20 * 365 * DAY_MS;
/** The server makes its own anew at each start; one that runs longer than this is none of ours. */
const OWN_LIFETIME_MS = 5 * 365 * DAY_MS;

/** Makes the authority. Throws where there is one: workers trust it, and no other. */
export async function initAuthority(dataDir: string, nowMs: number): Promise<KeyedCertificate> {
  const path = pathIn(dataDir);
  if (existsSync(path)) throw new Error(`this installation has an authority for its workers already: ${path}`);
  const made = await makeAuthority({ name: "Thaw installation", nowMs, lifetimeMs: AUTHORITY_LIFETIME_MS });
  mkdirSync(join(dataDir, CLUSTER_DIRECTORY), { recursive: true, mode: 0o700 });
  replaceFile(path, `${made.key}${made.certificate}`);
  return made;
}

/** Null: there is none yet. Throws an Error that names the file where it is there and can't be read. */
export function readAuthority(dataDir: string): KeyedCertificate | null {
  const path = pathIn(dataDir);
  if (!existsSync(path)) return null;
  const text = readFileSync(path, "utf8");
  const at = text.indexOf("-----BEGIN CERTIFICATE-----");
  if (at <= 0)
    throw new Error(`${path} has no key and certificate: bring it back from a backup, or all workers must join anew`);
  return { key: text.slice(0, at), certificate: text.slice(at) };
}

/** For who gives orders to workers. */
export function issueForControl(authority: KeyedCertificate, nowMs: number): Promise<KeyedCertificate> {
  return issueCertificate({ name: CONTROL_NAME, nowMs, lifetimeMs: OWN_LIFETIME_MS }, ["client"], authority);
}

/** For the listener at which workers join. */
export function issueForJoining(authority: KeyedCertificate, nowMs: number): Promise<KeyedCertificate> {
  return issueCertificate({ name: JOIN_NAME, nowMs, lifetimeMs: OWN_LIFETIME_MS }, ["server"], authority);
}

function pathIn(dataDir: string): string {
  return join(dataDir, CLUSTER_DIRECTORY, AUTHORITY_FILE);
}
