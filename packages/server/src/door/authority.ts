/**
 * The authority of this installation that signs for the service door. Sandboxes show its certificate as
 * `/etc/thaw-ca.pem`, and programs in snapshots have read it: it stays the same over the life of the data directory.
 */
import { constants, generateKeyPair, privateEncrypt } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { md, pki } from "node-forge";

/** Both as PEM. */
export interface KeyedCertificate {
  readonly key: string;
  readonly certificate: string;
}

const YEAR_MS = 365 * 24 * 3_600_000;
/** Clones of a snapshot trust what was read before it was taken. */
const AUTHORITY_YEARS = 30;
/** The server makes its own certificate anew at each start. */
const OWN_YEARS = 10;
/** Clocks of clones go on where their snapshot stopped only in what they measure; the date is the host's. */
const BEFORE_MS = 24 * 3_600_000;
/** The frame of a SHA-256 digest in an RSA signature (RFC 8017, 9.2, note 1). */
const DIGEST_INFO = Buffer.from("3031300d060960864801650304020105000420", "hex");

/** Loads the authority from the data directory; makes it where there is none. */
export async function loadAuthority(dataDir: string, nowMs: number): Promise<KeyedCertificate> {
  const directory = join(dataDir, "door");
  const path = join(directory, "authority.pem");
  if (!existsSync(path)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { key, certificate } = await issue("Thaw service door", nowMs, AUTHORITY_YEARS, null);
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
  return issue(hostName, nowMs, OWN_YEARS, authority);
}

/**
 * `authority` null: an authority of its own. The library is loaded here: a start that finds its authority, on a server
 * without custom resources, does without it.
 */
async function issue(
  name: string,
  nowMs: number,
  years: number,
  authority: KeyedCertificate | null,
): Promise<KeyedCertificate> {
  const { default: forge } = await import("node-forge");
  const { privateKey: key } = await promisify(generateKeyPair)("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const { pki, md } = forge;
  const own = withNativeSign(pki.privateKeyFromPem(key), key);
  const made = pki.createCertificate();
  made.publicKey = pki.setRsaPublicKey(own.n, own.e);
  // Positive, and another one for each.
  made.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(15))}`;
  made.validity.notBefore = new Date(nowMs - BEFORE_MS);
  made.validity.notAfter = new Date(nowMs + years * YEAR_MS);
  const subject = [{ name: "commonName", value: name }];
  made.setSubject(subject);
  if (authority === null) {
    made.setIssuer(subject);
    made.setExtensions([
      { name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
      { name: "subjectKeyIdentifier" },
    ]);
    made.sign(own, md.sha256.create());
  } else {
    const issuer = pki.certificateFromPem(authority.certificate);
    made.setIssuer(issuer.subject.attributes);
    made.setExtensions([
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: name }] },
      { name: "authorityKeyIdentifier", keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
    ]);
    made.sign(withNativeSign(pki.privateKeyFromPem(authority.key), authority.key), md.sha256.create());
  }
  return { key, certificate: pki.certificateToPem(made).replaceAll("\r\n", "\n") };
}

/** A key whose signature OpenSSL makes: the library's own takes a hundred milliseconds. */
function withNativeSign(key: pki.rsa.PrivateKey, pem: string): pki.rsa.PrivateKey {
  const sign = (digest: md.MessageDigest): string => {
    const framed = Buffer.concat([DIGEST_INFO, Buffer.from(digest.digest().toHex(), "hex")]);
    return privateEncrypt({ key: pem, padding: constants.RSA_PKCS1_PADDING }, framed).toString("latin1");
  };
  return Object.assign(key, { sign });
}
