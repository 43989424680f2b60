/**
 * Provisioned concurrency of versions and aliases: what is wanted is stored, and the worker is told the whole of it whenever something
 * changed. https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html; texts that are not in the API's model are those that
 * LocalStack keeps from AWS (localstack-core …/lambda_/provider.py).
 */
import { ApiError, conflict, invalidParameter } from "../../model/api-error.ts";
import { functionArn, parseFunctionName } from "../../model/function-name.ts";
import { LATEST, type ProvisionedRecord, type VersionRecord } from "../../model/function-record.ts";
import type { ProvisionedStatus, ProvisionedTarget } from "../../ports/worker.ts";
import type { Concurrency } from "./concurrency.ts";
import { findFunction, findVersion } from "../records/lookup.ts";
import { pageOf } from "../records/pages.ts";
import { formatTimestamp } from "../records/present.ts";
import { toRunnableVersion } from "../records/runnable-version.ts";
import type { In, OperationsOf, Out } from "../operations.ts";
import type { ControlServices } from "../services.ts";

type Needs = Pick<ControlServices, "scope" | "store" | "worker" | "clock">;

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

const WITH_SNAPSTART = "Provisioned Concurrency is not supported for SnapStart enabled functions.";

export interface ProvisionedSummary extends ProvisionedStatus {
  readonly functionName: string;
  readonly qualifier: string;
  readonly requested: number;
}

export class ProvisionedConcurrency {
  readonly #services: Needs;
  readonly #concurrency: Concurrency;

  constructor(services: Needs, concurrency: Concurrency) {
    this.#services = services;
    this.#concurrency = concurrency;
  }

