/**
 * The HTTP response that a function URL makes of what a function returned: inferred, or given in full (payload format
 * 2.0). https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload
 */

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
  const body = typeof value === "string" ? value : compactJson(text);
  return { status: 200, headers: { "content-type": JSON_TYPE }, body: Buffer.from(body) };
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
  const lists = isMap(given) ? readLists(given["multiValueHeaders"]) : null;
  if (!isMap(given) || lists === null) return null;
  const single = readHeaders(given["headers"]);
  if (single === null) return null;
  const headers: Record<string, string | readonly string[]> = { ...single };
  for (const [name, values] of lists) headers[name] = [...new Set([headers[name] ?? [], values].flat())];
  const [type] = [headers["content-type"] ?? []].flat();
  if (type !== undefined) headers["content-type"] = type;
  const answer = fullAnswer({ ...given, headers: null, cookies: null }, defaultType);
  return answer === null ? null : { ...answer, headers: { ...answer.headers, ...headers } };
}

/** Names with all their values; null where it is no map of lists. */
function readLists(value: unknown): ReadonlyArray<readonly [string, readonly string[]]> | null {
  if (value === undefined || value === null) return [];
  if (!isMap(value) || !Object.values(value).every(Array.isArray)) return null;
  const lists: Array<readonly [string, readonly string[]]> = [];
  for (const [name, values] of Object.entries(value)) {
    const read = (values as readonly unknown[]).map((each) => readHeaders({ [name]: each }));
    if (read.includes(null)) return null;
    const found = read.flatMap((one) => Object.entries(one ?? {}));
    const [first] = found;
    if (first !== undefined) lists.push([first[0], found.map(([, text]) => String(text))]);
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
  if (!isMap(value)) return null;
  const headers = Object.create(null) as Record<string, string>;
  for (const [name, each] of Object.entries(value)) {
    if (each === null) continue;
    if (!["string", "number", "boolean"].includes(typeof each)) return null;
    const text = String(each);
    if (!TOKEN.test(name) || FORBIDDEN_IN_VALUES.test(text)) return null;
    const lower = name.toLowerCase();
    headers[REMAPPED.has(lower) ? `${REMAPPED_PREFIX}${lower}` : lower] = text;
  }
  return headers;
}

function readCookies(value: unknown): readonly string[] | null {
  if (value === undefined || value === null) return [];
  const isList = Array.isArray(value) && value.every((each) => typeof each === "string");
  return isList && !value.some((each) => FORBIDDEN_IN_VALUES.test(each)) ? value : null;
}

function readBody(body: unknown, isBase64: unknown): Buffer | null {
  if (isBase64 !== undefined && isBase64 !== null && typeof isBase64 !== "boolean") return null;
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body !== "string") return Buffer.from(JSON.stringify(body));
  if (isBase64 !== true) return Buffer.from(body);
  return BASE64.test(body) ? Buffer.from(body, "base64") : null;
}

/** JSON without the blanks between its parts; numbers stay as they were written. The text must be JSON. */
export function compactJson(text: string): string {
  let isInString = false;
  let from = 0;
  let compact = "";
  for (let at = 0; at < text.length; at++) {
    const unit = text[at];
    if (unit === "\\" && isInString) at++;
    else if (unit === '"') isInString = !isInString;
    else if (!isInString && (unit === " " || unit === "\n" || unit === "\r" || unit === "\t")) {
      compact += text.slice(from, at);
      from = at + 1;
    }
  }
  return compact + text.slice(from);
}

function decode(bytes: Buffer): string | null {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return null;
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
