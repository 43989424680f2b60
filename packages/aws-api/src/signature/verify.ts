/**
 * Verifies signatures of AWS Signature Version 4, in a request's headers or in its query, in two steps: the head alone
 * tells whether the request may come (`readClaim`), its body's digest whether it is the one that was signed
 * (`Claim.verify`). Texts are AWS's own.
 */
import { timingSafeEqual } from "node:crypto";
import {
  ALGORITHM,
  headerOf,
  type Headers,
  isoBasic,
  parseQuery,
  type RequestHead,
  S3_SERVICE,
  type Scope,
  sha256,
  signatureOf,
  TERMINATOR,
} from "./canonical.ts";
import { ChunkSigner } from "./chunk-signer.ts";
import { type Payload, payloadOf, UNSIGNED_PAYLOAD } from "./payload.ts";
import { signingKey } from "./signing-key.ts";
import { isVersion2, readVersion2 } from "./version2.ts";

export interface SignedRequest extends RequestHead {
  readonly body: Buffer;
}

export interface SignatureProblem {
  readonly name:
    | "MissingAuthenticationTokenException"
    | "IncompleteSignatureException"
    | "InvalidSignatureException"
    | "UnrecognizedClientException"
    | "ExpiredTokenException";
  readonly status: 400 | 403;
  readonly message: string;
  /** What S3 has codes of its own for. */
  readonly reason?: "expired" | "skewed" | "region" | "digest" | "headers";
}

/** What a request is verified with; whoever looks keys up may tell more of one. */
export interface SigningKey {
  readonly secretAccessKey: string;
}

export interface Verifier<K extends SigningKey = SigningKey> {
  /** Regions whose scope is accepted. */
  readonly regions: readonly string[];
  /** Services whose scope is accepted. */
  readonly services: readonly string[];
  readonly nowMs: number;
  /**
   * Null where the key is unknown, or the token is not its own; expired: the time of both is over. The token is null
   * where the request has none.
   */
  keyOf(accessKeyId: string, sessionToken: string | null): K | "expired" | null;
}

/** A head whose key is known, with scope, date and signed headers in order. Its signature is not verified yet. */
export interface Claim<K extends SigningKey = SigningKey> {
  /** Service and Region of the signature's scope. */
  readonly service: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly key: K;
  /** How the signature covers the body. */
  readonly payload: Payload;
  /** Null where the signature is right for a body with this digest (hexadecimal). */
  verify(bodySha256: string): SignatureProblem | null;
}

const CLOCK_SKEW_MS_MAX = 5 * 60_000;
/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, RequestTimeTooSkewed. */
const S3_CLOCK_SKEW_MS_MAX = 15 * 60_000;
/** A week, AWS's limit for links. */
const PRESIGNED_S_MAX = 604_800;
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]+)\s*$/;

/** The parts of a signature, from the Authorization header or, presigned, from the query. */
interface Parts {
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly timestamp: string;
  /** Null where there is none. */
  readonly sessionToken: string | null;
  /** The query without the signature. */
  readonly query: URLSearchParams;
  /** Age at which it is refused. */
  readonly ageMsMax: number;
  readonly isPresigned: boolean;
}

/** Verifies a whole request; null where its signature is right. */
export function verifySignature(request: SignedRequest, verifier: Verifier): SignatureProblem | null {
  const claim = readClaim(request, verifier);
  return "status" in claim ? claim : claim.verify(sha256(request.body));
}

/** Judges by the head alone. */
export function readClaim<K extends SigningKey>(head: RequestHead, verifier: Verifier<K>): Claim<K> | SignatureProblem {
  if (verifier.services.includes(S3_SERVICE) && isVersion2(head)) return claimOfVersion2(head, verifier);
  const parts = partsOfHeader(head) ?? partsOfQuery(head);
  if (parts === null)
    return { name: "MissingAuthenticationTokenException", status: 403, message: "Missing Authentication Token" };
  if ("status" in parts) return parts;
  const scope = parseScope(parts.credential);
  if (scope === null)
    return incomplete(
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${parts.credential}'`,
    );
  const problem = checkScope(scope, parts, verifier);
  if (problem !== null) return problem;
  const key = verifier.keyOf(scope.accessKeyId, parts.sessionToken);
  if (key === null) return UNKNOWN_KEY;
  if (key === "expired") return EXPIRED_TOKEN;
  const unsigned = checkSignedHeaders(parts.signedHeaders, head.headers);
  if (unsigned !== null) return unsigned;
  const verify = (bodySha256: string): SignatureProblem | null => {
    const { query, signedHeaders, timestamp, signature } = parts;
    const signing = signingKey(scope, key.secretAccessKey);
    const expected = signatureOf({ ...head, query }, signedHeaders, bodySha256, scope, timestamp, signing);
    return isEqual(expected, signature) ? null : invalid(MISMATCH);
  };
  const { service, region, accessKeyId } = scope;
  return service === S3_SERVICE
    ? claimOfS3(head, scope, parts, key, verify)
    : { service, region, accessKeyId, key, payload: { kind: "digest" }, verify };
}

