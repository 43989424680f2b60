/**
 * Provisioned concurrency of versions and aliases: what is wanted is stored, and the worker is told the whole of it
 * whenever something changed. https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html; texts that are
 * not in the API's model are those that LocalStack keeps from AWS (localstack-core …/lambda_/provider.py).
 */
import { partsOf } from "../../model/alias-routing.ts";
import { ApiError, conflict, invalidParameter, notFound, untypedInvalidParameter } from "../../model/api-error.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import {
  type FunctionRecord,
  LATEST,
  type ProvisionedRecord,
  type VersionRecord,
} from "../../model/function-record.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import type { ProvisionedStatus, ProvisionedTarget } from "../../ports/worker.ts";
import type { Concurrency } from "./concurrency.ts";
import { ProvisionedTries } from "./provisioned-tries.ts";
import { ACCOUNT } from "../records/changes.ts";
import { findFunction, findVersion } from "../records/lookup.ts";
import { pageOf } from "../records/pages.ts";
import { formatTimestamp } from "../records/present.ts";
import type { RunnableVersions } from "../records/runnable-version.ts";
import type { UnfinishedWork } from "../records/unfinished-work.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlParts } from "../services.ts";

type Needs = Pick<ControlParts, "scope" | "store" | "changes" | "worker" | "clock" | "limits" | "onProblem">;

type ProvisionedOperations = OperationsOf<
  | "PutProvisionedConcurrencyConfig"
  | "GetProvisionedConcurrencyConfig"
  | "ListProvisionedConcurrencyConfigs"
  | "DeleteProvisionedConcurrencyConfig"
>;

export function provisionedOperations(provisioned: ProvisionedConcurrency): ProvisionedOperations {
  return {
    PutProvisionedConcurrencyConfig: (input) => provisioned.put(input),
    GetProvisionedConcurrencyConfig: (input) => provisioned.get(input),
    ListProvisionedConcurrencyConfigs: (input) => provisioned.list(input),
    DeleteProvisionedConcurrencyConfig: (input) => provisioned.remove(input),
  };
}

/** Time between two looks at how the Init of what is provisioned has ended: the first, and the longest. */
const LOOK_MS_MIN = 1000;
const LOOK_MS_MAX = 60_000;
const GIVEN_UP =
  "The server ended three times in a row while this was initialised, and it is not tried again. Put the configuration anew to try again.";
const WITH_SNAPSTART = "Provisioned Concurrency is not supported for SnapStart enabled functions.";

export interface ProvisionedSummary extends ProvisionedStatus {
  readonly functionName: string;
  readonly qualifier: string;
  readonly requested: number;
}

interface ProvisionedParts {
  readonly concurrency: Concurrency;
  readonly runnables: RunnableVersions;
  readonly unfinished: UnfinishedWork;
}

export class ProvisionedConcurrency {
  readonly #services: Needs;
  readonly #concurrency: Concurrency;
  readonly #runnables: RunnableVersions;
  /** The end of the last `apply`. */
  #applied: Promise<void> = Promise.resolve();
  /** The `apply` that has not begun to read. */
  #next: Promise<void> | null = null;
  readonly #tries: ProvisionedTries;
  #cancelLook: (() => void) | null = null;
  #isClosing = false;

  constructor(services: Needs, parts: ProvisionedParts) {
    this.#services = services;
    this.#concurrency = parts.concurrency;
    this.#runnables = parts.runnables;
    this.#tries = new ProvisionedTries(parts.unfinished, () => void this.#applyQuietly());
  }

  close(): void {
    this.#isClosing = true;
    this.#cancelLook?.();
  }

