/**
 * The HTTP response that a REST API makes of what a function returned, which is always given in full.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
import { isMap } from "@thaw/installation/json-map";
import { hasTooManyParts } from "../answer-parts.ts";
import { isBinary } from "./media-types.ts";

export interface RestAnswer {
  readonly status: number;
  /** Names as the function wrote them. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true });
const MEMBERS = new Set(["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"]);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Control characters other than the tab end a header, or are none of HTTP's. */
const FORBIDDEN_IN_VALUES = /[^\t\x20-\x7e\x80-\xff]/;
const DEFAULT_TYPE = "application/json";
/**
 * Headers that are the platform's own: a function's come under another name, or not at all.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
 */
const REMAPPED = new Set([
  "authorization",
  "connection",
  "content-length",
  "content-md5",
  "date",
  "host",
  "max-forwards",
  "server",
  "user-agent",
  "www-authenticate",
  "x-amzn-requestid",
]);
const DROPPED = new Set([
  "expect",
  "keep-alive",
  "proxy-authenticate",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

type Json = Readonly<Record<string, unknown>>;

/** Null where the result is no response: the client is told of a bad gateway. `accept` is the request's header. */
export function toRestAnswer(
  result: Buffer,
  binaryMediaTypes: readonly string[],
  accept: string | null,
): RestAnswer | null {
  const given = hasTooManyParts(result) ? null : parse(result);
  if (given === null || Object.keys(given).some((name) => !MEMBERS.has(name))) return null;
  const status = readStatus(given["statusCode"]);
  const headers = readHeaders(given);
  const body = readBody(given, isBinary(binaryMediaTypes, accept));
  return status === null || headers === null || body === null ? null : { status, headers, body };
}

function parse(result: Buffer): Json | null {
  try {
    const value: unknown = JSON.parse(UTF_8.decode(result));
    return isMap(value) ? value : null;
  } catch {
    return null;
  }
}

/** A number, or its digits as text; 200 where there is none. */
function readStatus(value: unknown): number | null {
  if (value === undefined || value === null) return 200;
  const number = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 200 && number <= 599 ? number : null;
}

/**
 * Names are the same in any case. The values of a name in both maps are all there, each once, those of
 * `multiValueHeaders` first: measured by users of API Gateway (aws-sam-cli, pull request 1166). A response has one
 * content type: that of `headers`, else the first of the list, as AWS's own Test Tool for .NET answers.
 */
function readHeaders(given: Json): RestAnswer["headers"] | null {
  const [single, multiple] = [given["headers"] ?? {}, given["multiValueHeaders"] ?? {}];
  if (!isMap(single) || !isMap(multiple)) return null;
  const written = new Map<string, { readonly name: string; readonly values: Set<string> }>();
  const lists = Object.entries(multiple).map(([name, value]) => [name, [value].flat() as readonly unknown[]] as const);
  const singles = Object.entries(single).map(([key, value]) => [key, [value]] as const);
  for (const [name, values] of [...lists, ...singles]) {
    if (!TOKEN.test(name)) return null;
    const sent = sentName(name);
    const found = written.get(sent?.toLowerCase() ?? "") ?? { name: sent ?? "", values: new Set<string>() };
    for (const value of values) {
      const text = textOf(value);
      if (text === null || (text !== undefined && FORBIDDEN_IN_VALUES.test(text))) return null;
      if (text !== undefined) found.values.add(text);
    }
    if (sent !== null) written.set(sent.toLowerCase(), found);
  }
  written.set("content-type", contentTypeOf(singles, lists));
  const headers = Object.create(null) as Record<string, string | readonly string[]>;
  for (const { name, values } of written.values()) {
    const [first = "", ...others] = values;
    if (values.size > 0) headers[name] = others.length === 0 ? first : [first, ...others];
  }
  return headers;
}

/** The first that is given: two in a response are refused or taken for one by whoever reads them. */
function contentTypeOf(...maps: ReadonlyArray<ReadonlyArray<readonly [string, readonly unknown[]]>>): {
  readonly name: string;
  readonly values: Set<string>;
} {
  const isType = ([name]: readonly [string, readonly unknown[]]): boolean => name.toLowerCase() === "content-type";
  const named = maps.flat().filter(isType);
  // A name without a value is no content type, and keeps the default one away.
  const none = named[0] === undefined ? [DEFAULT_TYPE] : [];
  for (const [name, values] of named)
    for (const value of values) {
      const text = textOf(value);
      if (typeof text === "string") return { name, values: new Set([text]) };
    }
  return { name: named[0]?.[0] ?? "Content-Type", values: new Set(none) };
}

/** The text of a value; undefined where it is null, which is no value at all; null where it is no text. */
function textOf(value: unknown): string | null | undefined {
  if (value === null) return undefined;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}

/** Null: it is not sent. */
function sentName(name: string): string | null {
  const lower = name.toLowerCase();
  if (DROPPED.has(lower)) return null;
  return REMAPPED.has(lower) ? `x-amzn-Remapped-${name}` : name;
}

/** Base64 is decoded only for a client that asks for binary content; else its text goes out. */
function readBody({ body, isBase64Encoded }: Json, isBinaryWanted: boolean): Buffer | null {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body !== "string") return null;
  if (isBase64Encoded !== undefined && isBase64Encoded !== null && typeof isBase64Encoded !== "boolean") return null;
  return Buffer.from(body, isBase64Encoded === true && isBinaryWanted ? "base64" : "utf8");
}
