/**
 * Requests that nobody should send, and some that somebody would: made from the models of the APIs on the listener, and
 * of bytes. The same seed makes the same requests.
 */
import { LAMBDA, type OperationName } from "@thaw/aws-api";
import { ROUTES } from "@thaw/thaw-api";
import fc from "fast-check";
import type { Request } from "./request.ts";
import { s3Request } from "./s3-requests.ts";

/** Bytes for a connection of their own. */
export interface Bytes {
  readonly kind: "bytes";
  readonly bytes: Buffer;
}

/** What is there for requests to find. */
export interface Fixtures {
  /** A package that can be deployed. */
  readonly zip: Buffer;
  /** The path of a function's URL. */
  readonly urlPath: string;
}

const DEPTH = 6;
const BODY_BYTES_MAX = 200_000;
const TEXT_MAX = 4000;

const strange = fc.oneof(
  fc.string({ maxLength: 30, unit: "binary" }),
  fc.string({ maxLength: TEXT_MAX, unit: "grapheme-ascii" }),
  fc.constantFrom(
    "",
    " ",
    "../../etc/passwd",
    "%00",
    "%",
    "%zz",
    "$LATEST",
    "𝒳",
    "\u0000",
    "a".repeat(10_000),
    "__proto__",
  ),
);
const json: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: DEPTH }),
  fc.constantFrom<unknown>(null, [], {}, "", 0, -1, 1e300, -(2 ** 63), true, { __proto__: null }, [[[[[[]]]]]]),
  strange,
);
const NAMES = ["f", "g", "arn:aws:lambda:us-east-1:000000000000:function:f", "f:1", "f:live", "f:$LATEST", "1", "live"];
const named = fc.oneof({ arbitrary: fc.constantFrom(...NAMES), weight: 3 }, { arbitrary: strange, weight: 1 });

/** A value of a shape, with something else in its place here and there. */
function valueOf(shapeName: string, fixtures: Fixtures, depth = 0): fc.Arbitrary<unknown> {
  const good = goodOf(shapeName, fixtures, depth);
  return fc.oneof({ arbitrary: good, weight: 9 }, { arbitrary: json, weight: 1 });
}

function goodOf(shapeName: string, fixtures: Fixtures, depth: number): fc.Arbitrary<unknown> {
  const shape = LAMBDA.shapes[shapeName];
  if (shape === undefined || depth > DEPTH) return json;
  const below = (name: string | undefined): fc.Arbitrary<unknown> => valueOf(name ?? "", fixtures, depth + 1);
  switch (shape.type) {
    case "structure": {
      const members = Object.entries(shape.members ?? {}).map(([name, member]) => [name, below(member.shape)] as const);
      const required = (shape.required ?? []) as string[];
      return fc.record(Object.fromEntries(members), { requiredKeys: required });
    }
    case "list":
      return fc.array(below(shape.member?.shape), { maxLength: 4 });
    case "map":
      return fc.dictionary(fc.string({ maxLength: 10 }), below(shape.value?.shape), { maxKeys: 4 });
    case "integer":
    case "long":
      return fc.oneof(fc.integer({ min: shape.min ?? 0, max: shape.max ?? 10_000 }), fc.integer());
    case "double":
    case "float":
      return fc.double();
    case "boolean":
      return fc.boolean();
    case "timestamp":
      return fc.integer();
    case "blob":
      return fc.oneof(fc.constant(fixtures.zip.toString("base64")), fc.base64String({ maxLength: 400 }), strange);
    default:
      return shape.enum === undefined ? named : fc.constantFrom(...shape.enum, "nope");
  }
}

function lambdaRequest(operation: OperationName, fixtures: Fixtures): fc.Arbitrary<Request> {
  const { method, uri, input } = LAMBDA.operations[operation];
  return valueOf(input ?? "", fixtures).map((value): Request => {
    const given = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
    const [path = "", fixed = ""] = uri.split("?");
    const query = new URLSearchParams(fixed);
    const headers: Record<string, string> = {};
    const members = LAMBDA.shapes[input ?? ""]?.members ?? {};
    const rest = Object.entries(given).filter(([name]) => members[name]?.location === undefined);
    let target = path;
    for (const [name, member] of Object.entries(members)) {
      const { location, locationName = name } = member;
      const text = textOf(given[name]);
      if (location === "uri") target = target.replace(`{${locationName}}`, () => encodeURIComponent(text || "f"));
      else if (text === "") continue;
      else if (location === "querystring") query.append(locationName, text);
      else if (location === "header") headers[locationName] = text.replaceAll(/[^\x21-\x7e]/g, "?").slice(0, 1000);
    }
    target = target.replaceAll(/\{\w+\+\}/g, () => encodeURIComponent(textOf(given["ResourceArn"]) || "f"));
    const whole = typeof value === "object" && value !== null ? Object.fromEntries(rest) : value;
    const body = method === "GET" || method === "DELETE" ? "" : (JSON.stringify(whole) ?? "");
    const search = query.size === 0 ? "" : `?${query.toString()}`;
    return { kind: "lambda", method, target: `${target}${search}`, headers, body: cut(body), service: "lambda" };
  });
}

