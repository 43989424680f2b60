/**
 * The life of an environment that is made for its snapshot: the whole Init, before-snapshot hooks included, then the
 * snapshot.
 */
import type { SnapshotId } from "../../base/ids.ts";
import { SNAPSTART_LABEL } from "../../model/image.ts";
import type { Snapshots } from "../../ports/snapshots.ts";
import type { SnapshotOutcome } from "../../ports/worker.ts";
import type { Brought } from "../core/brought.ts";
import { type EnvironmentCore, tryEngine } from "../core/core.ts";
import type { Driver } from "../environment/driver.ts";
import type { Failure } from "../function-errors.ts";
import { aheadLimitMs, bringUp } from "./bring-up.ts";

/** AWS's text, whatever went wrong in Init; the function's log has the rest. */
const INIT_FAILED_REASON = "An error occurred during function initialization.";

/** How long a snapshot waits for subscribers of telemetry to take what they have not got yet. */
const SETTLE_MS = 2000;

export async function liveForSnapshot(
  driver: Driver,
  snapshots: Snapshots,
  snapshotId: SnapshotId,
  signal: AbortSignal,
): Promise<SnapshotOutcome> {
  const up = await bringUp(driver, { phase: "init", limitMs: aheadLimitMs(driver.core) });
  if (up.kind === "no-sandbox") return toOutcome(up.failure);
  if (signal.aborted) return { kind: "cancelled" };
  if (up.kind === "init-failed") return toOutcome(up.failure);
  if (isUnfit(driver.core, up.brought)) {
    driver.core.log.writeLine(
      `[thaw] The image's runtime did not ask for /runtime/restore/next, and the image has no label ${SNAPSTART_LABEL}=Allow.`,
    );
    return { kind: "function-error", reasonCode: "FunctionError", reason: INIT_FAILED_REASON };
  }
  driver.enter("snapshotting");
  const outcome = await takeSnapshot(driver.core, up.brought, snapshots, snapshotId, up.initDurationMs);
  if (outcome.kind !== "ready" || !signal.aborted) return outcome;
  await removeQuietly(driver.core, snapshots, snapshotId);
  return { kind: "cancelled" };
}

/** An image must have runtime hooks, or say that it needs none (AWS, snapstart-runtime-hooks-custom). */
function isUnfit({ version: { image } }: EnvironmentCore, { session }: Brought): boolean {
  return image !== null && !image.allowsSnapStart && session.state !== "RestoreReady";
}

async function takeSnapshot(
  core: EnvironmentCore,
  { sandbox, api }: Brought,
  snapshots: Snapshots,
  snapshotId: SnapshotId,
  initDurationMs: number,
): Promise<SnapshotOutcome> {
  const startMs = core.nowMs();
  const endSnapshot = core.phases.start("snapshot");
  await core.telemetry.settled(SETTLE_MS);
  const kept = api.keep();
  if (kept !== null) sandbox.link.keep(kept);
  const taken = await tryEngine(() => snapshots.take(sandbox, snapshotId, core.version));
  if (!taken.ok) {
    core.reportProblem("take the snapshot", taken.error);
    return toOutcome(taken.failure);
  }
  core.phases.include(taken.value.phases, startMs);
  endSnapshot();
  const { key, memoryBytes, diskBytes, newBytes, cutConnections } = taken.value;
  return {
    kind: "ready",
    initDurationMs,
    snapshotKey: key,
    memoryBytes,
    diskBytes,
    newBytes,
    cutConnections,
    fingerprints: { engine: snapshots.fingerprint, runtime: core.recipe.fingerprint },
    ...core.phases.show(core.createdMonotonicMs),
  };
}

async function removeQuietly(core: EnvironmentCore, snapshots: Snapshots, snapshotId: SnapshotId): Promise<void> {
  try {
    await snapshots.remove(snapshotId);
  } catch (error) {
    core.reportProblem("remove the snapshot of a cancelled publish", error);
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

/** Returns AWS's StateReasonCode. */
function reasonCode(failure: Exclude<Failure, { kind: "cancelled" | "platform" }>): string {
  if (failure.kind === "timeout") return "FunctionError.InitTimeout";
  if (failure.kind === "reported") return "FunctionError";
  if (failure.launchErrorType === "PermissionDenied") return "FunctionError.PermissionDenied";
  if (failure.launchErrorType === "TooManyExtensions") return "FunctionError.TooManyExtensions";
  switch (failure.errorType) {
    case "Extension.LaunchError":
    case "Extension.InitError":
    case "Extension.ExitError":
    case "Extension.Crash":
      return "FunctionError.ExtensionInitError";
    case "Runtime.OutOfMemory":
      return "FunctionError.InitResourceExhausted";
    case "Runtime.InvalidEntrypoint":
      return failure.message.endsWith("permission denied")
        ? "FunctionError.PermissionDenied"
        : "FunctionError.InvalidEntryPoint";
    case "Runtime.InvalidWorkingDir":
      return "FunctionError.InvalidWorkingDirectory";
    case "Runtime.ExitError":
      return "FunctionError";
  }
}
