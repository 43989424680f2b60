/** Waits of a phase: for what the processes do next, or for the reason why the phase has failed. */
import type { SandboxExit } from "../../ports/engine.ts";
import { type Failure, OUT_OF_MEMORY } from "../function-errors.ts";
import { CONNECTION_LOST, SNAPSHOT_DAMAGED } from "../platform-failure.ts";
import type { ApiEvent } from "../runtime-api/api.ts";
import type { Brought } from "./brought.ts";
import type { EnvironmentCore } from "./core.ts";
import type { Deadline, EnvironmentEvent } from "./events.ts";

/** How long after the connection's end the news of the sandbox's end may come. */
const SANDBOX_EXIT_WAIT_MS = 1000;

export type WaitResult<K extends ApiEvent["kind"]> =
  | { readonly kind: "event"; readonly event: Extract<ApiEvent, { readonly kind: K }> }
  | { readonly kind: "failed"; readonly failure: Failure };

/**
 * Waits until the runtime does one of `kinds`, or the phase fails. A request to stop is kept for the end of the phase.
 */
export async function waitFor<K extends ApiEvent["kind"]>(
  core: EnvironmentCore,
  brought: Brought,
  deadline: Deadline,
  kinds: readonly K[],
): Promise<WaitResult<K>> {
  for (;;) {
    const next = await nextApiEvent(core, brought, deadline);
    if (next.kind === "failed") return next;
    if ((kinds as readonly string[]).includes(next.event.kind)) {
      return { kind: "event", event: next.event as Extract<ApiEvent, { readonly kind: K }> };
    }
  }
}

/** Waits for whatever runtime or extensions do next, or the reason why the phase has failed. */
export async function nextApiEvent(
  core: EnvironmentCore,
  brought: Brought,
  deadline: Deadline,
): Promise<WaitResult<ApiEvent["kind"]>> {
  for (;;) {
    const event = await core.inbox.take();
    if (isProgress(event)) return { kind: "event", event };
    const failure = await toFailure(core, brought, event, deadline);
    if (failure !== null) return { kind: "failed", failure };
  }
}

/** Says whether a process went on; a report of an error is the end of its phase. */
function isProgress(event: EnvironmentEvent): event is ApiEvent {
  switch (event.kind) {
    case "restore-next":
    case "invocation-next":
    case "response":
    case "response-begin":
    case "response-end":
    case "response-too-large":
    case "invocation-error":
    case "extension":
      return true;
    default:
      return false;
  }
}

async function toFailure(
  core: EnvironmentCore,
  brought: Brought,
  event: EnvironmentEvent,
  deadline: Deadline,
): Promise<Failure | null> {
  switch (event.kind) {
    case "deadline":
      return event.deadline === deadline ? { kind: "timeout" } : null;
    case "init-error":
    case "restore-error":
      // A runtime that reported an error exits by itself; its exit comes after its last output.
      await skipUntil(core, ["exit", "lost", "sandbox-exited"], core.services.limits.exitWaitMs);
      return { kind: "reported", errorType: event.errorType, body: event.body };
    case "exit":
      return exitFailure(core, brought, event);
    case "lost":
      return lostFailure(core);
    case "sandbox-exited":
      return sandboxExitFailure(event.exit);
    case "kill":
      return event.failure;
    case "invoke":
      event.request.reply({ kind: "gone" });
      return null;
    default:
      return null;
  }
}

/** A process that was killed in a sandbox that can't be asked any more was killed with it. */
async function exitFailure(
  core: EnvironmentCore,
  brought: Brought,
  { agent, exit }: Extract<EnvironmentEvent, { readonly kind: "exit" }>,
): Promise<Failure> {
  try {
    return await agent.toFailure(exit, () => core.hasNewOomKills(brought));
  } catch (error) {
    core.reportProblem("read usage after the runtime was killed", error);
    return lostFailure(core);
  }
}

/** Says why a sandbox was lost, as soon as that is known. */
export async function lostFailure(core: EnvironmentCore): Promise<Failure> {
  const event = await skipUntil(core, ["sandbox-exited"], SANDBOX_EXIT_WAIT_MS);
  return event?.kind === "sandbox-exited" ? sandboxExitFailure(event.exit) : CONNECTION_LOST;
}

function sandboxExitFailure(exit: SandboxExit): Failure {
  if (exit.snapshotDamaged) return SNAPSHOT_DAMAGED;
  return exit.oom ? OUT_OF_MEMORY : CONNECTION_LOST;
}

/** Waits for an event of `kinds` and drops the others. Null where none came within the limit. */
async function skipUntil(
  core: EnvironmentCore,
  kinds: readonly EnvironmentEvent["kind"][],
  limitMs: number,
): Promise<EnvironmentEvent | null> {
  const deadline = core.startDeadline(limitMs);
  for (;;) {
    const event = await core.inbox.take();
    if (event.kind === "deadline" && event.deadline === deadline) return null;
    if (event.kind === "invoke") event.request.reply({ kind: "gone" });
    if (!kinds.includes(event.kind)) continue;
    deadline.cancel();
    return event;
  }
}
