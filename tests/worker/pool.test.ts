import { expect, test } from "vitest";
import { type WholeOutcome, WorkerHarness } from "./harness.ts";

/** A handler that waits until the test lets it go. */
function gatedHandler(): { readonly handle: () => Promise<string>; readonly release: () => void } {
  const gates: Array<() => void> = [];
  return {
    handle: () => new Promise((resolve) => gates.push(() => resolve("null"))),
    release: () => gates.splice(0).forEach((open) => open()),
  };
}

test("concurrent invokes get environments of their own, up to the host's limit", async () => {
  const { handle, release } = gatedHandler();
  const harness = new WorkerHarness({ handle }, { limits: { environmentsMax: 2, functionShareMax: 1 } });
  const first = harness.invoke();
  const second = harness.invoke();
  await harness.clock.advance(0);
  expect(await harness.invoke()).toEqual({ kind: "throttled", reason: "ConcurrentInvocationLimitExceeded" });
  release();
  const [a, b] = await Promise.all([first, second]);
  expect(a.kind === "response" && b.kind === "response" && a.environmentId !== b.environmentId).toBe(true);
  await harness.clock.advance(0);
  await harness.end();
});

test("at the limit the longest idle environment of another version makes room", async () => {
  const harness = new WorkerHarness({ handle: () => "1" }, { limits: { memoryMaxMib: 256 } });
  const old = await harness.invokeOk({ runKey: "a" });
  const newer = await harness.invokeOk({ runKey: "b" });
  const third = await harness.invokeOk({ runKey: "c" });
  const left = (await harness.worker.report()).environments.map((summary) => summary.environmentId);
  expect(left).toEqual([newer.environmentId, third.environmentId]);
  expect(left).not.toContain(old.environmentId);
  expect(await harness.invoke({ runKey: "d", memorySizeMib: 512 })).toMatchObject({
    kind: "platform-error",
    code: "WORKER_TOO_LARGE",
  });
  await harness.end();
});

test("an invoke right after an answer waits for that environment instead of making another", async () => {
  const harness = new WorkerHarness({ handle: () => "1" });
  const first = await harness.invoke();
  const second = await harness.invoke();
  expect(second.kind === "response" && first.kind === "response" && second.environmentId === first.environmentId).toBe(
    true,
  );
  await harness.clock.advance(0);
  const verbs = harness.engine.steps.map((step) => step.split(" ")[0]);
  expect(verbs).toEqual(["create", "spawn", "boost", "usage", "usage", "freeze"]);
  await harness.end();
});

test("it does not wait long when that environment is slow to finish", async () => {
  const harness = new WorkerHarness({ handle: () => "1", afterResponse: (process) => process.hang() });
  const first = await harness.invoke();
  const second = harness.invoke();
  await harness.clock.advance(20);
  const outcome = await second;
  expect(
    outcome.kind === "response" && first.kind === "response" && outcome.environmentId !== first.environmentId,
  ).toBe(true);
  await harness.clock.advance(3000);
  const { environments } = await harness.worker.report();
  expect(environments.map(({ state }) => state)).toEqual(["idle", "idle"]);
  await harness.end();
});

test("it waits for a clone whose working set is being recorded, but not for ever", async () => {
  const gates: Array<() => void> = [];
  const onResponded = (): Promise<void> => new Promise((resolve) => gates.push(resolve));
  const harness = new WorkerHarness({ handle: () => "1" }, { onResponded, limits: { parkedMax: 0 } });
  const { restorable } = await harness.publish();
  const environmentOf = (outcome: WholeOutcome): string | null =>
    outcome.kind === "response" ? outcome.environmentId : null;
  const first = await harness.invoke(restorable);
  const second = harness.invoke(restorable);
  await harness.clock.advance(900);
  gates.shift()?.();
  expect(environmentOf(await second)).toBe(environmentOf(first));

  await harness.clock.advance(0);
  await harness.worker.stopEnvironments({});
  const third = await harness.invoke(restorable);
  const fourth = harness.invoke(restorable);
  await harness.clock.advance(1000);
  expect(environmentOf(await fourth)).not.toBe(environmentOf(third));
  for (const open of gates) open();
  await harness.clock.advance(0);
  await harness.end();
});