  put(input: In<"PutProvisionedConcurrencyConfig">): Out<"PutProvisionedConcurrencyConfig"> {
    const { store, clock } = this.#services;
    const record = store.transaction(() => {
      if (input.Qualifier === LATEST)
        throw invalidParameter("Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
      const found = findVersion(this.#services, input.FunctionName, input.Qualifier);
      const name = found.owner.name;
      for (const version of this.#versionsOf(name, input.Qualifier)) this.#checkVersion(version.record);
      this.#checkOverlap(name, input.Qualifier);
      this.#checkCount(name, input.Qualifier, input.ProvisionedConcurrentExecutions);
      const wanted = {
        functionName: name,
        qualifier: input.Qualifier,
        requested: input.ProvisionedConcurrentExecutions,
        lastModifiedMs: clock.nowMs(),
      };
      store.putProvisioned(wanted);
      return wanted;
    });
    this.apply();
    // As AWS answers, whatever is there already.
    return { ...present(record, NONE), Status: "IN_PROGRESS" };
  }

  get(input: In<"GetProvisionedConcurrencyConfig">): Out<"GetProvisionedConcurrencyConfig"> {
    const record = this.#find(input.FunctionName, input.Qualifier);
    return present(record, this.#statusOf(record));
  }

  list(input: In<"ListProvisionedConcurrencyConfigs">): Out<"ListProvisionedConcurrencyConfigs"> {
    const { store, scope } = this.#services;
    const { name } = parseFunctionName(scope, input.FunctionName);
    findFunction(this.#services, name);
    const page = pageOf(store.listProvisioned(name), (record) => record.qualifier, input.Marker, input.MaxItems);
    return {
      ProvisionedConcurrencyConfigs: page.items.map((record) => ({
        FunctionArn: functionArn(scope, name, record.qualifier),
        ...present(record, this.#statusOf(record)),
      })),
      ...(page.nextMarker === undefined ? {} : { NextMarker: page.nextMarker }),
    };
  }

  remove(input: In<"DeleteProvisionedConcurrencyConfig">): Record<string, never> {
    if (input.Qualifier === LATEST)
      throw invalidParameter("The function resource provided must be an alias or a published version.");
    const { name } = findVersion(this.#services, input.FunctionName, input.Qualifier).owner;
    this.#services.store.removeProvisioned(name, input.Qualifier);
    this.apply();
    return {};
  }

  /** Refuses to point an alias with provisioned concurrency at what can't have it. */
  checkAlias(input: In<"UpdateAlias">): void {
    const { name } = parseFunctionName(this.#services.scope, input.FunctionName);
    if (this.#services.store.getProvisioned(name, input.Name) === null) return;
    for (const version of [
      input.FunctionVersion,
      ...Object.keys(input.RoutingConfig?.AdditionalVersionWeights ?? {}),
    ]) {
      if (version === undefined) continue;
      const record = this.#services.store.getVersion(name, version);
      if (record !== null) this.#checkVersion(record);
    }
  }

  /** Tells the worker what is wanted now; what belongs to a version or an alias that has gone is forgotten. */
  apply(): void {
    const { store, scope, worker } = this.#services;
    const targets = new Map<string, ProvisionedTarget>();
    for (const { functionName, qualifier, requested } of store.listAllProvisioned()) {
      const owner = store.getFunction(functionName);
      const versions = owner === null ? [] : this.#versionsOf(functionName, qualifier);
      if (owner === null || versions.length === 0) {
        store.removeProvisioned(functionName, qualifier);
        continue;
      }
      for (const { record, weight } of versions) {
        const version = toRunnableVersion(scope, owner, record);
        const count = Math.round(requested * weight) + (targets.get(version.runKey)?.count ?? 0);
        if (record.state === "Active" && count > 0) targets.set(version.runKey, { version, count });
      }
    }
    worker.provision([...targets.values()]);
  }

  summaries(): readonly ProvisionedSummary[] {
    return this.#services.store.listAllProvisioned().map((record) => ({
      functionName: record.functionName,
      qualifier: record.qualifier,
      requested: record.requested,
      ...this.#statusOf(record),
    }));
  }

  #find(functionName: string, qualifier: string): ProvisionedRecord {
    if (qualifier === LATEST)
      throw invalidParameter("The function resource provided must be an alias or a published version.");
    const { name } = findVersion(this.#services, functionName, qualifier).owner;
    const record = this.#services.store.getProvisioned(name, qualifier);
    if (record === null)
      throw new ApiError(
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
      );
    return record;
  }

  /** A version, or those behind an alias with their parts; empty where there is none. */
  #versionsOf(
    name: string,
    qualifier: string,
  ): ReadonlyArray<{ readonly record: VersionRecord; readonly weight: number }> {
    const { store } = this.#services;
    const alias = store.getAlias(name, qualifier);
    const extra = Object.entries(alias?.weights ?? {});
    const rest = 1 - extra.reduce((sum, [, weight]) => sum + weight, 0);
    const parts: ReadonlyArray<readonly [string, number]> = [[alias?.functionVersion ?? qualifier, rest], ...extra];
    return parts.flatMap(([version, weight]) => {
      const record = store.getVersion(name, version);
      return record === null ? [] : [{ record, weight }];
    });
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

  #checkOverlap(name: string, qualifier: string): void {
    const { store } = this.#services;
    const alias = store.getAlias(name, qualifier);
    if (alias !== null) {
      const isTaken = [alias.functionVersion, ...Object.keys(alias.weights)].some(
        (version) => store.getProvisioned(name, version) !== null,
      );
      if (isTaken)
        throw conflict(
          "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
        );
      return;
    }
    const users = store
      .listAliases(name)
      .filter((each) => each.functionVersion === qualifier || Object.hasOwn(each.weights, qualifier));
    if (users.some((each) => store.getProvisioned(name, each.name) !== null))
      throw conflict("Version is pointed by a Provisioned Concurrency alias");
  }

  #checkCount(name: string, qualifier: string, requested: number): void {
    const { store } = this.#services;
    const others = store
      .listProvisioned(name)
      .reduce((sum, record) => (record.qualifier === qualifier ? sum : sum + record.requested), 0);
    const reserved = findFunction(this.#services, name).reservedConcurrency;
    if (reserved !== null && others + requested > reserved) {
      throw invalidParameter(
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function",
      );
    }
    const unreserved = this.#concurrency.unreserved();
    if (reserved === null && others + requested > unreserved) {
      throw invalidParameter(
        `Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [${unreserved}].`,
      );
    }
  }

  #statusOf(record: ProvisionedRecord): ProvisionedStatus {
    const { scope, store, worker } = this.#services;
    const owner = store.getFunction(record.functionName);
    if (owner === null) return NONE;
    const parts = this.#versionsOf(record.functionName, record.qualifier).map((part) =>
      worker.provisionedStatus(toRunnableVersion(scope, owner, part.record).runKey),
    );
    return parts.reduce(add, NONE);
  }
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
