import { describe, it } from "vitest";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import type { Brought } from "./brought.ts";
import type { EnvironmentCore } from "./core.ts";
import type { EnvironmentEvent } from "./events.ts";
import { Inbox } from "./inbox.ts";
import { untilReady } from "./flow.ts";
import { type Agent, AgentRegistry, type Barrier } from "../agents/registry.ts";

class TestAgent implements Agent {
  readonly name: string;
  readonly #barriers: readonly Barrier[];
  isReady = false;

  constructor(name: string, barriers: readonly Barrier[]) {
    this.name = name;
    this.#barriers = barriers;
  }

  isExpectedAt(barrier: Barrier): boolean {
    return this.#barriers.includes(barrier);
  }

  isReadyAt(): boolean {
    return this.isReady;
  }

  async toFailure(): ReturnType<Agent["toFailure"]> {
    return { kind: "exit", errorType: "Runtime.ExitError", message: `${this.name} ended` };
  }
}

function setUp(...agents: readonly TestAgent[]): {
  readonly inbox: Inbox<EnvironmentEvent>;
  readonly until: (barrier: Barrier) => ReturnType<typeof untilReady>;
} {
  const inbox = new Inbox<EnvironmentEvent>();
  const registry = new AgentRegistry();
  for (const agent of agents) registry.add(agent);
  const core = { inbox, services: { clock: new FakeClock() } } as unknown as EnvironmentCore;
  const brought = { agents: registry } as unknown as Brought;
  return { inbox, until: (barrier) => untilReady(core, brought, { cancel: () => undefined }, barrier) };
}

describe("untilReady", () => {
  it("waits for all that are expected, in any order, and not for others", async ({ expect }) => {
    const runtime = new TestAgent("runtime", ["init", "invoke"]);
    const extension = new TestAgent("extension/a", ["init", "invoke"]);
    const logger = new TestAgent("extension/b", ["init"]);
    const { inbox, until } = setUp(runtime, extension, logger);
    let isOver = false;
    const over = until("invoke").then((failure) => {
      isOver = true;
      return failure;
    });
    extension.isReady = true;
    inbox.put({ kind: "invocation-next" });
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    runtime.isReady = true;
    inbox.put({ kind: "invocation-next" });
    expect(await over).toBeNull();
    expect(logger.isReady).toBe(false);
  });

  it("is over at once where everybody was early", async ({ expect }) => {
    const runtime = new TestAgent("runtime", ["restore"]);
    runtime.isReady = true;
    expect(await setUp(runtime).until("restore")).toBeNull();
  });

  it("fails by the agent whose process ended", async ({ expect }) => {
    const runtime = new TestAgent("runtime", ["init"]);
    const extension = new TestAgent("extension/a", []);
    const { inbox, until } = setUp(runtime, extension);
    inbox.put({ kind: "exit", agent: extension, exit: { name: extension.name, pid: 7, code: 1, signal: null } });
    expect(await until("init")).toMatchObject({ message: "extension/a ended" });
  });

  it("refuses a second agent of the same name", ({ expect }) => {
    expect(() => setUp(new TestAgent("runtime", []), new TestAgent("runtime", []))).toThrow("is there already");
  });
});
