/**
 * Prime events for a runtime that has gone straight to invocation/next: it is served requests there, and is snapshotted
 * when it asks for the next one. A runtime that went to restore/next can't be primed from here: its answer would run
 * the after-restore hooks. Thaw's Node.js client and its starts of the Java and Python clients prime themselves, before
 * that call.
 */
import { untilReady } from "../core/flow.ts";
import type { Brought } from "../core/brought.ts";
import type { EnvironmentCore } from "../core/core.ts";
import type { Deadline } from "../core/events.ts";
import { waitFor } from "../core/wait.ts";
import type { Failure } from "../function-errors.ts";

/**
 * Returns why Init has failed: the process ended, or the time was over. An event that the function answers with an
 * error is no failure.
 */
export async function primeRuntime(
  core: EnvironmentCore,
  brought: Brought,
  deadline: Deadline,
): Promise<Failure | null> {
  if (brought.session.state !== "Ready") return null;
  const events = await readEvents(core);
  for (const [index, payload] of events.entries()) {
    brought.session.deliver({
      requestId: `00000000-0000-4000-8000-${String(index + 1).padStart(12, "0")}`,
      deadlineMs: core.services.clock.nowMs() + core.version.timeoutS * 1000,
      invokedFunctionArn: `${core.version.functionArn}:${core.version.version}`,
      traceId: null,
      clientContext: null,
      payload,
      isStreamed: false,
    });
    const answer = await waitFor(core, brought, deadline, ["response", "response-too-large", "invocation-error"]);
    if (answer.kind === "failed") return answer.failure;
    if (answer.event.kind !== "response") core.log.writeLine(`A prime event failed: ${describe(answer.event)}\n`);
    const failure = await untilReady(core, brought, deadline, "invoke");
    if (failure !== null) return failure;
  }
  return null;
}

async function readEvents(core: EnvironmentCore): Promise<readonly Buffer[]> {
  try {
    return await core.services.primes.readPrimes(core.version.codeName);
  } catch (error) {
    core.log.writeLine(
      `thaw.prime.json can't be read, nothing is primed: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return [];
  }
}

function describe(event: { readonly kind: string; readonly errorType?: string }): string {
  return event.errorType ?? event.kind;
}
