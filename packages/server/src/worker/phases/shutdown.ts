/**
 * The Shutdown phase: everything of the environment ends. Without extensions AWS gives it no time, and the processes
 * are killed at once. With extensions (environment-behaviour, section 2; aws-lambda-runtime-interface-emulator,
 * rapid/shutdown.go):
 *
 * ```text
 *  SIGTERM ─► runtime, for 30 % of the budget ─► SIGKILL ─► SHUTDOWN to those that are subscribed, for the rest of it
 *                                                           SIGKILL to the other external ones
 * ```
 */
import { RUNTIME_PROCESS } from "../agents/runtime.ts";
import { extensionProcess } from "../agents/extension.ts";
import { attachProcesses } from "../core/attach.ts";
import type { Brought } from "../core/brought.ts";
import { type EnvironmentCore, tryEngine } from "../core/core.ts";
import type { Failure } from "../function-errors.ts";
import { type ShutdownReason, shutdownEvent } from "../runtime-api/extension-events.ts";

/** AWS's budgets: with external extensions, and with internal ones only. */
const EXTERNAL_BUDGET_MS = 2000;
const INTERNAL_BUDGET_MS = 500;
/** The runtime's part of the budget. */
const RUNTIME_SHARE = 0.3;
const SIGKILL = 9;
const SIGTERM = 15;

export async function runShutdown(core: EnvironmentCore): Promise<void> {
  for (const event of core.inbox.drain()) {
    if (event.kind === "invoke") event.request.reply({ kind: "gone" });
    if (event.kind === "exit") core.noteFailure(EXITED);
    if (event.kind === "kill") return core.destroySandbox();
  }
  return endSandbox(core);
}

/** Ends the sandbox with the time that its extensions have for it. */
export async function endSandbox(core: EnvironmentCore): Promise<void> {
  await tellExtensions(core);
  await core.destroySandbox();
}

/**
 * Ends all processes in the sandbox, as the Shutdown phase does, and leaves the sandbox with its `/tmp`: AWS's reset.
 * Null where that is not possible, and the sandbox is to be destroyed.
 */
export async function resetSandbox(core: EnvironmentCore): Promise<Brought | null> {
  await tellExtensions(core);
  const brought = core.toEnd;
  if (brought === null) return null;
  const reset = await tryEngine(() => brought.sandbox.link.reset());
  core.log.flushOutput();
  if (!reset.ok) core.reportProblem("reset the sandbox", reset.error);
  if (!reset.ok || !reset.value) return null;
  core.forgetProcesses();
  return attachProcesses(core, brought.sandbox);
}

async function tellExtensions(core: EnvironmentCore): Promise<void> {
  core.log.flushOutput();
  const brought = core.toEnd;
  if (brought === null || !mayTakeTime(core, brought)) return;
  await endProcesses(core, brought);
  core.log.flushOutput();
}

/** A process that ended while nobody waited for it: only that it did counts here. */
const EXITED: Failure = { kind: "exit", errorType: "Extension.Crash", message: "" };

/** Says whether somebody is there who is given time: extensions that run, and that we still reach. */
function mayTakeTime({ mode, failure, phases }: EnvironmentCore, { extensions, processes }: Brought): boolean {
  if (extensions.all.length === 0 || processes.size === 0) return false;
  // The processes of a snapshot that was taken have ended with it.
  if (mode.kind === "snapshot" && failure === null) return false;
  // A clone that was parked, and never taken, has not run.
  if (mode.kind === "restore" && phases.find("restore") === null) return false;
  return failure?.kind !== "platform" && failure?.kind !== "cancelled";
}

async function endProcesses(core: EnvironmentCore, brought: Brought): Promise<void> {
  const { extensions, processes, sandbox } = brought;
  const thawed = await tryEngine(() => core.thaw(brought));
  if (!thawed.ok) return;
  core.telemetry.flush();
  const external = extensions.all.filter(({ isExternal }) => isExternal);
  const budgetMs = external.length > 0 ? EXTERNAL_BUDGET_MS : INTERNAL_BUDGET_MS;
  const startMs = core.nowMs();
  const deadlineAtMs = core.services.clock.nowMs() + budgetMs;
  if (processes.has(RUNTIME_PROCESS)) {
    sandbox.link.signal(RUNTIME_PROCESS, SIGTERM);
    const isThere = await untilEnded(core, brought, [RUNTIME_PROCESS], budgetMs * RUNTIME_SHARE);
    if (!isThere) return;
    if (processes.has(RUNTIME_PROCESS)) sandbox.link.signal(RUNTIME_PROCESS, SIGKILL);
  }
  // A SHUTDOWN that came before them would be the end of who is to get them.
  await core.telemetry.settled(budgetMs * RUNTIME_SHARE - (core.nowMs() - startMs));
  const told = external.filter(({ events }) => events.includes("SHUTDOWN"));
  for (const extension of external)
    if (!told.includes(extension)) sandbox.link.signal(extensionProcess(extension.name), SIGKILL);
  extensions.deliver(shutdownEvent(reasonOf(core.failure), deadlineAtMs));
  const names = told.map(({ name }) => extensionProcess(name));
  await untilEnded(core, brought, names, budgetMs - (core.nowMs() - startMs));
}

/** Waits until the processes have ended, or the time is over. False where nothing is to be waited for any more. */
async function untilEnded(
  core: EnvironmentCore,
  { processes }: Brought,
  names: readonly string[],
  limitMs: number,
): Promise<boolean> {
  const deadline = core.startDeadline(limitMs);
  try {
    while (names.some((name) => processes.has(name))) {
      const event = await core.inbox.take();
      if (event.kind === "deadline" && event.deadline === deadline) return true;
      if (event.kind === "kill" || event.kind === "lost" || event.kind === "sandbox-exited") return false;
      if (event.kind === "invoke") event.request.reply({ kind: "gone" });
    }
    return true;
  } finally {
    deadline.cancel();
  }
}

function reasonOf(failure: Failure | null): ShutdownReason {
  if (failure === null) return "spindown";
  return failure.kind === "timeout" ? "timeout" : "failure";
}
