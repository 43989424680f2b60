/** Test events as documents of OpenAPI, the form in which AWS's tools share them: each event is an example. */
import { isMap } from "@thaw/installation/json-map";

/** The part of a schema that says what values are like. */
export type Schema = { readonly [name: string]: unknown };

const DEPTH_MAX = 100;

/** Describes what values are like, by the first one that has a member. Deeper than 100 levels: anything. */
export function schemaOf(value: unknown, depth = 0): Schema {
  if (depth === DEPTH_MAX || value === null) return {};
  if (Array.isArray(value)) return { type: "array", items: value.length === 0 ? {} : schemaOf(value[0], depth + 1) };
  if (typeof value !== "object") return { type: typeof value };
  const properties = Object.entries(value).map(([name, member]) => [name, schemaOf(member, depth + 1)] as const);
  return { type: "object", properties: Object.fromEntries(properties) };
}

/** Makes a document of events, texts of JSON by their names: with their digits as they are written. */
export function documentOf(events: ReadonlyMap<string, string>): string {
  const [first = "{}"] = events.values();
  const { components, ...head } = discovered(first);
  const examples = [...events].map(([name, event]) => `${JSON.stringify(name)}:{"value":${event}}`);
  const parts = `"schemas":${JSON.stringify(components.schemas)},"examples":{${examples.join(",")}}`;
  return `${JSON.stringify(head).slice(0, -1)},"components":{${parts}}}`;
}

/** A document without examples. Throws SyntaxError where the event is no JSON. */
export function discovered(event: string) {
  return {
    openapi: "3.0.0",
    info: { version: "1.0.0", title: "Event" },
    paths: {},
    components: { schemas: { Event: schemaOf(JSON.parse(event)) } },
  };
}

/** The events of a document; null: it is none with examples that have values. */
export function eventsOf(document: string): ReadonlyMap<string, string> | null {
  try {
    const examples = memberOf(memberOf(parse(document), "components"), "examples");
    if (!isMap(examples)) return null;
    const events = Object.entries(examples).map(([name, example]) => [name, memberOf(example, "value")] as const);
    if (events.some(([, value]) => value === undefined)) return null;
    return new Map(events.map(([name, value]) => [name, JSON.stringify(value)]));
  } catch (error) {
    // A RangeError where it is nested too deeply.
    if (error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}

/** Keeps the digits of numbers that JavaScript can't hold. */
function parse(text: string): unknown {
  const reviver = (_key: string, value: unknown, { source }: { readonly source?: string } = {}): unknown =>
    typeof value === "number" && source !== undefined && String(value) !== source
      ? JSON_WITH_RAW.rawJSON(source)
      : value;
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

/** TypeScript does not know it yet. */
const JSON_WITH_RAW = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

function memberOf(value: unknown, name: string): unknown {
  return isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
