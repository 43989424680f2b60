/**
 * Takes the place of the native part of AWS's client (`rapid-client.node` of aws-lambda-ric), which has no restore
 * support: AWS's client asks it for the next request, and gives it the answers. All else is AWS's own: finding the
 * handler, calling it, the log's lines, the texts of errors. Before it hands out the first request, it runs the runtime
 * hooks around a snapshot.
 *
 *   AWS's client loads the handler ─► next() ─► prime events, each answered ─► before-snapshot hooks (last in, first
 *   out) ─► restore/next ═ snapshot ═► after-restore hooks (in order) ─► invocation/next ─► handler ─► done() …
 *
 * Exit codes of hooks that fail are those of AWS's Python client, whose hooks are AWS's own.
 */
import { randomUUID } from "node:crypto";
import { describeError } from "./errors.ts";
import { afterRestore, beforeSnapshot, installHooks } from "./hooks.ts";
import { readPrimeEvents } from "./prime.ts";
import { get, post } from "./runtime-api.ts";

export interface Invocation {
  readonly bodyJson: string;
  /** Names in lower case; only those that AWS's native part hands on. */
  readonly headers: Readonly<Record<string, string>>;
}

const EXIT_HOOK_BEFORE = 64;
const EXIT_HOOK_AFTER = 65;
const PRIME_DEADLINE_MS = 60_000;

/** Handed on as they are where the request has them. */
const OPTIONAL_HEADERS = ["client-context", "cognito-identity", "aws-tenant-id"].map(
  (name) => `lambda-runtime-${name}`,
);

let isReady = process.env["AWS_LAMBDA_INITIALIZATION_TYPE"] !== "snap-start";
/** Bodies of the prime events that are still to be served; null before the first one. */
let primes: string[] | null = null;
const primeIds = new Set<string>();
/** The response that is being streamed; resolved where there is none. */
let streaming: Promise<unknown> = Promise.resolve();

interface OpenedStream {
  readonly responseDone: Promise<unknown>;
}

/** The class of AWS's client that opens the stream of a response. */
interface StreamOpener {
  getStreamForInvocationResponse: (this: StreamOpener, ...args: unknown[]) => OpenedStream;
}

/**
 * Notes each response that is streamed. After an error in mid-stream AWS's clients may ask for the next request while
 * the last bytes are still on their way; the Runtime API would take that for a request to repeat the event.
 */
export function watchStreams(opener: StreamOpener): void {
  const open = opener.getStreamForInvocationResponse;
  opener.getStreamForInvocationResponse = function (...args): OpenedStream {
    const opened = open.apply(this, args);
    streaming = opened.responseDone.catch(() => undefined);
    return opened;
  };
}

export const client = {
  async next(): Promise<Invocation> {
    await streaming;
    if (!isReady) {
      primes ??= [...readPrimeEvents()];
      const body = primes.shift();
      if (body !== undefined) return toPrimeInvocation(body);
      forgetRequest();
      await passThroughSnapshot();
      isReady = true;
    }
    return nextInvocation();
  },

  /** Posts a response. The id comes encoded for a path. */
  done(id: string, body: string): void {
    if (!primeIds.has(id)) post(`/runtime/invocation/${id}/response`, body);
  },

  error(id: string, body: string): void {
    if (primeIds.has(id)) console.error("A prime event failed:", body);
    else post(`/runtime/invocation/${id}/error`, body);
  },
};

async function nextInvocation(): Promise<Invocation> {
  const { status, headers, body } = await get("/runtime/invocation/next");
  if (status !== 200) throw new Error(`invocation/next answered ${status}`);
  const handed: Record<string, string> = {};
  for (const name of ["deadline-ms", "aws-request-id", "trace-id", "invoked-function-arn"])
    handed[`lambda-runtime-${name}`] = headers.get(`lambda-runtime-${name}`) ?? "";
  for (const name of OPTIONAL_HEADERS) {
    const value = headers.get(name);
    if (value !== undefined && value !== "") handed[name] = value;
  }
  return { bodyJson: body, headers: handed };
}

function toPrimeInvocation(bodyJson: string): Invocation {
  const id = randomUUID();
  primeIds.add(id);
  const name = process.env["AWS_LAMBDA_FUNCTION_NAME"] ?? "";
  return {
    bodyJson,
    headers: {
      "lambda-runtime-deadline-ms": String(Date.now() + PRIME_DEADLINE_MS),
      "lambda-runtime-aws-request-id": id,
      "lambda-runtime-trace-id": "",
      "lambda-runtime-invoked-function-arn": `arn:thaw:prime:::function:${name}`,
    },
  };
}

/** Takes the id of the last prime event out of the lines that hooks log. */
function forgetRequest(): void {
  const global = globalThis as Record<symbol, unknown> & { awslambda?: { InvokeStore?: { currentContext?: unknown } } };
  if (primeIds.size === 0) return;
  global[Symbol.for("aws.lambda.runtime.requestId")] = undefined;
  const store = global.awslambda?.InvokeStore;
  if (store !== undefined) store.currentContext = undefined;
}

async function passThroughSnapshot(): Promise<void> {
  try {
    await beforeSnapshot();
    await rehearse();
    const { status, body } = await get("/runtime/restore/next");
    if (status !== 200) throw new Error(`restore/next answered ${status}: ${body}`);
  } catch (error) {
    fail("/runtime/init/error", error, "Runtime.BeforeSnapshotError", EXIT_HOOK_BEFORE);
  }
  try {
    await afterRestore();
  } catch (error) {
    fail("/runtime/restore/error", error, "Runtime.AfterRestoreError", EXIT_HOOK_AFTER);
  }
}

/**
 * Makes calls that mean nothing, so that each clone finds this code compiled and its connections open: `ping` is AWS's
 * own, and takes no POST.
 */
async function rehearse(): Promise<void> {
  await get("/ping");
  post("/ping", "null");
}

function fail(path: string, error: unknown, errorType: string, exitCode: number): never {
  const report = JSON.stringify(describeError(error));
  process.stderr.write(`${errorType}\t${report}\n`);
  post(path, report, errorType);
  process.exit(exitCode);
}

installHooks();
