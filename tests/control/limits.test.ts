/**
 * Limits and fairness: what is refused before anything of it is started, and that one function does not starve the
 * others.
 */
import { expect, test } from "vitest";
import type { FakeFunction } from "@thaw/server/testing/fakes";
import { ControlHarness } from "./harness.ts";

/** Waits in `step` until the test lets it go. */
function gated(step: "init" | "handle"): { readonly run: FakeFunction; readonly release: () => void } {
  const gates: Array<() => void> = [];
  const wait = (): Promise<string> => new Promise((resolve) => gates.push(() => resolve("1")));
  const run: FakeFunction =
    step === "init" ? { init: () => wait().then(() => undefined), handle: () => "1" } : { handle: wait };
  return { run, release: () => gates.splice(0).forEach((open) => open()) };
}

test("publishing beyond the limit of snapshots being made is refused in AWS's words, and nothing of it is stored", async () => {
  const { run, release } = gated("init");
  const harness = await ControlHarness.start({
    functions: { slow: run },
    limits: { snapshotsAtOnceMax: 1, snapshotsPendingMax: 2 },
  });
  for (const name of ["a", "b", "c"]) await harness.create(name, "slow");
  await harness.publish("a");
  await harness.publish("b");
  await expect(harness.publish("c")).rejects.toMatchObject({
    name: "TooManyRequestsException",
    message: expect.stringMatching(/^Lambda was unable to create new snapshot because you have reached your/),
    extra: { Reason: "CallerRateLimitExceeded" },
  });
  expect(await harness.life.store.getVersion("c", "1")).toBeNull();
  expect(await Promise.all(["a", "b"].map((name) => harness.status(name, "1")))).toEqual(["creating", "waiting"]);
  release();
  await harness.advance(0);
  release();
  await harness.advance(0);
  expect(await harness.publish("c")).toBe("1");
  release();
  await harness.advance(0);
  expect((await harness.version("c", "1")).state).toBe("Active");
  await harness.end();
});

test("publishing on a disk that is nearly full is refused with what to do", async () => {
  const harness = await ControlHarness.start({
    functions: { good: { handle: () => "1" } },
    freeDiskBytes: () => 100 * 2 ** 20,
  });
  await harness.create("f", "good");
  await expect(harness.publish("f")).rejects.toMatchObject({
    name: "ServiceException",
    message:
      "The host's disk has 100 MiB left; a snapshot is made only where there are 512 MiB. Make room and publish again.",
  });
  await harness.create("plain", "good", { snapStart: false });
  expect(await harness.publish("plain")).toBe("1");
  await harness.end();
});

test("a function that publishes much does not keep another one waiting", async () => {
  const order: string[] = [];
  let begin = (): void => undefined;
  const allAsked = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const make = (name: string): FakeFunction => ({
    init: () => {
      order.push(name);
      return allAsked;
    },
    handle: () => "1",
  });
  const harness = await ControlHarness.start({
    functions: { noisy: make("noisy"), quiet: make("quiet") },
    limits: { snapshotsAtOnceMax: 1 },
  });
  await harness.create("noisy", "noisy");
  await harness.create("quiet", "quiet");
  const asked: unknown[] = [];
  for (let count = 1; count <= 6; count++) {
    const latest = await harness.version("noisy", "$LATEST");
    const record = { ...latest, config: { ...latest.config, timeoutS: count } };
    await harness.life.store.commit([{ op: "put", kind: "version", record, over: latest }]);
    asked.push(await harness.ask("PublishVersion", { FunctionName: "noisy" }));
  }
  asked.push(await harness.ask("PublishVersion", { FunctionName: "quiet" }));
  begin();
  await harness.advance(0);
  await harness.advance(0);
  expect(order.slice(0, 2)).toEqual(["noisy", "quiet"]);
  expect(asked).toHaveLength(7);
  await harness.end();
});