  async put(input: In<"PutProvisionedConcurrencyConfig">): Promise<Out<"PutProvisionedConcurrencyConfig">> {
    const { store, changes, clock } = this.#services;
    const record = await changes.decide(ACCOUNT, async () => {
      if (input.Qualifier === LATEST)
        throw invalidParameter("Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
      // Read before the sum: who changes a reservation meanwhile changes it, too.
      const revision = await store.accountRevision();
      const owner = await this.#findOwner(input);
      for (const version of await this.#versionsOf(owner.name, input.Qualifier)) this.#checkVersion(version.record);
      await this.#checkOverlap(owner.name, input.Qualifier);
      await this.#checkCount(owner, input.Qualifier, input.ProvisionedConcurrentExecutions);
      const wanted: ProvisionedRecord = {
        functionName: owner.name,
        qualifier: input.Qualifier,
        requested: input.ProvisionedConcurrentExecutions,
        lastModifiedMs: clock.nowMs(),
      };
      const over = await store.getProvisioned(owner.name, input.Qualifier);
      return {
        writes: [
          // Its aliases and versions, and what else of it is provisioned, must be as they were looked at.
          { op: "touchFunction", record: owner },
          { op: "touchAccount", revision },
          { op: "put", kind: "provisioned", record: wanted, over },
        ],
        result: wanted,
      };
    });
    if (this.#tries.isGivenUp(record)) {
      await this.#tries.forget(record);
      await this.apply();
    }
    // As AWS answers, whatever is there already.
    return { ...present(record, NONE), Status: "IN_PROGRESS" };
  }

  async get(input: In<"GetProvisionedConcurrencyConfig">): Promise<Out<"GetProvisionedConcurrencyConfig">> {
    const record = await this.#find(input.FunctionName, input.Qualifier);
    return this.#present(record);
  }

  async list(input: In<"ListProvisionedConcurrencyConfigs">): Promise<Out<"ListProvisionedConcurrencyConfigs">> {
    const { store, scope } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName);
    await findFunction(this.#services, name);
    const all = await store.listProvisioned(name);
    const page = pageOf({ list: `provisioned ${name}`, all, placeOf: (record) => [record.qualifier] }, input);
    return {
      ProvisionedConcurrencyConfigs: await Promise.all(
        page.items.map(async (record) => ({
          FunctionArn: functionArn(scope, name, record.qualifier),
          ...(await this.#present(record)),
        })),
      ),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }

  async remove(input: In<"DeleteProvisionedConcurrencyConfig">): Promise<Out<"DeleteProvisionedConcurrencyConfig">> {
    if (input.Qualifier === LATEST)
      throw invalidParameter("The function resource provided must be an alias or a published version.");
    const { name } = await this.#findOwner(input);
    await this.#services.changes.decide(name, async () => {
      const record = await this.#services.store.getProvisioned(name, input.Qualifier);
      return { writes: record === null ? [] : [{ op: "remove", kind: "provisioned", record }], result: undefined };
    });
    await this.#tries.forget({ functionName: name, qualifier: input.Qualifier });
    return {};
  }

  /** Refuses to point an alias with provisioned concurrency at what can't have it. */
  async checkAlias(input: In<"UpdateAlias">): Promise<void> {
    const { store, scope } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName);
    if ((await store.getProvisioned(name, input.Name)) === null) return;
    for (const version of [
      input.FunctionVersion,
      ...Object.keys(input.RoutingConfig?.AdditionalVersionWeights ?? {}),
    ]) {
      if (version === undefined) continue;
      const record = await store.getVersion(name, version);
      if (record !== null) this.#checkVersion(record);
    }
  }

  /** Hears of every commit: where it matters here, the worker is told before the writer goes on. Never rejects. */
  async heard(writes: readonly Write[]): Promise<void> {
    if (writes.some(matters)) await this.#applyQuietly();
  }

  #applyQuietly(): Promise<void> {
    return this.apply().catch((error: unknown) => this.#services.onProblem("apply provisioned concurrency", error));
  }

  /** Tells the worker all that is wanted. One at a time, so that it is told last what was read last. */
  apply(): Promise<void> {
    this.#next ??= this.#applied.then(() => {
      this.#next = null;
      return this.#apply();
    });
    const own = this.#next;
    this.#applied = own.catch(() => undefined);
    return own;
  }

  /** Tells the worker all targets, and removes the records of versions and aliases that have gone. */
  async #apply(): Promise<void> {
    const { store, worker, clock } = this.#services;
    const targets = new Map<string, ProvisionedTarget>();
    for (const wanted of await store.listAllProvisioned()) {
      const { functionName, qualifier, requested } = wanted;
      const owner = await store.getFunction(functionName);
      const versions = owner === null ? [] : await this.#versionsOf(functionName, qualifier);
      if (owner === null || versions.length === 0) {
        // Past `changes`, which would have this told here; one that was changed meanwhile is looked at then.
        await store.commit([{ op: "remove", kind: "provisioned", record: wanted }]);
        await this.#tries.forget(wanted);
        continue;
      }
      const parts = versions
        .filter(({ record }) => record.state === "Active")
        .map(({ record, weight }) => ({ version: this.#runnables.of(owner, record), weight }));
      const runKeys = parts.map(({ version }) => version.runKey).join();
      if (!(await this.#tries.admits(wanted, runKeys, clock.nowMs()))) continue;
      for (const { version, weight } of parts) {
        const count = Math.round(requested * weight) + (targets.get(version.runKey)?.count ?? 0);
        if (count > 0) targets.set(version.runKey, { version, count });
      }
    }
    await worker.provision([...targets.values()]);
    this.#lookAfter(LOOK_MS_MIN);
  }

  /** Looks again and again how Inits end, until all have; each time a while later. */
  #lookAfter(delayMs: number): void {
    this.#cancelLook?.();
    this.#cancelLook = null;
    if (this.#isClosing || !this.#tries.hasOpen) return;
    this.#cancelLook = this.#services.clock.after(delayMs, () => {
      void this.#look()
        .catch((error: unknown) => this.#services.onProblem("look at what is provisioned", error))
        .then(() => this.#lookAfter(Math.min(LOOK_MS_MAX, delayMs * 2)));
    });
  }

  async #look(): Promise<void> {
    await this.#tries.settle(this.#services.clock.nowMs(), async (record) => {
      const status = await this.#statusOf(record);
      return status.hasFailed || status.available >= record.requested;
    });
  }

  async #present(record: ProvisionedRecord): Promise<Out<"GetProvisionedConcurrencyConfig">> {
    // As other changes, it can be seen for a while, however quickly it is done.
    const isFresh = this.#services.clock.nowMs() - record.lastModifiedMs < this.#services.limits.stateChangeMs;
    if (isFresh) return { ...present(record, NONE), Status: "IN_PROGRESS" };
    if (!this.#tries.isGivenUp(record)) return present(record, await this.#statusOf(record));
    return { ...present(record, NONE), Status: "FAILED", StatusReason: GIVEN_UP };
  }

  /** Lists what is provisioned in the whole account, for operators. */
  async summaries(): Promise<readonly ProvisionedSummary[]> {
    const records = await this.#services.store.listAllProvisioned();
    return Promise.all(
      records.map(async (record) => ({
        functionName: record.functionName,
        qualifier: record.qualifier,
        requested: record.requested,
        ...(await this.#statusOf(record)),
      })),
    );
  }

  async #find(functionName: string, qualifier: string): Promise<ProvisionedRecord> {
    if (qualifier === LATEST)
      throw invalidParameter("The function resource provided must be an alias or a published version.");
    const { name } = await this.#findOwner({ FunctionName: functionName, Qualifier: qualifier });
    const record = await this.#services.store.getProvisioned(name, qualifier);
    if (record === null)
      throw new ApiError(
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
      );
    return record;
  }

  /** AWS looks for an alias before it looks for the function, and has words of its own for one that is not there. */
  async #findOwner(input: {
    readonly FunctionName: string;
    readonly Qualifier: string;
  }): Promise<Stored<FunctionRecord>> {
    const { scope, store } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName, input.Qualifier);
    const isAlias = !/^\d+$/.test(input.Qualifier);
    if (isAlias && (await store.getAlias(name, input.Qualifier)) === null)
      throw notFound(`Cannot find alias arn: ${functionArn(scope, name, input.Qualifier)}`);
    return (await findVersion(this.#services, input.FunctionName, input.Qualifier)).owner;
  }

  /** A version, or those behind an alias with their parts; empty where there is none. */
  async #versionsOf(
    name: string,
    qualifier: string,
  ): Promise<ReadonlyArray<{ readonly record: Stored<VersionRecord>; readonly weight: number }>> {
    const { store } = this.#services;
    const alias = await store.getAlias(name, qualifier);
    const found = await Promise.all(
      partsOf(alias, qualifier).map(async ([version, weight]) => ({
        record: await store.getVersion(name, version),
        weight,
      })),
    );
    return found.flatMap(({ record, weight }) => (record === null ? [] : [{ record, weight }]));
  }

  #checkVersion(record: VersionRecord): void {
    if (record.version === LATEST)
      throw invalidParameter("Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
    if (record.config.snapStartApplyOn === "PublishedVersions") throw invalidParameter(WITH_SNAPSTART);
    if (record.state !== "Active")
      throw conflict(
        `The operation cannot be performed at this time. The function is currently in the following state: ${record.state}`,
      );
  }

  async #checkOverlap(name: string, qualifier: string): Promise<void> {
    const { store } = this.#services;
    const isProvisioned = new Set((await store.listProvisioned(name)).map((record) => record.qualifier));
    const alias = await store.getAlias(name, qualifier);
    if (alias !== null) {
      const isTaken = [alias.functionVersion, ...Object.keys(alias.weights)].some((version) =>
        isProvisioned.has(version),
      );
      if (isTaken)
        throw conflict(
          "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
        );
      return;
    }
    const users = (await store.listAliases(name)).filter(
      (each) => each.functionVersion === qualifier || Object.hasOwn(each.weights, qualifier),
    );
    if (users.some((each) => isProvisioned.has(each.name)))
      throw conflict("Version is pointed by a Provisioned Concurrency alias");
  }

  async #checkCount(owner: FunctionRecord, qualifier: string, requested: number): Promise<void> {
    const others = (await this.#services.store.listProvisioned(owner.name)).reduce(
      (sum, record) => (record.qualifier === qualifier ? sum : sum + record.requested),
      0,
    );
    const reserved = owner.reservedConcurrency;
    if (reserved !== null && others + requested > reserved) {
      throw invalidParameter(
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function",
      );
    }
    const unreserved = await this.#concurrency.unreserved();
    if (reserved === null && others + requested > unreserved) {
      throw untypedInvalidParameter(
        `Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [${unreserved}].`,
      );
    }
    const least = this.#concurrency.unreservedMin;
    if (reserved === null && unreserved > least && unreserved - others - requested < least) {
      throw untypedInvalidParameter(
        `Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${least}].`,
      );
    }
  }

  async #statusOf(record: ProvisionedRecord): Promise<ProvisionedStatus> {
    const { store, worker } = this.#services;
    const owner = await store.getFunction(record.functionName);
    if (owner === null) return NONE;
    const parts = await this.#versionsOf(record.functionName, record.qualifier);
    const runKeys = new Set(parts.map((part) => this.#runnables.of(owner, part.record).runKey));
    const { provisioned } = await worker.report();
    return provisioned.filter(({ runKey }) => runKeys.has(runKey)).reduce(add, NONE);
  }
}

