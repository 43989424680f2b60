/** Signs requests and links. */
import {
  ALGORITHM,
  isoBasic,
  parseQuery,
  type RequestHead,
  S3_SERVICE,
  type Scope,
  sha256,
  signatureOf,
  TERMINATOR,
} from "./canonical.ts";
import { UNSIGNED_PAYLOAD } from "./payload.ts";
import { signingKey } from "./signing-key.ts";

export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SignableRequest extends RequestHead {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Service whose scope is signed where none is named. */
const DEFAULT_SERVICE = "lambda";

/** Gives the headers to send: those of the request, with the date and the signature. */
export function signRequest(
  request: SignableRequest,
  credentials: SigningCredentials,
  region: string,
  nowMs: number,
  service = DEFAULT_SERVICE,
): Record<string, string> {
  const timestamp = isoBasic(nowMs);
  const token = credentials.sessionToken === undefined ? {} : { "x-amz-security-token": credentials.sessionToken };
  const headers: Record<string, string> = { ...request.headers, "x-amz-date": timestamp, ...token };
  const scope = scopeOf(credentials, timestamp, region, service);
  const names = Object.keys(headers).sort();
  const head = { ...request, headers, query: parseQuery(request.query) };
  // S3 signs what the head says of the body.
  const said = service === S3_SERVICE ? headers["x-amz-content-sha256"] : undefined;
  const payload = said ?? sha256(request.body);
  const signature = signatureOf(head, names, payload, scope, timestamp, signingKey(scope, credentials.secretAccessKey));
  return {
    ...headers,
    authorization: `${ALGORITHM} Credential=${credentialOf(scope)}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
  };
}

/** Gives the query of a link: a GET that needs no headers but Host. */
export function presignQuery(
  path: string,
  host: string,
  credentials: SigningCredentials,
  region: string,
  nowMs: number,
  expiresS: number,
  service = DEFAULT_SERVICE,
): string {
  const timestamp = isoBasic(nowMs);
  const scope = scopeOf(credentials, timestamp, region, service);
  const query = new URLSearchParams({
    "X-Amz-Algorithm": ALGORITHM,
    "X-Amz-Credential": credentialOf(scope),
    "X-Amz-Date": timestamp,
    "X-Amz-Expires": String(expiresS),
    "X-Amz-SignedHeaders": "host",
  });
  const head = { method: "GET", path, query, headers: { host } };
  const payload = service === S3_SERVICE ? UNSIGNED_PAYLOAD : sha256("");
  const signature = signatureOf(
    head,
    ["host"],
    payload,
    scope,
    timestamp,
    signingKey(scope, credentials.secretAccessKey),
  );
  return `${query.toString()}&X-Amz-Signature=${signature}`;
}

function scopeOf(credentials: SigningCredentials, timestamp: string, region: string, service: string): Scope {
  const { accessKeyId } = credentials;
  return { accessKeyId, date: timestamp.slice(0, 8), region, service, terminator: TERMINATOR };
}

function credentialOf({ accessKeyId, date, region, service, terminator }: Scope): string {
  return `${accessKeyId}/${date}/${region}/${service}/${terminator}`;
}
