/** An environment as others see it: placement, and the list of environments. Pure. */
import type { EnvironmentId } from "../../base/ids.ts";
import type { EnvironmentSummary, RunnableVersion } from "../../ports/worker.ts";
import type { EnvironmentCore } from "../core/core.ts";
import type { Availability } from "./state.ts";
import type { EnvironmentStatus } from "./status.ts";

/** An environment as placement sees it. */
export interface EnvironmentView {
  readonly environmentId: EnvironmentId;
  readonly accountId: string;
  readonly functionKey: string;
  readonly runKey: string;
  /** Memory that is counted against the host's. */
  readonly memoryMib: number;
  /** Size of its `/tmp`, which it may fill. */
  readonly tmpSizeMib: number;
  /** True: kept for its version whether it is used or not. */
  readonly isProvisioned: boolean;
  readonly availability: Availability;
  /** Rises with each return to idle. */
  readonly idleOrder: number;
}

/** Tells a function from those of the same name in other accounts and Regions. */
export function functionKeyOf({
  accountId,
  region,
  functionName,
}: Pick<RunnableVersion, "accountId" | "region" | "functionName">): string {
  return `${accountId}:${region}:${functionName}`;
}

export function viewOf(core: EnvironmentCore, status: EnvironmentStatus): EnvironmentView {
  const { environmentId, version, mode } = core;
  return {
    environmentId,
    accountId: version.accountId,
    functionKey: functionKeyOf(version),
    isProvisioned: mode.kind === "provisioned",
    runKey: version.runKey,
    memoryMib: hasBegun(status) ? core.countedMemoryMib : version.memorySizeMib,
    tmpSizeMib: version.tmpSizeMib,
    availability: status.availability,
    idleOrder: status.idleOrder,
  };
}

/** Before its first invoke an environment has yet to show what it uses. */
function hasBegun({ state }: EnvironmentStatus): boolean {
  return state === "idle" || state === "invoking";
}

export function summaryOf(core: EnvironmentCore, status: EnvironmentStatus): EnvironmentSummary {
  const { environmentId, version, log, mode, phases } = core;
  return {
    environmentId,
    functionName: version.functionName,
    accountId: version.accountId,
    region: version.region,
    version: version.version,
    state: status.state,
    logStream: log.logStream,
    createdAtMs: core.createdAtMs,
    lastInvokeAtMs: status.lastInvokeAtMs,
    isRestored: mode.kind === "restore",
    invokeCount: status.invokeCount,
    ...phases.show(core.createdMonotonicMs),
  };
}
