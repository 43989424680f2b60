/**
 * A function whose runtime this host does not have is taken, as on AWS; nothing is put in the runtime's place. Where
 * the host may install it, the function is Pending meanwhile; else it is Failed with InvalidRuntime and the command to
 * run, and becomes Active when the runtime is there: with its next change, or the next look at all functions.
 */
import {
  ACTIVE_STATE,
  failedState,
  installingState,
  type StateFields,
  type VersionRecord,
} from "../../model/function-record.ts";
import type { Worker } from "../../ports/worker.ts";
import type { ControlServices } from "../services.ts";

const INVALID_RUNTIME = "InvalidRuntime";

type Runtimes = Pick<Worker, "runtimeProblem">;

/** The state that a function gets when it has been created or changed. */
export async function settledState(worker: Runtimes, record: VersionRecord): Promise<StateFields> {
  const problem = await worker.runtimeProblem(record.config.runtime);
  if (problem === null) return ACTIVE_STATE;
  return problem.isInstallable ? installingState(record) : runtimeFailure(problem.message);
}

export function runtimeFailure(problem: string): StateFields {
  return failedState(problem, INVALID_RUNTIME);
}

/** Whether it failed for its runtime, which has been installed since. */
export async function isHealed(worker: Runtimes, { stateReasonCode, config }: VersionRecord): Promise<boolean> {
  return stateReasonCode === INVALID_RUNTIME && (await worker.runtimeProblem(config.runtime)) === null;
}

/** Functions or versions that wait for their runtime. */
export class RuntimeWaits {
  readonly #services: Pick<ControlServices, "worker" | "onProblem">;
  /** One entry for each that waits, by what it is. */
  readonly #waiting = new Map<string, object>();
  #isClosing = false;

  constructor(services: Pick<ControlServices, "worker" | "onProblem">) {
    this.#services = services;
  }

  /** What waits then is taken up by the next start. */
  close(): void {
    this.#isClosing = true;
  }

  /** Calls `settle` with what went wrong, or with null when the runtime is there; once for what waits already. */
  begin(record: VersionRecord, settle: (problem: string | null) => Promise<void>): void {
    const key = keyOf(record);
    if (this.#waiting.has(key) || this.#isClosing) return;
    const entry = {};
    this.#waiting.set(key, entry);
    const { worker, onProblem } = this.#services;
    const run = async (): Promise<void> => {
      const problem = await worker.installRuntime(record.config.runtime);
      if (!this.#isClosing && this.#waiting.get(key) === entry) await settle(problem);
    };
    run()
      .catch((error: unknown) => this.#isClosing || onProblem(`install ${record.config.runtime}`, error))
      .finally(() => {
        if (this.#waiting.get(key) === entry) this.#waiting.delete(key);
      });
  }

  has(record: VersionRecord): boolean {
    return this.#waiting.has(keyOf(record));
  }

  forget(record: VersionRecord): void {
    this.#waiting.delete(keyOf(record));
  }
}

function keyOf({ functionName, version, revisionId }: VersionRecord): string {
  return `${functionName}:${version}:${revisionId}`;
}
