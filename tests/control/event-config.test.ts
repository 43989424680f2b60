/** The settings of asynchronous invokes, of dead letters and of loops, with AWS's texts. */
import type { OperationName } from "@thaw/aws-api";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ControlHarness } from "./harness.ts";

const ARN = "arn:aws:lambda:us-east-1:000000000000:function:";
const QUEUE = "arn:aws:sqs:us-east-1:000000000000:q";
const EMPTY = { OnSuccess: {}, OnFailure: {} };
const F = { FunctionName: "f" };

let harness: ControlHarness;
beforeEach(async () => {
  harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
  await harness.create("f", "good", { snapStart: false });
});
afterEach(() => harness.end());

async function answer(operation: OperationName, input: Record<string, unknown>): Promise<unknown> {
  return harness.call(operation, input).catch((error: Error) => `${error.name}: ${error.message}`);
}

const put = (input: Record<string, unknown>): Promise<unknown> =>
  answer("PutFunctionEventInvokeConfig", { ...F, ...input });
const update = (input: Record<string, unknown>): Promise<unknown> =>
  answer("UpdateFunctionEventInvokeConfig", { ...F, ...input });
const get = (input: Record<string, unknown> = {}): Promise<unknown> =>
  answer("GetFunctionEventInvokeConfig", { ...F, ...input });

it("Put replaces, Update adds, each qualifier has its own (recorded test_lambda_eventinvokeconfig_lifecycle)", async () => {
  const common = { DestinationConfig: EMPTY, FunctionArn: `${ARN}f:$LATEST`, LastModified: expect.any(Date) };
  expect(await put({ MaximumRetryAttempts: 0 })).toEqual({ ...common, MaximumRetryAttempts: 0 });
  expect(await put({ MaximumEventAgeInSeconds: 60 })).toEqual({ ...common, MaximumEventAgeInSeconds: 60 });
  const both = { ...common, MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 1 };
  expect(await update({ MaximumRetryAttempts: 1 })).toEqual(both);
  expect(await get()).toEqual(both);
  expect(await get({ Qualifier: "$LATEST" })).toEqual(both);
  expect(await answer("ListFunctionEventInvokeConfigs", F)).toEqual({ FunctionEventInvokeConfigs: [both] });
  const version = await harness.publish("f");
  expect(await get({ Qualifier: version })).toBe(
    `ResourceNotFoundException: The function ${ARN}f:1 doesn't have an EventInvokeConfig`,
  );
  await put({ Qualifier: version, MaximumEventAgeInSeconds: 120 });
  expect(await get({ FunctionName: "f:1" })).toMatchObject({ FunctionArn: `${ARN}f:1`, MaximumEventAgeInSeconds: 120 });
  expect(await answer("ListFunctionEventInvokeConfigs", { ...F, MaxItems: 1 })).toMatchObject({
    NextMarker: expect.any(String),
  });
  await answer("DeleteFunctionEventInvokeConfig", F);
  expect(await answer("ListFunctionEventInvokeConfigs", F)).toMatchObject({
    FunctionEventInvokeConfigs: [{ FunctionArn: `${ARN}f:1` }],
  });
});

it("destinations are shown as they are given, and taken away one by one", async () => {
  await harness.create("g", "good", { snapStart: false });
  const given = { OnSuccess: { Destination: `${ARN}g` }, OnFailure: { Destination: "arn:aws:s3:::my-bucket" } };
  expect(await put({ DestinationConfig: given })).toMatchObject({ DestinationConfig: given });
  expect(await update({ MaximumRetryAttempts: 2 })).toMatchObject({ DestinationConfig: given });
  expect(await update({ DestinationConfig: { OnFailure: { Destination: QUEUE } } })).toMatchObject({
    DestinationConfig: { ...given, OnFailure: { Destination: QUEUE } },
  });
  expect(await update({ DestinationConfig: { OnSuccess: {} } })).toMatchObject({
    DestinationConfig: { OnSuccess: {}, OnFailure: { Destination: QUEUE } },
  });
});

const onSuccess = (Destination: string): Record<string, unknown> => ({
  DestinationConfig: { OnSuccess: { Destination } },
});

