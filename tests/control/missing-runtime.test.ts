/** A function whose runtime the host does not have: taken, Failed with what to do, and Active once it is there. */
import type { OperationName } from "@thaw/aws-api";
import { expect, it } from "vitest";
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
  harness.missingRuntimes.add("python3.13");
  await harness.create("f", "good", { snapStart: false });
  expect(await show()).toMatchObject({ State: "Failed", StateReasonCode: "InvalidRuntime", StateReason: REASON });
  expect(await refusal("PublishVersion", { FunctionName: "f" })).toBe(`ResourceConflictException: ${STATE}`);
  expect(await refusal("Invoke", { FunctionName: "f" })).toBe(`ResourceConflictException: ${STATE}`);

  await harness.call("UpdateFunctionCode", { FunctionName: "f", ZipFile: Buffer.from("good"), Publish: true });
  await harness.advance(0);
  expect(await show("1")).toMatchObject({ State: "Failed", StateReasonCode: "InvalidRuntime" });

  harness.missingRuntimes.clear();
  await harness.advance(DEFAULT_CONTROL_LIMITS.lookIntervalMs);
  expect(await show()).toMatchObject({ State: "Active", LastUpdateStatus: "Successful" });
  expect(await harness.publish("f")).toBe("2");
  expect(await harness.outcome("f", "2")).toBe("1");
  await harness.end();
});

it("is Failed when a change asks for a runtime that is missing, and Active with the next change", async () => {
  const harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
  harness.missingRuntimes.add("python3.12");
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