/** Never half of a surrogate pair, which can't be in a URL. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.slice(0, TEXT_MAX).toWellFormed();
}

function cut(body: string): Buffer {
  return Buffer.from(body).subarray(0, BODY_BYTES_MAX);
}

const bodies = fc.oneof(
  json.map((value) => cut(JSON.stringify(value) ?? "")),
  fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom("[".repeat(100_000), '{"a":'.repeat(20_000), `"${" ".repeat(BODY_BYTES_MAX - 2)}"`, "nul").map(cut),
);
const paths = fc
  .array(strange, { maxLength: 4 })
  .map((parts) => parts.map((part) => encodeURIComponent(part.toWellFormed())).join("/"));
const queries = fc
  .dictionary(fc.string({ maxLength: 10 }), strange, { maxKeys: 3 })
  .map((values) =>
    new URLSearchParams(
      Object.entries(values).map(([name, value]): [string, string] => [name, value.toWellFormed()]),
    ).toString(),
  );
const methods = fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH");
const headerValues = fc.string({
  maxLength: 200,
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCodePoint(code)),
});
const HEADERS = ["cookie", "content-type", "x-amzn-trace-id", "x-forwarded-for", "origin", "range", "accept", "x-a"];
const someHeaders = fc.dictionary(fc.constantFrom(...HEADERS), headerValues, { maxKeys: 3 });

/** Runs clones for minutes where it is asked right. */
const SLOW_ROUTES = new Set(["check"]);

function adminRequest(): fc.Arbitrary<Request> {
  const routes = Object.values(ROUTES).filter(({ path }) => !SLOW_ROUTES.has(path));
  return fc.record({ route: fc.constantFrom(...routes), part: named, query: queries, body: bodies }).map(
    ({ route, part, query, body }): Request => ({
      kind: "admin",
      method: route.method,
      target: `/_thaw/v1/${route.path.replaceAll(/\{\w+\+?\}/g, () => encodeURIComponent(part.toWellFormed()))}?${query}`,
      headers: {},
      body: route.method === "GET" ? Buffer.alloc(0) : body,
      service: "lambda",
    }),
  );
}

function urlRequest({ urlPath }: Fixtures): fc.Arbitrary<Request> {
  return fc.record({ method: methods, path: paths, query: queries, headers: someHeaders, body: bodies }).map(
    ({ method, path, query, headers, body }): Request => ({
      kind: "url",
      method,
      target: `${urlPath}${path}?${query}`,
      headers,
      body: method === "GET" ? Buffer.alloc(0) : body,
      service: null,
    }),
  );
}

function serviceRequest(): fc.Arbitrary<Request> {
  const service = fc.constantFrom("sts", "lambda", "s3", "logs", "sqs", "kms", "nothing");
  const form = fc
    .oneof(
      queries.map((text) => `Action=GetCallerIdentity&Version=2011-06-15&${text}`),
      queries,
    )
    .map(cut);
  const parts = {
    method: methods,
    path: paths,
    query: queries,
    body: fc.oneof(form, bodies),
    service,
    headers: someHeaders,
  };
  return fc.record(parts).map(
    ({ method, path, query, headers, body, service: name }): Request => ({
      kind: "service",
      method,
      target: `/${path}?${query}`,
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body: method === "GET" ? Buffer.alloc(0) : body,
      service: name,
    }),
  );
}

function bytes(): fc.Arbitrary<Bytes> {
  const HEADS = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /2015-03-31/functions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET http://a/ HTTP/1.0\r\nExpect: 100-continue\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
  ];
  const noise = fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some));
  const changed = fc
    .record({ head: fc.constantFrom(...HEADS), at: fc.nat({ max: 120 }), noise })
    .map((made) =>
      Buffer.concat([Buffer.from(made.head.slice(0, made.at)), made.noise, Buffer.from(made.head.slice(made.at))]),
    );
  const all = fc.oneof(
    changed,
    noise,
    fc.constantFrom(...HEADS).map((head) => Buffer.from(head)),
  );
  return all.map((made): Bytes => ({ kind: "bytes", bytes: made }));
}

/** Makes `count` requests of all kinds. */
export function requestsOf(seed: number, count: number, fixtures: Fixtures): ReadonlyArray<Request | Bytes> {
  const lambda = (Object.keys(LAMBDA.operations) as OperationName[]).map((name) => lambdaRequest(name, fixtures));
  const all = fc.oneof<Array<fc.WeightedArbitrary<Request | Bytes>>>(
    { arbitrary: fc.oneof(...lambda), weight: 10 },
    { arbitrary: adminRequest(), weight: 3 },
    { arbitrary: urlRequest(fixtures), weight: 2 },
    { arbitrary: serviceRequest(), weight: 2 },
    { arbitrary: s3Request(), weight: 3 },
    { arbitrary: bytes(), weight: 2 },
  );
  return fc.sample(all, { seed, numRuns: count });
}
