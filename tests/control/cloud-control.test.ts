/** Cloud Control's GetResource over HTTP: the URL of a function, as sam list endpoints asks for it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { HttpHarness } from "./http-harness.ts";

let http: HttpHarness;
beforeAll(async () => {
  http = await HttpHarness.start({ functions: { code: {} } });
  for (const name of ["with", "without"]) await http.control.create(name, "code");
  await http.control.call("CreateFunctionUrlConfig", { FunctionName: "with", AuthType: "NONE" });
});
afterAll(() => http[Symbol.asyncDispose]());

async function get(input: object): Promise<{ readonly status: number; readonly body: unknown }> {
  const body = Buffer.from(JSON.stringify(input));
  const given = { "content-type": "application/x-amz-json-1.0", "x-amz-target": "CloudApiService.GetResource" };
  const response = await fetch(`http://${http.host}/`, {
    method: "POST",
    headers: http.signed("POST", "/", body, given, "cloudcontrolapi"),
    body: new Uint8Array(body),
  });
  return { status: response.status, body: await response.json() };
}

it("gives the URL of a function", async () => {
  const { status, body } = await get({ TypeName: "AWS::Lambda::Url", Identifier: "with" });
  expect(status).toBe(200);
  const { TypeName, ResourceDescription } = body as {
    readonly TypeName: string;
    readonly ResourceDescription: { readonly Identifier: string; readonly Properties: string };
  };
  expect([TypeName, ResourceDescription.Identifier]).toEqual(["AWS::Lambda::Url", "with"]);
  expect(JSON.parse(ResourceDescription.Properties)).toMatchObject({
    FunctionUrl: expect.stringMatching(/^http:\/\/[a-z0-9]{8,}\.lambda-url\.[a-z0-9-]+\.localhost/),
    AuthType: "NONE",
    TargetFunctionArn: expect.stringMatching(/:function:with$/),
  });
});

it.for([
  [{ TypeName: "AWS::Lambda::Url", Identifier: "without" }, "ResourceNotFoundException", /./],
  [{ TypeName: "AWS::Lambda::Url", Identifier: "none" }, "ResourceNotFoundException", /./],
  [{ TypeName: "AWS::S3::Bucket", Identifier: "a" }, "UnsupportedActionException", /resources of type AWS::S3::Bucket/],
  [
    { TypeName: "AWS::Lambda::Url", Identifier: "with", RoleArn: "arn:aws:iam::000000000000:role/r" },
    "UnsupportedActionException",
    /RoleArn/,
  ],
] as const)("refuses %j", async ([input, code, reason]) => {
  const { status, body } = await get(input);
  expect([status, body]).toEqual([400, expect.objectContaining({ __type: expect.stringContaining(code) })]);
  expect(JSON.stringify(body)).toMatch(reason);
});