const UNKNOWN_KEY: SignatureProblem = {
  name: "UnrecognizedClientException",
  status: 403,
  message: "The security token included in the request is invalid.",
};

/** https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html */
const EXPIRED_TOKEN: SignatureProblem = {
  name: "ExpiredTokenException",
  status: 403,
  message: "The security token included in the request is expired",
};

/** These signatures have no Region: they are for the first one. */
function claimOfVersion2<K extends SigningKey>(head: RequestHead, verifier: Verifier<K>): Claim<K> | SignatureProblem {
  const link = readVersion2(head);
  if (link === null)
    return incomplete("The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.");
  if (link.expiresMs < verifier.nowMs) return { ...invalid("Request has expired"), reason: "expired" };
  const key = verifier.keyOf(link.accessKeyId, link.sessionToken);
  if (key === null) return UNKNOWN_KEY;
  if (key === "expired") return EXPIRED_TOKEN;
  if (!link.isSignedWith(key.secretAccessKey)) return invalid(MISMATCH);
  const { accessKeyId } = link;
  const [region = ""] = verifier.regions;
  return { service: S3_SERVICE, region, accessKeyId, key, payload: { kind: "unsigned" }, verify: () => null };
}

/** S3 signs what the head says of the body, so the head alone tells whether the signature is right. */
function claimOfS3<K extends SigningKey>(
  head: RequestHead,
  scope: Scope,
  { isPresigned, query, timestamp, signature }: Parts,
  key: K,
  verify: (payload: string) => SignatureProblem | null,
): Claim<K> | SignatureProblem {
  const given = isPresigned
    ? (headerOf(head.headers, "x-amz-content-sha256") ?? query.get("X-Amz-Content-Sha256") ?? UNSIGNED_PAYLOAD)
    : (headerOf(head.headers, "x-amz-content-sha256") ?? "");
  const payload = payloadOf(given, () => new ChunkSigner(scope, timestamp, signature, key.secretAccessKey));
  if (payload === null)
    return {
      ...incomplete("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-… or a SHA-256."),
      reason: "digest",
    };
  const problem = verify(given);
  if (problem !== null) return problem;
  return {
    service: scope.service,
    region: scope.region,
    accessKeyId: scope.accessKeyId,
    key,
    payload,
    verify: (bodySha256) => (payload.kind !== "digest" || bodySha256 === given ? null : OTHER_BODY),
  };
}

const OTHER_BODY: SignatureProblem = {
  ...invalid("The provided 'x-amz-content-sha256' header does not match what was computed."),
  status: 400,
  reason: "digest",
};

const MISMATCH =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

function isEqual(expected: string, given: string): boolean {
  return expected.length === given.length && timingSafeEqual(Buffer.from(expected), Buffer.from(given));
}

/** Insists on Host and each x-amz-* header, as AWS does: else one could be added to what somebody else signed. */
function checkSignedHeaders(signed: readonly string[], headers: Headers): SignatureProblem | null {
  const names = new Set(signed);
  if (!names.has("host")) return invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  const unsigned = Object.keys(headers).filter((name) => name.startsWith("x-amz-") && !names.has(name));
  return unsigned.length === 0
    ? null
    : {
        ...invalid(
          `There were headers present in the request which were not signed: ${unsigned.join(", ").slice(0, 200)}`,
        ),
        reason: "headers",
      };
}