test("a changed version never reuses environments of the older one", async () => {
  const harness = new WorkerHarness({ handle: () => "1" });
  const first = await harness.invokeOk({ runKey: "a" });
  expect((await harness.invokeOk({ runKey: "b" })).environmentId).not.toBe(first.environmentId);
  await harness.end();
});

test("environments of a version that is not invoked any more end when they are idle, and count until then", async () => {
  const { handle, release } = gatedHandler();
  const harness = new WorkerHarness({ handle }, { limits: { environmentsMax: 3, functionShareMax: 1 } });
  const old = [harness.invoke({ runKey: "old" }), harness.invoke({ runKey: "old" })];
  await harness.clock.advance(0);
  release();
  await Promise.all(old);
  await harness.clock.advance(0);
  const busy = harness.invoke({ runKey: "old" });
  await harness.clock.advance(0);
  const states = async (): Promise<readonly string[]> =>
    (await harness.worker.report()).environments.map(({ state }) => state).toSorted();
  expect(await states()).toEqual(["idle", "invoking"]);

  expect(await harness.worker.stopEnvironments({ runKey: "old", whenIdle: true })).toBe(2);
  expect(await states()).toEqual(["invoking"]);
  const newer = [harness.invoke({ runKey: "new" }), harness.invoke({ runKey: "new" })];
  await harness.clock.advance(0);
  expect(await harness.invoke({ runKey: "new" })).toMatchObject({ kind: "throttled" });
  expect([...(await harness.worker.contentInUse())]).toEqual(["code"]);

  release();
  expect((await busy).kind).toBe("response");
  await harness.clock.advance(0);
  // Each invoke of the new version has an environment, the old one's has gone without its idle time.
  expect(await states()).toEqual(["idle", "idle"]);
  await Promise.all(newer);
  await harness.worker.stopEnvironments({});
  expect([...(await harness.worker.contentInUse())]).toEqual([]);
  await harness.end();
});

test("idle environments end after a while; used ones are the last to go", async () => {
  const harness = new WorkerHarness({ handle: () => "1" }, { limits: { idleTimeoutMs: 1000, lifetimeMsMax: 5000 } });
  const first = await harness.invokeOk();
  await harness.clock.advance(999);
  expect((await harness.invokeOk()).environmentId).toBe(first.environmentId);
  await harness.clock.advance(999);
  expect((await harness.worker.report()).environments).toHaveLength(1);
  await harness.clock.advance(1);
  expect((await harness.worker.report()).environments).toEqual([]);
  const second = await harness.invokeOk();
  for (let i = 0; i < 6; i++) {
    await harness.clock.advance(900);
    await harness.invokeOk();
  }
  expect((await harness.worker.report()).environments[0]?.environmentId).not.toBe(second.environmentId);
  await harness.end();
});

test("an environment that dies while idle is not used again", async () => {
  const harness = new WorkerHarness({ handle: () => "1" });
  const first = await harness.invokeOk();
  for (const sandbox of harness.engine.live) sandbox.die(false);
  expect((await harness.invokeOk()).environmentId).not.toBe(first.environmentId);
  await harness.end();
});

test("a failed thaw or freeze costs the environment, not the invoke", async () => {
  const failing = new Set<string>();
  const harness = new WorkerHarness(
    { handle: () => "1" },
    {
      onStep: (step) => {
        if (failing.has(step)) throw new Error(`no ${step}`);
      },
    },
  );
  const first = await harness.invokeOk();
  failing.add("thaw");
  const second = await harness.invokeOk();
  expect(second.environmentId).not.toBe(first.environmentId);
  failing.add("freeze");
  failing.delete("thaw");
  for (const step of ["usage", "boost"]) failing.add(step);
  const third = await harness.invokeOk({ runKey: "b" });
  expect(third.functionError).toBeNull();
  await harness.clock.advance(0);
  expect((await harness.worker.report()).environments.map((summary) => summary.environmentId)).not.toContain(
    third.environmentId,
  );
  expect(harness.problems.map((problem) => problem.what)).toContain("freeze");
  await harness.end();
});