/** Whether a write may change which environments are wanted ahead of invokes. */
function matters(write: Write): boolean {
  if (write.op !== "put" && write.op !== "remove") return false;
  return write.kind === "alias" || write.kind === "provisioned" || write.op === "remove";
}

const NONE: ProvisionedStatus = {
  allocated: 0,
  available: 0,
  inUse: 0,
  hasFailed: false,
  invocations: 0,
  spilloverInvocations: 0,
};

function add(a: ProvisionedStatus, b: ProvisionedStatus): ProvisionedStatus {
  return {
    allocated: a.allocated + b.allocated,
    available: a.available + b.available,
    inUse: a.inUse + b.inUse,
    hasFailed: a.hasFailed || b.hasFailed,
    invocations: a.invocations + b.invocations,
    spilloverInvocations: a.spilloverInvocations + b.spilloverInvocations,
  };
}

function present(record: ProvisionedRecord, status: ProvisionedStatus): Out<"GetProvisionedConcurrencyConfig"> {
  const shown = {
    RequestedProvisionedConcurrentExecutions: record.requested,
    AvailableProvisionedConcurrentExecutions: status.available,
    AllocatedProvisionedConcurrentExecutions: status.allocated,
    LastModified: formatTimestamp(record.lastModifiedMs),
  };
  if (status.available >= record.requested) return { ...shown, Status: "READY" };
  return status.hasFailed
    ? { ...shown, Status: "FAILED", StatusReason: "FUNCTION_ERROR_INIT_FAILURE" }
    : { ...shown, Status: "IN_PROGRESS" };
}
