/**
 * The HTTP response that a function URL makes of what a function returned: inferred, or given in full (payload format
 * 2.0). https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload
 */
import { isMap } from "@thaw/installation/json-map";
import { PARTS_MAX } from "./answer-parts.ts";

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
}

/** The head of a response, without its body. */
export type AnswerHead = Omit<HttpAnswer, "body">;

const JSON_TYPE = "application/json";
const UTF_8 = new TextDecoder("utf-8", { fatal: true });
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Control characters other than the tab end a header, or are none of HTTP's. */
const FORBIDDEN_IN_VALUES = /[^\t\x20-\x7e\x80-\xff]/;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BASE64 = /^[A-Za-z0-9+/\r\n]*={0,2}\s?$/;
/** Headers that are the platform's own: a function's come under another name. */
const REMAPPED = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "proxy-authenticate",
  "server",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "www-authenticate",
  "x-amzn-requestid",
]);
const REMAPPED_PREFIX = "x-amzn-remapped-";

/**
 * Makes the response of a function's result, JSON. Null where there is none: the client is told of a bad gateway. A
 * response in full that has no content type gets `defaultType`.
 */
export function toHttpAnswer(result: Buffer, defaultType = JSON_TYPE): HttpAnswer | null {
  const text = decode(result);
  const value = text === null ? undefined : parse(text);
  if (text === null || value === undefined) return null;
  if (isMap(value) && value["statusCode"] !== undefined) return fullAnswer(value, defaultType);
  const body = typeof value === "string" ? Buffer.from(value) : compactJson(Buffer.from(text));
  return { status: 200, headers: { "content-type": JSON_TYPE }, body };
}

/** Reads the head of a response: `statusCode`, `headers` and `cookies`. Null where one of them is none. */
export function readAnswerHead(given: Readonly<Record<string, unknown>>, defaultType: string): AnswerHead | null {
  const status = readStatus(given["statusCode"]);
  const headers = readHeaders(given["headers"]);
  const cookies = readCookies(given["cookies"]);
  if (status === null || headers === null || cookies === null) return null;
  const ownCookies = headers["set-cookie"] ?? [];
  return {
    status,
    headers: {
      ...("content-type" in headers ? {} : { "content-type": defaultType }),
      ...headers,
      ...(cookies.length === 0 ? {} : { "set-cookie": [ownCookies, cookies].flat() }),
    },
  };
}

/**
 * Makes the response of a result in payload format 1.0, which is always given in full. `multiValueHeaders` stand beside
 * `headers`: where both have a name, the values of both are there. A response has one content type, that of `headers`
 * before the first one of the list.
 */
export function toHttpAnswerV1(result: Buffer, defaultType: string): HttpAnswer | null {
  const text = decode(result);
  const given = text === null ? undefined : parse(text);
  if (!isMap(given)) return null;
  const single = readHeaders(given["headers"]);
  const lists = single === null ? null : readLists(given["multiValueHeaders"], single);
  if (single === null || lists === null) return null;
  const headers: Record<string, string | readonly string[]> = { ...single };
  for (const [name, values] of lists) headers[name] = [...values];
  const [type] = [headers["content-type"] ?? []].flat();
  if (type !== undefined) headers["content-type"] = type;
  const answer = fullAnswer({ ...given, headers: null, cookies: null }, defaultType);
  return answer === null ? null : { ...answer, headers: { ...answer.headers, ...headers } };
}

/** All values of each name that has a list, those in `single` first; null where it is no map of lists. */
function readLists(
  value: unknown,
  single: Readonly<Record<string, string | readonly string[]>>,
): ReadonlyMap<string, ReadonlySet<string>> | null {
  const lists = new Map<string, Set<string>>();
  if (value === undefined || value === null) return lists;
  if (!isMap(value) || Object.keys(value).length > PARTS_MAX) return null;
  let left = PARTS_MAX;
  for (const [name, values] of Object.entries(value)) {
    if (!Array.isArray(values) || (left -= values.length) < 0) return null;
    const texts = values.filter((each) => each !== null).map(textOf);
    if (texts.includes(null) || (texts.length > 0 && !TOKEN.test(name))) return null;
    if (texts.length === 0) continue;
    const sent = sentName(name);
    // One set for all ways to write a name: merging lists anew for each would take the square of their number.
    const all = lists.get(sent) ?? new Set([single[sent] ?? []].flat());
    for (const text of texts) all.add(text ?? "");
    lists.set(sent, all);
  }
  return lists;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fullAnswer(given: Readonly<Record<string, unknown>>, defaultType: string): HttpAnswer | null {
  const head = readAnswerHead(given, defaultType);
  const body = readBody(given["body"], given["isBase64Encoded"]);
  return head === null || body === null ? null : { ...head, body };
}

/** A number, or its digits as text. The provisional ones below 200 are no ends of a request. */
function readStatus(value: unknown): number | null {
  const number = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 200 && number <= 599 ? number : null;
}

function readHeaders(value: unknown): Record<string, string | readonly string[]> | null {
  if (value === undefined || value === null) return {};
  if (!isMap(value) || Object.keys(value).length > PARTS_MAX) return null;
  const headers = Object.create(null) as Record<string, string>;
  for (const [name, each] of Object.entries(value)) {
    if (each === null) continue;
    const text = textOf(each);
    if (text === null || !TOKEN.test(name)) return null;
    headers[sentName(name)] = text;
  }
  return headers;
}

/** The text of a header's value; null where it is none. */
function textOf(value: unknown): string | null {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return null;
  const text = String(value);
  return FORBIDDEN_IN_VALUES.test(text) ? null : text;
}

/** The name under which a function's header is sent. */
function sentName(name: string): string {
  const lower = name.toLowerCase();
  return REMAPPED.has(lower) ? `${REMAPPED_PREFIX}${lower}` : lower;
}

function readCookies(value: unknown): readonly string[] | null {
  if (value === undefined || value === null) return [];
  const isList = Array.isArray(value) && value.length <= PARTS_MAX && value.every((each) => typeof each === "string");
  return isList && !value.some((each) => FORBIDDEN_IN_VALUES.test(each)) ? value : null;
}

function readBody(body: unknown, isBase64: unknown): Buffer | null {
  if (isBase64 !== undefined && isBase64 !== null && typeof isBase64 !== "boolean") return null;
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body !== "string") return asJson(body);
  if (isBase64 !== true) return Buffer.from(body);
  return BASE64.test(body) ? Buffer.from(body, "base64") : null;
}

/** Null where it is deeper than can be written. */
function asJson(value: unknown): Buffer | null {
  try {
    return Buffer.from(JSON.stringify(value));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** JSON without the blanks between its parts; numbers stay as they were written. The bytes must be JSON. */
export function compactJson(json: Buffer): Buffer {
  const compact = Buffer.allocUnsafe(json.length);
  let size = 0;
  let isInString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number;
    if (!isInString && (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)) continue;
    compact[size++] = byte;
    if (byte === BACKSLASH && isInString) compact[size++] = json[++at] as number;
    else if (byte === QUOTE) isInString = !isInString;
  }
  return compact.subarray(0, size);
}

function decode(bytes: Buffer): string | null {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return null;
  }
}
