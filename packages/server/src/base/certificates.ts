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

export function makeAuthority(wish: Wish): Promise<KeyedCertificate> {
  return issue(wish, [], null);
}

/** Issues a certificate for one DNS name. */
export function issueCertificate(
  wish: Wish,
  uses: readonly CertificateUse[],
  authority: KeyedCertificate,
): Promise<KeyedCertificate> {
  return issue(wish, uses, authority);
}

/** `authority` null: an authority of its own. */
async function issue(
  { name, nowMs, lifetimeMs }: Wish,
  uses: readonly CertificateUse[],
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
    made.sign(own, md.sha256.create());
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
