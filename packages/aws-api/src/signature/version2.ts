/**
 * Links to S3 that are signed with Signature Version 2: boto3 still makes them where nothing else is configured
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html). Requests whose headers are signed
 * so are refused.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { pathWithBucket } from "../protocols/s3-address.ts";
import { type Headers, headerOf, parseQuery, type RequestHead } from "./canonical.ts";

/** Parameters that are signed, since they tell what is done. */
const SIGNED_PARAMETERS = new Set(
  (
    "accelerate acl cors defaultObjectAcl location logging partNumber policy requestPayment torrent versioning " +
    "versionId versions website uploads uploadId response-content-type response-content-language response-expires " +
    "response-cache-control response-content-disposition response-content-encoding delete lifecycle tagging restore " +
    "storageClass notification replication analytics metrics inventory select select-type object-lock"
  ).split(" "),
);

export interface Version2Link {
  readonly accessKeyId: string;
  /** Null where there is none. */
  readonly sessionToken: string | null;
  readonly expiresMs: number;
  isSignedWith(secret: string): boolean;
}

/** Tells whether a request is signed with Version 2, in its headers or as a link. */
export function isVersion2({ headers, query }: RequestHead): boolean {
  if (headerOf(headers, "authorization")?.startsWith("AWS ") === true) return true;
  return parseQuery(query).has("AWSAccessKeyId");
}

/** Null where a request is no link. */
export function readVersion2(head: RequestHead): Version2Link | null {
  const query = parseQuery(head.query);
  const accessKeyId = query.get("AWSAccessKeyId");
  const given = query.get("Signature");
  const expires = query.get("Expires");
  if (accessKeyId === null || given === null || expires === null || !/^\d{1,12}$/.test(expires)) return null;
  return {
    accessKeyId,
    sessionToken: query.get("x-amz-security-token"),
    expiresMs: Number(expires) * 1000,
    isSignedWith(secret) {
      const expected = createHmac("sha1", secret)
        .update(textToSign(head, query, expires))
        .digest();
      const signature = Buffer.from(given, "base64");
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    },
  };
}

function textToSign({ method, path, headers }: RequestHead, query: URLSearchParams, expires: string): string {
  const amz = new Map<string, string>();
  for (const name of Object.keys(headers))
    if (name.startsWith("x-amz-")) amz.set(name, (headerOf(headers, name) ?? "").trim());
  for (const [name, value] of query) if (name.toLowerCase().startsWith("x-amz-")) amz.set(name.toLowerCase(), value);
  const names = [...amz.keys()].sort();
  const parameters = [...query]
    .filter(([name]) => SIGNED_PARAMETERS.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === "" ? name : `${name}=${value}`))
    .join("&");
  return [
    method,
    headerOf(headers, "content-md5") ?? query.get("content-md5") ?? "",
    headerOf(headers, "content-type") ?? query.get("content-type") ?? "",
    expires,
    ...names.map((name) => `${name}:${amz.get(name)}`),
    `${pathWithBucket(text(headers, "host").replace(/:\d+$/, ""), path)}${parameters === "" ? "" : `?${parameters}`}`,
  ].join("\n");
}

function text(headers: Headers, name: string): string {
  return headerOf(headers, name) ?? "";
}
