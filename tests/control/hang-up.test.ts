/** Clients that hang up while their function runs. Streams: tests/worker/streaming.test.ts, tests/integration. */
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { HttpHarness } from "./http-harness.ts";

/** What is waited for comes at once; a loaded machine may take its time. */
const SOON = { timeout: 15_000, interval: 20 };
const TARGET = "/2015-03-31/functions/held/invocations";

test("a client that hangs up in the middle of an invoke stops neither the function nor its environment", async () => {
  const running = Promise.withResolvers<void>();
  const held = Promise.withResolvers<string>();
  const done: string[] = [];
  let inits = 0;
  const handle = async (_process: unknown, { payload }: { readonly payload: string }): Promise<string> => {
    const event = String(payload);
    if (event === "1") {
      running.resolve();
      await held.promise;
    }
    done.push(event);
    return event;
  };
  await using harness = await HttpHarness.start({ functions: { held: { init: () => void inits++, handle } } });
  await harness.control.create("held", "held", { snapStart: false });
  await harness.control.call("PutFunctionConcurrency", { FunctionName: "held", ReservedConcurrentExecutions: 1 });

  const body = Buffer.from("1");
  const leaving = await harness.open();
  leaving.send("POST", TARGET, { ...harness.signed("POST", TARGET, body), "content-length": body.length }, body);
  await running.promise;
  leaving.socket.destroy();
  const connections = promisify(harness.app.server.getConnections.bind(harness.app.server));
  await expect.poll(() => connections(), SOON).toBe(0);
  // It has the function's only environment until it ends.
  expect((await harness.fetch("POST", TARGET, Buffer.from("2"))).status).toBe(429);
  held.resolve("");
  await expect.poll(() => done, SOON).toEqual(["1"]);

  await expect.poll(async () => (await harness.fetch("POST", TARGET, Buffer.from("3"))).text(), SOON).toBe("3");
  expect([done, inits]).toEqual([["1", "3"], 1]);
  expect(harness.problems).toEqual([]);
});
