/**
 * The Restore phase: a clone is made from the snapshot and released. Its credentials and its log stream are new before it runs.
 * A runtime that was parked in restore/next gets an empty 200 and then has its after-restore hooks to run; one that was parked in
 * invocation/next stays there until Invoke.
 */
import { type EnvironmentCore, tryEngine } from "../environment/core.ts";
import type { Failure } from "../function-errors.ts";
import { toPhaseStatus } from "./init.ts";
import type { SnapshotId } from "../../base/ids.ts";
import type { SnapshotKey } from "../../ports/engine.ts";

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
  const startMs = core.nowMs();
  const cloneFailure = await bring();
  const releasedMs = core.nowMs();
  const failure = cloneFailure ?? (await releaseRuntime(core));
  const endMs = core.nowMs();
  log.flushOutput();
  const durationMs = endMs - startMs;
  core.phases["restore"] = durationMs;
  log.writePlatform({ kind: "restore-report", durationMs, status: toPhaseStatus(failure) });
  return { startedAtMs, durationMs, billedMs: Math.ceil(endMs - releasedMs), failure };
}

async function makeClone(core: EnvironmentCore, snapshotId: SnapshotId, key: SnapshotKey): Promise<Failure | null> {
  const snapshots = core.services.engine.snapshots;
  if (snapshots === null) {
    const message = `This host can't restore snapshots: ${core.services.engine.snapshotsProblem ?? "the engine has none"}`;
    return { kind: "platform", code: "WORKER_NO_SNAPSHOTS", message };
  }
  core.currentCredentials();
  const startMs = core.nowMs();
  const restored = await tryEngine(() => snapshots.restore(core.sandboxSpec, snapshotId, key));
  if (!restored.ok) {
    core.reportProblem("restore", restored.error);
    return restored.failure;
  }
  Object.assign(core.phases, restored.value.phases);
  core.phases["engine"] = core.nowMs() - startMs;
  core.attach(restored.value);
  return null;
}

/** Until the runtime presents the call in which the snapshot was taken. */
async function untilParked(core: EnvironmentCore): Promise<Failure | null> {
  const startMs = core.nowMs();
  const deadline = core.startDeadline(core.services.limits.restoreTimeoutMs);
  const parked = await core.waitFor(deadline, ["restore-next", "invocation-next"]);
  deadline.cancel();
  core.phases["connect"] = core.nowMs() - startMs;
  return parked.kind === "failed" ? parked.failure : null;
}

async function releaseRuntime(core: EnvironmentCore): Promise<Failure | null> {
  // A runtime without hooks was taken in invocation/next, and stays there until Invoke.
  if (core.session.state !== "RestoreReady") return null;
  const startMs = core.nowMs();
  const deadline = core.startDeadline(core.services.limits.restoreTimeoutMs);
  core.session.releaseRestore();
  const ready = await core.waitFor(deadline, ["invocation-next"]);
  deadline.cancel();
  core.phases["hooks"] = core.nowMs() - startMs;
  return ready.kind === "failed" ? ready.failure : null;
}
