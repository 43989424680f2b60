/**
 * An environment that is made for its snapshot: it waits for room, lives once, and the result of its life is the
 * outcome of the snapshot.
 */
import type { SnapshotId } from "../../base/ids.ts";
import type { RuntimeRecipe } from "../../ports/runtime-catalog.ts";
import type { Snapshots } from "../../ports/snapshots.ts";
import type { RunnableVersion, SnapshotOutcome } from "../../ports/worker.ts";
import { liveForSnapshot } from "../lives/snapshot.ts";
import type { EnvironmentPool } from "./pool.ts";

export interface SnapshotRequest {
  readonly version: RunnableVersion;
  readonly recipe: RuntimeRecipe;
  /** Says whether the recipe's language is still on the host, or was replaced under the Init. */
  readonly isInstalled: () => boolean;
  readonly snapshots: Snapshots;
  readonly snapshotId: SnapshotId;
  readonly signal: AbortSignal;
}

const LOST = {
  kind: "platform-error",
  code: "WORKER_ENVIRONMENT_LOST",
  message: "The snapshot could not be made. The server's log has the details.",
} as const;

export async function initialiseForSnapshot(pool: EnvironmentPool, request: SnapshotRequest): Promise<SnapshotOutcome> {
  const { version, recipe, isInstalled, snapshots, snapshotId, signal } = request;
  const environment = await pool.startInRoom(version, recipe, { kind: "snapshot", snapshotId }, signal, (driver) =>
    liveForSnapshot(driver, snapshots, snapshotId, signal),
  );
  if (environment === null) return { kind: "cancelled" };
  const onAbort = (): void => environment.kill({ kind: "cancelled" });
  signal.addEventListener("abort", onAbort, { once: true });
  const outcome = await environment.stopped;
  signal.removeEventListener("abort", onAbort);
  if (outcome?.kind !== "ready" || isInstalled()) return outcome ?? LOST;
  await snapshots.remove(snapshotId);
  return { ...LOST, message: "The runtime was updated while the snapshot was made." };
}
