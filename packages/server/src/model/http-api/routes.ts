/**
 * Routes of an HTTP API: their keys, and which one a request takes.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 */
import { DEFAULT_ROUTE } from "./record.ts";

const METHODS = new Set(["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]);
const LABEL = /^\{([A-Za-z0-9._-]+)(\+?)\}$/;
/** A segment as AWS takes it: no braces but those of a whole label. */
const LITERAL = /^[^{}?#\s]*$/;

type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "label"; readonly name: string }
  /** Takes all that is left, and at least one character. */
  | { readonly kind: "greedy"; readonly name: string };

/** A key that was read; the default route has no method and no path. */
export interface RouteKey {
  readonly method: string;
  readonly segments: readonly Segment[];
}

/** Reads a key; null: it is `$default`. A text says what is wrong with it. */
export function readRouteKey(key: string): RouteKey | null | string {
  if (key === DEFAULT_ROUTE) return null;
  const at = key.indexOf(" ");
  const [method, path] = [key.slice(0, Math.max(at, 0)), key.slice(at + 1)];
  if (!METHODS.has(method) || !path.startsWith("/"))
    return `The provided route key is not formatted properly for HTTP protocol. Format should be "<HTTP METHOD> /<RESOURCE PATH>" or "$default"`;
  const segments = path.slice(1).split("/").map(readSegment);
  const names = segments.flatMap((segment) => (segment !== null && "name" in segment ? [segment.name] : []));
  if (segments.includes(null)) return "A path part must be a text without braces, or {name}, or {name+} at the end";
  if (segments.slice(0, -1).some((segment) => segment?.kind === "greedy"))
    return "Only the last path part may be greedy: {name+}";
  if (new Set(names).size < names.length) return "Two path parts have the same name";
  return { method, segments: segments.filter((segment) => segment !== null) };
}

function readSegment(text: string): Segment | null {
  const [, name, plus] = LABEL.exec(text) ?? [];
  if (name !== undefined) return { kind: plus === "+" ? "greedy" : "label", name };
  return LITERAL.test(text) ? { kind: "literal", text } : null;
}

export interface RouteMatch<R> {
  readonly route: R;
  /** Decoded values of the labels. */
  readonly parameters: Readonly<Record<string, string>>;
}

interface Entry<R> {
  readonly route: R;
  readonly key: RouteKey;
}

/** The routes of an API, in the order in which they are asked. */
export class Router<R extends { readonly key: string }> {
  readonly #entries: ReadonlyArray<Entry<R>>;
  readonly #last: R | null;

  /** Keys that can't be read are left out: none of them is stored. */
  constructor(routes: readonly R[]) {
    const read = routes.map((route) => ({ route, key: readRouteKey(route.key) }));
    this.#last = read.find(({ key }) => key === null)?.route ?? null;
    this.#entries = read
      .flatMap(({ route, key }) => (typeof key === "object" && key !== null ? [{ route, key }] : []))
      .toSorted((a, b) => compareKeys(a.key, b.key));
  }

  /** Finds the route of a request; null where there is none. The path is as sent, percent-encoded. */
  find(method: string, path: string): RouteMatch<R> | null {
    const parts = path.slice(1).split("/");
    for (const { route, key } of this.#entries) {
      if (key.method !== "ANY" && key.method !== method) continue;
      const parameters = matchSegments(key.segments, parts);
      if (parameters !== null) return { route, parameters };
    }
    return this.#last === null ? null : { route: this.#last, parameters: {} };
  }
}

/** The more a key says the earlier it is asked: greedy paths last, texts before labels, methods before ANY. */
function compareKeys(a: RouteKey, b: RouteKey): number {
  const byGreed = Number(isGreedy(a)) - Number(isGreedy(b));
  if (byGreed !== 0) return byGreed;
  for (let at = 0; at < Math.min(a.segments.length, b.segments.length); at++) {
    const byKind = rankOf(a.segments[at]) - rankOf(b.segments[at]);
    if (byKind !== 0) return byKind;
  }
  return b.segments.length - a.segments.length || Number(a.method === "ANY") - Number(b.method === "ANY");
}

function isGreedy({ segments }: RouteKey): boolean {
  return segments.at(-1)?.kind === "greedy";
}

function rankOf(segment: Segment | undefined): number {
  return ["literal", "label", "greedy"].indexOf(segment?.kind ?? "greedy");
}

/** Null where the path is another one. */
function matchSegments(segments: readonly Segment[], parts: readonly string[]): Record<string, string> | null {
  const last = segments.at(-1);
  if (last?.kind === "greedy" ? parts.length < segments.length : parts.length !== segments.length) return null;
  const parameters = Object.create(null) as Record<string, string>;
  for (const [at, segment] of segments.entries()) {
    const text = segment.kind === "greedy" ? parts.slice(at).join("/") : (parts[at] ?? "");
    if (segment.kind === "literal") {
      if (text !== segment.text && decoded(text) !== segment.text) return null;
    } else if (text === "") return null;
    else parameters[segment.name] = decoded(text);
  }
  return parameters;
}

/** A text that is no percent-encoding stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
