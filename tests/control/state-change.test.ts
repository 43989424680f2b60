/** A change can be seen for a while, and refuses others meanwhile. */
import type { OperationName } from "@thaw/aws-api";
import { expect, it } from "vitest";
import { ControlHarness } from "./harness.ts";

const STATE_CHANGE_MS = 200;
const ARN = "arn:aws:lambda:us-east-1:000000000000:function:f";

it("Pending and InProgress last as long as they are told to, and other changes are refused meanwhile", async () => {
  const harness = await ControlHarness.start({
    functions: { good: { handle: () => "1" } },
    limits: { stateChangeMs: STATE_CHANGE_MS },
  });
  const state = async (Qualifier?: string): Promise<readonly unknown[]> => {
    const shown = await harness.call("GetFunctionConfiguration", { FunctionName: "f", Qualifier });
    const { State, LastUpdateStatus } = shown as Record<string, unknown>;
    return [State, LastUpdateStatus];
  };
  const refusal = (operation: OperationName, input: Record<string, unknown>): Promise<unknown> =>
    harness.call(operation, input).then(
      () => "none",
      (error: Error) => `${error.name}: ${error.message}`,
    );
  const change = { FunctionName: "f", Timeout: 9 };

  await harness.create("f", "good", { snapStart: false });
  expect(await state()).toEqual(["Pending", undefined]);
  expect(await refusal("UpdateFunctionConfiguration", change)).toBe(
    "ResourceConflictException: The operation cannot be performed at this time. The function is currently in the following state: Pending",
  );
  await harness.advance(STATE_CHANGE_MS);
  expect(await state()).toEqual(["Active", "Successful"]);

  await harness.call("UpdateFunctionConfiguration", change);
  expect(await state()).toEqual(["Active", "InProgress"]);
  const conflict = `ResourceConflictException: The operation cannot be performed at this time. An update is in progress for resource: ${ARN}`;
  expect(await refusal("UpdateFunctionConfiguration", change)).toBe(conflict);
  expect(await refusal("PublishVersion", { FunctionName: "f" })).toBe(conflict);
  expect(await refusal("TagResource", { Resource: ARN, Tags: { a: "b" } })).toBe(conflict);
  await harness.advance(STATE_CHANGE_MS);
  expect(await state()).toEqual(["Active", "Successful"]);

  await harness.call("UpdateFunctionCode", { FunctionName: "f", ZipFile: Buffer.from("good"), Publish: true });
  expect(await state("1")).toEqual(["Pending", undefined]);
  await harness.advance(STATE_CHANGE_MS);
  expect(await state("1")).toEqual(["Active", "Successful"]);
  await harness.end();
});

it("an update ends the environments of the function as it was, where they could serve nobody any more", async () => {
  const functions = { good: { handle: () => "1" }, better: { handle: () => "2" } };
  const harness = await ControlHarness.start({ functions });
  await harness.create("f", "good", { snapStart: false });
  await harness.create("g", "good", { snapStart: false });
  const running = async (): Promise<readonly string[]> =>
    (await harness.life.worker.report()).environments.map(({ functionName, state }) => `${functionName} ${state}`);
  const changes = [
    ["UpdateFunctionCode", { ZipFile: Buffer.from("better") }],
    ["UpdateFunctionConfiguration", { Environment: { Variables: { AB: "1" } } }],
  ] as const;
  await harness.invoke("g");
  for (const [operation, change] of changes) {
    await harness.invoke("f");
    await harness.advance(0);
    expect(await running()).toEqual(["g idle", "f idle"]);
    await harness.call("UpdateFunctionConfiguration", { FunctionName: "f", Description: operation });
    await harness.advance(0);
    // It runs as it did.
    expect(await running()).toEqual(["g idle", "f idle"]);
    await harness.call(operation, { FunctionName: "f", ...change });
    await harness.advance(0);
    expect(await running()).toEqual(["g idle"]);
  }
  await harness.end();
});

it("what was in between when the server ended is settled by the next start", async () => {
  const harness = await ControlHarness.start({
    functions: { good: { handle: () => "1" } },
    limits: { stateChangeMs: STATE_CHANGE_MS },
  });
  await harness.create("f", "good", { snapStart: false });
  await harness.restart();
  await harness.advance(0);
  expect(await harness.version("f", "$LATEST")).toMatchObject({ state: "Active" });
  await harness.end();
});