test("stopEnvironments ends idle ones at once and busy ones after their invoke", async () => {
  const { handle, release } = gatedHandler();
  let isGated = false;
  const harness = new WorkerHarness({ handle: () => (isGated ? handle() : "1") });
  await harness.invokeOk({ functionName: "idle", runKey: "idle" });
  isGated = true;
  const busy = harness.invoke({ functionName: "busy", runKey: "busy" });
  await harness.clock.advance(0);
  expect(await harness.worker.stopEnvironments({ functionName: "other" })).toBe(0);
  expect(await harness.worker.stopEnvironments({})).toBe(2);
  expect((await harness.worker.report()).environments.map((summary) => summary.functionName)).toEqual(["busy"]);
  release();
  expect((await busy).kind).toBe("response");
  await harness.clock.advance(0);
  expect((await harness.worker.report()).environments).toEqual([]);
  await harness.end();
});

test("close lets running invokes finish within the grace, then kills", async () => {
  const { handle, release } = gatedHandler();
  const polite = new WorkerHarness({ handle });
  const running = polite.invoke({ timeoutS: 60 });
  await polite.clock.advance(0);
  const closed = polite.worker.close(1000);
  expect(await polite.invoke()).toMatchObject({ kind: "platform-error", code: "WORKER_CLOSING" });
  release();
  expect((await running).kind).toBe("response");
  await closed;
  await polite.end();
  const stuck = new WorkerHarness({ handle: (process) => process.hang() });
  const lost = stuck.invoke({ timeoutS: 60 });
  await stuck.clock.advance(0);
  const killed = stuck.worker.close(1000);
  await stuck.clock.advance(1000);
  await killed;
  expect(await lost).toMatchObject({ kind: "platform-error", code: "WORKER_CLOSING" });
  await stuck.end();
});

test("an invoke that waits for an environment when the worker closes begins none", async () => {
  const harness = new WorkerHarness({ handle: () => "1", afterResponse: (process) => process.hang() });
  await harness.invoke();
  const waiting = harness.invoke();
  const closed = harness.worker.close(1000);
  await harness.clock.advance(20);
  expect(await waiting).toMatchObject({ kind: "platform-error", code: "WORKER_CLOSING" });
  await harness.clock.advance(1000);
  await closed;
  expect(harness.engine.steps.filter((step) => step.startsWith("create"))).toHaveLength(1);
  await harness.end();
});

test("a runtime that is not installed is an error that names the command", async () => {
  const harness = new WorkerHarness({});
  expect(await harness.invoke({ runtime: "java99" })).toEqual({
    kind: "platform-error",
    code: "WORKER_RUNTIME_MISSING",
    message: "The runtime java99 is not installed on this host. Run: npx thaw runtimes install java99",
  });
  expect(await harness.worker.runtimeProblem("python3.13")).toBeNull();
  await harness.end();
});

test("one function takes its share of the host at most, two that want all leave a place for a third", async () => {
  const { handle, release } = gatedHandler();
  const harness = new WorkerHarness({ handle }, { limits: { environmentsMax: 20 } });
  const flood = (functionName: string): Array<Promise<WholeOutcome>> =>
    Array.from({ length: 40 }, () => harness.invoke({ functionName, runKey: functionName }));
  const running = flood("noisy");
  await harness.clock.advance(0);
  expect((await harness.worker.report()).environments).toHaveLength(16);
  running.push(...flood("noisy-too"));
  await harness.clock.advance(0);
  expect((await harness.worker.report()).environments.length).toBeLessThan(20);
  const quiet = harness.invoke({ functionName: "quiet", runKey: "quiet" });
  await harness.clock.advance(0);
  release();
  expect(await quiet).toMatchObject({ kind: "response" });
  const throttled = (await Promise.all(running)).filter((outcome) => outcome.kind === "throttled");
  expect(throttled).toHaveLength(80 - (await harness.worker.report()).environments.length + 1);
  await harness.clock.advance(0);
  await harness.end();
});

