/** Requests to the server, with the token of the login. Types come from the routes that the server itself has. */
import { signal } from "@preact/signals";
import type { AnswerOf, BodyOf, QueryOf, RoutesWith } from "@thaw/thaw-api/types";
import type { RouteName, ROUTES } from "@thaw/thaw-api/routes";
import { JsonLines } from "./json-lines.ts";
import { keepLogin, logOut, type Session, session, token } from "./session.ts";

type Routes = typeof ROUTES;
type NameOf<M extends string, P extends string> = {
  [N in RouteName]: Routes[N] extends { readonly method: M; readonly path: P } ? N : never;
}[RouteName];
type PathsOf<M extends string, K extends "json" | "lines"> = {
  [N in RoutesWith<K>]: Routes[N] extends { readonly method: M; readonly path: infer P extends string } ? P : never;
}[RoutesWith<K>];

/** A refusal in the server's words. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** False from a request that got no answer to the next one that did. */
export const isConnected = signal(true);
/** True once the server has another build of the console than the one that this page is of. */
export const isOutdated = signal(false);

const PREFIX = "/_thaw/v1/";
const DOORS = "/_thaw/console/api/";
const ENDED = "This login has ended or was revoked.";
let build: string | null = null;

export interface Wish {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Sends a request as this login. Throws Refused, or what fetch throws where no answer came. */
export async function send(path: string, wish: Wish = {}): Promise<Response> {
  const held = token();
  const authorization = held === null ? {} : { authorization: `Bearer ${held}` };
  let response: Response;
  try {
    response = await fetch(path, { ...wish, headers: { ...wish.headers, ...authorization }, cache: "no-store" });
  } catch (error) {
    if (wish.signal?.aborted !== true) isConnected.value = false;
    throw error;
  }
  isConnected.value = true;
  noticeBuild(response.headers.get("x-thaw-build"));
  if (response.ok) return response;
  if (response.status === 401 && held !== null) logOut(ENDED);
  throw new Refused(response.status, await messageOf(response));
}

/** Calls a route of Thaw's own API that reads. `{name}` in its path is filled from `parameters`. */
export async function get<P extends PathsOf<"GET", "json">>(
  path: P,
  given: Given<NameOf<"GET", P>> = {},
  signal?: AbortSignal,
): Promise<AnswerOf<NameOf<"GET", P>>> {
  const response = await send(addressOf(path, given), signal === undefined ? {} : { signal });
  return (await response.json()) as AnswerOf<NameOf<"GET", P>>;
}

/** Calls a route of Thaw's own API that does something. */
export async function post<P extends PathsOf<"POST", "json">>(
  path: P,
  body: BodyOf<NameOf<"POST", P>>,
): Promise<AnswerOf<NameOf<"POST", P>>> {
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await send(PREFIX + path, { method: "POST", ...text });
  return (await response.json()) as AnswerOf<NameOf<"POST", P>>;
}

/** Calls a route of Thaw's own API that changes what its path names. */
export async function change<M extends "PUT" | "POST", P extends PathsOf<M, "json">>(
  method: M,
  path: P,
  parameters: Readonly<Record<string, string>>,
  body: BodyOf<NameOf<M, P>>,
): Promise<AnswerOf<NameOf<M, P>>> {
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await send(addressOf(path, { parameters }), { method, ...text });
  return (await response.json()) as AnswerOf<NameOf<M, P>>;
}

/**
 * Gives the documents of a route that answers line by line, until the server or `signal` ends it. Resolves when the
 * server has taken the request: what is written from then on is among them.
 */
export async function follow<P extends PathsOf<"GET", "lines">>(
  path: P,
  given: Given<NameOf<"GET", P>>,
  signal: AbortSignal,
): Promise<AsyncGenerator<AnswerOf<NameOf<"GET", P>>>> {
  const { body } = await send(addressOf(path, given), { signal });
  return documentsOf(body);
}

async function* documentsOf<T>(body: ReadableStream<Uint8Array> | null): AsyncGenerator<T> {
  if (body === null) return;
  const lines = new JsonLines();
  const reader = body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield* lines.push(piece.value) as T[];
}

/** Calls an operation of AWS's Lambda API by its path there. */
export async function lambda<T>(path: string, wish: Wish = {}): Promise<T> {
  const response = await send(`${DOORS}lambda${path}`, wish);
  return (response.status === 204 ? null : await response.json()) as T;
}

/** Exchanges a code for a token, or looks whose the token is that this browser has. */
export async function logIn(code: string | null): Promise<void> {
  try {
    if (code !== null) keepLogin(await exchange(code));
    else if (token() !== null) session.value = await get("console/session");
  } catch (error) {
    if (code !== null) logOut((error as Error).message);
    else if (error instanceof Refused) logOut(error.message);
    else throw error;
  }
}

async function exchange(code: string): Promise<{ readonly token: string; readonly session: Session }> {
  const response = await send(`${PREFIX}console/token`, { method: "POST", body: JSON.stringify({ code }) });
  return (await response.json()) as { readonly token: string; readonly session: Session };
}

interface Given<N extends RouteName> {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: QueryOf<N>;
}

function addressOf(path: string, { parameters = {}, query = {} }: Given<RouteName>): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ""));
  const wanted = Object.entries(query as Readonly<Record<string, unknown>>)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]): [string, string] => [name, String(value)]);
  return `${PREFIX}${filled}${wanted.length === 0 ? "" : `?${new URLSearchParams(wanted).toString()}`}`;
}

function noticeBuild(given: string | null): void {
  if (given === null || given === "") return;
  build ??= given;
  if (build !== given) isOutdated.value = true;
}

async function messageOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { message, Message } = JSON.parse(text) as { readonly message?: string; readonly Message?: string };
    return message ?? Message ?? `The server answered ${response.status}.`;
  } catch {
    return text.slice(0, 500) || `The server answered ${response.status}.`;
  }
}
