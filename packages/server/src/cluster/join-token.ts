/**
 * A join token: `thawj1.ID.SECRET.DIGEST`, for one worker and for a time. The digest is that of the certificate of the
 * installation's authority: a worker shows its secret only to whom that authority has signed for.
 */
import { createHash, X509Certificate } from "node:crypto";

const PREFIX = "thawj1";
/** The secret and the digest have 32 bytes each. */
const FORM = /^thawj1\.([0-9a-f]{16})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;

export interface JoinToken {
  readonly id: string;
  readonly secret: string;
  /** As `certificateDigest` makes it. */
  readonly digest: string;
}

export function showJoinToken({ id, secret, digest }: JoinToken): string {
  return [PREFIX, id, secret, digest].join(".");
}

/** Null: the text is none. */
export function readJoinToken(text: string): JoinToken | null {
  const [, id, secret, digest] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined || digest === undefined ? null : { id, secret, digest };
}

/** Tells certificates from one another, whatever their names are. Throws where a text is none as PEM. */
export function certificateDigest(certificate: string | X509Certificate): string {
  const { raw } = typeof certificate === "string" ? new X509Certificate(certificate) : certificate;
  return createHash("sha256").update(raw).digest("base64url");
}
