/**
 * The runtime's part of the Runtime API: answers its calls and tells the environment's driver what happened. Long polls
 * (`restore/next`, `invocation/next`) are kept until the driver releases them. Codes, bodies and headers are AWS's
 * (docs/reference/snapstart-behaviour.md, section 3).
 *
 * Events are emitted in the turn in which the runtime's call, or the end of its body, came in: a response is told
 * before an exit that followed it.
 */
import type { Body, BodyEnd, KeptBody } from "../../base/body.ts";
import { newInvocationId } from "../../base/ids.ts";
import { RESPONSE_SIZE_BYTES_MAX, STREAM_SIZE_BYTES_MAX } from "../../model/payload-limits.ts";
import type { CallBody, RuntimeCall } from "../../ports/supervisor.ts";
import { validateErrorType } from "../function-errors.ts";
import { ACCEPTED_BODY, errorBody, JSON_HEADERS } from "./answers.ts";
import type { RuntimeRoute } from "./routes.ts";
import { decideMove, type RuntimeMove, type RuntimeState } from "./state.ts";

/** A body that is handed on while it comes. `fail` ends it when the environment does. */
export type StreamedBody = Body & Pick<CallBody, "fail">;

/** An error of the function after the head of its response was sent: AWS's clients tell it in the trailers. */
export interface LateError {
  readonly errorType: string;
  /** The error document, as the runtime sent it. */
  readonly payload: Buffer;
}

export type RuntimeEvent =
  | { readonly kind: "restore-next" }
  | { readonly kind: "invocation-next" }
  | { readonly kind: "init-error" | "restore-error"; readonly errorType: string; readonly body: Buffer }
  | { readonly kind: "response"; readonly payload: Buffer }
  /** The head of a response that the runtime streams to an invoke that takes it so; `response-end` follows. */
  | { readonly kind: "response-begin"; readonly body: StreamedBody; readonly contentType: string | null }
  | { readonly kind: "response-end"; readonly end: BodyEnd["kind"]; readonly lateError: LateError | null }
  | { readonly kind: "response-too-large"; readonly sizeBytes: number }
  | { readonly kind: "invocation-error"; readonly errorType: string; readonly payload: Buffer };

export interface InvocationEvent {
  readonly requestId: string;
  readonly deadlineMs: number;
  readonly invokedFunctionArn: string;
  readonly traceId: string | null;
  readonly clientContext: string | null;
  readonly payload: Buffer;
  /** True: a response that the runtime streams is handed on piece by piece. */
  readonly isStreamed: boolean;
}

const ERROR_WITH_CAUSE = "application/vnd.aws.lambda.error.cause+json";

export class RuntimeSession {
  readonly #emit: (event: RuntimeEvent) => void;
  #state: RuntimeState = "Started";
  /** The long poll that is being held. */
  #parked: RuntimeCall | null = null;
  /** The event of the running invocation, or one that waits for a runtime that hung up on its poll. */
  #event: InvocationEvent | null = null;
  #requestId: string | null = null;
  #invocationId = "";

  constructor(emit: (event: RuntimeEvent) => void) {
    this.#emit = emit;
  }

  get state(): RuntimeState {
    return this.#state;
  }

  handleCall(call: RuntimeCall, route: RuntimeRoute): void {
    switch (route.action) {
      case "invocation-next":
        return this.#handleInvocationNext(call);
      case "response":
        return this.#handleResponse(call, route.requestId);
      case "invocation-error":
        return this.#handleInvocationError(call, route.requestId);
      case "init-error":
        return this.#handleReport(call, "init-error");
      case "restore-next":
        return this.#handleRestoreNext(call);
      case "restore-error":
        return this.#handleReport(call, "restore-error");
    }
  }

