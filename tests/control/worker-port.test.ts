/** The worker's port carries values only: what JSON can write and read again, and Buffers, which are named. */
import type { WorkerReport } from "@thaw/server/testing/ports";
import { expect, test } from "vitest";
import { ControlHarness } from "./harness.ts";
import { overWire } from "./over-wire.ts";

test("a report is plain JSON, with environments, releases and what is provisioned in it", async () => {
  const harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
  await harness.create("f", "good");
  await harness.publish("f");
  await harness.create("g", "good", { snapStart: false });
  await harness.publish("g");
  await harness.call("PutProvisionedConcurrencyConfig", {
    FunctionName: "g",
    Qualifier: "1",
    ProvisionedConcurrentExecutions: 2,
  });
  await harness.invoke("f", "1");
  await harness.advance(0);
  const report = await harness.life.worker.report();
  expect(report).toMatchObject({
    snapshotsProblem: null,
    engineFingerprint: expect.any(String),
    runtimes: [{ runtime: "python3.13", fingerprints: ["release-1"] }],
    provisioned: [{ available: 2, allocated: 2, inUse: 0, hasFailed: false, runKey: expect.any(String) }],
  } satisfies { [K in keyof WorkerReport]?: unknown });
  expect(report.environments.length).toBeGreaterThanOrEqual(3);
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  await harness.end();
});

test("what is no value does not get through", async () => {
  const harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
  const { worker } = harness.life;
  const told = { functionName: "f", notAValue: () => undefined };
  await expect(overWire(worker).stopEnvironments(told as never)).rejects.toThrow(/could not be cloned/);
  expect(await overWire(worker).stopEnvironments({ functionName: "f" })).toBe(0);
  await harness.end();
});
