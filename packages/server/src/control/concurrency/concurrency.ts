/**
 * How many invokes run at once: the account's limit, and what functions have reserved of it. A reservation is both a
 * promise and a limit. https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
 */
import { partsOf } from "../../model/alias-routing.ts";
import { invalidParameter, untypedInvalidParameter } from "../../model/api-error.ts";
import { parseFunctionName } from "../../model/function-name.ts";
import { type FunctionRecord, LATEST } from "../../model/function-record.ts";
import type { ThrottleReason } from "../../ports/worker.ts";
import { ACCOUNT } from "../records/changes.ts";
import { findFunction, FUNCTIONS_ONLY } from "../records/lookup.ts";
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
  /** By function, and by function and version. */
  readonly #running = new Map<string, number>();
  /** Number of running invokes of functions without a reservation. */
  #unreservedRunning = 0;

  constructor(services: Needs) {
    this.#services = services;
  }

  /**
   * Asked before anything is started. `leave` is to be called when the invoke has ended. What is provisioned of a
   * reservation is there for its versions only (recorded …test_reserved_provisioned_overlap).
   */
  async enter(owner: FunctionRecord, version: string): Promise<Entered> {
    const reserved = owner.reservedConcurrency;
    if (reserved !== null) {
      const provisioned = await provisionedByVersion(this.#services.store, owner.name);
      if (!this.#hasRoom(owner.name, version, reserved, provisioned))
        return { throttled: "ReservedFunctionConcurrentInvocationLimitExceeded" };
    } else if (this.#unreservedRunning >= this.unreservedMin) {
      // Below, there is no need to add up the reservations: so much is always unreserved.
      const unreserved = this.#services.limits.concurrencyMax - (await this.#reserved(null));
      // Compared after the wait, and counted in the same turn: others may have entered meanwhile.
      if (this.#unreservedRunning >= unreserved) return { throttled: "ConcurrentInvocationLimitExceeded" };
    }
    const isUnreserved = reserved === null;
    this.#count(owner.name, version, 1, isUnreserved);
    return { leave: () => this.#count(owner.name, version, -1, isUnreserved) };
  }

  #hasRoom(name: string, version: string, reserved: number, provisioned: ReadonlyMap<string, number>): boolean {
    const running = this.#running.get(name) ?? 0;
    if (running >= reserved) return false;
    let [within, all] = [0, 0];
    for (const [each, count] of provisioned) {
      all += count;
      within += Math.min(count, this.#running.get(keyOf(name, each)) ?? 0);
    }
    if ((this.#running.get(keyOf(name, version)) ?? 0) < (provisioned.get(version) ?? 0)) return true;
    return running - within < reserved - all;
  }

  /** Adds up what is left to functions without a reservation; the reservation of `exceptFor` is not counted. */
  async unreserved(exceptFor: string | null = null): Promise<number> {
    return this.accountMax - (await this.#reserved(exceptFor));
  }

  async #reserved(exceptFor: string | null): Promise<number> {
    let reserved = 0;
    for (const owner of await this.#services.store.listFunctions())
      if (owner.name !== exceptFor) reserved += owner.reservedConcurrency ?? 0;
    return reserved;
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

  /** What can be promised: the account's limit, or what the host can run where that is less. */
  get accountMax(): number {
    return Math.min(this.#services.limits.concurrencyMax, this.#services.limits.environmentsMax);
  }

  /** AWS's least; where the host can run less than the account's limit, the same part of that. */
  get unreservedMin(): number {
    const { concurrencyMax } = this.#services.limits;
    const least = Math.min(UNRESERVED_MIN, concurrencyMax);
    return this.accountMax < concurrencyMax ? Math.floor((least * this.accountMax) / concurrencyMax) : least;
  }

  #nameOf(functionName: string): string {
    const { name, qualifier } = parseFunctionName(this.#services.scope, functionName);
    if (qualifier === null) return name;
    throw invalidParameter(FUNCTIONS_ONLY);
  }

  #count(name: string, version: string, change: 1 | -1, isUnreserved: boolean): void {
    for (const key of [name, keyOf(name, version)]) {
      const running = (this.#running.get(key) ?? 0) + change;
      if (running === 0) this.#running.delete(key);
      else this.#running.set(key, running);
    }
    if (isUnreserved) this.#unreservedRunning += change;
  }
}

/** A name has no colon. */
function keyOf(name: string, version: string): string {
  return `${name}:${version}`;
}

/** How many environments each version is to have, from its own provisioned concurrency and that of its aliases. */
async function provisionedByVersion(store: Needs["store"], functionName: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { qualifier, requested } of await store.listProvisioned(functionName)) {
    const alias = await store.getAlias(functionName, qualifier);
    for (const [version, weight] of partsOf(alias, qualifier))
      counts.set(version, (counts.get(version) ?? 0) + Math.round(requested * weight));
  }
  return counts;
}