  handleAbandoned(call: RuntimeCall): void {
    if (this.#parked === call) this.#parked = null;
  }

  /** Lets a runtime in restore/next go on. Its next move is /restore/error, /init/error or invocation/next. */
  releaseRestore(): void {
    this.#state = "Restoring";
    this.#parked?.respond(200, {}, "");
    this.#parked = null;
  }

  /** Hands the event to a Ready runtime, now or when it polls again. */
  deliver(event: InvocationEvent): void {
    this.#event = event;
    this.#requestId = event.requestId;
    this.#invocationId = newInvocationId();
    const call = this.#parked;
    if (call === null) return;
    this.#parked = null;
    this.#answerInvocation(call, event);
  }

  #answerInvocation(call: RuntimeCall, event: InvocationEvent): void {
    this.#state = "Running";
    const headers: Record<string, string> = {
      "Content-Type": "application/json",
      "Lambda-Runtime-Aws-Request-Id": event.requestId,
      "Lambda-Runtime-Invocation-Id": this.#invocationId,
      "Lambda-Runtime-Deadline-Ms": String(event.deadlineMs),
      "Lambda-Runtime-Invoked-Function-Arn": event.invokedFunctionArn,
    };
    if (event.traceId !== null) headers["Lambda-Runtime-Trace-Id"] = event.traceId;
    if (event.clientContext !== null) headers["Lambda-Runtime-Client-Context"] = event.clientContext;
    call.respond(200, headers, event.payload);
  }

