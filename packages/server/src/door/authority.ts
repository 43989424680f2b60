/**
 * The authority of this installation that signs for the service door. Sandboxes show its certificate as
 * `/etc/thaw-ca.pem`, and programs in snapshots have read it: it stays the same over the life of the data directory.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { issueCertificate, type KeyedCertificate, makeAuthority } from "../base/certificates.ts";

const YEAR_MS = 365 * 24 * 3_600_000;
/** Clones of a snapshot trust what was read before it was taken. */
const AUTHORITY_YEARS = 30;
/** The server makes its own certificate anew at each start. */
const OWN_YEARS = 10;

/** Loads the authority from the data directory; makes it where there is none. */
export async function loadAuthority(dataDir: string, nowMs: number): Promise<KeyedCertificate> {
  const directory = join(dataDir, "door");
  const path = join(directory, "authority.pem");
  if (!existsSync(path)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { key, certificate } = await makeAuthority({
      name: "Thaw service door",
      nowMs,
      lifetimeMs: AUTHORITY_YEARS * YEAR_MS,
    });
    writeFileSync(`${path}.new`, `${key}${certificate}`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  const text = readFileSync(path, "utf8");
  const at = text.indexOf("-----BEGIN CERTIFICATE-----");
  if (at <= 0) throw new Error(`${path} has no key and certificate; remove it, and one is made at the next start`);
  return { key: text.slice(0, at), certificate: text.slice(at) };
}

/** Issues the server's own certificate, for one host name. */
export function issueFor(hostName: string, authority: KeyedCertificate, nowMs: number): Promise<KeyedCertificate> {
  return issueCertificate({ name: hostName, nowMs, lifetimeMs: OWN_YEARS * YEAR_MS }, ["server"], authority);
}
