/**
 * Agents: the processes of one sandbox that take part in its phases. The runtime is one; extensions are others,
 * which register while Init runs. A process that is no agent (a child of the function) may end without any consequence
 * for a phase.
 */
import { strict as assert } from "node:assert";
import type { ProcessExit } from "../../ports/supervisor.ts";
import type { Failure } from "../function-errors.ts";

/** The end of a phase that waits for agents; flow.ts says which. */
export type Barrier = "registered" | "init" | "clone" | "restore" | "runtime" | "invoke";

export interface Agent {
  /** The name of its process to the supervisor: `runtime`, `extension/NAME`. */
  readonly name: string;
  /** Says whether the phase that ends at the barrier waits for this agent at all. */
  isExpectedAt(barrier: Barrier): boolean;
  /** Says whether the agent has done what the barrier waits for. */
  isReadyAt(barrier: Barrier): boolean;
  /**
   * Says why the phase has failed in which the process ended. `isOutOfMemory`: the kernel has killed for memory in this
   * sandbox.
   */
  toFailure(exit: ProcessExit, isOutOfMemory: () => Promise<boolean>): Promise<Failure>;
}

export class AgentRegistry {
  readonly #agents = new Map<string, Agent>();

  /** Adds an agent. Its name must be a new one. */
  add(agent: Agent): void {
    assert(!this.#agents.has(agent.name), `agent ${agent.name} is there already`);
    this.#agents.set(agent.name, agent);
  }

  /** Returns the agent of this name, or null. */
  find(name: string): Agent | null {
    return this.#agents.get(name) ?? null;
  }

  areReadyAt(barrier: Barrier): boolean {
    for (const agent of this.#agents.values()) {
      if (agent.isExpectedAt(barrier) && !agent.isReadyAt(barrier)) return false;
    }
    return true;
  }
}
