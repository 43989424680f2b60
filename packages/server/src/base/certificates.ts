/**
 * Certificates (X.509) of the installation's own authorities: RSA keys by Node.js, which makes no certificates, and
 * those by a library that is loaded at the first one.
 */
import { constants, generateKeyPair, privateEncrypt } from "node:crypto";
import { promisify } from "node:util";
import type { md, pki } from "node-forge";

/** Both as PEM. */
export interface KeyedCertificate {
  readonly key: string;
  readonly certificate: string;
}

/** What a certificate may be used for: to be connected to, to connect. */
type CertificateUse = "server" | "client";

interface Wish {
  /** A DNS name, but for an authority. */
  readonly name: string;
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

/** Clocks of other hosts, and of clones, may be behind. */
const BEFORE_MS = 24 * 3_600_000;
/** The frame of a SHA-256 digest in an RSA signature (RFC 8017, 9.2, note 1). */
const DIGEST_INFO = Buffer.from("3031300d060960864801650304020105000420", "hex");

export async function makeAuthority(wish: Wish): Promise<KeyedCertificate> {
  const { key, publicKey } = await makeKey();
  return { key, certificate: await signCertificate(publicKey, wish, { uses: [], authority: null, key }) };
}

/** Issues a certificate for one DNS name, with a key of its own. */
export async function issueCertificate(
  wish: Wish,
  uses: readonly CertificateUse[],
  authority: KeyedCertificate,
): Promise<KeyedCertificate> {
  const { key, publicKey } = await makeKey();
  return { key, certificate: await certify(publicKey, wish, uses, authority) };
}

/** Signs for an RSA key whose private half is elsewhere. `publicKey` and the result are PEM. */
export function certify(
  publicKey: string,
  wish: Wish,
  uses: readonly CertificateUse[],
  authority: KeyedCertificate,
): Promise<string> {
  return signCertificate(publicKey, wish, { uses, authority, key: authority.key });
}

/** Makes an RSA key: both halves as PEM. */
export async function makeKey(): Promise<{ readonly key: string; readonly publicKey: string }> {
  const made = await promisify(generateKeyPair)("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return { key: made.privateKey, publicKey: made.publicKey };
}

interface Signer {
  readonly uses: readonly CertificateUse[];
  /** Null: the certificate is an authority's, and signed by its own key. */
  readonly authority: KeyedCertificate | null;
  readonly key: string;
}

async function signCertificate(
  publicKey: string,
  { name, nowMs, lifetimeMs }: Wish,
  { uses, authority, key }: Signer,
): Promise<string> {
  const { default: forge } = await import("node-forge");
  const { pki, md } = forge;
  const made = pki.createCertificate();
  made.publicKey = pki.publicKeyFromPem(publicKey);
  // Positive, and another one for each.
  made.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(15))}`;
  made.validity.notBefore = new Date(nowMs - BEFORE_MS);
  made.validity.notAfter = new Date(nowMs + lifetimeMs);
  const subject = [{ name: "commonName", value: name }];
  made.setSubject(subject);
  if (authority === null) {
    made.setIssuer(subject);
    made.setExtensions([
      { name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
      { name: "subjectKeyIdentifier" },
    ]);
  } else {
    const issuer = pki.certificateFromPem(authority.certificate);
    made.setIssuer(issuer.subject.attributes);
    made.setExtensions([
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
      { name: "extKeyUsage", serverAuth: uses.includes("server"), clientAuth: uses.includes("client") },
      { name: "subjectAltName", altNames: [{ type: 2, value: name }] },
      { name: "authorityKeyIdentifier", keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
    ]);
  }
  made.sign(withNativeSign(pki.privateKeyFromPem(key), key), md.sha256.create());
  return pki.certificateToPem(made).replaceAll("\r\n", "\n");
}

/** A key whose signature OpenSSL makes: the library's own takes a hundred milliseconds. */
function withNativeSign(key: pki.rsa.PrivateKey, pem: string): pki.rsa.PrivateKey {
  const sign = (digest: md.MessageDigest): string => {
    const framed = Buffer.concat([DIGEST_INFO, Buffer.from(digest.digest().toHex(), "hex")]);
    return privateEncrypt({ key: pem, padding: constants.RSA_PKCS1_PADDING }, framed).toString("latin1");
  };
  return Object.assign(key, { sign });
}
