import { expect, test } from "vitest";
import { FakeClock } from "../base/testing/fake-clock.ts";
import type { SandboxSpec } from "../ports/engine.ts";
import type { HostedSandbox, SandboxHost } from "../ports/sandbox-host.ts";
import type { SupervisorLink } from "../ports/supervisor.ts";
import { openSandbox } from "./hosted-engine.ts";

/** A host that carries out a command when it is let, and notes what it was asked for. */
class GatedHost {
  readonly asked: string[] = [];
  readonly #gates: Array<PromiseWithResolvers<void>> = [];

  ask(command: string): Promise<void> {
    this.asked.push(command);
    const gate = Promise.withResolvers<void>();
    this.#gates.push(gate);
    return gate.promise;
  }

  /** Ends the oldest command, and waits until what follows has been asked for. */
  async end(error: Error | null = null): Promise<void> {
    const gate = this.#gates.shift();
    if (error === null) gate?.resolve();
    else gate?.reject(error);
    await new Promise(setImmediate);
  }
}

function open(host: GatedHost) {
  const commands: Pick<SandboxHost, "freeze" | "thaw" | "boost"> = {
    freeze: () => host.ask("freeze"),
    thaw: () => host.ask("thaw"),
    boost: (_sandbox, on) => host.ask(`boost ${on}`),
  };
  const options = {
    host: commands as SandboxHost,
    connectSupervisor: async () => ({}) as SupervisorLink,
    clock: new FakeClock(),
  };
  const hosted: HostedSandbox = { controlSocket: "/s", phases: [], exited: new Promise(() => undefined) };
  return openSandbox(options, {} as SandboxSpec, async () => hosted);
}

test("freeze, thaw and boost reach the host in the order in which they were asked for, one at a time", async () => {
  const host = new GatedHost();
  const sandbox = await open(host);
  const all = Promise.all([sandbox.boost(false), sandbox.freeze(), sandbox.thaw(), sandbox.boost(true)]);
  expect(host.asked).toEqual(["boost false"]);
  await host.end();
  expect(host.asked).toEqual(["boost false", "freeze"]);
  await host.end();
  await host.end();
  expect(host.asked).toEqual(["boost false", "freeze", "thaw", "boost true"]);
  await host.end();
  await all;
});

test("a command that fails holds up none after it", async () => {
  const host = new GatedHost();
  const sandbox = await open(host);
  const freezing = expect(sandbox.freeze()).rejects.toThrow("no freezer");
  const thawing = sandbox.thaw();
  await host.end(new Error("no freezer"));
  await freezing;
  expect(host.asked).toEqual(["freeze", "thaw"]);
  await host.end();
  await thawing;
});
