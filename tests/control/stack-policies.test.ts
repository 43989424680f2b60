/** Policies of stacks by AWS's client: what they refuse, and for how long. */
import {
  type CloudFormationClient,
  CreateChangeSetCommand,
  CreateStackCommand,
  DescribeStackEventsCommand,
  ExecuteChangeSetCommand,
  GetStackPolicyCommand,
  SetStackPolicyCommand,
  UpdateStackCommand,
  type UpdateStackCommandInput,
} from "@aws-sdk/client-cloudformation";
import { expect, it } from "vitest";
import type { HttpHarness } from "./http-harness.ts";
import { untilEnded, withStacks } from "./stack-harness.ts";

let http: HttpHarness;
let client: CloudFormationClient;
withStacks((...started) => {
  [http, client] = started;
});

const body = (a: string, b = ""): string => `Resources:
  A: { Type: AWS::CloudWatch::Dashboard, Properties: { DashboardBody: "${a}" } }
  ${b === "" ? "" : `B: { Type: AWS::CloudWatch::Dashboard, Properties: { DashboardBody: "${b}" } }`}`;

const ALLOW = { Effect: "Allow", Action: "Update:*", Principal: "*", Resource: "*" };
const ALLOW_ALL = JSON.stringify({ Statement: [ALLOW] });
const KEEP_A = JSON.stringify({
  Statement: [ALLOW, { ...ALLOW, Effect: "Deny", Resource: "LogicalResourceId/A" }],
});

async function policyOf(StackName: string): Promise<string | undefined> {
  return (await client.send(new GetStackPolicyCommand({ StackName }))).StackPolicyBody;
}

/** Gives the status at the end. */
async function update(input: UpdateStackCommandInput): Promise<string | undefined> {
  await client.send(new UpdateStackCommand(input));
  return (await untilEnded(http, client, input.StackName ?? "")).StackStatus;
}

async function failures(StackName: string): Promise<ReadonlyArray<string | undefined>> {
  const { StackEvents: events = [] } = await client.send(new DescribeStackEventsCommand({ StackName }));
  return events
    .filter(({ ResourceStatus: status }) => status === "UPDATE_FAILED")
    .map(({ ResourceStatusReason: reason }) => reason);
}

it("a policy fails updates of what it protects, but for one with a policy of its own", async () => {
  const StackName = "kept";
  await client.send(new CreateStackCommand({ StackName, TemplateBody: body("1", "1"), StackPolicyBody: KEEP_A }));
  await untilEnded(http, client, StackName);
  expect(await policyOf(StackName)).toBe(KEEP_A);
  expect(await update({ StackName, TemplateBody: body("1", "2") })).toBe("UPDATE_COMPLETE");
  expect(await update({ StackName, TemplateBody: body("2", "2") })).toBe("UPDATE_ROLLBACK_COMPLETE");
  expect(await failures(StackName)).toEqual([
    "Action denied by stack policy: Statement [#2] does not allow [Update:Modify] for resource [LogicalResourceId/A]",
  ]);
  const during = { StackName, TemplateBody: body("2", "2"), StackPolicyDuringUpdateBody: ALLOW_ALL };
  expect(await update(during)).toBe("UPDATE_COMPLETE");
  expect(await policyOf(StackName)).toBe(KEEP_A);
  // A change set has no policy of its own.
  const set = { StackName, ChangeSetName: "third", TemplateBody: body("3", "2") };
  await client.send(new CreateChangeSetCommand(set));
  await client.send(new ExecuteChangeSetCommand(set));
  expect((await untilEnded(http, client, StackName)).StackStatus).toBe("UPDATE_ROLLBACK_COMPLETE");
  expect(await failures(StackName)).toHaveLength(2);
});

it("a policy that comes with an update is in force after it, where it succeeds", async () => {
  const StackName = "later";
  await client.send(new CreateStackCommand({ StackName, TemplateBody: body("1") }));
  await untilEnded(http, client, StackName);
  expect(await policyOf(StackName)).toBeUndefined();
  const refusing = JSON.stringify({ Statement: [] });
  const failing = { StackName, TemplateBody: body("2"), StackPolicyDuringUpdateBody: refusing };
  expect(await update({ ...failing, StackPolicyBody: ALLOW_ALL })).toBe("UPDATE_ROLLBACK_COMPLETE");
  expect(await policyOf(StackName)).toBeUndefined();
  expect(await update({ StackName, TemplateBody: body("2", "1"), StackPolicyBody: KEEP_A })).toBe("UPDATE_COMPLETE");
  expect(await policyOf(StackName)).toBe(KEEP_A);
  const without = body("", "1").replace(/^ {2}A.*\n/m, "");
  expect(await update({ StackName, TemplateBody: without })).toBe("UPDATE_ROLLBACK_COMPLETE");
  expect(await failures(StackName)).toContainEqual(expect.stringContaining("[Update:Delete]"));
  await client.send(new SetStackPolicyCommand({ StackName, StackPolicyBody: "{}" }));
  expect(await policyOf(StackName)).toBe("{}");
  expect(await update({ StackName, TemplateBody: without })).toBe("UPDATE_COMPLETE");
});

it("a bad policy is refused, and nothing is begun", async () => {
  const StackName = "bad";
  const StackPolicyBody = JSON.stringify({ Statement: [{ ...ALLOW, Principal: "me" }] });
  const message = 'Error validating stack policy: Invalid stack policy: Statement [#1]: Principal must be "*"';
  const input = { StackName, TemplateBody: body("1") };
  await expect(client.send(new CreateStackCommand({ ...input, StackPolicyBody }))).rejects.toThrow(message);
  await client.send(new CreateStackCommand(input));
  await untilEnded(http, client, StackName);
  await expect(client.send(new SetStackPolicyCommand({ StackName, StackPolicyBody }))).rejects.toThrow(message);
  const change = { StackName, TemplateBody: body("2") };
  await expect(
    client.send(new UpdateStackCommand({ ...change, StackPolicyDuringUpdateBody: StackPolicyBody })),
  ).rejects.toThrow(message);
  const unknown = JSON.stringify({ Statement: [{ ...ALLOW, Resource: "LogicalResourceId/a" }] });
  await expect(client.send(new SetStackPolicyCommand({ StackName, StackPolicyBody: unknown }))).rejects.toThrow(
    "Unknown logical id 'LogicalResourceId/a'",
  );
  const both = { StackPolicyDuringUpdateBody: ALLOW_ALL, StackPolicyDuringUpdateURL: "https://s3.amazonaws.com/a/b" };
  await expect(client.send(new UpdateStackCommand({ ...change, ...both }))).rejects.toThrow(
    "You cannot specify both StackPolicyDuringUpdateURL and StackPolicyDuringUpdateBody",
  );
  expect(await policyOf(StackName)).toBeUndefined();
  expect((await untilEnded(http, client, StackName)).StackStatus).toBe("CREATE_COMPLETE");
});
