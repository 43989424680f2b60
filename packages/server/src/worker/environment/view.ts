/** An environment as others see it: placement, and the list of environments. Pure. */
import type { EnvironmentSummary } from "../../ports/worker.ts";
import type { EnvironmentView } from "../placement/placement.ts";
import type { EnvironmentCore } from "./core.ts";
import type { EnvironmentStatus } from "./status.ts";

export function viewOf(core: EnvironmentCore, status: EnvironmentStatus): EnvironmentView {
  const { environmentId, version, mode } = core;
  return {
    environmentId,
    functionName: version.functionName,
    isProvisioned: mode.kind === "provisioned",
    runKey: version.runKey,
    memorySizeMib: version.memorySizeMib,
    availability: status.availability,
    idleOrder: status.idleOrder,
  };
}

export function summaryOf(core: EnvironmentCore, status: EnvironmentStatus): EnvironmentSummary {
  const { environmentId, version, log, mode, phases } = core;
  return {
    environmentId,
    functionName: version.functionName,
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
