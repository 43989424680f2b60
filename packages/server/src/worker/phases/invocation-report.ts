/** What is told of an invocation to those who watch. */
import type { InvocationReport, InvocationStart } from "../../ports/reports.ts";
import type { EnvironmentCore } from "../core/core.ts";
import { type Failure, failureErrorType } from "../function-errors.ts";
import type { Answer, Invocation } from "./invocation.ts";

/** How an invocation ended. `failure` and `answer` are null where there is none. */
interface Ending {
  readonly failure: Failure | null;
  readonly answer: Answer | null;
  readonly durationMs: number;
  readonly memoryMaxMib: number;
}

export function invocationReport(
  core: EnvironmentCore,
  invocation: Invocation,
  { failure, answer, durationMs, memoryMaxMib }: Ending,
): InvocationReport {
  const { version, mode } = core;
  const { cold, request } = invocation;
  const start = startOf(core, invocation);
  return {
    functionName: version.functionName,
    accountId: version.accountId,
    region: version.region,
    requestId: request.input.requestId,
    version: version.version,
    environmentId: core.environmentId,
    logStream: core.log.logStream,
    snapshotId: mode.kind === "restore" ? mode.snapshotId : null,
    start,
    ...endingOf(failure, answer),
    durationMs,
    initDurationMs: cold.initDurationMs,
    restoreDurationMs: cold.restoreDurationMs,
    memoryMaxMib,
    started: start === "initialised" || start === "restored" ? core.phases.show(0) : null,
  };
}

function startOf(core: EnvironmentCore, { cold, clock }: Invocation): InvocationStart {
  if (cold.restoreDurationMs !== null) return "restored";
  if (cold.initDurationMs !== null) return "initialised";
  // Init within the invoke, after a failed one: REPORT has no Init Duration then.
  const init = core.phases.find("init");
  if (init !== null && init.startMs >= clock.startMs) return "initialised";
  return core.mode.kind === "provisioned" ? "provisioned" : "warm";
}

function endingOf(failure: Failure | null, answer: Answer | null): Pick<InvocationReport, "outcome" | "errorType"> {
  if (failure !== null) {
    const errorType = failureErrorType(failure);
    if (failure.kind === "timeout") return { outcome: "timeout", errorType };
    return {
      outcome: failure.kind === "platform" || failure.kind === "cancelled" ? "platform-error" : "error",
      errorType,
    };
  }
  const errorType = answer?.handlerError ?? answer?.errorType ?? null;
  const isError = errorType !== null || (answer?.functionError ?? null) !== null;
  return { outcome: isError ? "error" : "success", errorType };
}
