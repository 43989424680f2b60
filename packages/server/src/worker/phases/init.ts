/**
 * The Init phase: the runtime is started and has to reach its first long poll. On demand, within an invoke, and ahead.
 */
import { untilReady } from "../core/flow.ts";
import type { Brought } from "../core/brought.ts";
import type { EnvironmentCore } from "../core/core.ts";
import type { Deadline } from "../core/events.ts";
import { lostFailure } from "../core/wait.ts";
import { SupervisorLostError } from "../../ports/supervisor.ts";
import { type Failure, failureErrorType } from "../function-errors.ts";
import type { PhaseStatus } from "../telemetry/platform-log.ts";
import { primeRuntime } from "./prime.ts";
import { startExtensions } from "./start-extensions.ts";
import { startRuntime } from "./start-runtime.ts";

export type InitResult =
  | { readonly kind: "ready"; readonly durationMs: number }
  | { readonly kind: "failed"; readonly durationMs: number; readonly failure: Failure };

export interface InitOptions {
  /** `invoke`: Init is tried again within the invoke, under the function's timeout. */
  readonly phase: "init" | "invoke";
  readonly deadline: Deadline;
}

export async function runInit(
  core: EnvironmentCore,
  brought: Brought,
  { phase, deadline }: InitOptions,
): Promise<InitResult> {
  const { log, version, recipe, initializationType } = core;
  log.beginPhase();
  log.writePlatform({
    kind: "init-start",
    functionName: version.functionName,
    version: version.version,
    phase,
    initializationType,
    runtimeVersion: recipe.runtimeVersion,
    runtimeVersionArn: recipe.runtimeVersionArn,
  });
  if (core.mode.kind === "on-demand") core.debug?.show(core.environmentId, brought.sandbox.link, null);
  const endInit = core.phases.start("init");
  const failure = await initialise(core, brought, deadline);
  core.noteFailure(failure);
  const durationMs = endInit();
  log.flushOutput();
  if (wasStarted(failure))
    log.writePlatform({ kind: "init-runtime-done", initializationType, phase, status: toPhaseStatus(failure) });
  for (const { name, state, events, errorType } of brought.extensions.all)
    log.writePlatform({ kind: "extension", name, state, events, errorType });
  brought.subscriptions.close();
  core.telemetry.close();
  const status = toPhaseStatus(failure);
  log.writePlatform({ kind: "init-report", report: { durationMs, phase, initializationType, status } });
  return failure === null ? { kind: "ready", durationMs } : { kind: "failed", durationMs, failure };
}

/** AWS reports the runtime's part of Init where the extensions let it begin. */
function wasStarted(failure: Failure | null): boolean {
  return failure?.kind !== "exit" || failure.errorType !== "Extension.LaunchError";
}

export function toPhaseStatus(failure: Failure | null): PhaseStatus {
  if (failure === null) return { kind: "success" };
  return failure.kind === "timeout" ? { kind: "timeout" } : { kind: "error", errorType: failureErrorType(failure) };
}

async function initialise(core: EnvironmentCore, brought: Brought, deadline: Deadline): Promise<Failure | null> {
  const notStarted = await startProcesses(core, brought, deadline);
  if (notStarted !== null) return notStarted;
  const notReady = await untilReady(core, brought, deadline, "init");
  if (notReady !== null) return notReady;
  return core.isSnapStart ? primeRuntime(core, brought, deadline) : null;
}

/** A sandbox that is lost meanwhile says nothing about the function's programs. */
async function startProcesses(core: EnvironmentCore, brought: Brought, deadline: Deadline): Promise<Failure | null> {
  try {
    return (await startExtensions(core, brought, deadline)) ?? (await startRuntime(core, brought));
  } catch (error) {
    if (!(error instanceof SupervisorLostError)) throw error;
    core.reportProblem("start the processes", error);
    return lostFailure(core);
  }
}
