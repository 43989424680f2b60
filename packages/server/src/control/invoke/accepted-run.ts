/**
 * What becomes of an accepted event after a run, or after a refusal to run it.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
import { ApiError } from "../../model/api-error.ts";
import type { Condition, LastRun } from "../../model/async-record.ts";
import type { EventInvokeRecord, EventRecord } from "../../model/function-record.ts";
import type { BufferedOutcome } from "./buffered.ts";

const RETRIES_DEFAULT = 2;
const AGE_S_DEFAULT = 21_600;
const RETRY_DELAYS_MS = [60_000, 120_000];
const BACKOFF_MS_MIN = 1000;
const BACKOFF_MS_MAX = 5 * 60_000;
/** AWS's code in a dead letter whose function failed: the invoke itself was answered. */
const CODE_FUNCTION_ERROR = 200;
const CODE_THROTTLED = 429;
const CODE_OTHER = 500;

/** A run of an event, or that its function may not run at all; an error says why it could not be run. */
export type AcceptedRun =
  | { readonly kind: "ran"; readonly executedVersion: string; readonly outcome: BufferedOutcome }
  | { readonly kind: "zero-concurrency" }
  | { readonly kind: "error"; readonly error: unknown };

/** Why an event is given up, for its record and its dead letter. */
export interface GivenUp {
  readonly condition: Exclude<Condition, "Success">;
  /** Number of runs of the function. */
  readonly invokeCount: number;
  /** Null where the function did not run in the end. */
  readonly lastRun: LastRun | null;
  readonly errorCode: number;
  readonly errorMessage: string;
  /** A sentence for the operator, without its subject. */
  readonly why: string;
}

export type Verdict =
  | { readonly kind: "done"; readonly lastRun: LastRun }
  | { readonly kind: "again"; readonly attempts: number; readonly notBeforeMs: number }
  | { readonly kind: "given-up"; readonly givenUp: GivenUp }
  /** Its function, version or alias is gone: nobody is told but the operator. */
  | { readonly kind: "gone"; readonly why: string };

type Judged = Pick<EventRecord, "attempts" | "acceptedAtMs">;

/** Longest age of an event, after which it is not run any more. */
export function ageMsMax(config: EventInvokeRecord | null): number {
  return (config?.maximumEventAgeS ?? AGE_S_DEFAULT) * 1000;
}

/** The verdict on an event that has become too old before it was run. */
export function tooOld(event: Judged): GivenUp {
  return giveUp("EventAgeExceeded", event.attempts, null, "it was too old");
}

/** The verdict on an event that the server has ended with, again and again. */
export function endedServers(event: Judged): GivenUp {
  const why = "the server ended three times in a row while it was carried out";
  return giveUp("RetriesExhausted", event.attempts, null, why);
}

export function judge(event: Judged, run: AcceptedRun, config: EventInvokeRecord | null, nowMs: number): Verdict {
  if (run.kind === "zero-concurrency")
    return given(giveUp("ZeroReservedConcurrency", event.attempts, null, "its function's reserved concurrency is 0"));
  if (run.kind === "error") {
    if (isApiError(run.error, "ResourceNotFoundException")) return { kind: "gone", why: run.error.message };
    if (isApiError(run.error, "RecursiveInvocationException"))
      return given({ ...giveUp("RecursiveInvocation", event.attempts, null, run.error.message), errorCode: 400 });
  }
  const lastRun = run.kind === "ran" ? lastRunOf(run) : null;
  if (lastRun !== null && lastRun.functionError === null) return { kind: "done", lastRun };
  if (lastRun === null) {
    const waitMs = nowMs - event.acceptedAtMs;
    const notBeforeMs = nowMs + Math.min(BACKOFF_MS_MAX, Math.max(BACKOFF_MS_MIN, waitMs));
    return notBeforeMs - event.acceptedAtMs > ageMsMax(config)
      ? given({ ...tooOld(event), ...reasonOf(run) })
      : { kind: "again", attempts: event.attempts, notBeforeMs };
  }
  const attempts = event.attempts + 1;
  if (attempts > (config?.maximumRetryAttempts ?? RETRIES_DEFAULT))
    return given(giveUp("RetriesExhausted", attempts, lastRun, `the function failed ${times(attempts)}`));
  const notBeforeMs = nowMs + (RETRY_DELAYS_MS[event.attempts] ?? BACKOFF_MS_MAX);
  return notBeforeMs - event.acceptedAtMs > ageMsMax(config)
    ? given(giveUp("EventAgeExceeded", attempts, lastRun, "it would be too old for the next attempt"))
    : { kind: "again", attempts, notBeforeMs };
}

function given(givenUp: GivenUp): Verdict {
  return { kind: "given-up", givenUp };
}

function giveUp(condition: GivenUp["condition"], invokeCount: number, lastRun: LastRun | null, why: string): GivenUp {
  return {
    condition,
    invokeCount,
    lastRun,
    errorCode: lastRun === null ? CODE_OTHER : CODE_FUNCTION_ERROR,
    errorMessage: lastRun === null ? `The event was not carried out: ${why}.` : errorMessageOf(lastRun.payload),
    why,
  };
}

/** Why the last attempt could not run the function. */
function reasonOf(run: AcceptedRun): Partial<GivenUp> {
  if (run.kind === "ran" && run.outcome.kind === "throttled")
    return { errorCode: CODE_THROTTLED, errorMessage: "Rate Exceeded." };
  if (run.kind === "error" && run.error instanceof ApiError) return { errorMessage: run.error.message };
  if (run.kind !== "ran") return {};
  const { outcome } = run;
  return outcome.kind === "platform-error" || outcome.kind === "restore-timeout"
    ? { errorMessage: outcome.message }
    : {};
}

/** The function's own answer, or its fault; null where the platform is why it did not run. */
function lastRunOf({ executedVersion, outcome }: Extract<AcceptedRun, { readonly kind: "ran" }>): LastRun | null {
  switch (outcome.kind) {
    case "response":
      return { executedVersion, functionError: outcome.functionError, payload: outcome.payload };
    case "restore-error":
    case "restore-timeout": {
      if (outcome.kind === "restore-timeout" && !outcome.hasRun) return null;
      const errorType = outcome.kind === "restore-error" ? "SnapStartException" : "SnapStartTimeoutException";
      const payload = Buffer.from(JSON.stringify({ errorMessage: outcome.message, errorType }));
      return { executedVersion, functionError: "Unhandled", payload };
    }
    case "throttled":
    case "platform-error":
      return null;
  }
}

function errorMessageOf(payload: Buffer): string {
  try {
    const { errorMessage } = JSON.parse(payload.toString("utf8")) as { readonly errorMessage?: unknown };
    return typeof errorMessage === "string" ? errorMessage : payload.toString("utf8");
  } catch {
    return payload.toString("utf8");
  }
}

function isApiError(error: unknown, name: ApiError["name"]): error is ApiError {
  return error instanceof ApiError && error.name === name;
}

function times(count: number): string {
  return ["never", "once", "twice", "three times"][count] ?? `${count} times`;
}
