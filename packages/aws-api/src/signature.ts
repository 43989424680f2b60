/**
 * AWS Signature Version 4, in a request's headers or in its query. The messages are AWS's own.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

export interface SignedRequest {
  readonly method: string;
  /** As sent, percent-encoded. */
  readonly path: string;
  /** As sent, without `?`. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface SignatureProblem {
  readonly name:
    | "MissingAuthenticationTokenException"
    | "IncompleteSignatureException"
    | "InvalidSignatureException"
    | "UnrecognizedClientException";
  readonly status: 400 | 403;
  readonly message: string;
}

export interface Verifier {
  readonly region: string;
  readonly nowMs: number;
  /** Null where the key is unknown. */
  secretOf(accessKeyId: string): string | null;
}

const CLOCK_SKEW_MS_MAX = 5 * 60_000;
const SERVICE = "lambda";
const ALGORITHM = "AWS4-HMAC-SHA256";
/** A week, AWS's limit for links. */
const PRESIGNED_S_MAX = 604_800;
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]+)\s*$/;

/** What a request says of its signature, in the Authorization header or, presigned, in the query. */
interface Claim {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
  readonly timestamp: string;
  /** The part of the query that is signed. */
  readonly query: string;
  /** How old it may be. */
  readonly ageMsMax: number;
}

/** Null where the signature is right. */
export function verifySignature(request: SignedRequest, verifier: Verifier): SignatureProblem | null {
  const claim = claimOfHeader(request) ?? claimOfQuery(request);
  if (claim === null)
    return { name: "MissingAuthenticationTokenException", status: 403, message: "Missing Authentication Token" };
  if ("status" in claim) return claim;
  const scope = parseScope(claim.credential);
  if (scope === null)
    return incomplete(
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${claim.credential}'`,
    );
  const problem = checkScope(scope, claim, verifier);
  if (problem !== null) return problem;
  const secret = verifier.secretOf(scope.accessKeyId);
  if (secret === null)
    return {
      name: "UnrecognizedClientException",
      status: 403,
      message: "The security token included in the request is invalid.",
    };
  const expected = sign(
    { ...request, query: claim.query },
    claim.signedHeaders.split(";"),
    scope,
    claim.timestamp,
    secret,
  );
  const isEqual =
    expected.length === claim.signature.length && timingSafeEqual(Buffer.from(expected), Buffer.from(claim.signature));
  if (isEqual) return null;
  return invalid(
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
  );
}

function claimOfHeader(request: SignedRequest): Claim | SignatureProblem | null {
  const authorization = one(request.headers["authorization"]);
  if (authorization === undefined) return null;
  const parsed = AUTHORIZATION.exec(authorization);
  if (parsed === null)
    return incomplete(`Authorization header is not an AWS4-HMAC-SHA256 one: '${authorization.slice(0, 100)}'`);
  const [, credential = "", signedHeaders = "", signature = ""] = parsed;
  const timestamp = one(request.headers["x-amz-date"]) ?? "";
  return { credential, signedHeaders, signature, timestamp, query: request.query, ageMsMax: CLOCK_SKEW_MS_MAX };
}

function claimOfQuery(request: SignedRequest): Claim | SignatureProblem | null {
  const parameters = new URLSearchParams(request.query);
  const signature = parameters.get("X-Amz-Signature");
  if (signature === null) return null;
  const expiresS = Number(parameters.get("X-Amz-Expires"));
  const signedHeaders = parameters.get("X-Amz-SignedHeaders") ?? "";
  if (parameters.get("X-Amz-Algorithm") !== ALGORITHM || signedHeaders === "")
    return incomplete(`X-Amz-Algorithm must be ${ALGORITHM}, with X-Amz-SignedHeaders`);
  if (!Number.isInteger(expiresS) || expiresS < 1 || expiresS > PRESIGNED_S_MAX)
    return incomplete(`X-Amz-Expires must be from 1 to ${PRESIGNED_S_MAX} seconds`);
  const query = request.query
    .split("&")
    .filter((pair) => !pair.startsWith("X-Amz-Signature="))
    .join("&");
  const timestamp = parameters.get("X-Amz-Date") ?? "";
  return {
    credential: parameters.get("X-Amz-Credential") ?? "",
    signedHeaders,
    signature,
    timestamp,
    query,
    ageMsMax: expiresS * 1000,
  };
}

export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The headers to send: those given, with the date and the signature. */
export function signRequest(
  request: SignedRequest & { readonly headers: Readonly<Record<string, string>> },
  credentials: SigningCredentials,
  region: string,
  nowMs: number,
): Record<string, string> {
  const timestamp = isoBasic(nowMs);
  const token = credentials.sessionToken === undefined ? {} : { "x-amz-security-token": credentials.sessionToken };
  const headers: Record<string, string> = { ...request.headers, "x-amz-date": timestamp, ...token };
  const scope: Scope = {
    accessKeyId: credentials.accessKeyId,
    date: timestamp.slice(0, 8),
    region,
    service: SERVICE,
    terminator: "aws4_request",
  };
  const names = Object.keys(headers).sort();
  const signature = sign({ ...request, headers }, names, scope, timestamp, credentials.secretAccessKey);
  const credential = `${scope.accessKeyId}/${scope.date}/${region}/${SERVICE}/${scope.terminator}`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}

