/** The life of an environment that is initialised when an invoke needs it. */
import type { Driver } from "../environment/driver.ts";
import type { InvokeRequest } from "../core/events.ts";
import { failInvoke, WARM } from "../phases/invoke.ts";
import { endSandbox } from "../phases/shutdown.ts";
import { bringUp } from "./bring-up.ts";

export async function serveOnDemand(driver: Driver, first: InvokeRequest): Promise<void> {
  const up = await bringUp(driver, { phase: "init", limitMs: driver.core.services.limits.initTimeoutMs });
  switch (up.kind) {
    case "no-sandbox":
      driver.refuse(first, up.failure);
      return;
    case "init-failed":
      if (up.failure.kind !== "platform") return initAgain(driver, first);
      driver.refuse(first, up.failure);
      return;
    case "ready": {
      const failure = await driver.invoke(up.brought, first, { ...WARM, initDurationMs: up.initDurationMs });
      if (failure === null) await driver.serveWarm(up.brought);
    }
  }
}

/** Runs a failed Init once more within the invoke, under the function's timeout: AWS's suppressed Init. */
async function initAgain(driver: Driver, first: InvokeRequest): Promise<void> {
  const { core } = driver;
  driver.enter("resetting");
  core.phases.clear();
  await endSandbox(core);
  const up = await bringUp(driver, { phase: "invoke", limitMs: core.version.timeoutS * 1000 });
  switch (up.kind) {
    case "no-sandbox":
      driver.refuse(first, up.failure);
      return;
    case "init-failed":
      if (up.failure.kind === "platform") {
        up.clock.deadline.cancel();
        driver.refuse(first, up.failure);
        return;
      }
      driver.enter("invoking");
      return failInvoke(core, { brought: up.brought, request: first, clock: up.clock, cold: WARM }, up.failure);
    case "ready": {
      const failure = await driver.invoke(up.brought, first, WARM, up.clock);
      if (failure === null) await driver.serveWarm(up.brought);
    }
  }
}
