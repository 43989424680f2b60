/** Reads requests: which route a path means, and its parameters, query and body out of foreign text. */
import type * as z from "zod";
import type { RouteForm } from "./route.ts";
import { ROUTES, type RouteName } from "./routes.ts";
import type { BodyOf, ParametersOf, QueryOf } from "./types.ts";

/** A request that does not have the declared form. The message is for the client. */
export class RequestFormError extends Error {}

export interface RouteMatch {
  readonly name: RouteName;
  readonly parameters: Readonly<Record<string, string>>;
}

const PATTERNS = (Object.keys(ROUTES) as RouteName[])
  .map((name) => ({ name, method: ROUTES[name].method, segments: ROUTES[name].path.split("/") }))
  // Literal segments first: `environments/stop` before `environments/{name}`.
  .sort((a, b) => countNames(a.segments) - countNames(b.segments));

function countNames(segments: readonly string[]): number {
  return segments.filter((segment) => segment.startsWith("{")).length;
}

/** Finds the route of a path below the prefix, percent-encoded as sent. Null when there is none. */
export function matchRoute(method: string, path: string): RouteMatch | null {
  const segments = path.split("/");
  for (const pattern of PATTERNS) {
    if (pattern.method !== method) continue;
    const parameters = matchSegments(pattern.segments, segments);
    if (parameters !== null) return { name: pattern.name, parameters };
  }
  return null;
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  const isGreedy = pattern.at(-1)?.endsWith("+}") === true;
  if (isGreedy ? segments.length < pattern.length : segments.length !== pattern.length) return null;
  const parameters: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const isRest = part.endsWith("+}");
    const given = isRest ? segments.slice(index) : [segments[index] ?? ""];
    if (!part.startsWith("{")) {
      if (given[0] !== part) return null;
      continue;
    }
    if (given.join("") === "") return null;
    parameters[part.slice(1, isRest ? -2 : -1)] = given.map(decode).join("/");
  }
  return parameters;
}

/** Throws RequestFormError where the escapes are no UTF-8. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new RequestFormError(`The path has a broken escape: ${segment}`);
  }
}

/** Parameters of a presigned link: the signature's, not the route's. */
const SIGNATURE_PARAMETERS = new Set([
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-Security-Token",
  "X-Amz-Signature",
  "X-Amz-SignedHeaders",
]);

/** Throws RequestFormError, with the parameter's name, where one is unknown, given twice or wrong. */
export function readQuery<N extends RouteName>(name: N, query: URLSearchParams): QueryOf<N> {
  const form: RouteForm = ROUTES[name];
  const read: Record<string, unknown> = {};
  for (const parameter of new Set(query.keys())) {
    if (SIGNATURE_PARAMETERS.has(parameter)) continue;
    const schema = Object.hasOwn(form.query, parameter) ? form.query[parameter] : undefined;
    const given = query.getAll(parameter);
    if (schema === undefined) throw new RequestFormError(unknownParameter(form, parameter));
    if (given.length > 1) throw new RequestFormError(`The parameter ${parameter} is given ${given.length} times.`);
    const parsed = schema.safeParse(given[0]);
    if (!parsed.success)
      throw new RequestFormError(`The parameter ${parameter} is wrong: ${sentenceOf(parsed.error)}.`);
    read[parameter] = parsed.data;
  }
  return read as QueryOf<N>;
}

function unknownParameter(form: RouteForm, parameter: string): string {
  const names = Object.keys(form.query);
  const known = names.length === 0 ? "it has none" : `it has ${names.join(", ")}`;
  return `${form.method} ${form.path} has no parameter ${JSON.stringify(parameter.slice(0, 100))}: ${known}.`;
}

/** Reads a JSON body. Throws RequestFormError, with the member's name, where one is unknown or wrong. */
export function readBody<N extends RouteName>(name: N, body: Buffer): BodyOf<N> {
  const form: RouteForm = ROUTES[name];
  if (form.body === null) {
    if (body.length > 0) throw new RequestFormError(`${form.method} ${form.path} takes no body.`);
    return undefined as BodyOf<N>;
  }
  if (form.body === "bytes") return undefined as BodyOf<N>;
  const parsed = form.body.safeParse(body.length === 0 ? undefined : parseJson(body));
  if (!parsed.success) throw new RequestFormError(`The body is wrong: ${sentenceOf(parsed.error)}.`);
  return parsed.data as BodyOf<N>;
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(UTF_8.decode(body));
  } catch (error) {
    throw new RequestFormError(`The request is not JSON: ${(error as Error).message}`);
  }
}

/** Says in one line why a document does not have the declared form. Null when it has. */
export function answerProblem(name: RouteName, document: unknown): string | null {
  const { answer }: RouteForm = ROUTES[name];
  if (answer.kind === "bytes") return null;
  const parsed = answer.schema.safeParse(document);
  return parsed.success ? null : sentenceOf(parsed.error);
}

function sentenceOf(error: z.ZodError): string {
  return error.issues
    .map((issue) => {
      const at = issue.path.map(String).join(".");
      return at === "" ? lower(issue.message) : `${at}: ${lower(issue.message)}`;
    })
    .join("; ");
}

function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/** The path of a route with its parameters filled in, percent-encoded. */
export function pathOf<N extends RouteName>(name: N, parameters: ParametersOf<N>): string {
  const given: Readonly<Record<string, string>> = parameters;
  return ROUTES[name].path
    .split("/")
    .map((part) => {
      if (!part.startsWith("{")) return part;
      if (!part.endsWith("+}")) return encodeURIComponent(given[part.slice(1, -1)] ?? "");
      return (given[part.slice(1, -2)] ?? "").split("/").map(encodeURIComponent).join("/");
    })
    .join("/");
}
