/** The settings that are limits, as the control plane and the worker take them. */
import { statfsSync } from "node:fs";
import { type RoomWatch, watchRoom } from "../base/disk-room.ts";
import { type ControlLimits, DEFAULT_CONTROL_LIMITS } from "../control/limits.ts";
import type { ControlServices } from "../control/services.ts";
import { isSameScope } from "../model/function-name.ts";
import type { WorkerLimits } from "../worker/worker-services.ts";
import { companionVariables } from "./options/companion-options.ts";
import type { ServeOptions } from "./options/serve-options.ts";
import { isCaller } from "./options/service-callers.ts";
import { SERVICES_ADDRESS } from "./services-door.ts";

/**
 * The worker's limits that have a setting; for the others it has its own. `hasServices`: functions that are named for
 * it can reach this server's services.
 */
export function workerLimits(options: ServeOptions, hasServices: boolean): Partial<WorkerLimits> {
  const { environmentsMax, memoryMaxMib, restoresAtOnceMax, functionShareMax, parkedPerVersionMax, parkedMax } =
    options;
  const callsServices: WorkerLimits["callsServices"] = (version) =>
    hasServices && isCaller(options.serviceCallers, options.accountId, version, version.functionName);
  const shares = { restoresAtOnceMax, functionShareMax, parkedPerVersionMax, parkedMax };
  return {
    environmentsMax,
    memoryMaxMib,
    countsUsedMemory: countsUsedMemory(options),
    tmpMaxMib: () => options.tmpMaxMib ?? Math.max(0, freeBytes(options.dataDir) / 2 ** 20 - options.diskFreeMinMib),
    // The operator's names are those of the home account's functions.
    hostPortsOf: (version) =>
      isSameScope(version, options) ? (options.hostPorts.byFunction.get(version.functionName) ?? []) : [],
    callsServices,
    variablesOf: (version) => ({
      ...(callsServices(version) ? { AWS_ENDPOINT_URL: SERVICES_ADDRESS } : {}),
      // Those of one service win over that of all.
      ...(version.accountId === options.accountId ? companionVariables(options.companion) : {}),
    }),
    idleTimeoutMs: options.idleTimeoutS * 1000,
    ...shares,
  };
}

/** With a snapshot store there may be other hosts that a client is better sent to. */
export function countsUsedMemory({ memoryCount, snapshotStore }: ServeOptions): boolean {
  return memoryCount === null ? snapshotStore === null : memoryCount === "used";
}

/** Limits of the control plane, and the facts of the host that it needs to keep them. */
export function hostLimits(options: ServeOptions): Pick<ControlServices, "limits" | "accessPoints" | "freeDiskBytes"> {
  return {
    limits: controlLimits(options),
    accessPoints: new Set(options.fileSystems.keys()),
    freeDiskBytes: () => freeBytes(options.dataDir),
  };
}

function controlLimits(options: ServeOptions): ControlLimits {
  const { environmentsMax, snapshotIdleMs, snapshotsAtOnceMax, snapshotsPendingMax, concurrencyMax, stateChangeMs } =
    options;
  const diskFreeMinBytes = options.diskFreeMinMib * 2 ** 20;
  return {
    ...DEFAULT_CONTROL_LIMITS,
    environmentsMax,
    snapshotIdleMs,
    snapshotsAtOnceMax,
    snapshotsPendingMax,
    concurrencyMax,
    stateChangeMs,
    diskFreeMinBytes,
  };
}

/** For each image that is unpacked, or laid out: it leaves to others what they have been promised. */
export function roomWatches({ dataDir, diskFreeMinMib }: ServeOptions): () => RoomWatch {
  return () => watchRoom(() => freeBytes(dataDir), diskFreeMinMib * 2 ** 20);
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}
