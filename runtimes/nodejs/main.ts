/**
 * The Node.js runtime client: loads the handler, runs the runtime hooks around a snapshot, and serves invocations.
 *
 *   load handler ─► prime events ─► before-snapshot hooks (last in, first out) ─► restore/next ═ snapshot ═► after-restore hooks (in order)
 *                └────────────── without SnapStart ──────────────────────────────► invocation/next ─► handler ─► response …
 *
 * The official client has no restore support. Error reports and exit codes are those of AWS's Python client, whose
 * hooks are AWS's own.
 */
import { installConsole, logInvokeError, setRequestId } from "./console.ts";
import { describeError, errorTypeOf } from "./errors.ts";
import { createContext } from "./context.ts";
import { type Handler, loadHandler } from "./handler.ts";
import { afterRestore, beforeSnapshot, installHooks } from "./hooks.ts";
import { primeHandler } from "./prime.ts";
import { nextInvocation, post, rehearse, waitForRestore } from "./runtime-api.ts";

const EXIT_HOOK_BEFORE = 64;
const EXIT_HOOK_AFTER = 65;
const EXIT_INIT = 1;
const EXIT_UNHANDLED = 128;
const EXIT_UNCAUGHT = 129;

let requestInProgress: string | null = null;

async function main(): Promise<void> {
  installConsole();
  installHooks();
  const handler = await load();
  if (process.env["AWS_LAMBDA_INITIALIZATION_TYPE"] === "snap-start") {
    await primeHandler(handler);
    await passThroughSnapshot();
  }
  for (;;) await serve(handler);
}

async function load(): Promise<Handler> {
  try {
    return await loadHandler(process.env["LAMBDA_TASK_ROOT"] ?? process.cwd(), process.env["_HANDLER"] ?? "");
  } catch (error) {
    return fail("/runtime/init/error", error, errorTypeOf(error), EXIT_INIT);
  }
}

async function passThroughSnapshot(): Promise<void> {
  try {
    await beforeSnapshot();
    await rehearse();
    await waitForRestore();
  } catch (error) {
    await fail("/runtime/init/error", error, "Runtime.BeforeSnapshotError", EXIT_HOOK_BEFORE);
  }
  try {
    await afterRestore();
  } catch (error) {
    await fail("/runtime/restore/error", error, "Runtime.AfterRestoreError", EXIT_HOOK_AFTER);
  }
}

async function serve(handler: Handler): Promise<void> {
  const invocation = await nextInvocation();
  requestInProgress = invocation.requestId;
  setRequestId(invocation.requestId);
  if (invocation.traceId !== undefined) process.env["_X_AMZN_TRACE_ID"] = invocation.traceId;
  let path = `/runtime/invocation/${invocation.requestId}/response`;
  let body: string;
  let errorType: string | undefined;
  try {
    const result = await handler(JSON.parse(invocation.body), createContext(invocation));
    body = JSON.stringify(result) ?? "null";
  } catch (error) {
    logInvokeError(error);
    path = `/runtime/invocation/${invocation.requestId}/error`;
    body = JSON.stringify(describeError(error));
    errorType = errorTypeOf(error);
  }
  requestInProgress = null;
  await post(path, body, errorType);
}

async function fail(path: string, error: unknown, errorType: string, exitCode: number): Promise<never> {
  const report = JSON.stringify({ ...describeError(error), errorType: describeError(error).errorType });
  process.stderr.write(`${errorType}\t${report}\n`);
  try {
    await post(path, report, errorType);
  } finally {
    process.exit(exitCode);
  }
}

/** An error that nobody awaited ends the process, as in AWS; the running invocation gets it as its answer. */
function onStrayError(error: unknown, errorType: string, exitCode: number): void {
  const report = { ...describeError(error), errorType };
  process.stderr.write(`${JSON.stringify(report)}\n`);
  const path = requestInProgress === null ? "/runtime/init/error" : `/runtime/invocation/${requestInProgress}/error`;
  void post(path, JSON.stringify(report), errorType).finally(() => process.exit(exitCode));
}

process.on("uncaughtException", (error) => onStrayError(error, errorTypeOf(error), EXIT_UNCAUGHT));
process.on("unhandledRejection", (error) => onStrayError(error, "Runtime.UnhandledPromiseRejection", EXIT_UNHANDLED));

await main();
