/** What a person at the terminal reads of an error: a sentence, and the command to go on with where there is one. */
import { PROGRAM } from "@thaw/installation";
import { CommandError } from "@thaw/installation/command-error";
import { AnswerFormError } from "@thaw/thaw-api/client";
import { RefusedError } from "./connection.ts";

/** Codes of Node.js for a server that can't be reached, besides one that refuses. */
const UNREACHABLE = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "ECONNRESET",
  "EPIPE",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_SOCKET",
]);

/** What to do about errors of AWS's API, by their names. */
const HINTS: Readonly<Record<string, string>> = {
  ResourceNotFoundException: `Functions that are there: ${PROGRAM} top`,
  UnrecognizedClientException: `Keys of this server, on its host: ${PROGRAM} env`,
  InvalidSignatureException: `Keys of this server, on its host: ${PROGRAM} env`,
  ServiceException: `What the server's host lacks: ${PROGRAM} doctor`,
};

/** What to do about something that Thaw's own API does not find, by words of its sentence. */
const LISTS: ReadonlyArray<readonly [string, string]> = [
  ["Function not found: ", `Functions that are there: ${PROGRAM} top`],
  ["Snapshot not found: ", `Snapshots that are there: ${PROGRAM} snapshots ls`],
  ["Key not found: ", `Keys that are there: ${PROGRAM} keys ls`],
  ["Account not found: ", `Accounts that are there: ${PROGRAM} accounts ls`],
  [" has no snapshot: ", `Snapshots that are there: ${PROGRAM} snapshots ls`],
  ["No invocation ", `Those that are known: ${PROGRAM} invocations`],
];

/** `endpoint`: where the server was looked for. */
export function describeError(error: unknown, endpoint: () => string): string {
  if (error instanceof RefusedError && error.status === 404) return withNext(error.message);
  if (error instanceof CommandError || error instanceof AnswerFormError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const code = codeOf(error);
  if (code === "ECONNREFUSED") return `no server answers at ${endpoint()}. Start one: ${PROGRAM} serve`;
  if (UNREACHABLE.has(code))
    return `the server at ${endpoint()} can't be reached (${code}). What is wrong: ${PROGRAM} doctor; THAW_ENDPOINT names another one`;
  if (error.name === "AbortError" || error.name === "TimeoutError")
    return `the server at ${endpoint()} does not answer. What is wrong: ${PROGRAM} doctor`;
  const hint = HINTS[error.name];
  return `${error.name}: ${error.message}${hint === undefined ? "" : `\n${hint}`}`;
}

function withNext(message: string): string {
  const list = LISTS.find(([words]) => message.includes(words));
  return list === undefined ? message : `${message}\n${list[1]}`;
}

/** True: nothing listens where the server was, or the connection to it was lost. */
export function isServerAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  return code === "ECONNREFUSED" || UNREACHABLE.has(code);
}

function codeOf(error: Error): string {
  const { code } = error as { readonly code?: unknown };
  const cause = error.cause as { readonly code?: unknown } | undefined;
  return typeof code === "string" ? code : typeof cause?.code === "string" ? cause.code : "";
}
