/**
 * The REST-XML protocol as S3 speaks it: an operation is told by method, path, query and headers; members are in the
 * head, in an XML document, or are the body itself (https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html).
 */
import type { ServiceModel, ServiceNames } from "../model.ts";
import type { Shape, ShapeMember } from "../shape.ts";
import { SerializationError } from "../validate.ts";
import type { WireRequest, WireResponse } from "./rest-json.ts";
import { readScalar } from "./scalars.ts";
import { textOf } from "./utf8.ts";
import { escapeXml } from "./xml.ts";
import { readXml, type XmlElement } from "./xml-reader.ts";
import { element, isFlat, locationOf, wireName, XmlWriter } from "./xml-writer.ts";

/** What S3 answers that its model does not say. */
export interface RestXmlRules {
  /** Operations that are not looked for: old names of others, and those of other hosts. */
  readonly left: ReadonlySet<string>;
  /** Names of the documents' root elements, by operation, where they are not the payload's. */
  readonly roots: Readonly<Record<string, string>>;
  /** Operations whose document is one element, with the text of the member of its name. */
  readonly textRoots: Readonly<Record<string, string>>;
  /** Shapes that are read as the text that was sent. */
  readonly asText: ReadonlySet<string>;
}

type Head = Omit<WireRequest, "body">;
type Members = Readonly<Record<string, unknown>>;

export interface RestXmlMatch<O extends string = string> {
  readonly operation: O;
  /** Decoded. */
  readonly labels: Readonly<Record<string, string>>;
}

interface Route<O> {
  readonly operation: O;
  readonly method: string;
  readonly level: Level;
  readonly query: URLSearchParams;
  readonly requiredQuery: readonly string[];
  readonly requiredHeaders: readonly string[];
}

/** The whole service, a bucket, or an object. */
type Level = "/" | "/{Bucket}" | "/{Bucket}/{Key+}";

export class RestXml<O extends string> {
  readonly #model: ServiceModel<O>;
  readonly #names: ServiceNames;
  readonly #rules: RestXmlRules;
  readonly #writer: XmlWriter;
  readonly #routes: ReadonlyArray<Route<O>>;

  constructor(model: ServiceModel<O>, names: ServiceNames, rules: RestXmlRules) {
    this.#model = model;
    this.#names = names;
    this.#rules = rules;
    this.#writer = new XmlWriter(model);
    this.#routes = (Object.keys(model.operations) as O[])
      .filter((operation) => !rules.left.has(operation))
      .map((operation) => this.#routeOf(operation))
      // The more is asked for the earlier: UploadPartCopy before UploadPart before PutObject.
      .sort((a, b) => weightOf(b) - weightOf(a));
  }

  /** Finds the operation of a request, by a path that begins with the bucket; null where there is none. */
  match({ method, path, query, headers }: Head): RestXmlMatch<O> | null {
    const labels = labelsOf(path);
    if (labels === null) return null;
    const level: Level =
      labels.Bucket === undefined ? "/" : labels.Key === undefined ? "/{Bucket}" : "/{Bucket}/{Key+}";
    const route = this.#routes.find(
      (each) =>
        each.method === method &&
        each.level === level &&
        [...each.query].every(([name, value]) => query.has(name) && (value === "" || query.get(name) === value)) &&
        each.requiredQuery.every((name) => query.has(name)) &&
        each.requiredHeaders.every((name) => headers[name] !== undefined),
    );
    return route === undefined ? null : { operation: route.operation, labels };
  }

  /** Says how the body is read: as a document, as the value of a member, or as a stream. */
  bodyOf(operation: O): "document" | "text" | "stream" {
    const payload = this.#payloadOf(this.#inputOf(operation));
    if (payload === null) return "document";
    const { type } = this.#writer.shapeOf(payload.member.shape);
    return type === "blob" ? "stream" : type === "structure" ? "document" : "text";
  }

