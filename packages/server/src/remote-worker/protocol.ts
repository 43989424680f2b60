/**
 * What the two ends of a remote worker have in common: names, limits, and the forms of calls and answers. Byte table:
 * docs/formats/remote-worker.md.
 */
import type { EnvironmentId } from "../base/ids.ts";
import type { LogEvent } from "../ports/log-store.ts";
import type { InvocationReport, RestoreReport } from "../ports/reports.ts";
import type { InvokeInput, InvokeRefusal, RunnableVersion, StreamCompletion, Worker } from "../ports/worker.ts";

/** Rises with every change of this wire or of the values of `ports/worker.ts`: only equal numbers talk. */
export const PROTOCOL = 1;
export const PROTOCOL_HEADER = "thaw-worker-protocol";
export const CONTENT_TYPE = "application/vnd.thaw.worker";

/** Bytes of a call: what is provisioned, or the ids of all snapshots. An event is at most 6 MiB. */
export const CALL_BYTES_MAX = 64 * 2 ** 20;
/** Bytes of a package with its call: unpacked, AWS allows 250 MB. */
export const CONTENT_BYTES_MAX = 256 * 2 ** 20;
/** Bytes of JSON of an answer: the report of a worker with all its environments. */
export const JSON_BYTES_MAX = 64 * 2 ** 20;

/** Calls whose parameters and results are JSON as they are. */
export const PLAIN_CALLS = [
  "close",
  "installRuntime",
  "listSnapshots",
  "observe",
  "provision",
  "removeSnapshot",
  "report",
  "runtimeProblem",
  "stopEnvironments",
  "sweepSnapshots",
] as const satisfies ReadonlyArray<keyof Worker>;

export type PlainCall = (typeof PLAIN_CALLS)[number];
/** `hello`: is it there, and does it speak this protocol. */
/** `content`: brings a package. `news`: what has happened there, since the last time that it was asked. */
export type CallName =
  | PlainCall
  | "content"
  | "contentInUse"
  | "createSnapshot"
  | "hello"
  | "inspectSnapshot"
  | "invoke"
  | "news"
  | "uidsInUse";

/** The head of an invoke; its event follows as data. */
export interface SentInvoke {
  readonly version: RunnableVersion;
  readonly input: Omit<InvokeInput, "payload">;
}

/** A response, whose bytes follow as data. Bytes within are Base64. */
export interface SentResponse {
  readonly kind: "response";
  readonly functionError: "Unhandled" | null;
  readonly logTail: string | null;
  readonly stream: { readonly contentType: string | null } | null;
  readonly environmentId: EnvironmentId;
}

export type SentOutcome = InvokeRefusal | SentResponse;

/** How the bytes of a response ended. */
export type SentEnd =
  | { readonly kind: "whole" }
  | { readonly kind: "cut" }
  | { readonly kind: "too-large"; readonly sizeBytesMax: number };

export type SentCompletion = Omit<StreamCompletion, "logTail"> & { readonly logTail: string | null };

/** How long an ask for news waits where there are none. */
export const NEWS_WAIT_MS = 20_000;

/** Something that happened at a worker. */
export type News =
  | { readonly kind: "log"; readonly groupArn: string; readonly event: LogEvent }
  | { readonly kind: "invocation"; readonly report: InvocationReport }
  | { readonly kind: "restore"; readonly report: RestoreReport };

export interface SentNews {
  /** Number of the last of these: what the next ask names, and the worker then forgets. */
  readonly lastAt: number;
  /** How many were dropped since the worker's start, because nobody asked. */
  readonly missed: number;
  /** The worker's monotonic clock at this answer: reports have times on it. */
  readonly monotonicMs: number;
  readonly news: readonly News[];
}

/** An error of the other end; `code` is null where it has none. */
export interface SentFailure {
  readonly code: string | null;
  readonly message: string;
  /** Packages that must be brought before the call is made again; it has done nothing. */
  readonly missing?: readonly string[];
}

export function toBase64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString("base64");
}

export function fromBase64(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, "base64");
}
