/** Reads and deletions of what can't be made yet: as on AWS where there is none. */
import type { OperationName } from "@thaw/aws-api";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ControlHarness } from "./harness.ts";

const ARN = "arn:aws:lambda:us-east-1:000000000000:function:";
const F = { FunctionName: "f" };
const GONE = { FunctionName: "nobody" };
const NOTHING = "The resource you requested does not exist.";

let harness: ControlHarness;
beforeAll(async () => {
  harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
  await harness.create("f", "good", { snapStart: false });
});
afterAll(() => harness.end());

async function answer(operation: OperationName, input: Record<string, unknown>): Promise<unknown> {
  return harness.call(operation, input).catch((error: Error) => `${error.name}: ${error.message}`);
}

it.for([
  ["ListEventSourceMappings", {}, { EventSourceMappings: [] }],
  ["ListCodeSigningConfigs", {}, { CodeSigningConfigs: [] }],
  ["ListCapacityProviders", {}, { CapacityProviders: [] }],
  ["ListFunctionUrlConfigs", F, { FunctionUrlConfigs: [] }],
  ["GetFunctionCodeSigningConfig", F, {}],
  ["DeleteFunctionCodeSigningConfig", F, {}],
  ["GetRuntimeManagementConfig", F, { UpdateRuntimeOn: "Auto", FunctionArn: `${ARN}f` }],
  ["GetRuntimeManagementConfig", { ...F, Qualifier: "$LATEST" }, { FunctionArn: `${ARN}f:$LATEST` }],
] as const)("%s of %j answers", async ([operation, input, expected]) => {
  expect(await answer(operation, input)).toMatchObject(expected);
});

it.for([
  ["GetPolicy", F, NOTHING],
  ["GetPolicy", GONE, NOTHING],
  ["GetFunctionUrlConfig", F, NOTHING],
  ["DeleteFunctionUrlConfig", GONE, NOTHING],
  ["GetEventSourceMapping", { UUID: "u" }, NOTHING],
  ["DeleteEventSourceMapping", { UUID: "u" }, NOTHING],
  ["GetCodeSigningConfig", { CodeSigningConfigArn: "x" }, "The Lambda code signing configuration x can not be found."],
  ["ListFunctionUrlConfigs", GONE, "Function does not exist"],
  ["GetFunctionCodeSigningConfig", GONE, `Function not found: ${ARN}nobody`],
  ["GetRuntimeManagementConfig", GONE, `Function not found: ${ARN}nobody`],
] as const)("%s of %j says that there is none", async ([operation, input, message]) => {
  expect(await answer(operation, input)).toBe(`ResourceNotFoundException: ${message}`);
});

it("what can't be is refused: a marker of no list, a qualifier beside another", async () => {
  expect(await answer("ListCapacityProviders", { Marker: "x" })).toBe(
    "InvalidParameterValueException: Invalid marker value",
  );
  expect(await answer("GetPolicy", { FunctionName: "f:one", Qualifier: "two" })).toMatch(
    /does not match the specified qualifier/,
  );
});

it("code comes from one place only", async () => {
  const input = { ...F, ZipFile: Buffer.from("good"), S3Bucket: "b", S3Key: "k" };
  expect(await answer("UpdateFunctionCode", input)).toMatch(/do not provide other FunctionCode parameters/);
  const kept = { ...F, S3Bucket: "b", S3Key: "k", S3ObjectStorageMode: "REFERENCE" };
  expect(await answer("UpdateFunctionCode", kept)).toMatch(/S3ObjectStorageMode REFERENCE is not supported/);
});
