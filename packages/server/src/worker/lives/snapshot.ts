/** The life of an environment that is made for its snapshot: the whole Init, before-snapshot hooks included, then the snapshot. */
import type { SnapshotId } from "../../base/ids.ts";
import type { SnapshotOutcome } from "../../ports/worker.ts";
import { tryEngine } from "../environment/core.ts";
import type { Environment } from "../environment/environment.ts";
import type { Failure } from "../function-errors.ts";
import { runInit } from "../phases/init.ts";
import type { Snapshots } from "../../ports/snapshots.ts";

/** AWS's text, whatever went wrong in Init; the function's log has the rest. */
const INIT_FAILED_REASON = "An error occurred during function initialization.";

export async function initialiseAndSnapshot(
  environment: Environment,
  snapshots: Snapshots,
  snapshotId: SnapshotId,
  signal: AbortSignal,
): Promise<SnapshotOutcome> {
  const { core } = environment;
  const createMs = core.nowMs();
  const endEngine = core.phases.start("engine");
  const created = await tryEngine(() => core.services.engine.create(core.sandboxSpec));
  if (!created.ok) {
    core.reportProblem("create the sandbox", created.error);
    return toOutcome(created.failure);
  }
  core.phases.include(created.value.phases, createMs);
  endEngine();
  core.attach(created.value);
  environment.transition("initialising");
  const { publishInitTimeoutMs } = core.services.limits;
  const deadline = core.startDeadline(Math.max(core.version.timeoutS * 1000, publishInitTimeoutMs));
  const init = await runInit(core, { phase: "init", deadline });
  deadline.cancel();
  if (signal.aborted) return { kind: "cancelled" };
  if (init.kind === "failed") return toOutcome(init.failure);
  environment.transition("snapshotting");
  const startMs = core.nowMs();
  const endSnapshot = core.phases.start("snapshot");
  const taken = await tryEngine(() => snapshots.take(core.sandbox, snapshotId, core.version.kmsKeyArn));
  if (!taken.ok) {
    core.reportProblem("take the snapshot", taken.error);
    return toOutcome(taken.failure);
  }
  if (signal.aborted) {
    await removeQuietly(environment, snapshots, snapshotId);
    return { kind: "cancelled" };
  }
  core.phases.include(taken.value.phases, startMs);
  endSnapshot();
  const { key, memoryBytes, diskBytes, newBytes, cutConnections } = taken.value;
  return {
    kind: "ready",
    initDurationMs: init.durationMs,
    snapshotKey: key,
    memoryBytes,
    diskBytes,
    newBytes,
    cutConnections,
    fingerprints: { engine: snapshots.fingerprint, runtime: core.recipe.fingerprint },
    ...core.phases.show(createMs),
  };
}

async function removeQuietly(environment: Environment, snapshots: Snapshots, snapshotId: SnapshotId): Promise<void> {
  try {
    await snapshots.remove(snapshotId);
  } catch (error) {
    environment.core.reportProblem("remove the snapshot of a cancelled publish", error);
  }
}

function toOutcome(failure: Failure): SnapshotOutcome {
  switch (failure.kind) {
    case "cancelled":
      return { kind: "cancelled" };
    case "platform":
      return { kind: "platform-error", code: failure.code, message: failure.message };
    default:
      return { kind: "function-error", reasonCode: reasonCode(failure), reason: INIT_FAILED_REASON };
  }
}

/** AWS's StateReasonCode. */
function reasonCode(failure: Exclude<Failure, { kind: "cancelled" | "platform" }>): string {
  if (failure.kind === "timeout") return "FunctionError.InitTimeout";
  if (failure.kind === "reported") return "FunctionError";
  switch (failure.errorType) {
    case "Runtime.OutOfMemory":
      return "FunctionError.InitResourceExhausted";
    case "Runtime.InvalidEntrypoint":
      return failure.message.endsWith("permission denied")
        ? "FunctionError.PermissionDenied"
        : "FunctionError.InvalidEntryPoint";
    case "Runtime.ExitError":
      return "FunctionError";
  }
}
