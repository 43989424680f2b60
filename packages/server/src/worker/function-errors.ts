/**
 * Function errors are data: AWS's error types and the JSON documents that Invoke answers with. Forms recorded from AWS:
 * `Runtime.ExitError` and `Sandbox.Timedout` (recorded/test_lambda.TestLambdaErrors.*,
 * …Behavior.test_lambda_invoke_with_timeout).
 */
import { constants } from "node:os";
import { RESPONSE_SIZE_BYTES_MAX } from "../model/payload-limits.ts";
import type { PlatformCode } from "../model/platform-errors.ts";
import type { ProcessExit } from "../ports/supervisor.ts";

/** The reason why a phase of an environment failed. */
export type Failure =
  | { readonly kind: "timeout" }
  /** The runtime told us by /init/error or /restore/error. */
  | { readonly kind: "reported"; readonly errorType: string; readonly body: Buffer }
  | ExitFailure
  | { readonly kind: "cancelled" }
  | { readonly kind: "platform"; readonly code: PlatformCode; readonly message: string };

/** The process ended, or could not be started. */
export interface ExitFailure {
  readonly kind: "exit";
  readonly errorType: ExitErrorType;
  /** Comes after AWS's `Error: `. */
  readonly message: string;
  /** Why an extension could not be started, in AWS's word. */
  readonly launchErrorType?: LaunchErrorType;
  /** A sentence of ours for the log, where the message leaves open what is wrong. */
  readonly explanation?: string;
}

/** AWS's types of an extension's start that failed (environment-behaviour, section 2). */
export type LaunchErrorType = "PermissionDenied" | "TooManyExtensions" | "UnknownError";

export const OUT_OF_MEMORY: Failure = {
  kind: "exit",
  errorType: "Runtime.OutOfMemory",
  message: "Runtime exited with error: signal: killed",
};

export type ExitErrorType =
  | "Runtime.ExitError"
  | "Runtime.OutOfMemory"
  | "Runtime.InvalidEntrypoint"
  | "Runtime.InvalidWorkingDir"
  | "Extension.LaunchError"
  | "Extension.InitError"
  | "Extension.ExitError"
  | "Extension.Crash";

/** Signals as Go prints them, and so AWS's texts. */
const SIGNAL_TEXT: Readonly<Record<string, string>> = {
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGQUIT: "quit",
  SIGILL: "illegal instruction",
  SIGTRAP: "trace/breakpoint trap",
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGKILL: "killed",
  SIGUSR1: "user defined signal 1",
  SIGSEGV: "segmentation fault",
  SIGUSR2: "user defined signal 2",
  SIGPIPE: "broken pipe",
  SIGALRM: "alarm clock",
  SIGTERM: "terminated",
};

const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name]),
);

type ExitStatus = Pick<ProcessExit, "code" | "signal">;

/** Says how the runtime ended. */
export function describeExit(exit: ExitStatus): string {
  if (exit.code === 0) return "Runtime exited without providing a reason";
  return `Runtime exited with error: ${describeStatus(exit)}`;
}

/** Says how an extension ended, in AWS's words. */
export function describeStatus(exit: ExitStatus): string {
  if (exit.signal !== null) {
    const text = SIGNAL_TEXT[SIGNAL_NAMES.get(exit.signal) ?? ""];
    return `signal: ${text ?? `signal ${exit.signal}`}`;
  }
  return exit.code === 0 ? "exit code 0" : `exit status ${exit.code}`;
}

const ERROR_TYPE = /(Runtime|Function)\.[A-Z][a-zA-Z]+/;

/** Applies AWS's rule for the header Lambda-Runtime-Function-Error-Type. */
export function validateErrorType(header: string | undefined): string {
  if (header === undefined) return "Runtime.Unknown";
  if (ERROR_TYPE.test(header)) return header;
  return header.startsWith("Function.") ? "Function.Unknown" : "Runtime.Unknown";
}

/** Says `Task timed out after 3.00 seconds`. */
export function describeTimeout(timeoutS: number): string {
  return `Task timed out after ${timeoutS.toFixed(2)} seconds`;
}

export function failureErrorType(failure: Failure): string {
  switch (failure.kind) {
    case "timeout":
      return "Sandbox.Timedout";
    case "reported":
    case "exit":
      return failure.errorType;
    case "cancelled":
    case "platform":
      return "Sandbox.Failure";
  }
}

/** Returns the document that Invoke answers with; null where the failure is ours, not the function's. */
export function failurePayload(failure: Failure, requestId: string, timeoutS: number): Buffer | null {
  switch (failure.kind) {
    case "timeout":
      return errorDocument("Sandbox.Timedout", `RequestId: ${requestId} Error: ${describeTimeout(timeoutS)}`);
    case "exit":
      return errorDocument(failure.errorType, `RequestId: ${requestId} Error: ${failure.message}`);
    case "reported":
      if (failure.body.length > 0) return failure.body;
      return errorDocument(failure.errorType, `RequestId: ${requestId} Error: ${failure.errorType}`);
    case "cancelled":
    case "platform":
      return null;
  }
}

/** AWS's text of today (recorded test_lambda); an older one had the size in it. */
export function responseTooLargePayload(): Buffer {
  return errorDocument(
    "Function.ResponseSizeTooLarge",
    `Response payload size exceeded maximum allowed payload size (${RESPONSE_SIZE_BYTES_MAX} bytes).`,
  );
}

function errorDocument(errorType: string, errorMessage: string): Buffer {
  return Buffer.from(JSON.stringify({ errorType, errorMessage }));
}
