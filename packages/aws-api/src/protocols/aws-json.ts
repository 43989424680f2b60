/**
 * AWS's JSON protocols 1.0 and 1.1: a header names the operation, the body is the input, the answer the output
 * (https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html).
 */
import type { ServiceModel, ServiceNames } from "../model.ts";
import type { Shape } from "../shape.ts";
import { SerializationError } from "../validate.ts";
import { JsonReader } from "./json-reader.ts";
import type { WireRequest, WireResponse } from "./rest-json.ts";
import type { RpcProtocol } from "./rpc.ts";

/** Services of this protocol refuse signatures with 400, those of others with 403. */
const FORBIDDEN = 403;

export class AwsJson<O extends string> implements RpcProtocol<O> {
  readonly #model: ServiceModel<O>;
  readonly #names: ServiceNames;
  readonly #reader: JsonReader;

  constructor(model: ServiceModel<O>, names: ServiceNames) {
    this.#model = model;
    this.#names = names;
    this.#reader = new JsonReader(model);
  }

  nameOf({ headers }: WireRequest): string {
    const target = headers["x-amz-target"];
    const [prefix, name = ""] = typeof target === "string" ? target.split(".") : [];
    return prefix === this.#names.targetPrefix ? name : "";
  }

  match(request: WireRequest): O | null {
    const name = this.nameOf(request);
    return Object.hasOwn(this.#model.operations, name) ? (name as O) : null;
  }

  parseInput(operation: O, { body }: WireRequest): Record<string, unknown> {
    const { input } = this.#model.operations[operation];
    return input === null ? {} : this.#reader.readBody(this.#shapeOf(input), body);
  }

  /** An operation without an output answers without a body. */
  serializeOutput(operation: O, output: Readonly<Record<string, unknown>>): WireResponse {
    const { output: name } = this.#model.operations[operation];
    return this.#respond(200, name === null ? "" : JSON.stringify(this.#write(name, output)));
  }

  serializeError(code: string, message: string, status: number): WireResponse {
    return this.#respond(status === FORBIDDEN ? 400 : status, JSON.stringify({ __type: code, message }));
  }

  #respond(status: number, text: string): WireResponse {
    const headers = { "Content-Type": `application/x-amz-json-${this.#names.jsonVersion}` };
    return { status, headers, body: Buffer.from(text) };
  }

  #shapeOf(name: string): Shape {
    const shape = this.#model.shapes[name];
    if (shape === undefined) throw new Error(`no shape ${name} in the model`);
    return shape;
  }

  /** Times are seconds since the epoch, blobs are base64; all else is JSON as it is. */
  #write(shapeName: string, value: unknown): unknown {
    const shape = this.#shapeOf(shapeName);
    switch (shape.type) {
      case "structure":
        return Object.fromEntries(
          Object.entries(shape.members ?? {})
            .map(([name, member]) => [name, member, (value as Record<string, unknown>)[name]] as const)
            .filter(([, , item]) => item !== undefined && item !== null)
            .map(([name, member, item]) => [name, this.#write(member.shape, item)]),
        );
      case "list":
        return (value as readonly unknown[]).map((item) => this.#write(shape.member?.shape ?? "", item));
      case "map":
        return Object.fromEntries(
          Object.entries(value as object).map(([key, item]) => [key, this.#write(shape.value?.shape ?? "", item)]),
        );
      case "timestamp":
        if (!(value instanceof Date)) throw new SerializationError(`'${String(value)}' is no time`);
        return value.getTime() / 1000;
      case "blob":
        return Buffer.from(value as Uint8Array).toString("base64");
      default:
        return value;
    }
  }
}
