/** The REST-JSON protocol: which operation a request means, its input out of it, and an output as a response. */
import { OPERATIONS, type OperationName } from "./generated/operations.ts";
import { SHAPES } from "./generated/shapes.ts";
import type { Shape } from "./shape.ts";
import { SerializationError } from "./validate.ts";

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
  readonly body: Buffer;
}

interface Route {
  readonly operation: OperationName;
  readonly method: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly literals: number;
}

export interface Match {
  readonly operation: OperationName;
  readonly pathParameters: Readonly<Record<string, string>>;
}

const ROUTES: readonly Route[] = Object.entries(OPERATIONS)
  .map(([operation, { method, uri }]) => {
    const names = [...uri.matchAll(/\{(\w+)\+?\}/g)].map((match) => match[1] ?? "");
    const source = uri
      .replace(/\/$/, "")
      .replaceAll(/\{\w+\+\}/g, "(.+)")
      .replaceAll(/\{\w+\}/g, "([^/]+)");
    return {
      operation: operation as OperationName,
      method,
      pattern: new RegExp(`^${source}/?$`),
      names,
      literals: uri.split("/").length - names.length,
    };
  })
  // More literal segments first: `/functions/{name}/versions` before a greedy label.
  .sort((a, b) => b.literals - a.literals);

export function matchOperation(method: string, path: string): Match | null {
  for (const route of ROUTES) {
    if (route.method !== method) continue;
    const found = route.pattern.exec(path);
    if (found === null) continue;
    const pathParameters: Record<string, string> = {};
    for (const [index, name] of route.names.entries()) {
      const value = decode(found[index + 1] ?? "");
      if (value === null) return null;
      pathParameters[name] = value;
    }
    return { operation: route.operation, pathParameters };
  }
  return null;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The input as the model's structure; blobs decoded, nothing checked but the JSON types that it takes to read it. */
export function parseInput(match: Match, request: WireRequest): Record<string, unknown> {
  const inputName = OPERATIONS[match.operation].input;
  if (inputName === null) return {};
  const shape = SHAPES[inputName] as Shape;
  const input: Record<string, unknown> = shape.payload === undefined ? parseBody(shape, request.body) : {};
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    const wireName = member.locationName ?? name;
    const text = readLocated(member.location, wireName, match, request);
    if (text !== undefined) input[name] = fromText(member.shape, text);
    else if (shape.payload === name) input[name] = request.body;
  }
  return input;
}

function readLocated(
  location: string | undefined,
  name: string,
  match: Match,
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

function fromText(shapeName: string, text: string | string[]): unknown {
  const shape = SHAPES[shapeName] as Shape;
  if (shape.type === "list")
    return (Array.isArray(text) ? text : [text]).map((item) => fromText(shape.member?.shape ?? "String", item));
  const one = Array.isArray(text) ? (text[0] ?? "") : text;
  switch (shape.type) {
    case "integer":
    case "long": {
      const value = Number(one);
      if (one === "" || !Number.isInteger(value)) throw new SerializationError(`Value '${one}' is not a whole number`);
      return value;
    }
    case "boolean":
      return one === "true";
    default:
      return one;
  }
}

function parseBody(shape: Shape, body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    throw new SerializationError("Could not parse request body into json");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new SerializationError("The request body must be a JSON object");
  return readStructure(shape, parsed as Record<string, unknown>);
}

/** Unknown members are left out, as AWS does. */
function readStructure(shape: Shape, raw: Record<string, unknown>): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    if (member.location !== undefined) continue;
    const at = Object.hasOwn(raw, name) ? raw[name] : undefined;
    if (at !== undefined && at !== null) value[name] = readValue(member.shape, at);
  }
  return value;
}

function readValue(shapeName: string, raw: unknown): unknown {
  const shape = SHAPES[shapeName] as Shape;
  if (shape.type === "structure" && typeof raw === "object" && raw !== null && !Array.isArray(raw))
    return readStructure(shape, raw as Record<string, unknown>);
  if (shape.type === "list" && Array.isArray(raw))
    return raw.map((item) => readValue(shape.member?.shape ?? "String", item));
  if (shape.type === "blob") return readBlob(raw);
  return raw;
}

function readBlob(raw: unknown): Buffer {
  if (typeof raw !== "string" || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(raw))
    throw new SerializationError("A blob must be base64 text");
  return Buffer.from(raw, "base64");
}

export function serializeOutput(operation: OperationName, output: Readonly<Record<string, unknown>>): WireResponse {
  const { output: outputName, status } = OPERATIONS[operation];
  if (outputName === null) return { status, headers: {}, body: Buffer.alloc(0) };
  const shape = SHAPES[outputName] as Shape;
  const headers: Record<string, string> = {};
  const json: Record<string, unknown> = {};
  let finalStatus: number = status;
  let payload: Buffer | null = null;
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    const value = output[name];
    if (value === undefined || value === null) continue;
    if (member.location === "statusCode") finalStatus = Number(value);
    else if (member.location === "header") headers[member.locationName ?? name] = String(value);
    else if (shape.payload === name) payload = Buffer.from(value as Uint8Array);
    else json[name] = value;
  }
  if (shape.payload !== undefined) return { status: finalStatus, headers, body: payload ?? Buffer.alloc(0) };
  return {
    status: finalStatus,
    headers: { ...headers, "Content-Type": "application/json" },
    body: finalStatus === 204 ? Buffer.alloc(0) : Buffer.from(JSON.stringify(json)),
  };
}
