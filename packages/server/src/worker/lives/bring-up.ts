/** The beginning that all lives without a restore share: a sandbox, and the Init phase in it. */
import { attach } from "../core/attach.ts";
import type { Brought } from "../core/brought.ts";
import { type EnvironmentCore, tryEngine } from "../core/core.ts";
import type { Driver } from "../environment/driver.ts";
import type { Failure } from "../function-errors.ts";
import { runInit } from "../phases/init.ts";
import type { InvokeClock } from "../phases/invocation.ts";
import { startClock } from "../phases/invoke.ts";

export interface BringUpOptions {
  /** `invoke`: Init is tried again within the invoke, and the clock runs on for the invoke. */
  readonly phase: "init" | "invoke";
  readonly limitMs: number;
}

/** A sandbox in which Init has been run. */
export type Initialised =
  | {
      readonly kind: "ready";
      readonly brought: Brought;
      readonly initDurationMs: number;
      readonly clock: InvokeClock;
    }
  | {
      readonly kind: "init-failed";
      readonly failure: Failure;
      readonly brought: Brought;
      readonly clock: InvokeClock;
    };

export type BroughtUp = Initialised | { readonly kind: "no-sandbox"; readonly failure: Failure };

/** Makes a sandbox and runs Init in it within `limitMs`. */
export async function bringUp(driver: Driver, options: BringUpOptions): Promise<BroughtUp> {
  const made = await makeSandbox(driver.core);
  return made.ok ? initialise(driver, made.brought, options) : { kind: "no-sandbox", failure: made.failure };
}

/** Runs Init in a sandbox without processes. */
export async function initialise(
  driver: Driver,
  brought: Brought,
  { phase, limitMs }: BringUpOptions,
): Promise<Initialised> {
  const { core } = driver;
  driver.enter("initialising");
  const clock = startClock(core, limitMs);
  const init = await runInit(core, brought, { phase, deadline: clock.deadline });
  if (phase === "init") clock.deadline.cancel();
  return init.kind === "failed"
    ? { kind: "init-failed", failure: init.failure, brought, clock }
    : { kind: "ready", brought, initDurationMs: init.durationMs, clock };
}

/**
 * Returns AWS's limit for the Init of a version that is initialised ahead: at publish, or as provisioned concurrency.
 */
export function aheadLimitMs({ services, version }: EnvironmentCore): number {
  return Math.max(version.timeoutS * 1000, services.limits.publishInitTimeoutMs);
}

async function makeSandbox(
  core: EnvironmentCore,
): Promise<{ readonly ok: true; readonly brought: Brought } | { readonly ok: false; readonly failure: Failure }> {
  const startMs = core.nowMs();
  const endEngine = core.phases.start("engine");
  const created = await tryEngine(() => core.services.engine.create(core.sandboxSpec));
  if (!created.ok) {
    core.reportProblem("create the sandbox", created.error);
    return { ok: false, failure: created.failure };
  }
  core.phases.include(created.value.phases, startMs);
  endEngine();
  return { ok: true, brought: attach(core, created.value) };
}
