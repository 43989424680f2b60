/** AWS's Query protocol: parameters of a form (or of the query of a GET) are the input, an XML document the answer. */
import type { ServiceModel, ServiceNames } from "../model.ts";
import type { Shape } from "../shape.ts";
import { SerializationError } from "../validate.ts";
import type { WireRequest, WireResponse } from "./rest-json.ts";
import type { RpcProtocol } from "./rpc.ts";
import { readScalar } from "./scalars.ts";
import { formOf } from "./utf8.ts";
import { escapeXml } from "./xml.ts";
import { isFlat, locationOf, wireName, XmlWriter } from "./xml-writer.ts";

/** Parameters by the parts of their names: `Tags.member.1.Key` is `Tags` → `member` → `1` → `Key`. */
interface Tree {
  text: string | null;
  readonly under: Map<string, Tree>;
}

/**
 * Errors of AWS's front end, which services of this protocol call otherwise:
 * https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
 */
const QUERY_CODES: Readonly<Record<string, string>> = {
  MissingAuthenticationTokenException: "MissingAuthenticationToken",
  IncompleteSignatureException: "IncompleteSignature",
  InvalidSignatureException: "SignatureDoesNotMatch",
  UnrecognizedClientException: "InvalidClientTokenId",
  ExpiredTokenException: "ExpiredToken",
  UnknownOperationException: "InvalidAction",
  ValidationException: "ValidationError",
  SerializationException: "MalformedQueryString",
  InternalFailureException: "InternalFailure",
};

/** The models nest less deep. */
const DEPTH_MAX = 32;

export class AwsQuery<O extends string> implements RpcProtocol<O> {
  readonly #model: ServiceModel<O>;
  readonly #names: ServiceNames;
  readonly #writer: XmlWriter;

  constructor(model: ServiceModel<O>, names: ServiceNames) {
    this.#model = model;
    this.#names = names;
    this.#writer = new XmlWriter(model);
  }

  nameOf(request: WireRequest): string {
    // What is no text is refused with the rest of the input.
    return parametersOf(request, (body) => new URLSearchParams(body.toString("utf8"))).get("Action") ?? "";
  }

  match(request: WireRequest): O | null {
    const name = this.nameOf(request);
    return Object.hasOwn(this.#model.operations, name) ? (name as O) : null;
  }

  parseInput(operation: O, request: WireRequest): Record<string, unknown> {
    const { input } = this.#model.operations[operation];
    return input === null ? {} : this.#readStructure(this.#shapeOf(input), treeOf(parametersOf(request, formOf)));
  }

  serializeOutput(operation: O, output: Readonly<Record<string, unknown>>, requestId: string): WireResponse {
    const { output: name } = this.#model.operations[operation];
    const result =
      name === null
        ? ""
        : `<${operation}Result>${this.#writer.structure(this.#shapeOf(name), output)}</${operation}Result>`;
    const metadata = `<ResponseMetadata><RequestId>${escapeXml(requestId)}</RequestId></ResponseMetadata>`;
    return this.#document(200, `${operation}Response`, `${result}${metadata}`);
  }

  serializeError(code: string, message: string, status: number, requestId: string): WireResponse {
    const type = status >= 500 ? "Receiver" : "Sender";
    const named = escapeXml(QUERY_CODES[code] ?? code);
    const error = `<Type>${type}</Type><Code>${named}</Code><Message>${escapeXml(message)}</Message>`;
    const body = `<Error>${error}</Error><RequestId>${escapeXml(requestId)}</RequestId>`;
    return this.#document(status, "ErrorResponse", body);
  }

  #document(status: number, root: string, content: string): WireResponse {
    const body = Buffer.from(`<${root} xmlns="${this.#names.xmlNamespace}">${content}</${root}>\n`);
    return { status, headers: { "Content-Type": "text/xml" }, body };
  }

  #shapeOf(name: string): Shape {
    const shape = this.#model.shapes[name];
    if (shape === undefined) throw new Error(`no shape ${name} in the model`);
    return shape;
  }

  #readStructure(shape: Shape, tree: Tree): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(shape.members ?? {})) {
      const at = tree.under.get(wireName(this.#shapeOf(member.shape), name, member));
      if (at !== undefined) value[name] = this.#readValue(member.shape, at);
    }
    return value;
  }

  #readValue(shapeName: string, tree: Tree): unknown {
    const shape = this.#shapeOf(shapeName);
    switch (shape.type) {
      case "structure":
        return this.#readStructure(shape, tree);
      case "list": {
        const items = isFlat(shape) ? tree : tree.under.get(locationOf(shape.member) ?? "member");
        return numbered(items).map((item) => this.#readValue(shape.member?.shape ?? "String", item));
      }
      case "map": {
        const entries = isFlat(shape) ? tree : tree.under.get("entry");
        return Object.fromEntries(
          numbered(entries).map((entry) => {
            const key = entry.under.get(locationOf(shape.key) ?? "key")?.text ?? "";
            const item = entry.under.get(locationOf(shape.value) ?? "value") ?? leaf("");
            return [key, this.#readValue(shape.value?.shape ?? "String", item)];
          }),
        );
      }
      default:
        return readScalar(shape, tree.text ?? "");
    }
  }
}

function parametersOf(
  { method, query, headers, body }: WireRequest,
  read: (body: Buffer) => URLSearchParams,
): URLSearchParams {
  const type = headers["content-type"];
  const isForm = typeof type === "string" && type.startsWith("application/x-www-form-urlencoded");
  return method === "POST" && isForm ? read(body) : query;
}

function treeOf(parameters: URLSearchParams): Tree {
  const root: Tree = { text: null, under: new Map() };
  for (const [name, value] of parameters) {
    const parts = name.split(".");
    if (parts.length > DEPTH_MAX)
      throw new SerializationError(`The parameter ${name.slice(0, 100)} is nested too deep`);
    let at = root;
    for (const part of parts) {
      const next = at.under.get(part) ?? leaf(null);
      at.under.set(part, next);
      at = next;
    }
    at.text = value;
  }
  return root;
}

function leaf(text: string | null): Tree {
  return { text, under: new Map() };
}

/** The trees under whole numbers, in their order. */
function numbered(tree: Tree | undefined): readonly Tree[] {
  return [...(tree?.under ?? [])]
    .filter(([name]) => /^\d{1,9}$/.test(name))
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, under]) => under);
}
