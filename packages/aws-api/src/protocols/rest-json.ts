/** The REST-JSON protocol: which operation a request means, its input out of it, and an output as a response. */
import type { ServiceModel } from "../model.ts";
import { encodeEvents, EVENT_STREAM_TYPE } from "./event-stream.ts";
import { JsonReader } from "./json-reader.ts";
import { JsonWriter } from "./json-writer.ts";
import type { Shape } from "../shape.ts";
import { SerializationError } from "../validate.ts";

export interface WireRequest {
  readonly method: string;
  /** Without the query string, as sent (percent-encoded). */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Pieces where the output's payload comes in pieces. */
  readonly body: Buffer | AsyncIterable<Uint8Array>;
}

/** An operation's place: literal segments, labels, and the fixed part of its query. */
interface Route<O> {
  readonly operation: O;
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

export interface OperationMatch<O extends string = string> {
  readonly operation: O;
  readonly pathParameters: Readonly<Record<string, string>>;
}

function routeOf<O>(operation: O, { method, uri }: { readonly method: string; readonly uri: string }): Route<O> {
  const [path = "", query = ""] = uri.split("?");
  return { operation, method, segments: path.replace(/\/$/, "").split("/"), query: new URLSearchParams(query) };
}

function fixedParts({ segments, query }: Route<unknown>): number {
  return segments.filter((segment) => !segment.startsWith("{")).length + query.size;
}

/** The labels' texts, percent-encoded; null for another path. A greedy label (`{Arn+}`) takes one segment or more. */
function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): ReadonlyArray<readonly [string, string]> | null {
  const greedy = pattern.findIndex((part) => part.endsWith("+}"));
  const surplus = segments.length - pattern.length;
  if (surplus < 0 || (surplus > 0 && greedy === -1)) return null;
  const labels: Array<readonly [string, string]> = [];
  let at = 0;
  for (const [index, part] of pattern.entries()) {
    const taken = index === greedy ? surplus + 1 : 1;
    const text = segments.slice(at, at + taken).join("/");
    at += taken;
    if (!part.startsWith("{")) {
      if (part !== text) return null;
    } else if (text === "") return null;
    else labels.push([part.slice(1, index === greedy ? -2 : -1), text]);
  }
  return labels;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Digits of a 64-bit number at most: `1e300` is a whole number only to JavaScript. */
const WHOLE_NUMBER = /^-?\d{1,19}$/;

/** Requests and responses of one service. */
export class RestJson<O extends string> {
  readonly #model: ServiceModel<O>;
  readonly #routes: ReadonlyArray<Route<O>>;
  readonly #json: JsonReader;
  readonly #writer: JsonWriter;

  constructor(model: ServiceModel<O>) {
    this.#model = model;
    this.#json = new JsonReader(model);
    this.#writer = new JsonWriter(model);
    this.#routes = (Object.keys(model.operations) as O[])
      .map((operation) => routeOf(operation, model.operations[operation]))
      // The more is fixed the earlier: `provisioned-concurrency?List=ALL` before the same path without a query.
      .sort((a, b) => fixedParts(b) - fixedParts(a));
  }

  /** Finds the operation of a request; null where none has this method, path and fixed query. */
  match(method: string, path: string, query: URLSearchParams): OperationMatch<O> | null {
    const segments = path.replace(/\/$/, "").split("/");
    for (const route of this.#routes) {
      if (route.method !== method) continue;
      if ([...route.query].some(([name, value]) => query.get(name) !== value)) continue;
      const labels = matchSegments(route.segments, segments);
      if (labels === null) continue;
      const pathParameters: Record<string, string> = {};
      for (const [name, text] of labels) {
        const value = decode(text);
        if (value === null) return null;
        pathParameters[name] = value;
      }
      return { operation: route.operation, pathParameters };
    }
    return null;
  }

  /**
   * Reads the input as the model's structure, blobs decoded. Throws SerializationError for a JSON type it can't read.
   */
  parseInput(match: OperationMatch<O>, request: WireRequest): Record<string, unknown> {
    const inputName = this.#model.operations[match.operation].input;
    if (inputName === null) return {};
    const shape = this.#model.shapes[inputName] as Shape;
    const input: Record<string, unknown> = shape.payload === undefined ? this.#json.readBody(shape, request.body) : {};
    for (const [name, member] of Object.entries(shape.members ?? {})) {
      const wireName = member.locationName ?? name;
      const text = readLocated(member.location, wireName, match, request);
      if (member.location === "querystring" && this.#model.shapes[member.shape]?.type === "map")
        input[name] = otherParameters(shape, request.query);
      else if (text !== undefined) input[name] = this.#fromText(member.shape, text);
      else if (shape.payload === name) input[name] = request.body;
    }
    return input;
  }

  #fromText(shapeName: string, text: string | string[]): unknown {
    const shape = this.#model.shapes[shapeName] as Shape;
    if (shape.type === "list")
      return (Array.isArray(text) ? text : [text]).map((item) => this.#fromText(shape.member?.shape ?? "String", item));
    const one = Array.isArray(text) ? (text[0] ?? "") : text;
    switch (shape.type) {
      case "integer":
      case "long": {
        if (!WHOLE_NUMBER.test(one)) throw new SerializationError(`Value '${one}' is not a whole number`);
        return Number(one);
      }
      case "boolean":
        if (one !== "true" && one !== "false") throw new SerializationError(`Value '${one}' is not true or false`);
        return one === "true";
      default:
        return one;
    }
  }

  #isEventStream(shape: Shape): boolean {
    const payload = shape.members?.[shape.payload ?? ""];
    return payload !== undefined && this.#model.shapes[payload.shape]?.["eventstream"] === true;
  }

  #writePayload(shapeName: string, value: unknown): WireResponse["body"] {
    if (this.#model.shapes[shapeName]?.["eventstream"] === true)
      return encodeEvents(this.#model, shapeName, value as AsyncIterable<Readonly<Record<string, unknown>>>);
    return payloadOf(value as Uint8Array | AsyncIterable<Uint8Array>);
  }

  serializeOutput(operation: O, output: Readonly<Record<string, unknown>>): WireResponse {
    const { output: outputName, status } = this.#model.operations[operation];
    if (outputName === null) return { status, headers: {}, body: Buffer.alloc(0) };
    const shape = this.#model.shapes[outputName] as Shape;
    const headers: Record<string, string> = {};
    const json: Record<string, unknown> = {};
    let finalStatus: number = status;
    let payload: WireResponse["body"] | null = null;
    for (const [name, member] of Object.entries(shape.members ?? {})) {
      const value = output[name];
      if (value === undefined || value === null) continue;
      if (member.location === "statusCode") finalStatus = Number(value);
      else if (member.location === "header") headers[member.locationName ?? name] = String(value);
      else if (shape.payload === name) payload = this.#writePayload(member.shape, value);
      else json[name] = value;
    }
    if (this.#isEventStream(shape)) Object.assign(headers, eventStreamHeaders(headers));
    if (shape.payload !== undefined) return { status: finalStatus, headers, body: payload ?? Buffer.alloc(0) };
    return {
      status: finalStatus,
      headers: { ...headers, "Content-Type": "application/json" },
      body: finalStatus === 204 ? Buffer.alloc(0) : Buffer.from(JSON.stringify(this.#writer.structure(shape, json))),
    };
  }
}

/**
 * The type of the stream itself takes the place of the one that the model binds to Content-Type: recorded answers have
 * that one in a header of its own.
 */
function eventStreamHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const contentType = headers["Content-Type"];
  return {
    "Content-Type": EVENT_STREAM_TYPE,
    ...(contentType === undefined ? {} : { "x-amzn-Remapped-Content-Type": contentType }),
  };
}

/** A map in the query has all parameters that are no other member's. */
function otherParameters(shape: Shape, query: URLSearchParams): Record<string, string> {
  const members = Object.entries(shape.members ?? {}).filter(([, { location }]) => location === "querystring");
  const named = new Set(members.map(([name, { locationName }]) => locationName ?? name));
  return Object.fromEntries([...query].filter(([name]) => !named.has(name)));
}

function readLocated(
  location: string | undefined,
  name: string,
  match: OperationMatch,
  request: WireRequest,
): string | string[] | undefined {
  switch (location) {
    case "uri":
      return match.pathParameters[name];
    case "querystring": {
      const all = request.query.getAll(name);
      return all.length > 1 ? all : all[0];
    }
    case "header": {
      const value = request.headers[name.toLowerCase()];
      return Array.isArray(value) ? value[0] : value;
    }
    default:
      return undefined;
  }
}

function payloadOf(value: Uint8Array | AsyncIterable<Uint8Array>): WireResponse["body"] {
  if (!(value instanceof Uint8Array)) return value;
  return Buffer.isBuffer(value) ? value : Buffer.from(value);
}
