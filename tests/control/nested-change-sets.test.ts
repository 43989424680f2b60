/** Change sets with IncludeNestedStacks, by AWS's client. */
import {
  ChangeSetNotFoundException,
  type CloudFormationClient,
  CreateChangeSetCommand,
  type CreateChangeSetCommandInput,
  DeleteChangeSetCommand,
  DescribeChangeSetCommand,
  type DescribeChangeSetCommandOutput,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  ListChangeSetsCommand,
} from "@aws-sdk/client-cloudformation";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HttpHarness } from "./http-harness.ts";
import { cloudFormationOf, untilEnded } from "./stack-harness.ts";
import { openTestObjects } from "./test-objects.ts";

let http: HttpHarness;
let client: CloudFormationClient;
beforeEach(async () => {
  const { objects } = openTestObjects();
  http = await HttpHarness.start({ functions: {}, services: { objects } });
  client = cloudFormationOf(http);
  await s3("CreateBucket", {});
});
afterEach(async () => {
  client.destroy();
  await http[Symbol.asyncDispose]();
  expect(http.problems).toEqual([]);
});

const s3 = (operation: string, input: object) =>
  http.services((_label, id) => id).call("s3", operation, { Bucket: "templates", ...input });
const url = (key: string): string => `https://s3.amazonaws.com/templates/${key}`;

const board = (text: string): string => `{ Type: AWS::CloudWatch::Dashboard, Properties: { DashboardBody: ${text} } }`;
const LEAF = (text: string): string => `
Parameters: { Text: { Type: String, Default: none }, Count: { Type: Number, Default: 1 } }
Resources: { Leaf: ${board(text)}, Given: ${board('!Sub "${AWS::StackName} ${Text}"')} }
Outputs: { Name: { Value: !Ref Leaf } }`;
const MIDDLE = (key: string): string => `
Resources: { Inner: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: "${url(key)}" } } }`;
const ROOT = (key: string): string => `
Resources:
  Own: ${board("a")}
  Middle: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: "${url(key)}" } }`;

async function createSet(input: Partial<CreateChangeSetCommandInput>): Promise<DescribeChangeSetCommandOutput> {
  const all = { StackName: "root", ChangeSetName: "set", IncludeNestedStacks: true, ...input };
  const { Id } = await client.send(new CreateChangeSetCommand(all));
  return describe(Id);
}

const describe = (ChangeSetName: string | undefined, StackName?: string) =>
  client.send(new DescribeChangeSetCommand({ ChangeSetName, StackName }));

/** The change set of the stack that a change makes or changes. */
function inner({ Changes: changes = [] }: DescribeChangeSetCommandOutput, logicalId: string) {
  return describe(
    changes.find((each) => each.ResourceChange?.LogicalResourceId === logicalId)?.ResourceChange?.ChangeSetId,
  );
}

const actions = ({ Changes: changes = [] }: DescribeChangeSetCommandOutput): ReadonlyArray<string | undefined> =>
  changes.map(({ ResourceChange: change }) => `${change?.Action} ${change?.LogicalResourceId}`);

async function child(StackName: string, LogicalResourceId: string): Promise<string> {
  const input = { StackName, LogicalResourceId };
  const { StackResourceDetail } = await client.send(new DescribeStackResourceCommand(input));
  return StackResourceDetail?.PhysicalResourceId ?? "";
}

