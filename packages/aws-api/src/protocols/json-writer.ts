/** Structures of the model written as JSON, for the protocols that speak it. */
import type { ServiceModel } from "../model.ts";
import type { Shape } from "../shape.ts";

export class JsonWriter {
  readonly #shapes: ServiceModel["shapes"];

  constructor({ shapes }: Pick<ServiceModel, "shapes">) {
    this.#shapes = shapes;
  }

  /** Gives members their names on the wire. One that the model does not have keeps its own. */
  structure(shape: Shape, value: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const written: Record<string, unknown> = {};
    for (const [name, each] of Object.entries(value)) {
      const member = shape.members?.[name];
      if (each === undefined || each === null) continue;
      written[member?.locationName ?? name] = member === undefined ? each : this.#value(member.shape, each);
    }
    return written;
  }

  #value(shapeName: string, value: unknown): unknown {
    const shape = this.#shapes[shapeName];
    if (shape === undefined) return value;
    if (value instanceof Date) return timestamp(shape, value);
    if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
    if (Array.isArray(value)) return value.map((item) => this.#value(shape.member?.shape ?? "", item));
    if (typeof value !== "object" || value === null) return value;
    const map = value as Readonly<Record<string, unknown>>;
    if (shape.type !== "map") return this.structure(shape, map);
    return Object.fromEntries(
      Object.entries(map).map(([key, item]) => [key, this.#value(shape.value?.shape ?? "", item)]),
    );
  }
}

/** Seconds since 1970 with a fraction, unless the model asks for a text. */
function timestamp(shape: Shape, date: Date): number | string {
  return shape["timestampFormat"] === "iso8601" ? date.toISOString() : date.getTime() / 1000;
}
