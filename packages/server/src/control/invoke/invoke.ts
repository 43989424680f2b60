/** Invoke (RequestResponse, Event and DryRun) and InvokeWithResponseStream. */
import { isMap } from "@thaw/installation/json-map";
import { ApiError, conflict } from "../../model/api-error.ts";
import { chooseVersion } from "../../model/alias-routing.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import {
  type AliasRecord,
  type EventRecord,
  type FunctionRecord,
  LATEST,
  type VersionRecord,
} from "../../model/function-record.ts";
import { CHAIN_RUNS_MAX, headerOfRun, runsBefore } from "../../model/trace-header.ts";
import { PLATFORM_ERRORS, type PlatformCode } from "../../model/platform-errors.ts";
import { withSegment } from "../../model/trace.ts";
import type { InvokeOutcome, InvokeRefusal } from "../../ports/worker.ts";
import type { SnapshotId } from "../../base/ids.ts";
import type { Concurrency } from "../concurrency/concurrency.ts";
import type { AcceptedRun } from "./accepted-run.ts";
import { type BufferedOutcome, takeWhole } from "./buffered.ts";
import { recursionOf } from "./event-config.ts";
import { ASYNC_ARGS_SIZE_BYTES_MAX, EVENT_SIZE_BYTES_MAX, REQUEST_SIZE_BYTES_MAX } from "./payload-sizes.ts";
import { streamEvents } from "./response-stream.ts";
import type { EventQueue } from "./event-queue.ts";
import { checkNotFailed, type FoundVersion, findVersion } from "../records/lookup.ts";
import type { Publisher } from "../snapshots/publisher.ts";
import type { RunnableVersions } from "../records/runnable-version.ts";
import type { Call, In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";
import type { VersionUses } from "../snapshots/version-uses.ts";

/** The type that AWS gives a streamed response whose runtime names none. */
const DEFAULT_CONTENT_TYPE = "application/octet-stream";
const EMPTY_EVENT = Buffer.from("{}");
/** Codes of a restore after which a new snapshot is made, and how often in a row they must come. */
const SNAPSHOT_UNUSABLE: Readonly<Partial<Record<PlatformCode, number>>> = {
  SANDBOX_SNAPSHOT_DAMAGED: 1,
  WORKER_SNAPSHOT_UNFIT: 1,
  SANDBOX_RESTORE_FAILED: 2,
};

/** How often an invoke looks again at a function that is changed all the time; then it goes on with what it has. */
const FINDS_MAX = 5;

type Needs = Pick<
  ControlParts,
  "scope" | "store" | "changes" | "worker" | "clock" | "random" | "onProblem" | "onFallback" | "onAsync"
>;

/** Parts of the control plane that an invoke goes through. */
export interface InvokeParts {
  readonly publisher: Publisher;
  readonly events: EventQueue;
  readonly uses: VersionUses;
  readonly concurrency: Concurrency;
  readonly runnables: RunnableVersions;
}

/** A single run of a function, for a client or for an accepted event. */
interface Attempt {
  readonly payload: Buffer;
  readonly requestId: string;
  /** The header X-Amzn-Trace-Id of the chain of requests that the attempt belongs to. */
  readonly traceId: string;
  /** Base64 of a JSON object, as the client sent it; null where it sent none. */
  readonly clientContext: string | null;
  readonly wantsLogTail: boolean;
  readonly isStreamed: boolean;
}

/** An event that is no request of Invoke. */
export interface MadeEvent extends Pick<Attempt, "payload" | "requestId" | "isStreamed"> {
  /** Null: it begins a chain of requests. */
  readonly traceId: string | null;
  readonly functionName: string;
  readonly qualifier: string | null;
  readonly clientContext?: string | null;
}

/** A version that was found, and the function's epoch from before it was read. */
interface Found {
  readonly found: FoundVersion;
  readonly epoch: number;
}

interface Ran {
  readonly version: VersionRecord;
  readonly outcome: InvokeOutcome;
}

/** A request for one synchronous run. */
type Request = In<"Invoke"> | In<"InvokeWithResponseStream">;

export function invokeOperations(
  invoke: InvokeOperation,
): OperationsOf<"Invoke" | "InvokeAsync" | "InvokeWithResponseStream"> {
  return {
    InvokeAsync: (input, call) => invoke.invokeAsync(input, call),
    Invoke: (input, call) => invoke.invoke(input, call),
    InvokeWithResponseStream: (input, call) => invoke.invokeStreamed(input, call),
  };
}

export class InvokeOperation {
  readonly #services: Needs;
  readonly #publisher: Publisher;
  readonly #events: EventQueue;
  readonly #uses: VersionUses;
  readonly #concurrency: Concurrency;
  readonly #runnables: RunnableVersions;
  /** Restores that failed in a row. */
  readonly #failedRestores = new Map<SnapshotId, number>();

  constructor(services: Needs, parts: InvokeParts) {
    this.#services = services;
    this.#publisher = parts.publisher;
    this.#events = parts.events;
    this.#uses = parts.uses;
    this.#concurrency = parts.concurrency;
    this.#runnables = parts.runnables;
  }

  async invoke(input: In<"Invoke">, call: Call): Promise<Out<"Invoke">> {
    const isEvent = input.InvocationType === "Event";
    const attempt = this.#toAttempt(input, call, isEvent ? EVENT_SIZE_BYTES_MAX : REQUEST_SIZE_BYTES_MAX, false);
    const now = await this.#find(input.FunctionName, input.Qualifier);
    const { found } = now;
    if (input.InvocationType === "DryRun") return { StatusCode: 204, ExecutedVersion: found.version.version };
    await this.checkInvocable(found.version);
    if (isEvent) {
      await this.#accept(found, attempt);
      return { StatusCode: 202 };
    }
    const { version, outcome } = await this.#enter(now, attempt);
    return this.#toOutput(version, await takeWhole(outcome));
  }

  /** The old form of an asynchronous invoke, with AWS's limit for it. */
  async invokeAsync(input: In<"InvokeAsync">, call: Call): Promise<Out<"InvokeAsync">> {
    const { FunctionName } = input;
    const attempt = this.#toAttempt({ FunctionName }, call, ASYNC_ARGS_SIZE_BYTES_MAX, false);
    const { found } = await this.#find(FunctionName, undefined);
    await this.checkInvocable(found.version);
    await this.#accept(found, attempt);
    return { Status: 202 };
  }

  /** AWS hands a client context on to the function in synchronous invokes alone. */
  #accept({ owner, qualifier }: FoundVersion, { requestId, payload, traceId }: Attempt): Promise<void> {
    const event = { requestId, functionName: owner.name, qualifier, payload, clientContext: null, traceId };
    return this.#events.accept(event);
  }

  async invokeStreamed(input: In<"InvokeWithResponseStream">, call: Call): Promise<Out<"InvokeWithResponseStream">> {
    const attempt = this.#toAttempt(input, call, REQUEST_SIZE_BYTES_MAX, true);
    const now = await this.#find(input.FunctionName, input.Qualifier);
    const { version: asked } = now.found;
    if (input.InvocationType === "DryRun") return { StatusCode: 204, ExecutedVersion: asked.version };
    await this.checkInvocable(asked);
    const { version, outcome } = await this.#enter(now, attempt);
    if (outcome.kind !== "response") throw await this.#toError(version, outcome);
    return {
      StatusCode: 200,
      ExecutedVersion: version.version,
      EventStream: streamEvents(outcome),
      ResponseStreamContentType: outcome.stream?.contentType ?? DEFAULT_CONTENT_TYPE,
    };
  }

  /**
   * Makes one attempt at an event that was accepted. Each is an invoke of its own: an alias chooses anew. Throws where
   * it could not be run.
   */
  async runAccepted(event: EventRecord): Promise<AcceptedRun> {
    const now = await this.#find(event.functionName, event.qualifier ?? undefined);
    if (now.found.owner.reservedConcurrency === 0) return { kind: "zero-concurrency" };
    const { version, outcome } = await this.#runMade(now, { ...event, isStreamed: false });
    return { kind: "ran", executedVersion: version.version, outcome: await takeWhole(outcome) };
  }

  /** Runs a function with an event that was made here. Throws an ApiError where it can't be invoked now. */
  async runEvent(event: MadeEvent): Promise<InvokeOutcome> {
    return (await this.runVersion(event)).outcome;
  }

  /** As `runEvent`, with the version that ran. */
  async runVersion(event: MadeEvent): Promise<{ readonly executedVersion: string; readonly outcome: InvokeOutcome }> {
    const now = await this.#find(event.functionName, event.qualifier ?? undefined);
    const { version, outcome } = await this.#runMade(now, event);
    return { executedVersion: version.version, outcome };
  }

  async #runMade(now: Found, event: MadeEvent): Promise<Ran> {
    const { payload, requestId, isStreamed } = event;
    await this.checkInvocable(now.found.version);
    const clientContext = event.clientContext ?? null;
    const traceId = event.traceId ?? this.#newTraceId();
    return this.#enter(now, { payload, requestId, traceId, clientContext, wantsLogTail: false, isStreamed });
  }

  /**
   * Throws where the function has come back to itself so often in one chain of requests that it is a loop.
   * https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
   */
  async #checkChain({ name }: FunctionRecord, traceId: string): Promise<void> {
    if (runsBefore(traceId, functionArn(this.#services.scope, name)) < CHAIN_RUNS_MAX) return;
    if ((await recursionOf(this.#services, name)) === "Allow") return;
    this.#services.onAsync({ kind: "recursion-dropped", functionName: name });
    throw new ApiError(
      "RecursiveInvocationException",
      "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your function's invocation.",
    );
  }

  /** Runs within the limits of concurrency, which a streamed response leaves at its end. */
  async #enter({ found, epoch }: Found, attempt: Attempt): Promise<Ran> {
    await this.#checkChain(found.owner, attempt.traceId);
    const entered = await this.#concurrency.enter(found.owner, found.version.version);
    if ("throttled" in entered)
      return { version: found.version, outcome: { kind: "throttled", reason: entered.throttled } };
    let isStreaming = false;
    try {
      const ran = await this.#run(found, epoch, attempt);
      if (ran.outcome.kind === "response" && ran.outcome.stream !== null) {
        isStreaming = true;
        void ran.outcome.stream.completion.then(entered.leave);
      }
      return ran;
    } finally {
      if (!isStreaming) entered.leave();
    }
  }

  async #run(found: FoundVersion, epoch: number, attempt: Attempt): Promise<Ran> {
    const { scope, worker } = this.#services;
    const { owner, version, qualifier } = await this.#touch(found, epoch);
    const runnable = this.#runnables.of(owner, version);
    const outcome = await worker.invoke(runnable, {
      requestId: attempt.requestId,
      payload: attempt.payload,
      invokedFunctionArn: functionArn(scope, owner.name, qualifier),
      clientContext: attempt.clientContext === null ? null : decodeContext(attempt.clientContext),
      traceId: this.#traceHeader(attempt, owner.name, version),
      wantsLogTail: attempt.wantsLogTail,
      ...(attempt.isStreamed ? { isStreamed: true } : {}),
    });
    if (version.snapshotId !== null) await this.#judgeSnapshot(version, version.snapshotId, outcome);
    return { version, outcome };
  }

  /**
   * Notes the use of a version, and makes sure that it is still what was found: where it was changed meanwhile, its
   * snapshot may be on its way out. The worker is to be asked in the same turn that this one resolves in: what is
   * removed after that waits for the invoke.
   */
  async #touch(found: FoundVersion, epoch: number): Promise<FoundVersion> {
    const { changes } = this.#services;
    let now = { found, epoch };
    for (let count = 0; count < FINDS_MAX; count++) {
      const { owner, version, qualifier } = now.found;
      if (version.snapshotId !== null) await this.#uses.touch(owner.name, version.version);
      if (changes.epochOf(owner.name) === now.epoch) break;
      now = await this.#find(owner.name, qualifier ?? undefined);
      await this.checkInvocable(now.found.version);
    }
    return now.found;
  }

  /** Checks what the client sent. Throws an ApiError where it is too large, or not what it must be. */
  #toAttempt(
    input: Pick<Request, "FunctionName" | "ClientContext" | "LogType">,
    { body, requestId, traceId }: Call,
    limit: number,
    isStreamed: boolean,
  ): Attempt {
    if (body.length > limit) throw tooLarge(body.length, limit);
    const payload = checkPayload(body);
    const clientContext = input.ClientContext ?? null;
    if (clientContext !== null) checkContext(clientContext);
    const wantsLogTail = input.LogType === "Tail";
    return { payload, requestId, traceId: traceId ?? this.#newTraceId(), clientContext, wantsLogTail, isStreamed };
  }

  /** Every invocation has one on AWS; nothing is sampled where nobody asked for it. */
  #newTraceId(): string {
    const { clock, random } = this.#services;
    const seconds = Math.floor(clock.nowMs() / 1000).toString(16);
    return `Root=1-${seconds}-${random.bytes(12).toString("hex")};Parent=${random.bytes(8).toString("hex")};Sampled=0`;
  }

  /** The header that the function gets: a segment of its own is its parent where it asks for one. */
  #traceHeader({ traceId }: Attempt, name: string, { config }: VersionRecord): string {
    const { scope, random } = this.#services;
    const header = headerOfRun(traceId, functionArn(scope, name));
    return config.tracingMode === "Active" ? withSegment(header, random.bytes(8).toString("hex")) : header;
  }

  /** Throws an ApiError where the version can't be invoked now; one without its snapshot is initialised again. */
  async checkInvocable(version: VersionRecord): Promise<void> {
    if (
      version.isRegenerating ||
      (version.state === "Inactive" && version.config.snapStartApplyOn === "PublishedVersions")
    ) {
      throw await this.#publisher.wake(version);
    }
    if (version.state === "Active") return;
    checkNotFailed(version);
    throw conflict(
      `The operation cannot be performed at this time. The function is currently in the following state: ${version.state}`,
    );
  }

  async #judgeSnapshot(version: VersionRecord, snapshotId: SnapshotId, outcome: InvokeOutcome): Promise<void> {
    const enough = outcome.kind === "platform-error" ? SNAPSHOT_UNUSABLE[outcome.code] : undefined;
    if (outcome.kind === "response") this.#failedRestores.delete(snapshotId);
    if (outcome.kind !== "platform-error" || enough === undefined) return;
    const failed = (this.#failedRestores.get(snapshotId) ?? 0) + 1;
    this.#failedRestores.set(snapshotId, failed);
    if (failed < enough) return;
    this.#failedRestores.delete(snapshotId);
    this.#services.onProblem(
      `${version.functionName}:${version.version}: ${outcome.code}; the snapshot is made anew`,
      new Error(outcome.message),
    );
    this.#services.onFallback(version.functionName, version.version, outcome.code);
    await this.#publisher.regenerate(version);
  }

  async #find(functionName: string, qualifier: string | undefined): Promise<Found> {
    const { scope, changes } = this.#services;
    // Read before the rows: what is changed while they are read is noticed.
    const epoch = changes.epochOf(parseFunctionName(scope, functionName, qualifier).name);
    // A function that is not there is shown with `:$LATEST` here (environment-behaviour.md 1.6).
    const choose = (alias: AliasRecord): string => chooseVersion(alias, this.#services.random.fraction());
    return { found: await findVersion(this.#services, functionName, qualifier, choose, LATEST), epoch };
  }

  async #toOutput(version: VersionRecord, outcome: BufferedOutcome): Promise<Out<"Invoke">> {
    if (outcome.kind !== "response") throw await this.#toError(version, outcome);
    return {
      StatusCode: 200,
      Payload: outcome.payload,
      ExecutedVersion: version.version,
      ...(outcome.functionError === null ? {} : { FunctionError: outcome.functionError }),
      ...(outcome.logTail === null ? {} : { LogResult: outcome.logTail.toString("base64") }),
    };
  }

  async #toError(version: VersionRecord, refusal: InvokeRefusal): Promise<ApiError> {
    // It was made anew already.
    if (refusal.kind === "platform-error" && refusal.code === "WORKER_SNAPSHOT_UNFIT") {
      const current = await this.#services.store.getVersion(version.functionName, version.version);
      await this.checkInvocable(current ?? version);
    }
    return refusalOf(refusal);
  }
}

