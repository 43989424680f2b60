/** Provisioned concurrency and what SnapStart refuses to go together with. */
import { expect, test } from "vitest";
import type { FakeFunction } from "@thaw/server/testing/fakes";
import { ControlHarness } from "./harness.ts";

const PLAIN = { snapStart: false };
const tellType: FakeFunction = { handle: (process) => JSON.stringify(process.env["AWS_LAMBDA_INITIALIZATION_TYPE"]) };

async function withVersion(
  functions: Readonly<Record<string, FakeFunction>> = { f: tellType },
): Promise<ControlHarness> {
  const harness = await ControlHarness.start({ functions });
  await harness.create("f", "f", PLAIN);
  await harness.publish("f");
  await harness.call("CreateAlias", { FunctionName: "f", Name: "live", FunctionVersion: "1" });
  return harness;
}

function provision(harness: ControlHarness, qualifier: string, count: number): Promise<unknown> {
  return harness.call("PutProvisionedConcurrencyConfig", {
    FunctionName: "f",
    Qualifier: qualifier,
    ProvisionedConcurrentExecutions: count,
  });
}

test("environments are initialised ahead, taken first, replaced, and let go", async () => {
  const harness = await withVersion();
  expect(await provision(harness, "1", 2)).toMatchObject({
    RequestedProvisionedConcurrentExecutions: 2,
    AvailableProvisionedConcurrentExecutions: 0,
    Status: "IN_PROGRESS",
  });
  await harness.advance(0);
  const ready = {
    RequestedProvisionedConcurrentExecutions: 2,
    AvailableProvisionedConcurrentExecutions: 2,
    AllocatedProvisionedConcurrentExecutions: 2,
    Status: "READY",
  };
  expect(await harness.call("GetProvisionedConcurrencyConfig", { FunctionName: "f", Qualifier: "1" })).toMatchObject(
    ready,
  );
  expect(await harness.call("ListProvisionedConcurrencyConfigs", { FunctionName: "f" })).toMatchObject({
    ProvisionedConcurrencyConfigs: [{ FunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:f:1", ...ready }],
  });
  expect(await harness.outcome("f", "1")).toBe('"provisioned-concurrency"');
  // Idle for hours, they are still there; older than their lifetime they are replaced.
  await harness.advance(9 * 3_600_000);
  expect((await harness.life.worker.report()).environments).toHaveLength(2);
  expect(harness.logs.lines.filter((line) => line.startsWith("INIT_REPORT")).length).toBeGreaterThan(2);
  await harness.restart();
  await harness.advance(0);
  expect((await harness.life.worker.report()).environments).toHaveLength(2);
  await harness.call("DeleteProvisionedConcurrencyConfig", { FunctionName: "f", Qualifier: "1" });
  await harness.advance(0);
  expect((await harness.life.worker.report()).environments).toHaveLength(0);
  await expect(
    harness.call("GetProvisionedConcurrencyConfig", { FunctionName: "f", Qualifier: "1" }),
  ).rejects.toMatchObject({
    name: "ProvisionedConcurrencyConfigNotFoundException",
    message: "No Provisioned Concurrency Config found for this function",
  });
  await harness.end();
});

test("more invokes than are provisioned for spill over to environments on demand, and both are counted", async () => {
  const gates: Array<() => void> = [];
  const types: string[] = [];
  const harness = await withVersion({
    f: {
      handle: (process) => {
        types.push(process.env["AWS_LAMBDA_INITIALIZATION_TYPE"] ?? "");
        return new Promise<string>((resolve) => gates.push(() => resolve("1")));
      },
    },
  });
  await provision(harness, "1", 1);
  await harness.advance(0);
  const running = [harness.request({ name: "f", qualifier: "1" }), harness.request({ name: "f", qualifier: "1" })];
  await harness.advance(0);
  gates.splice(0).forEach((open) => open());
  await Promise.all(running);
  await harness.advance(0);
  expect(types.toSorted()).toEqual(["on-demand", "provisioned-concurrency"]);
  expect(await harness.control.provisioned.summaries()).toMatchObject([
    { functionName: "f", qualifier: "1", invocations: 1, spilloverInvocations: 1 },
  ]);
  await harness.end();
});

test("an alias takes its environments along to the version that it is moved to, and shares them by weight", async () => {
  const harness = await withVersion();
  await provision(harness, "live", 4);
  await harness.advance(0);
  await harness.call("UpdateFunctionConfiguration", { FunctionName: "f", Timeout: 5 });
  await harness.advance(0);
  expect(await harness.publish("f")).toBe("2");
  await harness.call("UpdateAlias", {
    FunctionName: "f",
    Name: "live",
    RoutingConfig: { AdditionalVersionWeights: { "2": 0.25 } },
  });
  await harness.advance(0);
  const versions = async (): Promise<readonly string[]> =>
    (await harness.life.worker.report()).environments.map((each) => each.version).toSorted();
  expect(await versions()).toEqual(["1", "1", "1", "2"]);
  await harness.call("UpdateAlias", { FunctionName: "f", Name: "live", FunctionVersion: "2", RoutingConfig: {} });
  await harness.advance(0);
  expect(await versions()).toEqual(["2", "2", "2", "2"]);
  await harness.call("DeleteAlias", { FunctionName: "f", Name: "live" });
  await harness.advance(0);
  expect(await versions()).toEqual([]);
  await harness.end();
});

test("an Init that fails is shown as FAILED and tried again", async () => {
  let isBroken = true;
  const harness = await withVersion({
    f: {
      init: () => {
        if (isBroken) throw new Error("no");
      },
      handle: () => "1",
    },
  });
  await provision(harness, "1", 1);
  await harness.advance(3000);
  expect(await harness.call("GetProvisionedConcurrencyConfig", { FunctionName: "f", Qualifier: "1" })).toMatchObject({
    Status: "FAILED",
    StatusReason: "FUNCTION_ERROR_INIT_FAILURE",
  });
  isBroken = false;
  await harness.advance(60_000);
  expect(await harness.call("GetProvisionedConcurrencyConfig", { FunctionName: "f", Qualifier: "1" })).toMatchObject({
    Status: "READY",
  });
  await harness.end();
});

test("refusals in AWS's words", async () => {
  const harness = await withVersion();
  const refused = { name: "InvalidParameterValueException" };
  await expect(provision(harness, "$LATEST", 1)).rejects.toMatchObject({
    ...refused,
    message: "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
  });
  await harness.call("PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: 2 });
  await expect(provision(harness, "1", 3)).rejects.toMatchObject({
    ...refused,
    message:
      "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function",
  });
  await harness.call("DeleteFunctionConcurrency", { FunctionName: "f" });
  await provision(harness, "live", 1);
  await expect(provision(harness, "1", 1)).rejects.toMatchObject({
    name: "ResourceConflictException",
    message: "Version is pointed by a Provisioned Concurrency alias",
  });
  await harness.call("DeleteProvisionedConcurrencyConfig", { FunctionName: "f", Qualifier: "live" });
  await provision(harness, "1", 1);
  await expect(provision(harness, "live", 1)).rejects.toMatchObject({
    name: "ResourceConflictException",
    message: "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
  });
  await harness.end();
});

test("SnapStart and provisioned concurrency do not go together", async () => {
  const harness = await withVersion();
  const text = "Provisioned Concurrency is not supported for SnapStart enabled functions.";
  await provision(harness, "live", 1);
  await harness.call("UpdateFunctionConfiguration", { FunctionName: "f", SnapStart: { ApplyOn: "PublishedVersions" } });
  await harness.advance(0);
  expect(await harness.publish("f")).toBe("2");
  await expect(provision(harness, "2", 1)).rejects.toMatchObject({
    name: "InvalidParameterValueException",
    message: text,
  });
  await expect(
    harness.call("UpdateAlias", { FunctionName: "f", Name: "live", FunctionVersion: "2" }),
  ).rejects.toMatchObject({ message: text });
  await harness.end();
});

test.for([
  ["nodejs24.x", { Runtime: "nodejs24.x" }, "nodejs24.x is not supported for SnapStart enabled functions."],
  [
    "provided.al2023",
    { Runtime: "provided.al2023" },
    "provided.al2023 is not supported for SnapStart enabled functions.",
  ],
  [
    "ephemeral storage",
    { EphemeralStorage: { Size: 1024 } },
    "EphemeralStorage larger than 512 MB is not supported for SnapStart enabled functions.",
  ],
] as const)(
  "strict parity refuses SnapStart with %s, on create and on update; otherwise it works",
  async ([, config, message]) => {
    const strict = await ControlHarness.start({ functions: { f: tellType }, parity: "strict" });
    await expect(strict.create("f", "f", { config })).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message,
    });
    await strict.create("f", "f", { snapStart: false, config });
    await expect(
      strict.call("UpdateFunctionConfiguration", { FunctionName: "f", SnapStart: { ApplyOn: "PublishedVersions" } }),
    ).rejects.toMatchObject({
      message,
    });
    await strict.end();
    const extended = await ControlHarness.start({ functions: { f: tellType } });
    await extended.create("f", "f", { config });
    await extended.publish("f");
    expect(await extended.outcome("f", "1")).toBe('"snap-start"');
    await extended.end();
  },
);

test("what is provisioned of a reservation is there for its version only (recorded …reserved_provisioned_overlap)", async () => {
  const gates: Array<() => void> = [];
  const harness = await withVersion({
    f: { handle: () => new Promise((resolve) => void gates.push(() => resolve('"ran"'))) },
  });
  await harness.call("PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: 2 });
  await provision(harness, "live", 1);
  await harness.advance(0);
  const ask = (qualifier?: string): Promise<unknown> =>
    harness.request({ name: "f", qualifier }).then(
      ({ StatusCode }) => StatusCode,
      (error: { extra: { Reason?: string } }) => error.extra.Reason,
    );
  const full = "ReservedFunctionConcurrentInvocationLimitExceeded";
  const first = ask();
  await harness.advance(0);
  expect(await ask()).toBe(full);
  const provisioned = ask("live");
  await harness.advance(0);
  expect(await ask("live")).toBe(full);
  for (const open of gates) open();
  expect(await Promise.all([first, provisioned])).toEqual([200, 200]);
  await harness.advance(0);
  await provision(harness, "live", 2);
  await harness.advance(0);
  expect(await ask()).toBe(full);
  await harness.end();
});

test("a configuration is seen in progress for a while, however quickly it is ready", async () => {
  const harness = await ControlHarness.start({ functions: { f: tellType }, limits: { stateChangeMs: 200 } });
  await harness.create("f", "f", PLAIN);
  await harness.advance(200);
  await harness.publish("f");
  await provision(harness, "1", 2);
  const get = (): Promise<unknown> =>
    harness.call("GetProvisionedConcurrencyConfig", { FunctionName: "f", Qualifier: "1" });
  await harness.advance(100);
  expect(await get()).toMatchObject({ AllocatedProvisionedConcurrentExecutions: 0, Status: "IN_PROGRESS" });
  await harness.advance(100);
  expect(await get()).toMatchObject({ AllocatedProvisionedConcurrentExecutions: 2, Status: "READY" });
  await harness.end();
});
