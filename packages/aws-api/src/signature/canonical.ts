/**
 * The canonical form of a request that AWS Signature Version 4 signs, and the signature itself.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHmac, hash, type KeyObject } from "node:crypto";

export const ALGORITHM = "AWS4-HMAC-SHA256";
export const TERMINATOR = "aws4_request";
/** The one service whose paths and bodies are signed in a way of their own. */
export const S3_SERVICE = "s3";

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** All that is signed of a request but its body. */
export interface RequestHead {
  readonly method: string;
  /** Path as sent, percent-encoded. */
  readonly path: string;
  /** Query as sent, without the first `?`. */
  readonly query: string;
  readonly headers: Headers;
}

/** The scope that a credential names: `keyid/date/region/service/aws4_request`. */
export interface Scope {
  readonly accessKeyId: string;
  /** YYYYMMDD */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
}

/** Parses a query as it is signed and as it is used: a further `?` is data, and what can't be decoded is replaced. */
export function parseQuery(query: string): URLSearchParams {
  // The class drops one leading `?`: this one, never one of the query.
  return new URLSearchParams(`?${query}`);
}

/** Computes the signature, hexadecimal. `bodySha256` is hexadecimal, too. */
export function signatureOf(
  head: Omit<RequestHead, "query"> & { readonly query: URLSearchParams },
  signedHeaders: readonly string[],
  bodySha256: string,
  scope: Scope,
  timestamp: string,
  key: KeyObject,
): string {
  const headers = signedHeaders
    .map((name) => `${name}:${(headerOf(head.headers, name) ?? "").trim().replaceAll(/\s+/g, " ")}\n`)
    .join("");
  const canonical = [
    head.method,
    scope.service === S3_SERVICE ? s3Path(head.path) : canonicalPath(head.path),
    canonicalQuery(head.query),
    headers,
    signedHeaders.join(";"),
    bodySha256,
  ].join("\n");
  const toSign = [ALGORITHM, timestamp, scopeText(scope), sha256(canonical)].join("\n");
  return createHmac("sha256", key).update(toSign).digest("hex");
}

/** Hexadecimal. */
export function sha256(content: string | Uint8Array): string {
  return hash("sha256", content, "hex");
}

/** A header's value by its name in lower case; undefined where the request has none. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return Array.isArray(value) ? value.join(",") : value;
}

/** `YYYYMMDDTHHMMSSZ` */
export function isoBasic(ms: number): string {
  return `${new Date(ms).toISOString().replaceAll(/[-:]/g, "").slice(0, 15)}Z`;
}

export function scopeText(scope: Scope): string {
  return `${scope.date}/${scope.region}/${scope.service}/${scope.terminator}`;
}

/** Every segment encoded once more, as all services but S3 want it. */
function canonicalPath(path: string): string {
  return path
    .split("/")
    .map((segment) => encode(segment))
    .join("/");
}

/** S3's keys may have any characters, and are encoded once. What can't be decoded is taken as it is. */
function s3Path(path: string): string {
  return path
    .split("/")
    .map((segment) => {
      try {
        return encode(decodeURIComponent(segment));
      } catch {
        return segment;
      }
    })
    .join("/");
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, av], [b, bv]) => (a === b ? compare(av, bv) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
