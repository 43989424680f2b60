/**
 * The life of a clone that is restored from a snapshot when an invoke needs it, and what a parked clone has in common
 * with it.
 */
import type { RestoreReport } from "../../ports/reports.ts";
import type { WorkingSetInfo } from "../../ports/snapshot-disk.ts";
import type { Brought } from "../core/brought.ts";
import type { EnvironmentCore } from "../core/core.ts";
import type { Driver } from "../environment/driver.ts";
import type { InvokeRequest, RestoreMode } from "../core/events.ts";
import type { Failure } from "../function-errors.ts";
import { type RestoreResult, runRestore } from "../phases/restore.ts";

export async function serveRestored(driver: Driver, snapshot: RestoreMode, first: InvokeRequest): Promise<void> {
  driver.enter("restoring");
  return serveFrom(driver, snapshot, first, await runRestore(driver.core, snapshot));
}

/** Serves the first invoke of a clone whose Restore phase is over, then the others. */
export async function serveFrom(
  driver: Driver,
  snapshot: RestoreMode,
  first: InvokeRequest,
  restore: RestoreResult,
): Promise<void> {
  const { core } = driver;
  if (restore.kind === "failed") {
    reportRestore(core, snapshot, first, restore);
    driver.refuse(first, restore.failure);
    return;
  }
  const failure = await driver.invoke(restore.brought, first, {
    initDurationMs: null,
    restoreDurationMs: restore.durationMs,
    billedRestoreDurationMs: restore.billedMs,
  });
  await recordWorkingSet(driver, restore.brought, snapshot);
  reportRestore(core, snapshot, first, restore);
  if (failure === null) await driver.serveWarm(restore.brought);
}

/** Records what the clone touched up to here, for the clones to come. The caller has its answer already. */
async function recordWorkingSet(driver: Driver, { sandbox }: Brought, snapshot: RestoreMode): Promise<void> {
  const { core, status } = driver;
  status.setRecording(true);
  try {
    const recorded = await core.services.snapshots?.responded(sandbox, snapshot.snapshotId, snapshot.key, core.version);
    if (recorded === undefined) return;
    notePrefetch(core, recorded);
    core.noteMemory(recorded);
  } catch (error) {
    // A clone that has ended has nothing to tell.
    if (!status.isStopRequested) core.reportProblem("record the working set", error);
  } finally {
    status.setRecording(false);
  }
}

/** Records when pages were brought ahead. The pager's times count from the engine's restore. */
function notePrefetch(core: EnvironmentCore, { prefetchStartMs, prefetchEndMs }: WorkingSetInfo): void {
  const engine = core.phases.find("engine");
  if (prefetchEndMs === 0 || engine === null) return;
  const startMs = engine.startMs + prefetchStartMs;
  core.phases.record({ name: "prefetch", startMs, durationMs: prefetchEndMs - prefetchStartMs });
}

function reportRestore(
  core: EnvironmentCore,
  snapshot: RestoreMode,
  request: InvokeRequest,
  restore: RestoreResult,
): void {
  core.services.onRestore({
    functionName: core.version.functionName,
    accountId: core.version.accountId,
    region: core.version.region,
    version: core.version.version,
    environmentId: core.environmentId,
    snapshotId: snapshot.snapshotId,
    requestId: request.input.requestId,
    logStream: core.log.logStream,
    outcome: restore.kind === "failed" ? outcomeOf(restore.failure) : "success",
    startedAtMs: restore.startedAtMs,
    startedMonotonicMs: restore.startMs,
    restoreDurationMs: restore.durationMs,
    ...core.phases.show(restore.startMs),
    memory: core.memory,
  });
}

function outcomeOf(failure: Failure): RestoreReport["outcome"] {
  if (failure.kind === "timeout") return "timeout";
  return failure.kind === "reported" || failure.kind === "exit" ? "error" : "platform-error";
}
