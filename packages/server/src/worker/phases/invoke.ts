/**
 * The Invoke phase of a ready environment. The caller gets its answer as soon as the runtime has sent it (with LogType
 * Tail: when the REPORT line is there, as it is part of the answer); the invocation is over when the runtime polls
 * again.
 */
import { type BodyEnd, wholeBody } from "../../base/body.ts";
import { readTrace } from "../../model/trace.ts";
import type { InvokeOutcome, StreamCompletion } from "../../ports/worker.ts";
import { untilReady } from "../core/flow.ts";
import type { EnvironmentCore } from "../core/core.ts";
import type { InvokeRequest } from "../core/events.ts";
import { waitFor } from "../core/wait.ts";
import {
  describeTimeout,
  type Failure,
  failureErrorType,
  failurePayload,
  responseTooLargePayload,
} from "../function-errors.ts";
import type { Answer, ColdStart, Invocation, InvokeClock } from "./invocation.ts";
import { invocationReport } from "./invocation-report.ts";
import type { PhaseStatus } from "../telemetry/platform-log.ts";
import { toPhaseStatus } from "./init.ts";
import { InvokeTimes } from "./invoke-times.ts";
import { invokeEvent } from "../runtime-api/extension-events.ts";
import type { RuntimeEvent } from "../runtime-api/runtime.ts";

const TOO_LARGE = "Function.ResponseSizeTooLarge";

export const WARM: ColdStart = { initDurationMs: null, restoreDurationMs: null, billedRestoreDurationMs: null };

export function startClock(core: EnvironmentCore, limitMs: number): InvokeClock {
  return {
    startMs: core.nowMs(),
    deadline: core.startLimit(limitMs),
    deadlineAtMs: core.services.clock.nowMs() + limitMs,
  };
}

/** Starts the clock of the function's timeout. */
export function startInvokeClock(core: EnvironmentCore): InvokeClock {
  return startClock(core, core.version.timeoutS * 1000);
}

/** Either the answer or the failure is there. */
interface Answered {
  readonly answer: Answer | null;
  readonly failure: Failure | null;
  /** The rest of a reply that has been given at the head of the response; null where none has. */
  readonly streamed: StreamedReply | null;
}

/** A reply whose payload is still coming. */
class StreamedReply {
  readonly #completion = Promise.withResolvers<StreamCompletion>();

  get completion(): Promise<StreamCompletion> {
    return this.#completion.promise;
  }

  /** Completes the reply; a second time does nothing. */
  complete(error: StreamCompletion["error"], logTail: Buffer | null): void {
    this.#completion.resolve({ error, logTail });
  }
}

const ANSWERS = ["response", "response-begin", "response-too-large", "invocation-error"] as const;

/** AWS's types for a response in pieces that did not come to a good end. */
const STREAM_ERRORS = {
  whole: null,
  "too-large": TOO_LARGE,
  cut: "Runtime.TruncatedResponse",
} as const satisfies Readonly<Record<BodyEnd["kind"], string | null>>;

/** Runs the invocation up to the runtime's next poll. Returns why the environment can't be used again, or null. */
export async function runInvoke(
  core: EnvironmentCore,
  invocation: Invocation,
  onAnswered: () => void,
): Promise<Failure | null> {
  const { brought, request, clock } = invocation;
  const { input } = request;
  beginInvocation(core, request);
  const times = new InvokeTimes(core.services.clock);
  brought.extensions.deliver(invokeEvent(input, clock.deadlineAtMs));
  brought.session.deliver({
    requestId: input.requestId,
    deadlineMs: clock.deadlineAtMs,
    invokedFunctionArn: input.invokedFunctionArn,
    traceId: input.traceId,
    clientContext: input.clientContext,
    payload: input.payload,
    isStreamed: input.isStreamed === true,
  });
  const answered = await untilAnswered(core, invocation, times);
  try {
    return await finish(core, invocation, answered, times, onAnswered);
  } finally {
    answered.streamed?.complete({ code: "Sandbox.Failure", details: "" }, null);
  }
}