test("the account's limit and a reservation throttle with AWS's reasons; a reservation is kept free for its function", async () => {
  const { run, release } = gated("handle");
  const harness = await ControlHarness.start({
    functions: { f: run },
    limits: { concurrencyMax: 102 },
    workerLimits: { environmentsMax: 1000, memoryMaxMib: 2 ** 20 },
  });
  for (const name of ["reserved", "noisy", "none"]) await harness.create(name, "f", { snapStart: false });
  await expect(
    harness.call("PutFunctionConcurrency", { FunctionName: "reserved", ReservedConcurrentExecutions: 3 }),
  ).rejects.toMatchObject({
    name: "InvalidParameterValueException",
    message:
      "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
  });
  expect(
    await harness.call("PutFunctionConcurrency", { FunctionName: "reserved", ReservedConcurrentExecutions: 2 }),
  ).toEqual({
    ReservedConcurrentExecutions: 2,
  });
  expect(await harness.call("GetFunction", { FunctionName: "reserved" })).toMatchObject({
    Concurrency: { ReservedConcurrentExecutions: 2 },
  });
  expect(await harness.call("GetAccountSettings", {})).toMatchObject({
    AccountLimit: { ConcurrentExecutions: 102, UnreservedConcurrentExecutions: 100 },
  });
  const noisy = Array.from({ length: 101 }, () =>
    harness.request({ name: "noisy" }).catch((error: { extra: unknown }) => error.extra),
  );
  await harness.advance(0);
  const reserved = Array.from({ length: 3 }, () =>
    harness.request({ name: "reserved" }).catch((error: { extra: unknown }) => error.extra),
  );
  await harness.advance(0);
  release();
  expect(
    (await Promise.all(noisy)).filter(
      (answer) => (answer as { Reason?: string }).Reason === "ConcurrentInvocationLimitExceeded",
    ),
  ).toHaveLength(1);
  expect(
    (await Promise.all(reserved)).filter(
      (answer) => (answer as { Reason?: string }).Reason === "ReservedFunctionConcurrentInvocationLimitExceeded",
    ),
  ).toHaveLength(1);
  await harness.advance(0);
  await harness.call("PutFunctionConcurrency", { FunctionName: "none", ReservedConcurrentExecutions: 0 });
  expect(await harness.outcome("none")).toBe("TooManyRequestsException");
  await harness.call("DeleteFunctionConcurrency", { FunctionName: "none" });
  expect(await harness.call("GetFunctionConcurrency", { FunctionName: "none" })).toEqual({});
  await harness.end();
});

test("GetAccountSettings says what the host can run at once", async () => {
  const harness = await ControlHarness.start({ functions: {}, limits: { environmentsMax: 7 } });
  expect(await harness.call("GetAccountSettings", {})).toMatchObject({
    AccountLimit: { ConcurrentExecutions: 7, UnreservedConcurrentExecutions: 7 },
  });
  await harness.end();
});

test("no more is reserved than the host can run, and a tenth stays unreserved as on AWS", async () => {
  const harness = await ControlHarness.start({ functions: { f: {} }, limits: { environmentsMax: 100 } });
  await harness.create("f", "f", { snapStart: false });
  const reserve = (count: number): Promise<unknown> =>
    harness.call("PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: count });
  await expect(reserve(91)).rejects.toThrow("below its minimum value of [10].");
  expect(await reserve(90)).toEqual({ ReservedConcurrentExecutions: 90 });
  await harness.end();
});

test("a function with a thousand events does not keep the event of another one waiting", async () => {
  const handled: string[] = [];
  const { run, release } = gated("handle");
  const harness = await ControlHarness.start({
    functions: { noisy: run, quiet: { handle: (_process, invocation) => (handled.push(invocation.payload), "1") } },
    workerLimits: { environmentsMax: 100 },
  });
  await harness.create("noisy", "noisy", { snapStart: false });
  await harness.create("quiet", "quiet", { snapStart: false });
  for (let count = 0; count < 200; count++) await harness.request({ name: "noisy", type: "Event", payload: count });
  await harness.request({ name: "quiet", type: "Event", payload: "mine" });
  await harness.advance(0);
  await harness.advance(0);
  expect(handled).toEqual(['"mine"']);
  expect(
    (await harness.life.worker.report()).environments.filter((each) => each.functionName === "noisy"),
  ).toHaveLength(12);
  harness.crash();
  release();
  await harness.end();
});