test("the share holds for memory, too, and does not count what is idle", async () => {
  const { handle, release } = gatedHandler();
  const harness = new WorkerHarness({ handle }, { limits: { memoryMaxMib: 10_000 } });
  const large = (): Promise<WholeOutcome> =>
    harness.invoke({ functionName: "large", runKey: "large", memorySizeMib: 2000 });
  const running = [large(), large(), large(), large(), large()];
  await harness.clock.advance(0);
  expect((await harness.worker.report()).environments).toHaveLength(4);
  release();
  expect(
    (await Promise.all(running)).map((outcome) => outcome.kind).filter((kind) => kind === "throttled"),
  ).toHaveLength(1);
  await harness.clock.advance(0);
  const other = Array.from({ length: 4 }, () =>
    harness.invoke({ functionName: "other", runKey: "other", memorySizeMib: 2000 }),
  );
  await harness.clock.advance(0);
  release();
  expect((await Promise.all(other)).every((outcome) => outcome.kind === "response")).toBe(true);
  await harness.clock.advance(0);
  await harness.end();
});

test("memory is counted as it is used, with a part held back, where the host says so", async () => {
  const { handle, release } = gatedHandler();
  const limits = { memoryMaxMib: 16_384, functionShareMax: 1 };
  const tenOf = async (countsUsedMemory: boolean): Promise<readonly string[]> => {
    const harness = new WorkerHarness({ handle }, { limits: { ...limits, countsUsedMemory } });
    const running: Promise<WholeOutcome>[] = [];
    for (let number = 0; number < 12; number++) {
      const name = `f${number}`;
      running.push(harness.invoke({ functionName: name, runKey: name, memorySizeMib: 1769 }));
      await harness.clock.advance(0);
    }
    const { room } = await harness.worker.report();
    expect(room.memoryMib).toBeLessThanOrEqual(limits.memoryMaxMib);
    release();
    const kinds = (await Promise.all(running)).map(({ kind }) => kind);
    await harness.clock.advance(0);
    await harness.end();
    return kinds;
  };
  expect((await tenOf(false)).filter((kind) => kind === "response")).toHaveLength(9);
  expect((await tenOf(true)).filter((kind) => kind === "response")).toHaveLength(12);
});

test("restores wait for their turn, each function in its own, and are throttled when it does not come", async () => {
  const order: string[] = [];
  const gates: Array<() => void> = [];
  const harness = new WorkerHarness(
    { handle: () => "1" },
    {
      limits: { restoresAtOnceMax: 1 },
      onStep: async (step, spec) => {
        if (step !== "restore") return undefined;
        order.push(
          (await harness.worker.report()).environments.find((each) => each.environmentId === spec.environmentId)
            ?.functionName ?? "",
        );
        return new Promise<void>((resolve) => gates.push(resolve));
      },
    },
  );
  const noisy = await harness.publish({ functionName: "noisy", runKey: "noisy" });
  const quiet = await harness.publish({ functionName: "quiet", runKey: "quiet" });
  const asked = Array.from({ length: 5 }, () => harness.invoke(noisy.restorable));
  const answer = harness.invoke(quiet.restorable);
  await harness.clock.advance(0);
  gates.shift()?.();
  await harness.clock.advance(0);
  expect(order).toEqual(["noisy", "quiet"]);
  gates.shift()?.();
  expect(await answer).toMatchObject({ kind: "response" });
  await harness.clock.advance(0);
  await harness.clock.advance(10_000);
  const late = await Promise.all(asked.slice(2));
  expect(late.map((outcome) => outcome.kind === "throttled" && outcome.reason)).toEqual(
    Array(3).fill("CallerRateLimitExceeded"),
  );
  gates.shift()?.();
  await Promise.all(asked);
  await harness.clock.advance(0);
  await harness.end();
});

test("a snapshot's environment waits for room instead of starting without it", async () => {
  const { handle, release } = gatedHandler();
  const harness = new WorkerHarness({ handle }, { limits: { environmentsMax: 1, functionShareMax: 1 } });
  const running = harness.invoke();
  await harness.clock.advance(0);
  const published = harness.publish();
  await harness.clock.advance(2000);
  expect((await harness.worker.report()).environments).toHaveLength(1);
  release();
  await running;
  await harness.clock.advance(0);
  expect((await published).outcome.kind).toBe("ready");
  await harness.end();
});
