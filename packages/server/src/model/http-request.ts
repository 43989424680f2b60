/**
 * A request of HTTP/1 (RFC 9112) as a client wrote it: the texts in it that its sender chose, by their place. Texts
 * that the protocol or a client's library makes equal by right are left out. Pure; the bytes are foreign, and may end
 * anywhere.
 */

/** A text of a request, and its place there. */
export interface RequestPart {
  readonly place: string;
  /** Name of the header, the parameter or the cookie; empty for a piece of the path, null for a whole document. */
  readonly name: string | null;
  readonly text: string;
}

export interface HttpRequest {
  readonly parts: readonly RequestPart[];
  readonly sizeBytes: number;
  /** False where it has a body that is no plain text. */
  readonly isPlain: boolean;
}

interface Header {
  readonly name: string;
  readonly value: string;
}

interface Body {
  readonly bytes: Buffer;
  /** Length of the whole request in bytes. */
  readonly end: number;
}

const REQUEST_LINE = /^([A-Z]{1,20}) (\S+) HTTP\/1\.[01]$/;
const HEAD_END = "\r\n\r\n";
const FORM = "application/x-www-form-urlencoded";
/**
 * Names of servers and programs, settings, and what is computed from the body. Also the session of AWS's temporary
 * credentials: it is looked for in the memory, and AWS's clients renew it.
 */
const EQUAL_BY_RIGHT =
  /^(host|user-agent|x-amz-user-agent|http2-settings|content-md5|(content-|repr-)?digest|x-amz-content-sha256|x-amz-checksum-\w+|x-amz-security-token)$/;
/**
 * Names of signatures, which are computed: two clones may sign the same request within one second. The memory tells
 * whose key it is.
 */
const SIGNED_BY_AWS = /^AWS4-/;
const SIGNED_QUERY = /^X-Amz-(Signature|Credential|Security-Token)$/i;
const SHOWN_NAME = /^[\w.-]{1,64}$/;

/** Reads the request that these bytes begin with; null where they begin with something else. */
export function readHttpRequest(bytes: Buffer): HttpRequest | null {
  const found = bytes.indexOf(HEAD_END);
  const headEnd = found < 0 ? bytes.length : found;
  const [line = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const [, method = "", target = ""] = REQUEST_LINE.exec(line) ?? [];
  if (method === "") return null;
  const headers = lines.flatMap(toHeader);
  const { bytes: body, end } = readBody(bytes, Math.min(headEnd + HEAD_END.length, bytes.length), headers);
  const text = plainText(body);
  const parts = [
    ...(method === "CONNECT" ? [] : targetParts(target)),
    ...headers.flatMap(headerParts),
    ...bodyParts(text ?? "", headers),
  ];
  return { parts, sizeBytes: end, isPlain: text !== null };
}

/** Reads plain text; null where the bytes are none. The last character may be cut. */
export function plainText(bytes: Buffer): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return /(?![\t\n\r])\p{Cc}/u.test(text) ? null : text;
  } catch {
    return null;
  }
}

function toHeader(line: string): readonly Header[] {
  const colon = line.indexOf(":");
  return colon < 1 ? [] : [{ name: line.slice(0, colon).toLowerCase(), value: line.slice(colon + 1).trim() }];
}

function valueOf(headers: readonly Header[], name: string): string {
  return headers.find((header) => header.name === name)?.value ?? "";
}

function readBody(bytes: Buffer, start: number, headers: readonly Header[]): Body {
  if (/\bchunked$/i.test(valueOf(headers, "transfer-encoding"))) return readChunks(bytes, start);
  const length = valueOf(headers, "content-length");
  const end = /^\d{1,15}$/.test(length) ? Math.min(start + Number(length), bytes.length) : start;
  return { bytes: bytes.subarray(start, end), end };
}

/** Reads a chunked body: `SIZE\r\n…\r\n` for each chunk, then `0\r\n`, trailers and an empty line. */
function readChunks(bytes: Buffer, start: number): Body {
  const chunks: Buffer[] = [];
  const body = (end: number): Body => ({ bytes: Buffer.concat(chunks), end });
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const size = /^[0-9a-f]{1,8}/i.exec(bytes.toString("latin1", at, Math.max(lineEnd, at)))?.[0];
    if (size === undefined) return body(bytes.length);
    if (Number.parseInt(size, 16) === 0) {
      const end = bytes.indexOf(HEAD_END, lineEnd);
      return body(end < 0 ? bytes.length : end + HEAD_END.length);
    }
    at = lineEnd + 2 + Number.parseInt(size, 16);
    chunks.push(bytes.subarray(lineEnd + 2, at));
    at += 2;
  }
}

function targetParts(target: string): readonly RequestPart[] {
  const [path = "", query = ""] = target.replace(/^[a-z]+:\/\/[^/?]*/i, "").split(/\?(.*)/s);
  const segments = path.split("/").filter((segment) => segment !== "");
  return [
    ...segments.map((segment) => ({ place: "path", name: "", text: decoded(segment) })),
    ...[...new URLSearchParams(query)]
      .filter(([name]) => !SIGNED_QUERY.test(name))
      .map(([name, text]) => ({ place: placeOf("parameter", name), name, text })),
  ];
}

function headerParts({ name, value }: Header): readonly RequestPart[] {
  if (EQUAL_BY_RIGHT.test(name) || (name === "authorization" && SIGNED_BY_AWS.test(value))) return [];
  if (name !== "cookie") return [{ place: placeOf("header", name), name, text: value }];
  return value.split(";").map((cookie) => {
    const [cookieName = "", text = ""] = cookie.trim().split(/=(.*)/s);
    return { place: placeOf("cookie", cookieName), name: cookieName, text };
  });
}

function bodyParts(text: string, headers: readonly Header[]): readonly RequestPart[] {
  if (text === "") return [];
  if (!valueOf(headers, "content-type").toLowerCase().startsWith(FORM)) return [{ place: "body", name: null, text }];
  return [...new URLSearchParams(text)].map(([name, value]) => ({
    place: placeOf("body", name, "."),
    name,
    text: value,
  }));
}

function placeOf(kind: string, name: string, separator = " "): string {
  return SHOWN_NAME.test(name) ? `${kind}${separator}${name}` : kind;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
