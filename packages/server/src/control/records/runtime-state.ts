/**
 * A function whose runtime this host does not have is taken, as on AWS, and Failed with InvalidRuntime and the command
 * to run; nothing is put in the runtime's place. It becomes Active when the runtime is there: with its next change, or
 * the next look at all functions.
 */
import { ACTIVE_STATE, failedState, type StateFields, type VersionRecord } from "../../model/function-record.ts";
import type { Worker } from "../../ports/worker.ts";

const INVALID_RUNTIME = "InvalidRuntime";

type Runtimes = Pick<Worker, "runtimeProblem">;

/** The state that a function gets when it has been created or changed. */
export async function settledState(worker: Runtimes, { config }: VersionRecord): Promise<StateFields> {
  const problem = await worker.runtimeProblem(config.runtime);
  return problem === null ? ACTIVE_STATE : failedState(problem, INVALID_RUNTIME);
}

/** Whether it failed for its runtime, which has been installed since. */
export async function isHealed(worker: Runtimes, { stateReasonCode, config }: VersionRecord): Promise<boolean> {
  return stateReasonCode === INVALID_RUNTIME && (await worker.runtimeProblem(config.runtime)) === null;
}