function partsOfHeader(head: RequestHead): Parts | SignatureProblem | null {
  const authorization = headerOf(head.headers, "authorization");
  if (authorization === undefined) return null;
  const parsed = AUTHORIZATION.exec(authorization);
  if (parsed === null)
    return incomplete(`Authorization header is not an ${ALGORITHM} one: '${authorization.slice(0, 100)}'`);
  const [, credential = "", signedHeaders = "", signature = ""] = parsed;
  return {
    credential,
    signedHeaders: signedHeaders.split(";"),
    signature,
    timestamp: headerOf(head.headers, "x-amz-date") ?? "",
    sessionToken: headerOf(head.headers, "x-amz-security-token") ?? null,
    query: parseQuery(head.query),
    ageMsMax: CLOCK_SKEW_MS_MAX,
    isPresigned: false,
  };
}

function partsOfQuery(head: RequestHead): Parts | SignatureProblem | null {
  const query = parseQuery(head.query);
  const signature = query.get("X-Amz-Signature");
  if (signature === null) return null;
  const expiresS = Number(query.get("X-Amz-Expires"));
  const signedHeaders = query.get("X-Amz-SignedHeaders") ?? "";
  if (query.get("X-Amz-Algorithm") !== ALGORITHM || signedHeaders === "")
    return incomplete(`X-Amz-Algorithm must be ${ALGORITHM}, with X-Amz-SignedHeaders`);
  if (!Number.isInteger(expiresS) || expiresS < 1 || expiresS > PRESIGNED_S_MAX)
    return incomplete(`X-Amz-Expires must be from 1 to ${PRESIGNED_S_MAX} seconds`);
  query.delete("X-Amz-Signature");
  return {
    credential: query.get("X-Amz-Credential") ?? "",
    signedHeaders: signedHeaders.split(";"),
    signature,
    timestamp: query.get("X-Amz-Date") ?? "",
    sessionToken: query.get("X-Amz-Security-Token"),
    query,
    ageMsMax: expiresS * 1000,
    isPresigned: true,
  };
}

function parseScope(credential: string): Scope | null {
  const parts = credential.split("/");
  const [accessKeyId, date, region, service, terminator] = parts;
  if (parts.length !== 5 || !accessKeyId || !date || !region || !service || !terminator) return null;
  return { accessKeyId, date, region, service, terminator };
}

function checkScope(scope: Scope, parts: Parts, verifier: Verifier<SigningKey>): SignatureProblem | null {
  const { timestamp, isPresigned } = parts;
  const skewMsMax = scope.service === S3_SERVICE ? S3_CLOCK_SKEW_MS_MAX : CLOCK_SKEW_MS_MAX;
  const ageMsMax = isPresigned ? parts.ageMsMax : skewMsMax;
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp);
  if (match === null)
    return incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  const [, year, month, day, hour, minute, second] = match.map(Number);
  const signedMs = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
  const skewMs = signedMs - verifier.nowMs;
  const now = isoBasic(verifier.nowMs);
  if (skewMs < -ageMsMax) {
    const limit = isoBasic(verifier.nowMs - ageMsMax);
    return {
      ...invalid(`Signature expired: ${timestamp} is now earlier than ${limit} (${now} - ${ageMsMax / 60_000} min.)`),
      reason: isPresigned ? "expired" : "skewed",
    };
  }
  if (skewMs > skewMsMax) {
    const limit = isoBasic(verifier.nowMs + skewMsMax);
    return {
      ...invalid(
        `Signature not yet current: ${timestamp} is still later than ${limit} (${now} + ${skewMsMax / 60_000} min.)`,
      ),
      reason: "skewed",
    };
  }
  if (scope.date !== timestamp.slice(0, 8))
    return invalid(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scope.date}' != '${timestamp.slice(0, 8)}', from '${timestamp}'.`,
    );
  if (!verifier.regions.includes(scope.region))
    return { ...invalid(`Credential should be scoped to a valid region, not '${scope.region}'.`), reason: "region" };
  if (!verifier.services.includes(scope.service))
    return invalid(`Credential should be scoped to correct service: '${verifier.services.join("' or '")}'.`);
  if (scope.terminator !== TERMINATOR)
    return invalid(`Credential should be scoped with a valid terminator: '${TERMINATOR}'.`);
  return null;
}

function incomplete(message: string): SignatureProblem {
  return { name: "IncompleteSignatureException", status: 400, message };
}

function invalid(message: string): SignatureProblem {
  return { name: "InvalidSignatureException", status: 403, message };
}