/** Brings the invocation from its answer to the runtime's next poll. */
async function finish(
  core: EnvironmentCore,
  invocation: Invocation,
  { answer, failure: early, streamed }: Answered,
  times: InvokeTimes,
  onAnswered: () => void,
): Promise<Failure | null> {
  const { brought, request, clock } = invocation;
  const { wantsLogTail } = request.input;
  let failure = early;
  if (answer !== null) {
    if (!wantsLogTail) {
      if (streamed === null) request.reply(toOutcome(core, answer, null));
      else streamed.complete(streamError(answer), null);
    }
    if (!wantsLogTail || streamed !== null) onAnswered();
    failure = await untilReady(core, brought, clock.deadline, "runtime");
  }
  times.note("ready");
  // An extension that still runs may be in the middle of a line.
  if (failure !== null || brought.agents.areReadyAt("invoke")) core.log.flushOutput();
  core.log.writePlatform(times.runtimeDone(request.input, reportStatus(failure, answer)));
  if (failure === null) failure = await untilReady(core, brought, clock.deadline, "invoke");
  core.noteFailure(failure);
  clock.deadline.cancel();
  await endInvocation(core, invocation, failure, answer, times);
  if (answer === null) {
    if (streamed === null) request.reply(failureOutcome(core, request, failure));
    else streamed.complete(cutBy(core, request, failure), core.log.takeTail());
  } else if (wantsLogTail) {
    if (streamed === null) request.reply(toOutcome(core, answer, core.log.takeTail()));
    else streamed.complete(streamError(answer), core.log.takeTail());
  }
  return failure;
}

function streamError({ errorType, lateDetails }: Answer): StreamCompletion["error"] {
  return errorType === null ? null : { code: errorType, details: lateDetails };
}

/**
 * Tells the error of a stream that ended with its environment. AWS's types: environment-behaviour, section 1.4, of
 * which the public source of its emulator is the evidence.
 */
function cutBy(core: EnvironmentCore, request: InvokeRequest, failure: Failure | null): StreamCompletion["error"] {
  const payload = failure === null ? null : failurePayload(failure, request.input.requestId, core.version.timeoutS);
  const code =
    failure?.kind === "timeout" ? "Sandbox.Timeout" : failure?.kind === "exit" ? STREAM_ERRORS.cut : "Sandbox.Failure";
  return { code, details: payload?.toString("utf8") ?? "" };
}

/** Waits for the end of the response. The reply to a streamed one is given at its head. */
async function untilAnswered(core: EnvironmentCore, invocation: Invocation, times: InvokeTimes): Promise<Answered> {
  const { brought, request, clock } = invocation;
  const result = await waitFor(core, brought, clock.deadline, ANSWERS);
  if (result.kind === "failed") return { answer: null, failure: result.failure, streamed: null };
  noteFirstResponse(core, clock);
  times.note("responded");
  if (result.event.kind === "response-too-large")
    core.log.writeLine(`[thaw] The response had ${result.event.sizeBytes} bytes.`);
  if (result.event.kind !== "response-begin") times.noteAnswer(result.event);
  if (result.event.kind !== "response-begin") return { answer: toAnswer(result.event), failure: null, streamed: null };
  const { body, contentType } = result.event;
  const streamed = new StreamedReply();
  request.reply({
    kind: "response",
    payload: body,
    functionError: null,
    logTail: null,
    stream: { contentType, completion: streamed.completion },
    environmentId: core.environmentId,
  });
  const ended = await waitFor(core, brought, clock.deadline, ["response-end"]);
  if (ended.kind === "failed") {
    body.fail();
    return { answer: null, failure: ended.failure, streamed };
  }
  times.note("sent");
  const { end, lateError } = ended.event;
  const errorType = lateError?.errorType ?? STREAM_ERRORS[end];
  const lateDetails = lateError?.payload.toString("utf8") ?? "";
  const answer: Answer = { payload: body, functionError: null, handlerError: null, errorType, lateDetails };
  return { answer, failure: null, streamed };
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
  const times = new InvokeTimes(core.services.clock);
  core.log.writePlatform(times.runtimeDone(request.input, reportStatus(failure, null)));
  await endInvocation(core, invocation, failure, null, null);
  request.reply(failureOutcome(core, request, failure));
}

