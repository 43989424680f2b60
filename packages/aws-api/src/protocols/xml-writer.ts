/** Writes values of the model's shapes as XML, as the Query and the REST-XML protocols have it. */
import type { ServiceModel } from "../model.ts";
import type { Shape, ShapeMember } from "../shape.ts";
import { escapeXml } from "./xml.ts";

export class XmlWriter {
  readonly #shapes: ServiceModel["shapes"];

  constructor({ shapes }: Pick<ServiceModel, "shapes">) {
    this.#shapes = shapes;
  }

  /** Writes the members that have a value and are no attributes; `isWritten` leaves more of them out. */
  structure(
    shape: Shape,
    value: Readonly<Record<string, unknown>>,
    isWritten: (member: ShapeMember) => boolean = () => true,
  ): string {
    return Object.entries(shape.members ?? {})
      .filter(([name, member]) => value[name] !== undefined && value[name] !== null && isWritten(member))
      .filter(([, member]) => member["xmlAttribute"] !== true)
      .map(([name, member]) => this.#member(name, member, value[name]))
      .join("");
  }

  /** Writes a value without the element around it. */
  content(shapeName: string, value: unknown): string {
    const shape = this.shapeOf(shapeName);
    switch (shape.type) {
      case "structure":
        return this.structure(shape, value as Readonly<Record<string, unknown>>);
      case "list":
        return this.#items(shape, locationOf(shape.member) ?? "member", value as readonly unknown[]);
      case "map":
        return Object.entries(value as Readonly<Record<string, unknown>>)
          .map(([key, item]) => {
            const content = element(locationOf(shape.value) ?? "value", this.content(shape.value?.shape ?? "", item));
            return element("entry", `${element(locationOf(shape.key) ?? "key", escapeXml(key))}${content}`);
          })
          .join("");
      default:
        return escapeXml(textOf(value));
    }
  }

  shapeOf(name: string): Shape {
    const shape = this.#shapes[name];
    if (shape === undefined) throw new Error(`no shape ${name} in the model`);
    return shape;
  }

  #member(name: string, member: ShapeMember, value: unknown): string {
    const shape = this.shapeOf(member.shape);
    const tag = wireName(shape, name, member);
    if (shape.type === "list" && isFlat(shape)) return this.#items(shape, tag, value as readonly unknown[]);
    return element(tag, this.content(member.shape, value), this.#attributes(shape, value));
  }

  #items(shape: Shape, tag: string, values: readonly unknown[]): string {
    const item = shape.member?.shape ?? "String";
    return values.map((each) => element(tag, this.content(item, each))).join("");
  }

  /** The attributes of a structure, with the namespace of their prefix. */
  #attributes(shape: Shape, value: unknown): string {
    const attributes = Object.entries(shape.members ?? {}).filter(([, member]) => member["xmlAttribute"] === true);
    if (attributes.length === 0) return "";
    const { prefix, uri } = shape["xmlNamespace"] as { readonly prefix: string; readonly uri: string };
    const written = attributes.map(
      ([name, member]) =>
        ` ${member.locationName ?? name}="${escapeXml(textOf((value as Record<string, unknown>)[name]))}"`,
    );
    return ` xmlns:${prefix}="${escapeXml(uri)}"${written.join("")}`;
  }
}

/** A flat list's items are called as its member's shape says, where it says something. */
export function wireName(shape: Shape, name: string, member: ShapeMember): string {
  const ofItems = shape.type === "list" && isFlat(shape) ? locationOf(shape.member) : undefined;
  return ofItems ?? member.locationName ?? name;
}

export function isFlat(shape: Shape): boolean {
  return shape["flattened"] === true;
}

export function locationOf(member: object | undefined): string | undefined {
  return (member as { readonly locationName?: string } | undefined)?.locationName;
}

export function element(tag: string, content: string, attributes = ""): string {
  return `<${tag}${attributes}>${content}</${tag}>`;
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : String(value);
}
