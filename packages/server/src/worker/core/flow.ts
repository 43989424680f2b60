/**
 * The barriers of an environment's life: who must be ready before a phase is over. As core/flow.go of AWS's runtime
 * interface emulator names them; an agent says for itself at which it is expected and by what it is ready
 * (registry.ts).
 *
 * | barrier    | ends                                  | the runtime is ready in          | an extension            |
 * |------------|---------------------------------------|----------------------------------|-------------------------|
 * | registered | the start of external extensions      | (it is started afterwards)       | when it has registered  |
 * | init       | Init                                  | restore/next or invocation/next  | in event/next           |
 * | clone      | the making of a clone                 | the call that the snapshot holds | in event/next           |
 * | restore    | Restore, after-restore hooks included | invocation/next                  | (is told nothing of it) |
 * | runtime    | the runtime's part of Invoke          | invocation/next                  | (is not asked)          |
 * | invoke     | Invoke, after the response            | invocation/next                  | in event/next, where it |
 * |            |                                       |                                  | is subscribed to INVOKE |
 */
import type { Brought } from "./brought.ts";
import type { EnvironmentCore } from "./core.ts";
import type { Deadline, EnvironmentEvent } from "./events.ts";
import { nextApiEvent } from "./wait.ts";
import type { Failure } from "../function-errors.ts";
import type { Barrier } from "../agents/registry.ts";

const NEWS_OF_STATES: ReadonlySet<EnvironmentEvent["kind"]> = new Set(["restore-next", "invocation-next", "extension"]);

/** Waits until all agents are ready at the barrier. Returns why the phase has failed, or null. */
export async function untilReady(
  core: EnvironmentCore,
  brought: Brought,
  deadline: Deadline,
  barrier: Barrier,
): Promise<Failure | null> {
  while (!brought.agents.areReadyAt(barrier)) {
    const next = await nextApiEvent(core, brought, deadline);
    if (next.kind === "failed") return next.failure;
  }
  // Whoever was early is ready by its state; the news of it must not look like something that waits for the driver.
  core.inbox.discard(({ kind }) => NEWS_OF_STATES.has(kind));
  return null;
}