function beginInvocation(core: EnvironmentCore, request: InvokeRequest): void {
  core.log.beginPhase();
  if (request.input.wantsLogTail) core.log.beginTail();
  const { requestId, traceId } = request.input;
  core.log.writePlatform({ kind: "start", requestId, version: core.version.version, trace: readTrace(traceId) });
}

async function endInvocation(
  core: EnvironmentCore,
  invocation: Invocation,
  failure: Failure | null,
  answer: Answer | null,
  times: InvokeTimes | null,
): Promise<void> {
  const { brought, request, clock, cold } = invocation;
  const { requestId } = request.input;
  const timeoutMs = core.version.timeoutS * 1000;
  const elapsedMs = core.nowMs() - clock.startMs;
  // A timer is never early, but may be late; AWS reports the limit itself.
  const durationMs = failure?.kind === "timeout" ? timeoutMs : elapsedMs;
  core.log.flushOutput();
  if (failure !== null) writeFailureLine(core, requestId, failure);
  core.log.writePlatform({ kind: "end", requestId });
  const overhead = brought.extensions.all.length > 0 && times !== null ? times.extensionOverhead(failure) : null;
  const memoryMaxMib = await core.measureMemoryMaxMib(brought.sandbox);
  core.services.onInvocation(invocationReport(core, invocation, { failure, answer, durationMs, memoryMaxMib }));
  core.log.writePlatform({
    kind: "report",
    report: {
      requestId,
      durationMs,
      memorySizeMib: core.version.memorySizeMib,
      memoryMaxMib,
      ...cold,
      status: reportStatus(failure, answer),
      trace: readTrace(request.input.traceId),
      ...(overhead === null ? {} : { extensionOverhead: overhead }),
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
    const text = `${time} ${requestId} ${describeTimeout(core.version.timeoutS)}`;
    core.log.writeLine(`${text}\n`);
    core.telemetry.platform({ kind: "fault", text });
  } else if (failure.kind === "exit") {
    const text = `RequestId: ${requestId} Error: ${failure.message}\n${failure.errorType}`;
    core.log.writeLine(text);
    core.telemetry.platform({ kind: "fault", text });
    // It is in Init's part of the log, too; the one who invoked sees this part only.
    if (failure.explanation !== undefined) core.log.writeLine(`[thaw] ${failure.explanation}`);
  }
}

function toAnswer(
  event: Extract<RuntimeEvent, { kind: "response" | "response-too-large" | "invocation-error" }>,
): Answer {
  switch (event.kind) {
    case "response":
      return {
        payload: wholeBody(event.payload),
        functionError: null,
        handlerError: null,
        errorType: null,
        lateDetails: "",
      };
    case "invocation-error":
      // The handler's error is an answer, not a failed invocation.
      return {
        payload: wholeBody(event.payload),
        functionError: "Unhandled",
        handlerError: event.errorType,
        errorType: null,
        lateDetails: "",
      };
    case "response-too-large":
      return {
        payload: wholeBody(responseTooLargePayload()),
        functionError: "Unhandled",
        handlerError: null,
        errorType: TOO_LARGE,
        lateDetails: "",
      };
  }
}

function toOutcome(core: EnvironmentCore, answer: Answer, logTail: Buffer | null): InvokeOutcome {
  return {
    kind: "response",
    payload: answer.payload,
    functionError: answer.functionError,
    logTail,
    stream: null,
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
      stream: null,
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
