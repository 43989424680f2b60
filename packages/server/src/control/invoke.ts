/** Invoke: RequestResponse, Event and DryRun. */
import type { OperationTypes } from "@thaw/lambda-api";
import { ApiError, conflict } from "../model/api-error.ts";
import { chooseVersion } from "../model/alias-routing.ts";
import { functionArn } from "../model/function-name.ts";
import type { VersionRecord } from "../model/function-record.ts";
import type { InvokeOutcome } from "../ports/worker.ts";
import type { EventQueue } from "./event-queue.ts";
import { type FoundVersion, findVersion } from "./lookup.ts";
import type { Publisher } from "./publisher.ts";
import { toRunnableVersion } from "./runnable-version.ts";
import type { ControlServices } from "./services.ts";

const REQUEST_SIZE_BYTES_MAX = 6_291_456;
const EVENT_SIZE_BYTES_MAX = 1_048_576;
const EMPTY_EVENT = Buffer.from("{}");
/** Snapshot codes after which a new snapshot is made. */
const SNAPSHOT_UNUSABLE = new Set(["SANDBOX_SNAPSHOT_DAMAGED"]);

/** AWS's errors for a key that does not answer. */
const KEY_ERRORS: Readonly<Record<string, "KMSAccessDeniedException" | "KMSDisabledException" | "KMSInvalidStateException" | "KMSNotFoundException">> = {
  KMS_ACCESS_DENIED: "KMSAccessDeniedException",
  KMS_DISABLED: "KMSDisabledException",
  KMS_INVALID_STATE: "KMSInvalidStateException",
  KMS_NOT_FOUND: "KMSNotFoundException",
};

export interface InvokeRequest extends Omit<OperationTypes["Invoke"]["input"], "Payload"> {
  readonly payload: Buffer;
  readonly requestId: string;
  readonly traceId: string | null;
}

export class InvokeOperation {
  readonly #services: ControlServices;
  readonly #publisher: Publisher;
  readonly #events: EventQueue;

  constructor(services: ControlServices, publisher: Publisher, events: EventQueue) {
    this.#services = services;
    this.#publisher = publisher;
    this.#events = events;
  }

  async invoke(request: InvokeRequest): Promise<OperationTypes["Invoke"]["output"]> {
    const isEvent = request.InvocationType === "Event";
    const limit = isEvent ? EVENT_SIZE_BYTES_MAX : REQUEST_SIZE_BYTES_MAX;
    if (request.payload.length > limit)
      throw new ApiError("RequestTooLargeException", `Request must be smaller than ${limit} bytes for the InvokeFunction operation`);
    const payload = checkPayload(request.payload);
    const found = this.#find(request);
    if (request.InvocationType === "DryRun") return { StatusCode: 204, ExecutedVersion: found.version.version };
    checkInvocable(found.version);
    if (isEvent) {
      this.#events.accept({
        requestId: request.requestId,
        functionName: found.owner.name,
        qualifier: found.qualifier,
        payload,
        clientContext: request.ClientContext ?? null,
      });
      return { StatusCode: 202, ExecutedVersion: found.version.version };
    }
    const outcome = await this.run(found, { ...request, payload });
    return this.#toOutput(found.version, outcome);
  }

  /** Also for accepted events. */
  async run(found: FoundVersion, request: InvokeRequest): Promise<InvokeOutcome> {
    const { scope, worker } = this.#services;
    const runnable = toRunnableVersion(scope, found.owner, found.version);
    const outcome = await worker.invoke(runnable, {
      requestId: request.requestId,
      payload: request.payload,
      invokedFunctionArn: functionArn(scope, found.owner.name, found.qualifier),
      clientContext: request.ClientContext === undefined ? null : decodeContext(request.ClientContext),
      traceId: request.traceId,
      wantsLogTail: request.LogType === "Tail",
    });
    if (outcome.kind === "platform-error" && SNAPSHOT_UNUSABLE.has(outcome.code)) {
      this.#services.onProblem(`${found.owner.name}:${found.version.version}: ${outcome.code}; the snapshot is made anew`, new Error(outcome.message));
      this.#services.onFallback(found.owner.name, found.version.version, outcome.code);
      this.#publisher.regenerate(found.version);
    }
    return outcome;
  }

  #find(request: InvokeRequest): FoundVersion {
    const choose = (alias: FoundVersion["alias"] & object): string => chooseVersion(alias, this.#services.random.fraction());
    return findVersion(this.#services, request.FunctionName, request.Qualifier, choose);
  }

  #toOutput(version: VersionRecord, outcome: InvokeOutcome): OperationTypes["Invoke"]["output"] {
    switch (outcome.kind) {
      case "response":
        return {
          StatusCode: 200,
          Payload: outcome.payload,
          ExecutedVersion: version.version,
          ...(outcome.functionError === null ? {} : { FunctionError: outcome.functionError }),
          ...(outcome.logTail === null ? {} : { LogResult: outcome.logTail.toString("base64") }),
        };
      case "throttled":
        throw new ApiError("TooManyRequestsException", "Rate Exceeded.", { Reason: outcome.reason });
      case "restore-error":
        throw new ApiError("SnapStartException", outcome.message);
      case "restore-timeout":
        throw new ApiError("SnapStartTimeoutException", outcome.message);
      case "platform-error":
        throw new ApiError(KEY_ERRORS[outcome.code] ?? "ServiceException", outcome.message);
    }
  }
}

export function checkInvocable(version: VersionRecord): void {
  if (version.isRegenerating) {
    throw new ApiError(
      "SnapStartNotReadyException",
      "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE.",
    );
  }
  if (version.state === "Active") return;
  throw conflict(`The operation cannot be performed at this time. The function is currently in the following state: ${version.state}`);
}

function checkPayload(payload: Buffer): Buffer {
  if (payload.length === 0) return EMPTY_EVENT;
  try {
    JSON.parse(payload.toString("utf8"));
  } catch (error) {
    throw new ApiError("InvalidRequestContentException", `Could not parse request body into json: ${(error as Error).message}`);
  }
  return payload;
}

function decodeContext(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}
