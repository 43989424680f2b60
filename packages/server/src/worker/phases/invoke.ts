/**
 * The Invoke phase of a ready environment. The caller gets its answer as soon as the runtime has sent it (with LogType
 * Tail: when the REPORT line is there, as it is part of the answer); the invocation is over when the runtime polls
 * again.
 */
import { type Body, type BodyEnd, wholeBody } from "../../base/body.ts";
import type { InvokeOutcome } from "../../ports/worker.ts";
import { untilReady } from "../core/flow.ts";
import type { Brought } from "../core/brought.ts";
import type { EnvironmentCore } from "../core/core.ts";
import type { Deadline, InvokeRequest } from "../core/events.ts";
import { waitFor } from "../core/wait.ts";
import {
  describeTimeout,
  type Failure,
  failureErrorType,
  failurePayload,
  responseTooLargePayload,
} from "../function-errors.ts";
import type { PhaseStatus } from "../telemetry/platform-log.ts";
import { toPhaseStatus } from "./init.ts";
import type { RuntimeEvent } from "../runtime-api/runtime.ts";

const TOO_LARGE = "Function.ResponseSizeTooLarge";

/** The part of the phase before it that the first invocation of an environment reports. */
export interface ColdStart {
  readonly initDurationMs: number | null;
  readonly restoreDurationMs: number | null;
  readonly billedRestoreDurationMs: number | null;
}

export const WARM: ColdStart = { initDurationMs: null, restoreDurationMs: null, billedRestoreDurationMs: null };

/**
 * The time that an Init or an invoke may take. One clock holds for an invoke and an Init that was tried again within
 * it.
 */
export interface InvokeClock {
  readonly startMs: number;
  readonly deadline: Deadline;
  /** Wall clock, for the runtime's header. */
  readonly deadlineAtMs: number;
}

export function startClock(core: EnvironmentCore, limitMs: number): InvokeClock {
  return {
    startMs: core.nowMs(),
    deadline: core.startDeadline(limitMs),
    deadlineAtMs: core.services.clock.nowMs() + limitMs,
  };
}

/** Starts the clock of the function's timeout. */
export function startInvokeClock(core: EnvironmentCore): InvokeClock {
  return startClock(core, core.version.timeoutS * 1000);
}

/** A response that has come to its end, or an error in its place. */
interface Answer {
  readonly payload: Body;
  readonly functionError: "Unhandled" | null;
  /** For the REPORT line; null where the response is good. */
  readonly errorType: string | null;
}

/** Either the answer or the failure is there. */
interface Answered {
  readonly answer: Answer | null;
  readonly failure: Failure | null;
  readonly hasReplied: boolean;
}

/** An invocation: the environment that runs it, the request, and its time. */
export interface Invocation {
  readonly brought: Brought;
  readonly request: InvokeRequest;
  readonly clock: InvokeClock;
  readonly cold: ColdStart;
}

const ANSWERS = ["response", "response-begin", "response-too-large", "invocation-error"] as const;

/** AWS's types for a response in pieces that did not come to a good end. */
const STREAM_ERRORS: Readonly<Record<BodyEnd["kind"], string | null>> = {
  whole: null,
  "too-large": TOO_LARGE,
  cut: "Runtime.TruncatedResponse",
};

/** Runs the invocation up to the runtime's next poll. Returns why the environment can't be used again, or null. */
export async function runInvoke(
  core: EnvironmentCore,
  invocation: Invocation,
  onAnswered: () => void,
): Promise<Failure | null> {
  const { brought, request, clock } = invocation;
  const { input } = request;
  beginInvocation(core, request);
  brought.session.deliver({
    requestId: input.requestId,
    deadlineMs: clock.deadlineAtMs,
    invokedFunctionArn: input.invokedFunctionArn,
    traceId: input.traceId,
    clientContext: input.clientContext,
    payload: input.payload,
    isStreamed: input.isStreamed === true,
  });
  const answered = await untilAnswered(core, invocation);
  const { answer } = answered;
  let { failure, hasReplied } = answered;
  if (answer !== null) {
    if (!hasReplied && !input.wantsLogTail) {
      request.reply(toOutcome(core, answer, null));
      hasReplied = true;
    }
    if (hasReplied) onAnswered();
    failure = await untilReady(core, brought, clock.deadline, "invoke");
  }
  clock.deadline.cancel();
  await endInvocation(core, invocation, failure, answer);
  if (!hasReplied) {
    request.reply(
      answer === null ? failureOutcome(core, request, failure) : toOutcome(core, answer, core.log.takeTail()),
    );
  }
  return failure;
}

