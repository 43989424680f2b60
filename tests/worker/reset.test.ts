/** What comes after a failed invoke: AWS resets the environment in place, and the next invoke begins with Init. */
import type { FakeProcess } from "@thaw/server/testing/fakes";
import { expect, test } from "vitest";
import { json, WorkerHarness } from "./harness.ts";

const verbs = (harness: WorkerHarness): readonly string[] =>
  harness.engine.steps.map((step) => step.split(" ")[0] ?? "").filter((step) => !["usage", "boost"].includes(step));

/** A function whose Init takes a second, and which does what its event says. */
function obedient(ends: (process: FakeProcess) => unknown): WorkerHarness {
  const harness: WorkerHarness = new WorkerHarness({
    init: async (process) => {
      await new Promise<void>((done) => harness.clock.after(1000, done));
      process.print("initialised\n");
    },
    handle: async (process, { payload }, state) => {
      state["count"] = Number(state["count"] ?? 0) + 1;
      if (payload === '"end"') await ends(process);
      return JSON.stringify(state["count"]);
    },
  });
  return harness;
}

async function invokeAfter(harness: WorkerHarness, ms: number, payload: string, requestId = "r") {
  const invoke = harness.invoke({ timeoutS: 3 }, { payload: Buffer.from(payload), requestId });
  await harness.clock.advance(ms);
  const outcome = await invoke;
  if (outcome.kind !== "response") throw new Error(JSON.stringify(outcome));
  await harness.clock.advance(0);
  return outcome;
}

test.for([
  ["an exit", (process: FakeProcess) => process.exit(1), 0],
  ["a timeout", (process: FakeProcess) => process.hang(), 3000],
] as const)("%s: the same environment, log stream and sandbox, with new processes", async ([, ends, ms]) => {
  const harness = obedient(ends);
  const first = await invokeAfter(harness, 1000, "1");
  expect(json(await invokeAfter(harness, 0, "2"))).toBe(2);
  const failed = await invokeAfter(harness, ms, '"end"');
  expect(failed).toMatchObject({ functionError: "Unhandled", environmentId: first.environmentId });
  harness.logs.events.splice(0, harness.logs.events.length - 1);
  const next = await invokeAfter(harness, 1000, "3", "r4");
  expect([json(next), next.environmentId]).toEqual([1, first.environmentId]);
  expect(verbs(harness)).toEqual([
    "create",
    "spawn",
    "freeze",
    "thaw",
    "freeze",
    "thaw",
    "reset",
    "freeze",
    "thaw",
    "spawn",
    "freeze",
  ]);
  expect(new Set(harness.logs.events.map(({ logStream }) => logStream)).size).toBe(1);
  expect(harness.logs.lines.slice(1)).toEqual([
    "INIT_START Runtime Version: python:3.13.thaw\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:abc",
    "initialised",
    "START RequestId: r4 Version: $LATEST",
    "END RequestId: r4",
    // Init is a part of the invoke, and billed as such.
    "REPORT RequestId: r4\tDuration: 1000.00 ms\tBilled Duration: 1000 ms\tMemory Size: 128 MB\tMax Memory Used: 43 MB\t",
  ]);
  await harness.end();
});

test("Init within an invoke has the function's timeout; where it fails, the environment ends", async () => {
  let inits = 0;
  const harness = new WorkerHarness({
    init: (process) => (++inits === 2 ? process.hang() : undefined),
    handle: (process) => process.exit(1),
  });
  const first = await harness.invokeOk({ timeoutS: 3 });
  const second = harness.invoke({ timeoutS: 3 }, { requestId: "r2" });
  await harness.clock.advance(3000);
  expect(await second).toMatchObject({ kind: "response", environmentId: first.environmentId });
  expect(harness.logs.lines).toContain("INIT_REPORT Init Duration: 3000.00 ms\tPhase: invoke\tStatus: timeout");
  await harness.clock.advance(0);
  expect(harness.engine.live.size).toBe(0);
  expect((await harness.invokeOk()).environmentId).not.toBe(first.environmentId);
  await harness.end();
});

test("a clone is not reset: the next invoke has a new one", async () => {
  const harness = new WorkerHarness({ handle: (process) => process.exit(1) });
  const { restorable } = await harness.publish();
  const first = await harness.invokeOk(restorable);
  const second = await harness.invokeOk(restorable);
  expect(second.environmentId).not.toBe(first.environmentId);
  expect(verbs(harness)).not.toContain("reset");
  await harness.end();
});

test("a reset that does not work is the end of the environment", async () => {
  const harness = new WorkerHarness(
    { handle: (process) => process.exit(1) },
    {
      onStep: (step) => {
        if (step === "reset") throw new Error("not now");
      },
    },
  );
  await harness.invokeOk();
  expect(harness.engine.live.size).toBe(0);
  expect(harness.problems.map(({ what }) => what)).toEqual(["reset the sandbox"]);
  await harness.end();
});

test("an environment that is to stop, or that dies meanwhile, is not reset", async () => {
  const stopped: WorkerHarness = new WorkerHarness({
    handle: (process) => {
      void stopped.worker.stopEnvironments({ functionName: "hello" });
      return process.exit(1);
    },
  });
  await stopped.invokeOk();
  expect([stopped.engine.live.size, verbs(stopped)]).toEqual([0, ["create", "spawn", "destroy"]]);
  await stopped.end();
});

test("a kill for memory is told from an own one that follows it", async () => {
  const harness = new WorkerHarness({
    handle: (process, { payload }) => (payload === "1" ? process.runOutOfMemory() : process.crash(9)),
  });
  const first = await harness.invokeOk({}, { payload: Buffer.from("1") });
  expect(json(first)).toMatchObject({ errorType: "Runtime.OutOfMemory" });
  const second = await harness.invokeOk({}, { payload: Buffer.from("2") });
  expect(json(second)).toMatchObject({ errorType: "Runtime.ExitError" });
  expect(second.environmentId).toBe(first.environmentId);
  await harness.end();
});

test("a warm environment goes before one that was reset", async () => {
  const harness = new WorkerHarness({
    handle: async (process, { payload }) => {
      await new Promise<void>((done) => harness.clock.after(100, done));
      return payload === "1" ? process.exit(1) : "null";
    },
  });
  const both = [harness.invoke({}, { payload: Buffer.from("0") }), harness.invoke({}, { payload: Buffer.from("0") })];
  await harness.clock.advance(100);
  await Promise.all(both);
  await harness.clock.advance(0);
  const failed = await invokeAfter(harness, 100, "1");
  const next = await invokeAfter(harness, 100, "0");
  expect(next.environmentId).not.toBe(failed.environmentId);
  await harness.end();
});