/** Makes the error of a refusal, in AWS's words. */
export function refusalOf(outcome: InvokeRefusal): ApiError {
  switch (outcome.kind) {
    case "throttled":
      return new ApiError("TooManyRequestsException", "Rate Exceeded.", { Reason: outcome.reason });
    case "restore-error":
      return new ApiError("SnapStartException", outcome.message);
    case "restore-timeout":
      return new ApiError("SnapStartTimeoutException", outcome.message);
    case "platform-error":
      return new ApiError(PLATFORM_ERRORS[outcome.code].apiError, outcome.message);
  }
}

/** AWS has another error for events: https://github.com/ASFHyP3/hyp3/issues/2241 shows one. */
function tooLarge(sizeBytes: number, limit: number): ApiError {
  if (limit === REQUEST_SIZE_BYTES_MAX)
    return new ApiError(
      "RequestTooLargeException",
      `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
    );
  return new ApiError(
    "RequestEntityTooLargeException",
    `${sizeBytes} byte payload is too large for the Event invocation type (limit ${limit} bytes)`,
  );
}

/** Throws where bytes are no UTF-8, as AWS does: the function must not see other text than was checked. */
const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function checkPayload(payload: Buffer): Buffer {
  if (payload.length === 0) return EMPTY_EVENT;
  try {
    JSON.parse(UTF_8.decode(payload));
  } catch (error) {
    throw new ApiError(
      "InvalidRequestContentException",
      `Could not parse request body into json: Could not parse payload into json: ${(error as Error).message}`,
    );
  }
  return payload;
}

function checkContext(text: string): void {
  const refused = new ApiError(
    "InvalidRequestContentException",
    "Client context must be a valid Base64-encoded JSON object.",
  );
  try {
    const context: unknown = JSON.parse(UTF_8.decode(Buffer.from(text, "base64")));
    if (isMap(context)) return;
  } catch {
    throw refused;
  }
  throw refused;
}

/**
 * Decodes the client context for the runtime's header. Characters beyond the basic plane become JSON escapes: the Java
 * client hands the header on through JNI's modified UTF-8, which cuts the text short after the first of them.
 */
function decodeContext(text: string): string {
  const escape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16)}`;
  return Buffer.from(text, "base64")
    .toString("utf8")
    .replace(/[\ud800-\udfff]/g, escape);
}