it("stacks in stacks are shown before they are made and changed, and go with the root", async () => {
  await s3("PutObject", { Key: "leaf-1", Body: LEAF("one") });
  await s3("PutObject", { Key: "middle-1", Body: MIDDLE("leaf-1") });
  const made = await createSet({ ChangeSetType: "CREATE", TemplateBody: ROOT("middle-1") });
  expect(made).toMatchObject({ Status: "CREATE_COMPLETE", IncludeNestedStacks: true, ExecutionStatus: "AVAILABLE" });
  expect(made.RootChangeSetId).toBeUndefined();
  const middle = await inner(made, "Middle");
  expect(middle).toMatchObject({
    ParentChangeSetId: made.ChangeSetId,
    RootChangeSetId: made.ChangeSetId,
    ExecutionStatus: "UNAVAILABLE",
    StatusReason: "Executable from root change set",
    IncludeNestedStacks: true,
  });
  const leaf = await inner(middle, "Inner");
  expect(leaf).toMatchObject({ ParentChangeSetId: middle.ChangeSetId, RootChangeSetId: made.ChangeSetId });
  expect([actions(middle), actions(leaf)]).toEqual([["Add Inner"], ["Add Leaf", "Add Given"]]);
  for (const Command of [ExecuteChangeSetCommand, DeleteChangeSetCommand])
    await expect(client.send(new Command({ ChangeSetName: leaf.ChangeSetId }))).rejects.toThrow(
      `with its root change set only: [${made.ChangeSetId}]`,
    );
  await client.send(new ExecuteChangeSetCommand({ ChangeSetName: made.ChangeSetId }));
  expect((await untilEnded(http, client, "root")).StackStatus).toBe("CREATE_COMPLETE");
  expect((await describe(leaf.ChangeSetId)).ExecutionStatus).toBe("EXECUTE_COMPLETE");

  await s3("PutObject", { Key: "leaf-2", Body: LEAF("two") });
  await s3("PutObject", { Key: "middle-2", Body: MIDDLE("leaf-2") });
  const changed = await createSet({ ChangeSetName: "second", TemplateBody: ROOT("middle-2") });
  const middleId = await child("root", "Middle");
  const leafId = await child(middleId, "Inner");
  const changedLeaf = await inner(await inner(changed, "Middle"), "Inner");
  expect(changedLeaf).toMatchObject({ StackId: leafId, RootChangeSetId: changed.ChangeSetId });
  expect(actions(changedLeaf)).toEqual(["Modify Leaf"]);
  const { Summaries: listed } = await client.send(new ListChangeSetsCommand({ StackName: leafId }));
  expect(listed).toMatchObject([{ ChangeSetId: changedLeaf.ChangeSetId, IncludeNestedStacks: true }]);
  expect((await describe(changedLeaf.ChangeSetName, leafId)).ChangeSetId).toBe(changedLeaf.ChangeSetId);
  await client.send(new DeleteChangeSetCommand({ ChangeSetName: changed.ChangeSetId }));
  await expect(describe(changedLeaf.ChangeSetId)).rejects.toThrow(ChangeSetNotFoundException);
  const without = await createSet({
    ChangeSetName: "third",
    TemplateBody: ROOT("middle-2"),
    IncludeNestedStacks: false,
  });
  expect(without.IncludeNestedStacks).toBe(false);
  expect(without.Changes?.[0]?.ResourceChange?.ChangeSetId).toBeUndefined();
});

it("what depends on things that are not there yet is told, and shown as far as it is known", async () => {
  await s3("PutObject", { Key: "leaf", Body: LEAF("one") });
  await s3("PutObject", {
    Key: "split",
    Body: `Resources: { A: ${board('!Select [4, !Split ["-", !Select [2, !Split ["/", !Ref "AWS::StackId"]]]]')} }`,
  });
  const nested = (key: string, parameters: string): string =>
    `{ Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: "${url(key)}", Parameters: { ${parameters} } } }`;
  const set = await createSet({
    ChangeSetType: "CREATE",
    TemplateBody: `
Resources:
  Own: ${board("a")}
  Text: ${nested("leaf", "Text: !Ref Own")}
  Count: ${nested("leaf", "Count: !Ref Own")}
  Name: ${nested("split", "")}`,
  });
  const text = await inner(set, "Text");
  expect([actions(text), text.StatusReason]).toEqual([["Add Leaf", "Add Given"], "Executable from root change set"]);
  const count = await inner(set, "Count");
  expect([actions(count), count.StatusReason]).toEqual([
    [],
    "Executable from root change set; its changes are known when it is executed, as they depend on the parameters [Count]",
  ]);
  expect((await inner(set, "Name")).StatusReason).toContain("as they depend on the id of the stack");
});

it("a stack in it that can't be made fails the change set before anything is made", async () => {
  await s3("PutObject", { Key: "pool", Body: "Resources: { Pool: { Type: AWS::Cognito::UserPool } }" });
  await s3("PutObject", { Key: "itself", Body: MIDDLE("itself") });
  for (const [key, reason] of [
    ["pool", /^Nested change set arn:.* was not successfully created: Currently in FAILED. Middle: .*Cognito/],
    ["nothing", /^Nested change set .* Middle: S3 error/],
    ["itself", /^Stacks are nested 10 levels deep at most/],
  ] as const) {
    const set = await createSet({ ChangeSetName: key, ChangeSetType: "CREATE", TemplateBody: ROOT(key) });
    expect([set.Status, set.StatusReason]).toEqual(["FAILED", expect.stringMatching(reason)]);
  }
  const { Stacks: stacks } = await client.send(new DescribeStacksCommand({}));
  expect(stacks).toMatchObject([{ StackName: "root", StackStatus: "REVIEW_IN_PROGRESS" }]);
});
