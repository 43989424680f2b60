/** How extensions end, on the fake engine: who is told, who is asked first, and how much time they have. */
import { expect, test } from "vitest";
import { listener, type Next, next, register } from "./extension-harness.ts";
import { WorkerHarness } from "./harness.ts";

test("the runtime is asked to end first, then those that are told; the others are killed", async () => {
  const harness = new WorkerHarness(
    { handle: () => "null" },
    {
      extensions: {
        deaf: listener("deaf", ["INVOKE"], () => undefined),
        hanging: listener("hanging", ["SHUTDOWN"], (process) => process.hang()),
      },
    },
  );
  await harness.invokeOk();
  const [sandbox] = harness.engine.live;
  const closing = harness.worker.stopEnvironments({});
  await harness.clock.advance(1999);
  expect(sandbox?.signals).toEqual(["runtime 15", "extension/deaf 9"]);
  expect(harness.engine.live.size).toBe(1);
  await harness.clock.advance(1);
  await closing;
  expect(harness.engine.live.size).toBe(0);
  await harness.end();
});

test("an environment that is stopped while it is being frozen runs again before its extensions are told", async () => {
  const freezing = Promise.withResolvers<void>();
  const shutdowns: Next[] = [];
  const harness = new WorkerHarness(
    { handle: () => "null" },
    {
      extensions: { watcher: listener("watcher", ["SHUTDOWN"], (_process, came) => void shutdowns.push(came)) },
      onStep: (step) => (step === "freeze" ? freezing.promise : undefined),
    },
  );
  await harness.invokeOk();
  await harness.clock.advance(0);
  const closing = harness.worker.stopEnvironments({});
  await harness.clock.advance(0);
  expect(harness.engine.steps.at(-1)).toMatch(/^freeze /);
  expect(shutdowns).toEqual([]);
  freezing.resolve();
  await closing;
  expect(shutdowns.map(({ event }) => event["shutdownReason"])).toEqual(["spindown"]);
  await harness.end();
});

test("a runtime that does not end at SIGTERM has 30 % of the budget: 600 ms, and 150 ms beside internal ones alone", async () => {
  for (const [isExternal, budgetMs] of [
    [true, 2000],
    [false, 500],
  ] as const) {
    const shutdowns: Next[] = [];
    const harness: WorkerHarness = new WorkerHarness(
      {
        init: async (process) => {
          if (isExternal) return;
          const { id } = await register(process, "inner", ["INVOKE"]);
          void next(process, id).then(() => next(process, id));
        },
        handle: () => "null",
        ignoresSigterm: true,
      },
      isExternal
        ? { extensions: { watcher: listener("watcher", ["SHUTDOWN"], (_process, came) => void shutdowns.push(came)) } }
        : {},
    );
    await harness.invokeOk();
    const [sandbox] = harness.engine.live;
    const closing = harness.worker.stopEnvironments({});
    const startMs = harness.clock.nowMs();
    await harness.clock.advance(budgetMs * 0.3 - 1);
    expect(sandbox?.signals).toEqual(["runtime 15"]);
    await harness.clock.advance(1);
    expect(sandbox?.signals).toEqual(["runtime 15", "runtime 9"]);
    await closing;
    expect(shutdowns.map(({ event }) => event["deadlineMs"])).toEqual(isExternal ? [startMs + budgetMs] : []);
    await harness.end();
  }
});

test("without extensions an end takes no time, and the runtime is not asked", async () => {
  const harness = new WorkerHarness({ handle: () => "null" });
  await harness.invokeOk();
  const [sandbox] = harness.engine.live;
  await harness.worker.stopEnvironments({});
  expect([sandbox?.signals, harness.engine.live.size]).toEqual([[], 0]);
  await harness.end();
});

test("a parked clone that nobody took ends without SHUTDOWN, and one that has run with it", async () => {
  const seen: unknown[] = [];
  const harness = new WorkerHarness(
    { handle: () => "null" },
    {
      extensions: {
        watcher: listener(
          "watcher",
          ["INVOKE", "SHUTDOWN"],
          (_process, { event }) => void seen.push(event["shutdownReason"] ?? event["requestId"]),
        ),
      },
      limits: { parkedPerVersionMax: 1, parkedQuietMs: 200, parkedIdleMs: 60_000 },
    },
  );
  const { restorable } = await harness.publish();
  await harness.invokeOk(restorable, { requestId: "r1" });
  await harness.clock.advance(200);
  expect((await harness.worker.report()).environments.map(({ state }) => state).toSorted()).toEqual(["idle", "parked"]);
  await harness.clock.advance(60_000);
  expect((await harness.worker.report()).environments.map(({ state }) => state)).toEqual(["idle"]);
  expect(seen).toEqual(["r1"]);
  await harness.worker.stopEnvironments({});
  expect(seen).toEqual(["r1", "spindown"]);
  await harness.end();
});

test("a worker that is closed at once gives nobody time", async () => {
  const harness = new WorkerHarness(
    { handle: () => "null" },
    { extensions: { hanging: listener("hanging", ["SHUTDOWN"], (process) => process.hang()) } },
  );
  await harness.invokeOk();
  const closing = harness.worker.close(0);
  await harness.clock.advance(0);
  await closing;
  await harness.end();
});
