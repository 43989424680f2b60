/** AWS::Include, by objects of this server's S3. */
import { CreateChangeSetCommand, DescribeChangeSetCommand } from "@aws-sdk/client-cloudformation";
import { expect, it, onTestFinished } from "vitest";
import { HttpHarness } from "./http-harness.ts";
import { cloudFormationOf } from "./stack-harness.ts";
import { openTestObjects } from "./test-objects.ts";

const TEMPLATE = `
Resources:
  Board:
    Type: AWS::CloudWatch::Dashboard
    Properties: { Fn::Transform: { Name: AWS::Include, Parameters: { Location: s3://snippets/part } } }`;
const BYTES_MAX = 1024 * 1024;

/** What a change set says whose template has a snippet of so many bytes. */
async function withSnippet(bytes: number) {
  const { objects } = openTestObjects();
  const http = await HttpHarness.start({ functions: {}, services: { objects } });
  onTestFinished(() => http[Symbol.asyncDispose]());
  const client = cloudFormationOf(http);
  onTestFinished(() => client.destroy());
  const s3 = (operation: string, input: object) =>
    http.services((_label, id) => id).call("s3", operation, { Bucket: "snippets", ...input });
  await s3("CreateBucket", {});
  const begin = "DashboardBody: a\n#";
  await s3("PutObject", { Key: "part", Body: begin + "-".repeat(bytes - begin.length) });
  const { Id: id } = await client.send(
    new CreateChangeSetCommand({
      StackName: "shop",
      ChangeSetName: "set",
      ChangeSetType: "CREATE",
      TemplateBody: TEMPLATE,
      Capabilities: ["CAPABILITY_AUTO_EXPAND"],
    }),
  );
  return client.send(new DescribeChangeSetCommand({ ChangeSetName: id }));
}

it("a snippet may be as large as a template, and no larger", async () => {
  expect(await withSnippet(BYTES_MAX)).toMatchObject({ Status: "CREATE_COMPLETE" });
  expect(await withSnippet(BYTES_MAX + 1)).toMatchObject({
    Status: "FAILED",
    StatusReason: expect.stringContaining(
      "Transform AWS::Include failed with: a snippet may not exceed 1048576 bytes in size: s3://snippets/part",
    ),
  });
});
