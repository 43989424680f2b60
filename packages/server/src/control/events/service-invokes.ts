/**
 * Asynchronous invokes that a service makes for somebody: an event bus, a schedule, a bucket. They are accepted as
 * those of clients are. One that may not be made goes to its dead-letter queue, or the operator is told.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 */
import { ApiError } from "../../model/api-error.ts";
import { LATEST } from "../../model/function-record.ts";
import type { Committed, Write } from "../../ports/metadata-store.ts";
import type { AcceptedEvent, EventQueue } from "../invoke/event-queue.ts";
import { EVENT_SIZE_BYTES_MAX } from "../invoke/payload-sizes.ts";
import { allows } from "../policies/statements.ts";
import { findVersion } from "../records/lookup.ts";
import type { ControlParts } from "../services.ts";

export interface ServiceInvoke {
  /** Says whose invoke it is, for the operator. */
  readonly what: string;
  readonly functionArn: string;
  /** Null where what should have been the payload is no JSON. */
  readonly payload: Buffer | null;
  readonly traceId: string | null;
  /** Who calls, as resource policies see it; null: a role does, and there is nothing that it may not. */
  readonly caller: { readonly service: string; readonly sourceArn: string } | null;
  readonly deadLetter: DeadLetterQueue | null;
  /** Why it is not made, whatever its function is; absent or null: it is. */
  readonly failure?: Failure | null;
}

export interface DeadLetterQueue {
  readonly arn: string;
  /** The message of the queue. */
  readonly body: string;
  /** Attributes of the message besides those that tell of the failure. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Why an invoke is not made, with AWS's code in dead letters. */
export interface Failure {
  readonly code: "INTERNAL_ERROR" | "INVALID_PARAMETER" | "NO_PERMISSIONS" | "NO_RESOURCE";
  readonly message: string;
  /** What of a retry policy was used up; absent: nothing was. */
  readonly condition?: "MaximumEventAgeInSeconds" | "MaximumRetryAttempts";
}

/** Functions come and go, not so often. */
const ATTEMPTS_MAX = 5;

type Needs = Pick<ControlParts, "scope" | "store" | "clock" | "random" | "onProblem">;

export class ServiceInvokes {
  readonly #services: Needs;
  readonly #events: EventQueue;

  constructor(services: Needs, events: EventQueue) {
    this.#services = services;
    this.#events = events;
  }

  /**
   * Accepts all of them with other writes in one commit; durable when it resolves. `changed`: one of the writes found
   * something else than it expects, and nothing was written.
   */
  async accept(invokes: readonly ServiceInvoke[], writes: readonly Write[] = []): Promise<Committed> {
    let before = "";
    for (let count = 0; count < ATTEMPTS_MAX; count++) {
      const failures = await Promise.all(invokes.map((invoke) => this.#failureOf(invoke)));
      const decided = JSON.stringify(failures);
      // The same decision twice: it was not a function that had gone.
      if (decided === before) break;
      before = decided;
      const accepted = invokes.filter((_, index) => failures[index] === null).map((invoke) => this.#eventOf(invoke));
      const letters = invokes.flatMap((invoke, index) => this.#letterOf(invoke, failures[index] ?? null));
      if ((await this.#events.acceptAll(accepted, [...writes, ...letters])) === "changed") continue;
      this.#tell(invokes, failures);
      return "done";
    }
    return "changed";
  }

  async #failureOf({ functionArn, payload, caller, failure = null }: ServiceInvoke): Promise<Failure | null> {
    if (failure !== null) return failure;
    if (payload === null) return { code: "INVALID_PARAMETER", message: "The input of the target is no JSON." };
    if (payload.length > EVENT_SIZE_BYTES_MAX)
      return {
        code: "INVALID_PARAMETER",
        message: `The input has ${payload.length} bytes, and an event has at most ${EVENT_SIZE_BYTES_MAX}.`,
      };
    return this.problemOf(functionArn, caller);
  }

  /** Says why a function can't be invoked by a caller; null: it can. */
  async problemOf(functionArn: string, caller: ServiceInvoke["caller"]): Promise<Failure | null> {
    try {
      const { owner, qualifier } = await findVersion(this.#services, functionArn, undefined);
      return (await this.#isAllowed(owner.name, qualifier, caller))
        ? null
        : { code: "NO_PERMISSIONS", message: forbidden(functionArn, caller) };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { code: "NO_RESOURCE", message: error.message };
    }
  }

  async #isAllowed(name: string, qualifier: string | null, caller: ServiceInvoke["caller"]): Promise<boolean> {
    if (caller === null) return true;
    const { scope, store } = this.#services;
    const policy = await store.getSetting("policy", name, qualifier ?? LATEST);
    const keys = { "aws:sourcearn": caller.sourceArn, "aws:sourceaccount": scope.accountId };
    const principal = { service: caller.service };
    return allows(policy?.statements ?? [], { action: "lambda:InvokeFunction", principal, keys });
  }

  #eventOf({ functionArn, payload, traceId }: ServiceInvoke): AcceptedEvent {
    const [name = "", qualifier = null] = functionArn.split(":").slice(6);
    const requestId = this.#services.random.uuid();
    return {
      requestId,
      functionName: name,
      qualifier,
      payload: payload ?? Buffer.from("{}"),
      clientContext: null,
      traceId,
    };
  }

  #letterOf({ functionArn, deadLetter, traceId }: ServiceInvoke, failure: Failure | null): readonly Write[] {
    if (failure === null || deadLetter === null) return [];
    const nowMs = this.#services.clock.nowMs();
    const told = { ERROR_CODE: failure.code, ERROR_MESSAGE: failure.message, RETRY_ATTEMPTS: "0" };
    const exhausted = failure.condition === undefined ? {} : { EXHAUSTED_RETRY_CONDITION: failure.condition };
    const attributes = { ...deadLetter.attributes, ...told, ...exhausted, TARGET_ARN: functionArn };
    const delivery = {
      requestId: this.#services.random.uuid(),
      functionName: functionArn.split(":")[6] ?? "",
      functionArn,
      destination: deadLetter.arn,
      deadLetter: { errorCode: 0, errorMessage: failure.message },
      attributes,
      isSuccess: false,
      traceId,
      body: Buffer.from(deadLetter.body),
      attempts: 0,
      acceptedAtMs: nowMs,
      notBeforeMs: nowMs,
    };
    return [{ op: "addDelivery", delivery }];
  }

  /** What no dead letter tells of is news to the operator. */
  #tell(invokes: readonly ServiceInvoke[], failures: ReadonlyArray<Failure | null>): void {
    for (const [index, { what, deadLetter }] of invokes.entries()) {
      const failure = failures[index] ?? null;
      if (failure !== null && deadLetter === null) this.#services.onProblem(what, new Error(failure.message));
    }
  }
}

function forbidden(functionArn: string, caller: ServiceInvoke["caller"]): string {
  const who = caller === null ? "" : `${caller.service} to invoke it for ${caller.sourceArn}`;
  return `The resource policy of ${functionArn} does not allow ${who}: see AddPermission.`;
}
