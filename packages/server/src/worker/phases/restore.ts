/**
 * The Restore phase: a clone is made from the snapshot and released. Its credentials and its log stream are new before it runs.
 * A runtime that was parked in restore/next gets an empty 200 and then has its after-restore hooks to run; one that was parked in
 * invocation/next stays there until Invoke.
 */
import { type EnvironmentCore, tryEngine } from "../environment/core.ts";
import type { Failure } from "../function-errors.ts";
import { toPhaseStatus } from "./init.ts";
import type { SnapshotId } from "../../base/ids.ts";
import type { SnapshotKey } from "../../ports/snapshots.ts";

export interface RestoreResult {
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Runtime load and after-restore hooks, rounded up. */
  readonly billedMs: number;
  readonly failure: Failure | null;
}

/** A restore that starts from a snapshot. */
export function runRestore(core: EnvironmentCore, snapshotId: SnapshotId, key: SnapshotKey): Promise<RestoreResult> {
  return restore(core, async () => (await makeClone(core, snapshotId, key)) ?? (await untilParked(core)));
}

/** A restore that starts from a parked clone. Its duration counts from the request, as AWS's does from the invoke. */
export function runUnpark(core: EnvironmentCore): Promise<RestoreResult> {
  core.renewIdentity();
  return restore(core, async () => {
    const thawed = await tryEngine(() => core.sandbox.thaw());
    return thawed.ok ? null : thawed.failure;
  });
}

/** Makes a clone and stops it where the snapshot was taken. */
export async function parkClone(
  core: EnvironmentCore,
  snapshotId: SnapshotId,
  key: SnapshotKey,
): Promise<Failure | null> {
  const failure = (await makeClone(core, snapshotId, key)) ?? (await untilParked(core));
  if (failure !== null) return failure;
  const frozen = await tryEngine(() => core.sandbox.freeze());
  return frozen.ok ? null : frozen.failure;
}

async function restore(core: EnvironmentCore, bring: () => Promise<Failure | null>): Promise<RestoreResult> {
  const { log, version, recipe } = core;
  log.beginPhase();
  log.writePlatform({
    kind: "restore-start",
    functionName: version.functionName,
    version: version.version,
    runtimeVersion: recipe.runtimeVersion,
    runtimeVersionArn: recipe.runtimeVersionArn,
  });
  const startedAtMs = core.services.clock.nowMs();
  const endRestore = core.phases.start("restore");
  const cloneFailure = await bring();
  const releasedMs = core.nowMs();
  const failure = cloneFailure ?? (await releaseRuntime(core));
  const billedMs = Math.ceil(core.nowMs() - releasedMs);
  const durationMs = endRestore();
  log.flushOutput();
  log.writePlatform({ kind: "restore-report", durationMs, status: toPhaseStatus(failure) });
  return { startedAtMs, durationMs, billedMs, failure };
}

async function makeClone(core: EnvironmentCore, snapshotId: SnapshotId, key: SnapshotKey): Promise<Failure | null> {
  const { snapshots } = core.services;
  if (snapshots === null) {
    const message = `This host can't restore snapshots: ${core.services.engine.snapshotsProblem ?? "the engine has none"}`;
    return { kind: "platform", code: "WORKER_NO_SNAPSHOTS", message };
  }
  core.currentCredentials();
  const startMs = core.nowMs();
  const endEngine = core.phases.start("engine");
  const restored = await tryEngine(() => snapshots.restore(core.sandboxSpec, snapshotId, key));
  if (!restored.ok) {
    core.reportProblem("restore", restored.error);
    return restored.failure;
  }
  core.phases.include(restored.value.phases, startMs);
  endEngine();
  core.attach(restored.value);
  return null;
}

/** Until the runtime presents the call in which the snapshot was taken. */
async function untilParked(core: EnvironmentCore): Promise<Failure | null> {
  const endParked = core.phases.start("parked");
  const deadline = core.startDeadline(core.services.limits.restoreTimeoutMs);
  const parked = await core.waitFor(deadline, ["restore-next", "invocation-next"]);
  deadline.cancel();
  endParked();
  return parked.kind === "failed" ? parked.failure : null;
}

async function releaseRuntime(core: EnvironmentCore): Promise<Failure | null> {
  // A runtime without hooks was taken in invocation/next, and stays there until Invoke.
  if (core.session.state !== "RestoreReady") return null;
  const endHooks = core.phases.start("hooks");
  const deadline = core.startDeadline(core.services.limits.restoreTimeoutMs);
  core.session.releaseRestore();
  const ready = await core.waitFor(deadline, ["invocation-next"]);
  deadline.cancel();
  endHooks();
  return ready.kind === "failed" ? ready.failure : null;
}
