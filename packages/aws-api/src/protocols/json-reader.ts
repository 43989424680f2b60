/** JSON bodies read as the model's structures, for the protocols that speak JSON. */
import type { ServiceModel } from "../model.ts";
import type { Shape } from "../shape.ts";
import { SerializationError } from "../validate.ts";
import { textOf } from "./utf8.ts";

export class JsonReader {
  readonly #shapes: ServiceModel["shapes"];

  constructor({ shapes }: Pick<ServiceModel, "shapes">) {
    this.#shapes = shapes;
  }

  /** Reads a body, blobs decoded; an empty one has no members. Throws SerializationError for what it can't read. */
  readBody(shape: Shape, body: Buffer): Record<string, unknown> {
    if (body.length === 0) return {};
    const text = textOf(body);
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      throw new SerializationError("Could not parse request body into json");
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
      throw new SerializationError("The request body must be a JSON object");
    return this.#readStructure(shape, parsed as Record<string, unknown>);
  }

  /** Reads the members that the shape knows; others are left out, as AWS does. */
  #readStructure(shape: Shape, raw: Record<string, unknown>): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(shape.members ?? {})) {
      if (member.location !== undefined) continue;
      const wireName = member.locationName ?? name;
      const at = Object.hasOwn(raw, wireName) ? raw[wireName] : undefined;
      if (at !== undefined && at !== null) value[name] = this.#readValue(member.shape, at);
    }
    return value;
  }

  #readValue(shapeName: string, raw: unknown): unknown {
    const shape = this.#shapes[shapeName] as Shape;
    if (shape.type === "structure" && typeof raw === "object" && raw !== null && !Array.isArray(raw))
      return this.#readStructure(shape, raw as Record<string, unknown>);
    if (shape.type === "list" && Array.isArray(raw))
      return raw.map((item) => this.#readValue(shape.member?.shape ?? "String", item));
    if (shape.type === "map" && typeof raw === "object" && raw !== null && !Array.isArray(raw))
      return Object.fromEntries(
        Object.entries(raw).map(([key, item]) => [key, this.#readValue(shape.value?.shape ?? "String", item)]),
      );
    if (shape.type === "blob") return readBlob(raw);
    if (shape.type === "timestamp") return readTime(raw);
    return raw;
  }
}

/** Seconds since the epoch, or a text; what is neither is left to the check of types. */
function readTime(raw: unknown): unknown {
  const time = typeof raw === "number" ? new Date(raw * 1000) : typeof raw === "string" ? new Date(raw) : null;
  if (time === null) return raw;
  if (Number.isNaN(time.getTime())) throw new SerializationError(`'${String(raw).slice(0, 100)}' is no time`);
  return time;
}

function readBlob(raw: unknown): Buffer {
  if (typeof raw !== "string" || !isBase64(raw)) throw new SerializationError("A blob must be base64 text");
  return Buffer.from(raw, "base64");
}

/** Looks at each character once, however many blanks there are: a package's text has up to 70 MB. */
function isBase64(text: string): boolean {
  if (/[^A-Za-z0-9+/=\s]/.test(text)) return false;
  const padding = text.indexOf("=");
  return padding === -1 || /^={1,2}$/.test(text.slice(padding).replaceAll(/\s/g, ""));
}