  #handleInvocationNext(call: RuntimeCall): void {
    call.body.cancel();
    const before = this.#state;
    if (!this.#move(call, "invocation-next")) return;
    if (before === "Running" && this.#event !== null) return this.#answerInvocation(call, this.#event);
    if (before === "RuntimeResponseSentState") this.#event = null;
    if (before === "Ready") {
      if (this.#event !== null) return this.#answerInvocation(call, this.#event);
      // The runtime polls again (its client timed out): no news for the driver.
      this.#parked?.abort();
      this.#parked = call;
      return;
    }
    this.#parked = call;
    this.#emit({ kind: "invocation-next" });
  }

  #handleRestoreNext(call: RuntimeCall): void {
    call.body.cancel();
    // A client that hung up on its poll and asks again is still where it was.
    if (this.#state === "RestoreReady" && this.#parked === null) {
      this.#parked = call;
      return;
    }
    if (!this.#move(call, "restore-next")) return;
    this.#parked = call;
    this.#emit({ kind: "restore-next" });
  }

  #handleResponse(call: RuntimeCall, requestId: string): void {
    if (!this.#checkRequestId(call, requestId)) return;
    const mode = call.headers.get("lambda-runtime-function-response-mode");
    if (!this.#move(call, "response")) return;
    if (mode !== undefined && mode !== "" && mode !== "streaming") {
      const message = "Invalid function response mode";
      call.respond(400, JSON_HEADERS, errorBody("InvalidFunctionResponseMode", message));
      this.#state = "RuntimeResponseSentState";
      const errorType = "Runtime.InvalidResponseModeHeader";
      this.#emit({ kind: "invocation-error", errorType, payload: Buffer.from(errorBody(errorType, message)) });
      return;
    }
    if (this.#event?.isStreamed === true && mode === "streaming") return this.#streamResponse(call);
    this.#keepBody(call, (payload) => {
      // What came before the error is of no use to an invoke that wants its response whole.
      const lateError = readLateError(call);
      if (lateError === null) this.#emit({ kind: "response", payload });
      else this.#emit({ kind: "invocation-error", ...lateError });
    });
  }

  #streamResponse(call: RuntimeCall): void {
    call.body.stream(STREAM_SIZE_BYTES_MAX, (end) => {
      // Also when it was cut: its beginning has been handed on, so the runtime can't send it again.
      this.#state = "RuntimeResponseSentState";
      if (end.kind === "too-large") refuseTooLarge(call, STREAM_SIZE_BYTES_MAX);
      else call.respond(202, JSON_HEADERS, ACCEPTED_BODY);
      this.#emit({ kind: "response-end", end: end.kind, lateError: readLateError(call) });
    });
    this.#emit({ kind: "response-begin", body: call.body, contentType: call.headers.get("content-type") ?? null });
  }

  #handleInvocationError(call: RuntimeCall, requestId: string): void {
    if (!this.#checkRequestId(call, requestId)) return;
    if (!this.#move(call, "invocation-error")) return;
    const hasCause = call.headers.get("content-type") === ERROR_WITH_CAUSE;
    this.#keepBody(call, (body) =>
      this.#emit({
        kind: "invocation-error",
        errorType: validateErrorType(call.headers.get("lambda-runtime-function-error-type")),
        payload: hasCause ? withoutCause(body) : body,
      }),
    );
  }

  /** Takes the body of a response or an error whole. The call counts when the end of the body has come. */
  #keepBody(call: RuntimeCall, accept: (body: Buffer) => void): void {
    call.body.keep(RESPONSE_SIZE_BYTES_MAX, (kept) => {
      // A runtime whose call was cut off may try again.
      this.#state = kept.kind === "cut" ? "Running" : "RuntimeResponseSentState";
      switch (kept.kind) {
        case "cut":
          return;
        case "too-large":
          refuseTooLarge(call, RESPONSE_SIZE_BYTES_MAX);
          return this.#emit({ kind: "response-too-large", sizeBytes: kept.lengthBytes });
        case "whole":
          call.respond(202, JSON_HEADERS, ACCEPTED_BODY);
          return accept(kept.bytes);
      }
    });
  }

  #handleReport(call: RuntimeCall, move: "init-error" | "restore-error"): void {
    call.body.keep(RESPONSE_SIZE_BYTES_MAX, (kept) => {
      if (kept.kind !== "cut") this.#report(call, move, kept);
    });
  }

  #report(call: RuntimeCall, move: "init-error" | "restore-error", kept: Exclude<KeptBody, { kind: "cut" }>): void {
    const wasRestoring = this.#state === "Restoring";
    if (!this.#move(call, move)) return;
    call.respond(202, JSON_HEADERS, ACCEPTED_BODY);
    // Clients report after-restore errors to /init/error too; AWS takes them as restore errors.
    this.#emit({
      kind: wasRestoring ? "restore-error" : "init-error",
      errorType: validateErrorType(call.headers.get("lambda-runtime-function-error-type")),
      body: kept.kind === "whole" ? kept.bytes : Buffer.alloc(0),
    });
  }

  #checkRequestId(call: RuntimeCall, requestId: string): boolean {
    if (requestId !== this.#requestId) {
      call.respond(400, JSON_HEADERS, errorBody("InvalidRequestID", "Invalid request ID"));
      return false;
    }
    // Clients from before 2026 don't send it back. The error's text is not known.
    const echoed = call.headers.get("lambda-runtime-invocation-id");
    if (echoed === undefined || echoed === this.#invocationId) return true;
    call.respond(400, JSON_HEADERS, errorBody("InvalidInvocationId", "Invalid invocation ID"));
    return false;
  }

  #move(call: RuntimeCall, move: RuntimeMove): boolean {
    const decision = decideMove(this.#state, move);
    if (decision.kind === "forbidden") {
      call.respond(403, JSON_HEADERS, errorBody("InvalidStateTransition", decision.message));
      return false;
    }
    this.#state = decision.state;
    return true;
  }
}

function refuseTooLarge(call: RuntimeCall, sizeBytesMax: number): void {
  const message = `Exceeded maximum allowed payload size (${sizeBytesMax} bytes).`;
  call.respond(413, JSON_HEADERS, errorBody("RequestEntityTooLarge", message));
}

/** Reads an error that came after the body. Null where there is none. */
function readLateError({ trailers }: RuntimeCall): LateError | null {
  const errorType = trailers.get("lambda-runtime-function-error-type");
  if (errorType === undefined) return null;
  const payload = Buffer.from(trailers.get("lambda-runtime-function-error-body") ?? "", "base64");
  return { errorType: validateErrorType(errorType), payload };
}

/** Returns the part of an error document with an X-Ray cause that the caller of Invoke sees. */
function withoutCause(body: Buffer): Buffer {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    if (typeof parsed === "object" && parsed !== null) {
      const { errorMessage, errorType, stackTrace } = parsed as Record<string, unknown>;
      return Buffer.from(JSON.stringify({ errorMessage, errorType, stackTrace }));
    }
  } catch {
    // Not JSON: AWS answers with a fixed text.
  }
  return Buffer.from(JSON.stringify("Invalid error body"));
}
