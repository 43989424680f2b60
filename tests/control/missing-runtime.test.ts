/** A function whose runtime the host does not have: taken, Failed with what to do, and Active once it is there. */
import type { OperationName } from "@thaw/aws-api";
import { describe, expect, it } from "vitest";
import { DEFAULT_CONTROL_LIMITS } from "@thaw/server/testing/control";
import { ControlHarness } from "./harness.ts";

const REASON = "The runtime python3.13 is not installed on this host. There is none.";
const STATE = `The operation cannot be performed at this time. The function is currently in the following state: Failed. ${REASON}`;

it("is Failed with InvalidRuntime until the runtime is installed", async () => {
  const harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
  const show = async (Qualifier?: string): Promise<unknown> =>
    harness.call("GetFunctionConfiguration", { FunctionName: "f", Qualifier });
  const refusal = (operation: OperationName, input: Record<string, unknown>): Promise<unknown> =>
    harness.call(operation, input).then(
      () => "none",
      (error: Error) => `${error.name}: ${error.message}`,
    );
  harness.installer.missing.add("python3.13");
  await harness.create("f", "good", { snapStart: false });
  expect(await show()).toMatchObject({ State: "Failed", StateReasonCode: "InvalidRuntime", StateReason: REASON });
  expect(await refusal("PublishVersion", { FunctionName: "f" })).toBe(`ResourceConflictException: ${STATE}`);
  expect(await refusal("Invoke", { FunctionName: "f" })).toBe(`ResourceConflictException: ${STATE}`);

  await harness.call("UpdateFunctionCode", { FunctionName: "f", ZipFile: Buffer.from("good"), Publish: true });
  await harness.advance(0);
  expect(await show("1")).toMatchObject({ State: "Failed", StateReasonCode: "InvalidRuntime" });

  harness.installer.missing.clear();
  await harness.advance(DEFAULT_CONTROL_LIMITS.lookIntervalMs);
  expect(await show()).toMatchObject({ State: "Active", LastUpdateStatus: "Successful" });
  expect(await harness.publish("f")).toBe("2");
  expect(await harness.outcome("f", "2")).toBe("1");
  await harness.end();
});

it("is Failed when a change asks for a runtime that is missing, and Active with the next change", async () => {
  const harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
  harness.installer.missing.add("python3.12");
  await harness.create("f", "good", { snapStart: false });
  const change = async (Runtime: string): Promise<unknown> => {
    await harness.call("UpdateFunctionConfiguration", { FunctionName: "f", Runtime });
    await harness.advance(0);
    const { state, lastUpdateStatus } = await harness.version("f", "$LATEST");
    return [state, lastUpdateStatus];
  };
  expect(await change("python3.12")).toEqual(["Failed", "Failed"]);
  expect(await change("python3.13")).toEqual(["Active", "Successful"]);
  expect(await harness.outcome("f")).toBe("1");
  await harness.end();
});

describe("where the host may install runtimes", () => {
  const INSTALLING = "The runtime python3.13 is being installed on this host.";

  async function start(): Promise<ControlHarness> {
    const harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
    harness.installer.missing.add("python3.13");
    harness.installer.isAllowed = true;
    return harness;
  }

  async function installed(harness: ControlHarness, problem: string | null): Promise<void> {
    if (problem === null) harness.installer.missing.clear();
    harness.installer.end(problem);
    await harness.advance(0);
  }

  it("functions and versions are Pending with the reason, then Active", async () => {
    const harness = await start();
    await harness.create("plain", "good", { snapStart: false, config: { Publish: true } });
    await harness.create("f", "good", { config: { Publish: true } });
    for (const [name, version] of [
      ["plain", "$LATEST"],
      ["plain", "1"],
      ["f", "$LATEST"],
      ["f", "1"],
    ] as const)
      expect(await harness.version(name, version)).toMatchObject({
        state: "Pending",
        stateReason: INSTALLING,
        stateReasonCode: "Creating",
      });
    expect(await harness.outcome("plain")).toBe("ResourceConflictException");
    await expect(harness.invoke("plain", undefined, {}, "Event")).rejects.toThrow("state: Pending");
    // The next look begins nothing a second time.
    await harness.advance(DEFAULT_CONTROL_LIMITS.lookIntervalMs);
    expect(harness.installer.size).toBe(4);
    await installed(harness, null);
    for (const name of ["plain", "f"])
      for (const version of ["$LATEST", "1"]) {
        expect(await harness.version(name, version)).toMatchObject({ state: "Active", stateReason: null });
        expect(await harness.outcome(name, version)).toBe("1");
      }
    expect((await harness.version("f", "1")).snapshotId).not.toBeNull();
    expect(harness.problems).toEqual([]);
    await harness.end();
  });

  it("are Failed with the command where the install fails, and tried again with the next change", async () => {
    const harness = await start();
    await harness.create("f", "good", { config: { Publish: true } });
    await installed(harness, "no space left");
    const failed = {
      state: "Failed",
      stateReasonCode: "InvalidRuntime",
      stateReason: "The runtime python3.13 could not be installed on this host: no space left. There is none.",
    };
    expect(await harness.version("f", "$LATEST")).toMatchObject(failed);
    expect(await harness.version("f", "1")).toMatchObject(failed);
    await harness.advance(DEFAULT_CONTROL_LIMITS.lookIntervalMs);
    expect(harness.installer.size).toBe(0);
    await harness.call("UpdateFunctionConfiguration", { FunctionName: "f", Description: "again" });
    await harness.advance(0);
    expect(await harness.version("f", "$LATEST")).toMatchObject({
      state: "Pending",
      lastUpdateStatus: "InProgress",
      lastUpdateStatusReason: INSTALLING,
    });
    await installed(harness, null);
    expect(await harness.version("f", "$LATEST")).toMatchObject({ state: "Active", lastUpdateStatus: "Successful" });
    await harness.end();
  });

  it.for([true, false])("a crash in the middle: the next start goes on with it (may still: %s)", async (mayInstall) => {
    const harness = await start();
    await harness.create("f", "good", { config: { Publish: true } });
    await harness.create("gone", "good", { config: { Publish: true } });
    await harness.call("DeleteFunction", { FunctionName: "gone" });
    harness.crash();
    harness.installer.isAllowed = mayInstall;
    await harness.start();
    await harness.advance(0);
    if (mayInstall) await installed(harness, null);
    const state = mayInstall ? { state: "Active" } : { state: "Failed", stateReasonCode: "InvalidRuntime" };
    for (const version of ["$LATEST", "1"]) expect(await harness.version("f", version)).toMatchObject(state);
    await harness.end();
  });
});