it.for([
  [{}, "InvalidParameterValueException: You must specify at least one of error handling or destination setting."],
  [{ FunctionName: "nobody", MaximumRetryAttempts: 1 }, "ResourceNotFoundException: The function doesn't exist."],
  [{ Qualifier: "7", MaximumRetryAttempts: 1 }, "ResourceNotFoundException: The function doesn't exist."],
  [onSuccess(`${ARN}f`), "InvalidParameterValueException: You can't specify the function as a destination for itself."],
  [onSuccess(`${ARN}nobody`), `InvalidParameterValueException: The destination ARN ${ARN}nobody is invalid.`],
  [
    onSuccess("arn:aws:iam::000000000000:role/r"),
    "InvalidParameterValueException: The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam::000000000000:role/r), onFailure=null) is invalid.",
  ],
  [
    onSuccess("arn:aws:s3:::my-bucket"),
    "InvalidParameterValueException: The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:s3:::my-bucket), onFailure=null) is invalid.",
  ],
  [onSuccess(`${QUEUE}.fifo`), `InvalidParameterValueException: The destination ARN ${QUEUE}.fifo is invalid.`],
] as const)("of %j AWS says why not", async ([input, message]) => {
  expect(await put(input)).toBe(message);
});

it("what is not there is told by Update, Get, Delete and List in AWS's words", async () => {
  const none = `ResourceNotFoundException: The function ${ARN}f:$LATEST doesn't have an EventInvokeConfig`;
  expect(await update({ MaximumRetryAttempts: 1 })).toBe(none);
  expect(await get()).toBe(none);
  expect(await answer("DeleteFunctionEventInvokeConfig", F)).toBe(none);
  expect(await get({ Qualifier: "7" })).toBe(none.replace("$LATEST", "7"));
  expect(await get({ FunctionName: "nobody" })).toBe(none.replace(":f:", ":nobody:"));
  expect(await answer("ListFunctionEventInvokeConfigs", F)).toEqual({ FunctionEventInvokeConfigs: [] });
  expect(await answer("ListFunctionEventInvokeConfigs", { FunctionName: "nobody" })).toBe(
    "ResourceNotFoundException: The function doesn't exist.",
  );
});

it("a destination that can't be reached is refused with what to do", async () => {
  harness.destinations.problem = "It can't be reached from this host. Name the endpoint.";
  expect(await put(onSuccess(QUEUE))).toBe(
    `InvalidParameterValueException: The destination ARN ${QUEUE} is invalid. It can't be reached from this host. Name the endpoint.`,
  );
  expect(await answer("UpdateFunctionConfiguration", { ...F, DeadLetterConfig: { TargetArn: QUEUE } })).toContain(
    "Name the endpoint.",
  );
});

it("a dead letter queue is shown, kept by versions, and taken away by an empty ARN; only queues and topics are", async () => {
  const set = (TargetArn: string): Promise<unknown> =>
    answer("UpdateFunctionConfiguration", { ...F, DeadLetterConfig: { TargetArn } });
  expect(await set(QUEUE)).toMatchObject({ DeadLetterConfig: { TargetArn: QUEUE } });
  await harness.advance(0);
  const version = await harness.publish("f");
  expect(await set("")).not.toHaveProperty("DeadLetterConfig");
  await harness.advance(0);
  expect(await answer("GetFunctionConfiguration", { ...F, Qualifier: version })).toMatchObject({
    DeadLetterConfig: { TargetArn: QUEUE },
  });
  for (const arn of [`${ARN}f`, `${QUEUE}.fifo`, "arn:aws:sns:us-east-1:000000000000:t.fifo"])
    expect(await set(arn)).toMatch(/^InvalidParameterValueException: The DeadLetterConfig target ARN .* standard SQS/);
});

it("the settings of an alias go with it", async () => {
  const version = await harness.publish("f");
  const alias = { ...F, Name: "live", FunctionVersion: version };
  await harness.call("CreateAlias", alias);
  await put({ Qualifier: "live", MaximumRetryAttempts: 0 });
  await harness.call("DeleteAlias", { ...F, Name: "live" });
  await harness.call("CreateAlias", alias);
  expect(await get({ Qualifier: "live" })).toContain("doesn't have an EventInvokeConfig");
});

it("loops are ended unless the function says otherwise", async () => {
  expect(await answer("GetFunctionRecursionConfig", F)).toEqual({ RecursiveLoop: "Terminate" });
  expect(await answer("PutFunctionRecursionConfig", { ...F, RecursiveLoop: "Allow" })).toEqual({
    RecursiveLoop: "Allow",
  });
  expect(await answer("GetFunctionRecursionConfig", F)).toEqual({ RecursiveLoop: "Allow" });
  const none = `ResourceNotFoundException: Function not found: ${ARN}nobody`;
  expect(await answer("GetFunctionRecursionConfig", { FunctionName: "nobody" })).toBe(none);
  expect(await answer("PutFunctionRecursionConfig", { FunctionName: "nobody", RecursiveLoop: "Allow" })).toBe(none);
});
