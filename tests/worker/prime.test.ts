import { expect, test } from "vitest";
import type { FakeFunction } from "@thaw/server/testing/fakes";
import { json, WorkerHarness } from "./harness.ts";

function remember(changes: Partial<FakeFunction> = {}): FakeFunction {
  return {
    hasHooks: false,
    init: (_process, state) => void (state["seen"] = []),
    handle: (_process, invocation, state) => {
      (state["seen"] as string[]).push(invocation.payload);
      return JSON.stringify(state["seen"]);
    },
    ...changes,
  };
}

test("a runtime without hooks serves the prime events before its snapshot", async () => {
  const harness = new WorkerHarness(remember());
  harness.primes = ['{"a":1}', '"b"'];
  const { outcome, restorable } = await harness.publish();
  expect(outcome.kind).toBe("ready");
  expect(json(await harness.invokeOk(restorable, { payload: Buffer.from("3") }))).toEqual(['{"a":1}', '"b"', "3"]);
  expect(harness.logs.lines.filter((line) => line.startsWith("START"))).toHaveLength(1);
  await harness.end();
});

test("not without a snapshot, and not through restore/next", async () => {
  const plain = new WorkerHarness(remember());
  plain.primes = ["1"];
  expect(json(await plain.invokeOk({}, { payload: Buffer.from("3") }))).toEqual(["3"]);
  await plain.end();
  const hooked = new WorkerHarness(remember({ hasHooks: true }));
  hooked.primes = ["1"];
  const { restorable } = await hooked.publish();
  expect(json(await hooked.invokeOk(restorable, { payload: Buffer.from("3") }))).toEqual(["3"]);
  await hooked.end();
});

test("a prime event that fails is a line in the log; one that ends the process fails the version", async () => {
  const failing = new WorkerHarness(
    remember({
      handle: (_process, invocation) => {
        if (invocation.payload === "1") throw new Error("not now");
        return "null";
      },
    }),
  );
  failing.primes = ["1", "2"];
  expect((await failing.publish()).outcome.kind).toBe("ready");
  expect(failing.logs.lines.some((line) => line.startsWith("A prime event failed: "))).toBe(true);
  await failing.end();
  const ending = new WorkerHarness(remember({ handle: (process) => process.exit(3) }));
  ending.primes = ["1"];
  expect((await ending.publish()).outcome).toMatchObject({ kind: "function-error", reasonCode: "FunctionError" });
  await ending.end();
});
