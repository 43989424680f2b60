/** AWS's operations as handlers of a stack call them: without HTTP, by the same checks. */
import { CallError } from "@thaw/server/testing/main";
import { expect, it, onTestFinished } from "vitest";
import { HttpHarness } from "./http-harness.ts";
import { openTestObjects } from "./test-objects.ts";

async function start() {
  const { objects } = openTestObjects();
  const http = await HttpHarness.start({ functions: { code: {} }, services: { objects } });
  onTestFinished(() => http[Symbol.asyncDispose]());
  const services = http.services((label, id) => `http://${id}.${label}/`);
  return { harness: http.control, services };
}

const FUNCTION = {
  FunctionName: "shop",
  Role: "arn:aws:iam::000000000000:role/test",
  Runtime: "python3.13",
  Handler: "a.b",
  Code: { ZipFile: Buffer.from("code") },
};

it("Lambda, S3 and the other services carry out what they are asked", async () => {
  const { harness, services } = await start();
  await services.call("lambda", "CreateFunction", FUNCTION);
  expect(await services.call("lambda", "GetFunctionConfiguration", { FunctionName: "shop" })).toMatchObject({
    FunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:shop",
  });
  await harness.advance(0);
  const url = await services.call("lambda", "CreateFunctionUrlConfig", { FunctionName: "shop", AuthType: "NONE" });
  expect(url["FunctionUrl"]).toMatch(/^http:\/\/[a-z0-9]+\.lambda-url\/$/);
  await services.call("s3", "CreateBucket", { Bucket: "own-bucket" });
  await services.call("s3", "PutObject", { Bucket: "own-bucket", Key: "a", Body: "text" });
  expect(await services.call("s3", "GetObject", { Bucket: "own-bucket", Key: "a" })).toMatchObject({
    Body: Buffer.from("text"),
  });
  await services.call("logs", "CreateLogGroup", { logGroupName: "/own" });
  expect(await services.call("apigatewayv2", "CreateApi", { Name: "api", ProtocolType: "HTTP" })).toMatchObject({
    ApiEndpoint: expect.stringMatching(/execute-api/),
  });
  expect(await services.call("sts", "GetCallerIdentity", {})).toMatchObject({
    Arn: "arn:aws:iam::000000000000:root",
  });
});

const REFUSED = [
  ["lambda", "GetFunction", { FunctionName: "none" }, "ResourceNotFoundException", /Function not found/],
  ["lambda", "CreateFunction", { ...FUNCTION, MemorySize: 1 }, "ValidationException", /memorySize/],
  ["lambda", "CreateNothing", {}, "NotImplementedException", /Lambda's operation CreateNothing/],
  ["lambda", "toString", {}, "NotImplementedException", /toString/],
  ["s3", "GetObject", { Bucket: "none-bucket", Key: "a" }, "NoSuchBucket", /bucket does not exist/],
  ["s3", "Nothing", {}, "NotImplementedException", /S3's operation Nothing/],
  ["logs", "DeleteLogGroup", { logGroupName: "/none" }, "ResourceNotFoundException", /does not exist/],
  ["logs", "DeleteLogGroup", {}, "InvalidParameterException", /logGroupName/],
  ["logs", "StartQuery", {}, "NotImplementedException", /StartQuery/],
  ["rds", "CreateDBInstance", {}, "NotImplementedException", /the service rds/],
] as const;

it("refusals are CallErrors that name what was refused", async () => {
  const { services } = await start();
  for (const [service, operation, input, code, text] of REFUSED) {
    const refusal = await services.call(service, operation, input).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(CallError);
    expect(refusal).toMatchObject({ service, code, message: expect.stringMatching(text) });
  }
});
