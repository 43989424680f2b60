/**
 * How many invokes run at once: the account's limit, and what functions have reserved of it. A reservation is both a promise and a limit.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
 */
import { invalidParameter } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import type { FunctionRecord } from "../../model/function-record.ts";
import type { ThrottleReason } from "../../ports/worker.ts";
import { findFunction } from "../records/lookup.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlServices } from "../services.ts";

/** AWS leaves so much of the account to functions without a reservation. */
const UNRESERVED_MIN = 100;

type Needs = Pick<ControlServices, "scope" | "store" | "limits">;

export function concurrencyOperations(
  concurrency: Concurrency,
): OperationsOf<"PutFunctionConcurrency" | "GetFunctionConcurrency" | "DeleteFunctionConcurrency"> {
  return {
    PutFunctionConcurrency: (input) => concurrency.put(input),
    GetFunctionConcurrency: (input) => concurrency.get(input),
    DeleteFunctionConcurrency: (input) => concurrency.remove(input),
  };
}

export class Concurrency {
  readonly #services: Needs;
  readonly #running = new Map<string, number>();
  /** Of functions without a reservation. */
  #unreservedRunning = 0;

  constructor(services: Needs) {
    this.#services = services;
  }

  /** Before anything is started. What it returns is called when the invoke has ended. */
  enter(owner: FunctionRecord): { readonly leave: () => void } | { readonly throttled: ThrottleReason } {
    const running = this.#running.get(owner.name) ?? 0;
    const reserved = owner.reservedConcurrency;
    if (reserved !== null && running >= reserved)
      return { throttled: "ReservedFunctionConcurrentInvocationLimitExceeded" };
    // So much is always left to all: nothing has to be summed up below it.
    if (
      reserved === null &&
      this.#unreservedRunning >= this.#unreservedMin &&
      this.#unreservedRunning >= this.unreserved()
    ) {
      return { throttled: "ConcurrentInvocationLimitExceeded" };
    }
    this.#count(owner.name, 1, reserved === null);
    return { leave: () => this.#count(owner.name, -1, reserved === null) };
  }

  /** What is left to functions without a reservation. */
  unreserved(exceptFor: string | null = null): number {
    const { store, limits } = this.#services;
    let reserved = 0;
    for (const owner of store.listFunctions()) if (owner.name !== exceptFor) reserved += owner.reservedConcurrency ?? 0;
    return limits.concurrencyMax - reserved;
  }

  put(input: In<"PutFunctionConcurrency">): Out<"PutFunctionConcurrency"> {
    const { store } = this.#services;
    const name = this.#nameOf(input.FunctionName);
    store.transaction(() => {
      const owner = findFunction(this.#services, name);
      if (this.unreserved(name) - input.ReservedConcurrentExecutions < this.#unreservedMin) {
        throw invalidParameter(
          `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${this.#unreservedMin}].`,
        );
      }
      store.putFunction({ ...owner, reservedConcurrency: input.ReservedConcurrentExecutions });
    });
    return { ReservedConcurrentExecutions: input.ReservedConcurrentExecutions };
  }

  get(input: In<"GetFunctionConcurrency">): Out<"GetFunctionConcurrency"> {
    const { reservedConcurrency } = findFunction(this.#services, this.#nameOf(input.FunctionName));
    return reservedConcurrency === null ? {} : { ReservedConcurrentExecutions: reservedConcurrency };
  }

  remove(input: In<"DeleteFunctionConcurrency">): Record<string, never> {
    const { store } = this.#services;
    store.transaction(() =>
      store.putFunction({
        ...findFunction(this.#services, this.#nameOf(input.FunctionName)),
        reservedConcurrency: null,
      }),
    );
    return {};
  }

  get #unreservedMin(): number {
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
