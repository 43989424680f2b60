/**
 * The Restore phase: a clone is made from the snapshot and released. Its credentials and its log stream are new before it runs.
 * A runtime that was parked in restore/next gets an empty 200 and then has its after-restore hooks to run; one that was parked in
 * invocation/next stays there until Invoke.
 */
import { type EnvironmentCore, tryEngine } from "./environment-core.ts";
import type { Failure } from "./function-errors.ts";
import { toPhaseStatus } from "./run-init.ts";
import type { SnapshotId } from "../base/ids.ts";

export interface RestoreResult {
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Runtime load and after-restore hooks, rounded up. */
  readonly billedMs: number;
  readonly failure: Failure | null;
}

export async function runRestore(core: EnvironmentCore, snapshotId: SnapshotId): Promise<RestoreResult> {
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
  const cloneFailure = await makeClone(core, snapshotId);
  const releasedMs = core.nowMs();
  const failure = cloneFailure ?? (await releaseRuntime(core));
  const endMs = core.nowMs();
  log.flushOutput();
  const durationMs = endMs - startMs;
  core.phases["restore"] = durationMs;
  log.writePlatform({ kind: "restore-report", durationMs, status: toPhaseStatus(failure) });
  return { startedAtMs, durationMs, billedMs: Math.ceil(endMs - releasedMs), failure };
}

async function makeClone(core: EnvironmentCore, snapshotId: SnapshotId): Promise<Failure | null> {
  const snapshots = core.services.engine.snapshots;
  if (snapshots === null) {
    const message = `This host can't restore snapshots: ${core.services.engine.snapshotsProblem ?? "the engine has none"}`;
    return { kind: "platform", code: "WORKER_NO_SNAPSHOTS", message };
  }
  core.currentCredentials();
  const startMs = core.nowMs();
  const restored = await tryEngine(() => snapshots.restore(core.sandboxSpec, snapshotId));
  if (!restored.ok) {
    core.reportProblem("restore", restored.error);
    return restored.failure;
  }
  Object.assign(core.phases, restored.value.phases);
  core.phases["engine"] = core.nowMs() - startMs;
  core.attach(restored.value);
  return null;
}

async function releaseRuntime(core: EnvironmentCore): Promise<Failure | null> {
  const startMs = core.nowMs();
  const deadline = core.startDeadline(core.services.limits.restoreTimeoutMs);
  try {
    const parked = await core.waitFor(deadline, ["restore-next", "invocation-next"]);
    if (parked.kind === "failed") return parked.failure;
    const parkedMs = core.nowMs();
    core.phases["connect"] = parkedMs - startMs;
    if (parked.event.kind === "restore-next") {
      core.session.releaseRestore();
      const ready = await core.waitFor(deadline, ["invocation-next"]);
      if (ready.kind === "failed") return ready.failure;
    }
    core.phases["hooks"] = core.nowMs() - parkedMs;
    return null;
  } finally {
    deadline.cancel();
  }
}
