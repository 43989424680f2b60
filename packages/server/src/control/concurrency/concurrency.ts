/**
 * How many invokes run at once: the account's limit, and what functions have reserved of it. A reservation is both a
 * promise and a limit. https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
 */
import { invalidParameter, untypedInvalidParameter } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import { type FunctionRecord, LATEST } from "../../model/function-record.ts";
import type { ThrottleReason } from "../../ports/worker.ts";
import { ACCOUNT } from "../records/changes.ts";
import { findFunction } from "../records/lookup.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";

/** AWS leaves so much of the account to functions without a reservation. */
const UNRESERVED_MIN = 100;

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "limits">;

export function concurrencyOperations(
  concurrency: Concurrency,
): OperationsOf<"PutFunctionConcurrency" | "GetFunctionConcurrency" | "DeleteFunctionConcurrency"> {
  return {
    PutFunctionConcurrency: (input) => concurrency.put(input),
    GetFunctionConcurrency: (input) => concurrency.get(input),
    DeleteFunctionConcurrency: (input) => concurrency.remove(input),
  };
}

type Entered = { readonly leave: () => void } | { readonly throttled: ThrottleReason };

export class Concurrency {
  readonly #services: Needs;
  readonly #running = new Map<string, number>();
  /** Number of running invokes of functions without a reservation. */
  #unreservedRunning = 0;

  constructor(services: Needs) {
    this.#services = services;
  }

  /** Asked before anything is started. `leave` is to be called when the invoke has ended. */
  async enter(owner: FunctionRecord): Promise<Entered> {
    const running = this.#running.get(owner.name) ?? 0;
    const reserved = owner.reservedConcurrency;
    if (reserved !== null && running >= reserved)
      return { throttled: "ReservedFunctionConcurrentInvocationLimitExceeded" };
    // Fast path: so much is always unreserved, so below it there is no need to add up the reservations.
    if (reserved === null && this.#unreservedRunning >= this.unreservedMin) {
      const unreserved = await this.unreserved();
      // Compared after the wait, and counted in the same turn: others may have entered meanwhile.
      if (this.#unreservedRunning >= unreserved) return { throttled: "ConcurrentInvocationLimitExceeded" };
    }
    this.#count(owner.name, 1, reserved === null);
    return { leave: () => this.#count(owner.name, -1, reserved === null) };
  }

  /** Adds up what is left to functions without a reservation; the reservation of `exceptFor` is not counted. */
  async unreserved(exceptFor: string | null = null): Promise<number> {
    const { store, limits } = this.#services;
    let reserved = 0;
    for (const owner of await store.listFunctions())
      if (owner.name !== exceptFor) reserved += owner.reservedConcurrency ?? 0;
    return limits.concurrencyMax - reserved;
  }

  async put(input: In<"PutFunctionConcurrency">): Promise<Out<"PutFunctionConcurrency">> {
    const { store, changes } = this.#services;
    const name = this.#nameOf(input.FunctionName);
    await changes.decide(ACCOUNT, async () => {
      // Read before the sum: who changes a reservation meanwhile changes it, too.
      const revision = await store.accountRevision();
      const owner = await findFunction(this.#services, name, LATEST);
      const provisioned = (await store.listProvisioned(name)).reduce((sum, { requested }) => sum + requested, 0);
      if (input.ReservedConcurrentExecutions < provisioned) {
        // As it is recorded, with its blanks.
        throw untypedInvalidParameter(
          ` ReservedConcurrentExecutions  ${input.ReservedConcurrentExecutions} should not be lower than function's total provisioned concurrency [${provisioned}].`,
        );
      }
      if ((await this.unreserved(name)) - input.ReservedConcurrentExecutions < this.unreservedMin) {
        throw untypedInvalidParameter(
          `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${this.unreservedMin}].`,
        );
      }
      const record = { ...owner, reservedConcurrency: input.ReservedConcurrentExecutions };
      return {
        writes: [
          { op: "put", kind: "function", record, over: owner },
          { op: "touchAccount", revision },
        ],
        result: undefined,
      };
    });
    return { ReservedConcurrentExecutions: input.ReservedConcurrentExecutions };
  }

  async get(input: In<"GetFunctionConcurrency">): Promise<Out<"GetFunctionConcurrency">> {
    const { reservedConcurrency } = await findFunction(this.#services, this.#nameOf(input.FunctionName));
    return reservedConcurrency === null ? {} : { ReservedConcurrentExecutions: reservedConcurrency };
  }

  /** The account is not touched: a sum that is too large by what is let go refuses, and never allows too much. */
  async remove(input: In<"DeleteFunctionConcurrency">): Promise<Out<"DeleteFunctionConcurrency">> {
    const name = this.#nameOf(input.FunctionName);
    await this.#services.changes.decide(name, async () => {
      const owner = await findFunction(this.#services, name);
      const record = { ...owner, reservedConcurrency: null };
      return { writes: [{ op: "put", kind: "function", record, over: owner }], result: undefined };
    });
    return {};
  }

  get unreservedMin(): number {
    return Math.min(UNRESERVED_MIN, this.#services.limits.concurrencyMax);
  }

  #nameOf(functionName: string): string {
    const { name, qualifier } = parseFunctionName(this.#services.scope, functionName);
    if (qualifier === null) return name;
    throw invalidParameter(
      "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.",
    );
  }

  #count(name: string, change: 1 | -1, isUnreserved: boolean): void {
    const running = (this.#running.get(name) ?? 0) + change;
    if (running === 0) this.#running.delete(name);
    else this.#running.set(name, running);
    if (isUnreserved) this.#unreservedRunning += change;
  }
}
