/**
 * The life of an environment of provisioned concurrency: initialised ahead, until it is stopped, fails, or has lived
 * long enough.
 */
import type { Driver } from "../environment/driver.ts";
import { aheadLimitMs, bringUp } from "./bring-up.ts";

export async function serveProvisioned(driver: Driver, onReady: () => void): Promise<void> {
  const up = await bringUp(driver, { phase: "init", limitMs: aheadLimitMs(driver.core) });
  if (up.kind !== "ready") return;
  onReady();
  await driver.serveWarm(up.brought);
}
