/** The runtime as an agent: when it is ready, and what the end of its process means. */
import type { ProcessExit } from "../../ports/supervisor.ts";
import { describeExit, type Failure, OUT_OF_MEMORY } from "../function-errors.ts";
import type { RuntimeSession } from "../runtime-api/runtime.ts";
import type { RuntimeState } from "../runtime-api/state.ts";
import type { Agent, Barrier } from "./registry.ts";

/** Names the process of the runtime to the supervisor. */
export const RUNTIME_PROCESS = "runtime";
const SIGKILL = 9;
/** Exit code of a shell whose child was killed by SIGKILL. */
const EXIT_CODE_OF_SIGKILL = 137;

const READY_IN: Readonly<Record<Exclude<Barrier, "registered">, readonly RuntimeState[]>> = {
  init: ["RestoreReady", "Ready"],
  clone: ["RestoreReady", "Ready"],
  restore: ["Ready"],
  runtime: ["Ready"],
  invoke: ["Ready"],
};

export class RuntimeAgent implements Agent {
  readonly name = RUNTIME_PROCESS;
  readonly #session: RuntimeSession;

  constructor(session: RuntimeSession) {
    this.#session = session;
  }

  isExpectedAt(barrier: Barrier): boolean {
    return barrier !== "registered";
  }

  isReadyAt(barrier: Barrier): boolean {
    return barrier !== "registered" && READY_IN[barrier].includes(this.#session.state);
  }

  async toFailure(exit: ProcessExit, isOutOfMemory: () => Promise<boolean>): Promise<Failure> {
    const wasKilled = exit.signal === SIGKILL || exit.code === EXIT_CODE_OF_SIGKILL;
    if (wasKilled && (await isOutOfMemory())) return OUT_OF_MEMORY;
    return { kind: "exit", errorType: "Runtime.ExitError", message: describeExit(exit) };
  }
}