/** Waits for the end of the response. The reply to a streamed one is given at its head. */
async function untilAnswered(core: EnvironmentCore, invocation: Invocation): Promise<Answered> {
  const { brought, request, clock } = invocation;
  const result = await waitFor(core, brought, clock.deadline, ANSWERS);
  if (result.kind === "failed") return { answer: null, failure: result.failure, hasReplied: false };
  noteFirstResponse(core, clock);
  if (result.event.kind !== "response-begin")
    return { answer: toAnswer(result.event), failure: null, hasReplied: false };
  const { body } = result.event;
  request.reply(toOutcome(core, { payload: body, functionError: null, errorType: null }, null));
  const ended = await waitFor(core, brought, clock.deadline, ["response-end"]);
  if (ended.kind === "failed") {
    body.fail();
    return { answer: null, failure: ended.failure, hasReplied: true };
  }
  const { end, lateError } = ended.event;
  const errorType = lateError?.errorType ?? STREAM_ERRORS[end];
  const answer: Answer = { payload: body, functionError: errorType === null ? null : "Unhandled", errorType };
  return { answer, failure: null, hasReplied: true };
}

function noteFirstResponse(core: EnvironmentCore, { startMs }: InvokeClock): void {
  if (core.phases.find("firstResponse") !== null) return;
  core.phases.record({ name: "firstResponse", startMs, durationMs: core.nowMs() - startMs });
}

/**
 * Answers the invoke of an environment whose Init failed again within it: the same lines and the same answer, without a
 * handler.
 */
export async function failInvoke(core: EnvironmentCore, invocation: Invocation, failure: Failure): Promise<void> {
  const { request, clock } = invocation;
  beginInvocation(core, request);
  clock.deadline.cancel();
  await endInvocation(core, invocation, failure, null);
  request.reply(failureOutcome(core, request, failure));
}

function beginInvocation(core: EnvironmentCore, request: InvokeRequest): void {
  core.log.beginPhase();
  if (request.input.wantsLogTail) core.log.beginTail();
  core.log.writePlatform({ kind: "start", requestId: request.input.requestId, version: core.version.version });
}

async function endInvocation(
  core: EnvironmentCore,
  { brought, request, clock, cold }: Invocation,
  failure: Failure | null,
  answer: Answer | null,
): Promise<void> {
  const { requestId } = request.input;
  const timeoutMs = core.version.timeoutS * 1000;
  const elapsedMs = core.nowMs() - clock.startMs;
  // A timer is never early, but may be late; AWS reports the limit itself.
  const durationMs = failure?.kind === "timeout" ? timeoutMs : elapsedMs;
  core.log.flushOutput();
  if (failure !== null) writeFailureLine(core, requestId, failure);
  core.log.writePlatform({ kind: "end", requestId });
  const memoryMaxMib = await core.measureMemoryMaxMib(brought.sandbox);
  core.services.onInvocation({
    functionName: core.version.functionName,
    durationMs,
    initDurationMs: cold.initDurationMs,
    memoryMaxMib,
  });
  core.log.writePlatform({
    kind: "report",
    report: {
      requestId,
      durationMs,
      memorySizeMib: core.version.memorySizeMib,
      memoryMaxMib,
      ...cold,
      status: reportStatus(failure, answer),
    },
  });
}

function reportStatus(failure: Failure | null, answer: Answer | null): PhaseStatus {
  if (failure !== null) return toPhaseStatus(failure);
  return answer === null || answer.errorType === null
    ? { kind: "success" }
    : { kind: "error", errorType: answer.errorType };
}

function writeFailureLine(core: EnvironmentCore, requestId: string, failure: Failure): void {
  if (failure.kind === "timeout") {
    const time = new Date(core.services.clock.nowMs()).toISOString();
    core.log.writeLine(`${time} ${requestId} ${describeTimeout(core.version.timeoutS)}\n`);
  } else if (failure.kind === "exit") {
    core.log.writeLine(`RequestId: ${requestId} Error: ${failure.message}\n${failure.errorType}`);
  }
}

function toAnswer(
  event: Extract<RuntimeEvent, { kind: "response" | "response-too-large" | "invocation-error" }>,
): Answer {
  switch (event.kind) {
    case "response":
      return { payload: wholeBody(event.payload), functionError: null, errorType: null };
    case "invocation-error":
      // The handler's error is an answer, not a failed invocation.
      return { payload: wholeBody(event.payload), functionError: "Unhandled", errorType: null };
    case "response-too-large":
      return {
        payload: wholeBody(responseTooLargePayload(event.sizeBytes)),
        functionError: "Unhandled",
        errorType: TOO_LARGE,
      };
  }
}

function toOutcome(core: EnvironmentCore, answer: Answer, logTail: Buffer | null): InvokeOutcome {
  return {
    kind: "response",
    payload: answer.payload,
    functionError: answer.functionError,
    logTail,
    environmentId: core.environmentId,
  };
}

function failureOutcome(core: EnvironmentCore, request: InvokeRequest, failure: Failure | null): InvokeOutcome {
  const payload = failure === null ? null : failurePayload(failure, request.input.requestId, core.version.timeoutS);
  if (payload !== null) {
    const logTail = core.log.takeTail();
    return {
      kind: "response",
      payload: wholeBody(payload),
      functionError: "Unhandled",
      logTail,
      environmentId: core.environmentId,
    };
  }
  if (failure?.kind === "platform") return { kind: "platform-error", code: failure.code, message: failure.message };
  return {
    kind: "platform-error",
    code: "WORKER_ENVIRONMENT_LOST",
    message: `The invoke was ended: ${failureErrorType(failure ?? { kind: "cancelled" })}.`,
  };
}