  /** Reads the members that are in the head. Throws SerializationError. */
  readHead({ operation, labels }: RestXmlMatch<O>, { query, headers }: Head): Record<string, unknown> {
    const input: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(this.#inputOf(operation).members ?? {})) {
      const wire = member.locationName ?? name;
      if (member.location === "headers") {
        const found = headersBelow(headers, wire.toLowerCase());
        if (Object.keys(found).length > 0) input[name] = found;
        continue;
      }
      const text =
        member.location === "uri"
          ? labels[wire]
          : member.location === "querystring"
            ? (query.get(wire) ?? undefined)
            : member.location === "header"
              ? one(headers[wire.toLowerCase()])
              : undefined;
      if (text !== undefined) input[name] = this.#fromText(member.shape, text);
    }
    return input;
  }

  /** Reads the members that are in a document or are a text. Throws SerializationError. */
  readBody(operation: O, body: Buffer): Record<string, unknown> {
    const payload = this.#payloadOf(this.#inputOf(operation));
    if (payload === null || body.length === 0) return {};
    const text = textOf(body);
    if (this.bodyOf(operation) === "text") return { [payload.name]: text };
    const root = readXml(text);
    if (root.name !== (payload.member.locationName ?? payload.member.shape))
      throw new SerializationError(`the document is ${root.name}`);
    return { [payload.name]: this.#readElement(payload.member.shape, root) };
  }

  /** Gives the status, the headers, and the document; a stream is the body itself. */
  serializeOutput(operation: O, output: Members): Omit<WireResponse, "body"> & { readonly body: unknown } {
    const { output: name, status } = this.#model.operations[operation];
    const headers: Record<string, string> = {};
    if (name === null) return { status, headers, body: Buffer.alloc(0) };
    const shape = this.#writer.shapeOf(name);
    for (const [key, member] of Object.entries(shape.members ?? {})) {
      const value = output[key];
      if (value === undefined || value === null) continue;
      if (member.location === "header") headers[member.locationName ?? key] = headerText(value);
      if (member.location === "headers")
        for (const [tail, text] of Object.entries(value)) headers[`${member.locationName ?? ""}${tail}`] = String(text);
    }
    const body = this.#writeBody(operation, shape, output);
    if (Buffer.isBuffer(body) && body.length > 0 && headers["Content-Type"] === undefined)
      headers["Content-Type"] = "application/xml";
    return { status, headers, body };
  }

  /** Writes a document of the service. */
  document(root: string, content: string, namespace = ` xmlns="${this.#names.xmlNamespace}"`): Buffer {
    return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${element(root, content, namespace)}`);
  }

  /** Writes an error; `extra` are elements beside its code and its message. */
  error(code: string, message: string, extra: Readonly<Record<string, string>>): Buffer {
    const members = Object.entries({ Code: code, Message: message, ...extra });
    return this.document("Error", members.map(([name, text]) => element(name, escapeXml(text))).join(""), "");
  }

  #writeBody(operation: O, shape: Shape, output: Members): unknown {
    const payload = this.#payloadOf(shape);
    const root = this.#rules.roots[operation];
    if (payload !== null) {
      const value = output[payload.name];
      const { type } = this.#writer.shapeOf(payload.member.shape);
      if (type === "blob") return value ?? Buffer.alloc(0);
      if (type !== "structure") return Buffer.from(String(value ?? ""));
      const content = value === undefined ? "" : this.#writer.content(payload.member.shape, value);
      return this.document(root ?? payload.member.locationName ?? payload.member.shape, content);
    }
    const text = this.#rules.textRoots[operation];
    if (text !== undefined) return this.document(text, escapeXml(String(output[text] ?? "")));
    if (root === undefined) return Buffer.alloc(0);
    return this.document(
      root,
      this.#writer.structure(shape, output, ({ location }) => location === undefined),
    );
  }

  #routeOf(operation: O): Route<O> {
    const { method, uri } = this.#model.operations[operation];
    const [path = "", query = ""] = uri.split("?");
    const input = this.#inputOf(operation);
    const required = (location: string): string[] =>
      (input.required ?? []).flatMap((name) => {
        const member = input.members?.[name];
        return member?.location === location ? [member.locationName ?? name] : [];
      });
    return {
      operation,
      method,
      level: path as Level,
      query: new URLSearchParams(query),
      requiredQuery: required("querystring"),
      // Where a query tells the operation, a header that is missing is the operation's matter.
      requiredHeaders: query === "" ? required("header").map((name) => name.toLowerCase()) : [],
    };
  }

  #inputOf(operation: O): Shape {
    const { input } = this.#model.operations[operation];
    return input === null ? { type: "structure" } : this.#writer.shapeOf(input);
  }

  #payloadOf({ payload, members }: Shape): { readonly name: string; readonly member: ShapeMember } | null {
    const member = members?.[payload ?? ""];
    return payload === undefined || member === undefined ? null : { name: payload, member };
  }

  #fromText(shapeName: string, text: string): unknown {
    const shape = this.#writer.shapeOf(shapeName);
    if (this.#rules.asText.has(shapeName)) return text;
    if (shape.type === "list")
      return text.split(",").map((item) => this.#fromText(shape.member?.shape ?? "String", item.trim()));
    return readScalar(shape, text);
  }

  #readElement(shapeName: string, { name, children, text }: XmlElement): unknown {
    const shape = this.#writer.shapeOf(shapeName);
    switch (shape.type) {
      case "structure":
        return this.#readStructure(shape, name, children);
      case "list":
        return children.map((child) => {
          if (child.name !== (locationOf(shape.member) ?? "member"))
            throw new SerializationError(`${name} has ${child.name}`);
          return this.#readElement(shape.member?.shape ?? "String", child);
        });
      default:
        if (children.length > 0) throw new SerializationError(`${name} has elements`);
        if (shape.enum !== undefined && !this.#rules.asText.has(shapeName) && !shape.enum.includes(text))
          throw new SerializationError(`${name} must not be '${text.slice(0, 100)}'`);
        return readScalar(shape, text);
    }
  }

  #readStructure(shape: Shape, name: string, children: readonly XmlElement[]): Record<string, unknown> {
    const members = new Map(
      Object.entries(shape.members ?? {}).map(([key, member]) => [
        wireName(this.#writer.shapeOf(member.shape), key, member),
        { key, member },
      ]),
    );
    const value: Record<string, unknown> = {};
    for (const child of children) {
      const found = members.get(child.name);
      if (found === undefined) throw new SerializationError(`${name} has ${child.name}`);
      const { key, member } = found;
      const of = this.#writer.shapeOf(member.shape);
      if (of.type === "list" && isFlat(of)) {
        const items = (value[key] ??= []) as unknown[];
        items.push(this.#readElement(of.member?.shape ?? "String", child));
      } else if (value[key] !== undefined) throw new SerializationError(`${name} has ${child.name} twice`);
      else value[key] = this.#readElement(member.shape, child);
    }
    for (const key of shape.required ?? [])
      if (value[key] === undefined) throw new SerializationError(`${name} has no ${key}`);
    return value;
  }
}

function weightOf({ query, requiredQuery, requiredHeaders }: Route<unknown>): number {
  return query.size + requiredQuery.length + requiredHeaders.length;
}

/** The bucket and the key of a path, decoded; null where it can't be decoded. */
function labelsOf(path: string): { readonly Bucket?: string; readonly Key?: string } | null {
  const rest = path.startsWith("/") ? path.slice(1) : path;
  const end = rest.indexOf("/");
  const bucket = end === -1 ? rest : rest.slice(0, end);
  const key = end === -1 ? "" : rest.slice(end + 1);
  if (bucket === "") return key === "" ? {} : null;
  try {
    const Bucket = decodeURIComponent(bucket);
    return key === "" ? { Bucket } : { Bucket, Key: decodeURIComponent(key) };
  } catch {
    return null;
  }
}

function headersBelow(headers: Head["headers"], prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(prefix) && name.length > prefix.length)
      .map(([name, value]) => [name.slice(prefix.length), one(value) ?? ""]),
  );
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}

/** A time as HTTP has it. */
function headerText(value: unknown): string {
  return value instanceof Date ? value.toUTCString() : String(value);
}
