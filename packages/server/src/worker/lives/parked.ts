/**
 * The life of a parked clone: restored ahead, frozen where the snapshot was taken, and invoked when somebody takes it.
 */
import type { Driver } from "../environment/driver.ts";
import type { RestoreMode } from "../core/events.ts";
import { parkClone, runUnpark } from "../phases/restore.ts";
import { serveFrom } from "./restored.ts";

export async function serveParked(driver: Driver, snapshot: RestoreMode): Promise<void> {
  const { core, status } = driver;
  status.beginParking();
  driver.enter("restoring");
  const clone = await parkClone(core, snapshot);
  if (clone.kind === "failed" || status.isStopRequested) return;
  status.offerParked();
  const deadline = core.startDeadline(core.services.limits.parkedIdleMs);
  const first = await driver.takeInvoke(deadline);
  deadline.cancel();
  status.endParking();
  if (first === null) return;
  driver.enter("restoring");
  return serveFrom(driver, snapshot, first, await runUnpark(core, clone.brought));
}
