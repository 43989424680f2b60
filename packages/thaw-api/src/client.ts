/**
 * A client of Thaw's own API, typed by the routes. Signatures and connections are the caller's. Routes and the library
 * that reads their answers are loaded with the first call: commands that make none start without them.
 */
import type { RouteForm } from "./route.ts";
import { PREFIX } from "./prefix.ts";
import type { RouteName, ROUTES } from "./routes.ts";
import type { AnswerOf, BodyOf, ParametersOf, QueryOf, RoutesWith } from "./types.ts";

export interface ThawRequest {
  readonly method: string;
  readonly path: string;
  /** Without `?`. */
  readonly query: string;
  readonly body: Buffer;
  readonly signal: AbortSignal | null;
  /** True where the answer may say nothing for hours. */
  readonly isEndless: boolean;
}

/** Sends a signed request. Rejects where the server refuses it, with the server's own message. */
export type Send = (request: ThawRequest) => Promise<Response>;

type Part<K extends string, T> = keyof T extends never ? { readonly [P in K]?: never } : { readonly [P in K]: T };

export type CallOptions<N extends RouteName> = Part<"parameters", ParametersOf<N>> & {
  readonly query?: QueryOf<N>;
  readonly signal?: AbortSignal;
} & ((typeof ROUTES)[N]["body"] extends null
    ? { readonly body?: never }
    : (typeof ROUTES)[N]["body"] extends "bytes"
      ? { readonly body: Buffer }
      : { readonly body: BodyOf<N> });

/** An answer that does not have the declared form: the server is of another version, or it is no Thaw. */
export class AnswerFormError extends Error {}

export class ThawClient {
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Calls a route that answers with one document. Throws AnswerFormError where it is another one than declared. */
  async call<N extends RoutesWith<"json">>(name: N, options: CallOptions<N>): Promise<AnswerOf<N>> {
    const response = await this.raw(name, options);
    return checked(await loadRoutes(), name, await response.text());
  }

  /** Calls a route that answers with JSON lines; ends when the server or `signal` ends it. */
  async *lines<N extends RoutesWith<"lines">>(name: N, options: CallOptions<N>): AsyncGenerator<AnswerOf<N>> {
    yield* await this.open(name, options);
  }

  /** The same; resolves when the server has taken the request. */
  async open<N extends RoutesWith<"lines">>(name: N, options: CallOptions<N>): Promise<AsyncGenerator<AnswerOf<N>>> {
    const { body } = await this.raw(name, options);
    return readLines(name, body);
  }

  /** Calls a route and gives the response as it comes. */
  async raw<N extends RouteName>(name: N, options: CallOptions<N>): Promise<Response> {
    const { parameters, query, body, signal } = options as {
      readonly parameters?: ParametersOf<N>;
      readonly query?: Readonly<Record<string, unknown>>;
      readonly body?: unknown;
      readonly signal?: AbortSignal;
    };
    const { pathOf, ROUTES } = await loadRoutes();
    const form: RouteForm = ROUTES[name];
    return this.#send({
      method: form.method,
      path: PREFIX + pathOf(name, parameters ?? ({} as ParametersOf<N>)),
      query: encodeQuery(query ?? {}),
      body: encodeBody(body),
      signal: signal ?? null,
      isEndless: form.isEndless === true,
    });
  }
}

type Routes = Awaited<ReturnType<typeof loadRoutes>>;

async function loadRoutes() {
  const [{ ROUTES }, { answerProblem, pathOf }] = await Promise.all([import("./routes.ts"), import("./read.ts")]);
  return { ROUTES, answerProblem, pathOf };
}

async function* readLines<N extends RoutesWith<"lines">>(
  name: N,
  body: ReadableStream<Uint8Array> | null,
): AsyncGenerator<AnswerOf<N>> {
  if (body === null) return;
  const routes = await loadRoutes();
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield checked(routes, name, line);
  }
  if (rest !== "") yield checked(routes, name, rest);
}

function encodeQuery(query: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
}

function encodeBody(body: unknown): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  return Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
}

function checked<N extends RouteName>({ answerProblem, ROUTES }: Routes, name: N, text: string): AnswerOf<N> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new AnswerFormError(`the answer to ${ROUTES[name].path} is not JSON: is this a Thaw server?`);
  }
  const problem = answerProblem(name, document);
  if (problem !== null)
    throw new AnswerFormError(`the answer to ${ROUTES[name].path} is of another version of Thaw: ${problem}`);
  return document as AnswerOf<N>;
}