/** A query for a GET that needs no headers but Host, as in a link. */
export function presignQuery(
  path: string,
  host: string,
  credentials: SigningCredentials,
  region: string,
  nowMs: number,
  expiresS: number,
): string {
  const timestamp = isoBasic(nowMs);
  const scope: Scope = {
    accessKeyId: credentials.accessKeyId,
    date: timestamp.slice(0, 8),
    region,
    service: SERVICE,
    terminator: "aws4_request",
  };
  const query = new URLSearchParams({
    "X-Amz-Algorithm": ALGORITHM,
    "X-Amz-Credential": `${scope.accessKeyId}/${scope.date}/${region}/${SERVICE}/${scope.terminator}`,
    "X-Amz-Date": timestamp,
    "X-Amz-Expires": String(expiresS),
    "X-Amz-SignedHeaders": "host",
  }).toString();
  const signature = sign(
    { method: "GET", path, query, headers: { host }, body: Buffer.alloc(0) },
    ["host"],
    scope,
    timestamp,
    credentials.secretAccessKey,
  );
  return `${query}&X-Amz-Signature=${signature}`;
}

interface Scope {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
}

function parseScope(credential: string): Scope | null {
  const parts = credential.split("/");
  const [accessKeyId, date, region, service, terminator] = parts;
  if (parts.length !== 5 || !accessKeyId || !date || !region || !service || !terminator) return null;
  return { accessKeyId, date, region, service, terminator };
}

function checkScope(scope: Scope, { timestamp, ageMsMax }: Claim, verifier: Verifier): SignatureProblem | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp);
  if (match === null)
    return incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  const [, year, month, day, hour, minute, second] = match.map(Number);
  const signedMs = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
  const skewMs = signedMs - verifier.nowMs;
  const now = isoBasic(verifier.nowMs);
  if (skewMs < -ageMsMax) {
    const limit = isoBasic(verifier.nowMs - ageMsMax);
    return invalid(`Signature expired: ${timestamp} is now earlier than ${limit} (${now} - ${ageMsMax / 60_000} min.)`);
  }
  if (skewMs > CLOCK_SKEW_MS_MAX)
    return invalid(
      `Signature not yet current: ${timestamp} is still later than ${isoBasic(verifier.nowMs + CLOCK_SKEW_MS_MAX)} (${now} + 5 min.)`,
    );
  if (scope.date !== timestamp.slice(0, 8))
    return invalid(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scope.date}' != '${timestamp.slice(0, 8)}', from '${timestamp}'.`,
    );
  if (scope.region !== verifier.region)
    return invalid(`Credential should be scoped to a valid region, not '${scope.region}'.`);
  if (scope.service !== SERVICE) return invalid(`Credential should be scoped to correct service: '${SERVICE}'.`);
  if (scope.terminator !== "aws4_request")
    return invalid("Credential should be scoped with a valid terminator: 'aws4_request'.");
  return null;
}

function isoBasic(ms: number): string {
  return `${new Date(ms).toISOString().replaceAll(/[-:]/g, "").slice(0, 15)}Z`;
}

function sign(
  request: SignedRequest,
  signedHeaders: readonly string[],
  scope: Scope,
  timestamp: string,
  secret: string,
): string {
  const headers = signedHeaders
    .map((name) => `${name}:${(one(request.headers[name]) ?? "").trim().replaceAll(/\s+/g, " ")}\n`)
    .join("");
  const contentHash = createHash("sha256").update(request.body).digest("hex");
  const canonical = [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    headers,
    signedHeaders.join(";"),
    contentHash,
  ].join("\n");
  const scopeText = `${scope.date}/${scope.region}/${scope.service}/${scope.terminator}`;
  const toSign = ["AWS4-HMAC-SHA256", timestamp, scopeText, createHash("sha256").update(canonical).digest("hex")].join(
    "\n",
  );
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of [scope.date, scope.region, scope.service, scope.terminator])
    key = createHmac("sha256", key).update(part).digest();
  return createHmac("sha256", key).update(toSign).digest("hex");
}

/** Every segment encoded once more, as all services but S3 want it. */
function canonicalPath(path: string): string {
  return path
    .split("/")
    .map((segment) => encode(segment))
    .join("/");
}

function canonicalQuery(query: string): string {
  if (query === "") return "";
  const pairs = query.split("&").map((pair) => {
    const at = pair.indexOf("=");
    const name = at === -1 ? pair : pair.slice(0, at);
    const value = at === -1 ? "" : pair.slice(at + 1);
    return [encode(safeDecode(name)), encode(safeDecode(value))] as const;
  });
  return pairs
    .sort(([a, av], [b, bv]) => (a === b ? compare(av, bv) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}

function incomplete(message: string): SignatureProblem {
  return { name: "IncompleteSignatureException", status: 400, message };
}

function invalid(message: string): SignatureProblem {
  return { name: "InvalidSignatureException", status: 403, message };
}
