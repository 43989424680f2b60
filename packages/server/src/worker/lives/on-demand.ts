/**
 * The life of an environment that is initialised when an invoke needs it.
 *
 * After a failed invoke AWS resets the environment (Lambda's guide, "Execution environment lifecycle"): all processes
 * end, and the next invoke begins with Init, under the function's timeout and in its billed time. `/tmp` and the log
 * stream stay. An Init that fails within an invoke is the end of the environment.
 */
import type { Driver } from "../environment/driver.ts";
import type { Brought } from "../core/brought.ts";
import type { InvokeRequest } from "../core/events.ts";
import type { Failure } from "../function-errors.ts";
import { failInvoke, WARM } from "../phases/invoke.ts";
import { endSandbox } from "../phases/shutdown.ts";
import { type BroughtUp, bringUp, type BringUpOptions, initialise } from "./bring-up.ts";

/** An invoke that was run: where, and why that can't be used again; null: it can. */
interface Served {
  readonly brought: Brought;
  readonly failure: Failure | null;
}

export async function serveOnDemand(driver: Driver, first: InvokeRequest): Promise<void> {
  const up = await bringUp(driver, { phase: "init", limitMs: driver.core.services.limits.initTimeoutMs });
  switch (up.kind) {
    case "no-sandbox":
      driver.refuse(first, up.failure);
      return;
    case "init-failed":
      if (up.failure.kind !== "platform") return serveOn(driver, await initAgain(driver, first));
      driver.refuse(first, up.failure);
      return;
    case "ready": {
      const { brought, initDurationMs } = up;
      const failure = await driver.invoke(brought, first, { ...WARM, initDurationMs });
      return serveOn(driver, { brought, failure });
    }
  }
}

/** Serves what comes after an invoke. Null: none was run, and nothing comes. */
async function serveOn(driver: Driver, first: Served | null): Promise<void> {
  for (let served = first; served !== null; ) {
    const failure: Failure | null = served.failure ?? (await driver.serveWarm(served.brought));
    if (failure === null || failure.kind === "platform" || failure.kind === "cancelled") return;
    served = await serveAfterReset(driver);
  }
}

async function serveAfterReset(driver: Driver): Promise<Served | null> {
  const brought = await driver.reset();
  if (brought === null) return null;
  const request = await driver.waitIdle(brought);
  if (request === null || (await driver.thaw(brought, request)) !== null) return null;
  return serveWithInit(driver, request, await initialise(driver, brought, withinInvoke(driver)));
}

/** Runs a failed Init once more within the invoke, under the function's timeout: AWS's suppressed Init. */
async function initAgain(driver: Driver, first: InvokeRequest): Promise<Served | null> {
  const { core } = driver;
  driver.enter("resetting");
  core.phases.clear();
  await endSandbox(core);
  return serveWithInit(driver, first, await bringUp(driver, withinInvoke(driver)));
}

function withinInvoke({ core }: Driver): BringUpOptions {
  return { phase: "invoke", limitMs: core.version.timeoutS * 1000 };
}

/** Runs the invoke that the Init was a part of. */
async function serveWithInit(driver: Driver, request: InvokeRequest, up: BroughtUp): Promise<Served | null> {
  const { core } = driver;
  switch (up.kind) {
    case "no-sandbox":
      driver.refuse(request, up.failure);
      return null;
    case "init-failed":
      if (up.failure.kind === "platform") {
        up.clock.deadline.cancel();
        driver.refuse(request, up.failure);
        return null;
      }
      driver.enter("invoking");
      await failInvoke(core, { brought: up.brought, request, clock: up.clock, cold: WARM }, up.failure);
      return null;
    case "ready": {
      const { brought, clock } = up;
      return { brought, failure: await driver.invoke(brought, request, WARM, clock) };
    }
  }
}
