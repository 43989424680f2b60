/** Stacks by AWS's client: made, changed, rolled back, removed; of resources that are only recorded. */
import {
  type CloudFormationClient,
  CreateChangeSetCommand,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  GetTemplateCommand,
  ListExportsCommand,
  ListStackResourcesCommand,
  type Stack,
  UpdateStackCommand,
  UpdateTerminationProtectionCommand,
} from "@aws-sdk/client-cloudformation";
import { expect, it } from "vitest";
import type { HttpHarness } from "./http-harness.ts";
import { untilEnded, withStacks } from "./stack-harness.ts";

let http: HttpHarness;
let client: CloudFormationClient;
withStacks((...started) => {
  [http, client] = started;
});

const GATEWAY = "Type: AWS::EC2::InternetGateway";
const BOARD = "Type: AWS::CloudWatch::Dashboard";

const ended = (name: string): Promise<Stack> => untilEnded(http, client, name);

it("a stack is made, changed by a change set, and removed", async () => {
  const body = (description: string): string => `
Parameters: { Text: { Type: String, Default: a } }
Resources:
  Board: { ${BOARD}, Properties: { DashboardBody: !Ref Text } }
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Description: ${description}
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{ Effect: Allow, Action: "cloudwatch:*", Resource: !Sub "arn:aws:cloudwatch::1:dashboard/\${Board}" }]
Outputs: { Board: { Value: !Ref Board, Export: { Name: shop-board } } }`;
  const { StackId } = await client.send(
    new CreateStackCommand({ StackName: "shop", TemplateBody: body("one"), Capabilities: ["CAPABILITY_IAM"] }),
  );
  const made = await ended("shop");
  expect(made).toMatchObject({
    StackId,
    StackStatus: "CREATE_COMPLETE",
    Parameters: [{ ParameterKey: "Text", ParameterValue: "a" }],
  });
  expect(made.Outputs).toMatchObject([
    { OutputKey: "Board", OutputValue: expect.stringMatching(/^shop-Board-[0-9A-Z]{12}$/) },
  ]);
  expect((await client.send(new ListExportsCommand({}))).Exports).toMatchObject([{ Name: "shop-board" }]);
  const set = await client.send(
    new CreateChangeSetCommand({
      StackName: "shop",
      ChangeSetName: "two",
      TemplateBody: body("two"),
      Capabilities: ["CAPABILITY_IAM"],
    }),
  );
  const shown = await client.send(new DescribeChangeSetCommand({ ChangeSetName: set.Id }));
  expect(shown).toMatchObject({
    Status: "CREATE_COMPLETE",
    ExecutionStatus: "AVAILABLE",
    Changes: [{ ResourceChange: { Action: "Modify", LogicalResourceId: "Policy", Replacement: "True" } }],
  });
  await client.send(new ExecuteChangeSetCommand({ ChangeSetName: "two", StackName: "shop" }));
  expect(await ended("shop")).toMatchObject({ StackStatus: "UPDATE_COMPLETE" });
  expect((await client.send(new GetTemplateCommand({ StackName: "shop" }))).TemplateBody).toBe(body("two"));
  await client.send(new DeleteStackCommand({ StackName: "shop" }));
  expect(await ended(StackId ?? "")).toMatchObject({ StackStatus: "DELETE_COMPLETE" });
});

it("a stack that is protected stays, and one that is used by another too", async () => {
  const exporting = `Resources: { A: { ${GATEWAY} } }\nOutputs: { O: { Value: !Ref A, Export: { Name: used } } }`;
  const importing = `Resources: { B: { ${BOARD}, Properties: { DashboardBody: !ImportValue used } } }`;
  await client.send(
    new CreateStackCommand({ StackName: "base", TemplateBody: exporting, EnableTerminationProtection: true }),
  );
  await ended("base");
  await client.send(new CreateStackCommand({ StackName: "above", TemplateBody: importing }));
  await ended("above");
  await expect(client.send(new DeleteStackCommand({ StackName: "base" }))).rejects.toThrow(
    "Stack [base] cannot be deleted while TerminationProtection is enabled",
  );
  await client.send(new UpdateTerminationProtectionCommand({ StackName: "base", EnableTerminationProtection: false }));
  await client.send(new DeleteStackCommand({ StackName: "base" }));
  expect((await ended("base")).StackStatusReason).toBe("Export used cannot be deleted as it is in use by above");
  await expect(client.send(new UpdateStackCommand({ StackName: "above", TemplateBody: importing }))).rejects.toThrow(
    "No updates are to be performed.",
  );
});

it("events are told newest first, each at a time of its own, and the end is one with the state", async () => {
  const template = `Resources: { A: { ${GATEWAY} }, B: { ${GATEWAY} } }`;
  const { StackId } = await client.send(new CreateStackCommand({ StackName: "told", TemplateBody: template }));
  await ended("told");
  const { StackEvents: events = [] } = await client.send(new DescribeStackEventsCommand({ StackName: "told" }));
  const times = events.map(({ Timestamp }) => Timestamp?.getTime() ?? 0);
  expect(times).toEqual([...new Set(times)].toSorted((a, b) => b - a));
  expect(new Set(events.map(({ EventId }) => EventId)).size).toBe(events.length);
  expect(events[0]).toMatchObject({
    ResourceType: "AWS::CloudFormation::Stack",
    LogicalResourceId: "told",
    PhysicalResourceId: StackId,
    ResourceStatus: "CREATE_COMPLETE",
  });
  const { StackResourceSummaries: rows } = await client.send(new ListStackResourcesCommand({ StackName: "told" }));
  expect(rows).toMatchObject([{ LogicalResourceId: "A" }, { LogicalResourceId: "B" }]);
});

it("a change set, which shows what a macro made, is not asked for its capability; sam gives none", async () => {
  const TemplateBody = `{ Transform: AWS::LanguageExtensions, Resources: { Gateway: { ${GATEWAY} } } }`;
  const refused = client.send(new CreateStackCommand({ StackName: "macros", TemplateBody }));
  await expect(refused).rejects.toThrow("Requires capabilities : [CAPABILITY_AUTO_EXPAND]");
  const input = { StackName: "macros", ChangeSetName: "one", ChangeSetType: "CREATE", TemplateBody } as const;
  const { Id } = await client.send(new CreateChangeSetCommand(input));
  const { Status } = await client.send(new DescribeChangeSetCommand({ ChangeSetName: Id }));
  expect(Status).toBe("CREATE_COMPLETE");
});

it("of two deployments of one stack at once one is carried out, and the other one is told why it is not", async () => {
  const body = (text: string): string => `Resources: { A: { ${BOARD}, Properties: { DashboardBody: ${text} } } }`;
  const creations = ["a", "b"].map((text) =>
    client.send(new CreateStackCommand({ StackName: "twice", TemplateBody: body(text) })).then(
      () => "made",
      (error: Error) => error.message,
    ),
  );
  expect((await Promise.all(creations)).toSorted()).toEqual(["Stack [twice] already exists", "made"]);
  await ended("twice");
  for (const name of ["one", "two"])
    await client.send(
      new CreateChangeSetCommand({ StackName: "twice", ChangeSetName: name, TemplateBody: body(name) }),
    );
  const executions = ["one", "two"].map((name) =>
    client.send(new ExecuteChangeSetCommand({ StackName: "twice", ChangeSetName: name })).then(
      () => "executed",
      (error: Error) => `${error.name}: ${error.message}`,
    ),
  );
  expect((await Promise.all(executions)).toSorted()).toEqual([
    expect.stringMatching(
      /^InvalidChangeSetStatus.* cannot be executed in its current execution status of \[OBSOLETE\]$/,
    ),
    "executed",
  ]);
  expect((await ended("twice")).StackStatus).toBe("UPDATE_COMPLETE");
});

it("500 resources are made and removed", { timeout: 60_000 }, async () => {
  const resources = Array.from({ length: 500 }, (_, at) => [
    `R${at}`,
    { Type: "AWS::EC2::InternetGateway", ...(at < 10 ? {} : { DependsOn: `R${at - 10}` }) },
  ]);
  const template = JSON.stringify({ Resources: Object.fromEntries(resources) });
  const { StackId } = await client.send(new CreateStackCommand({ StackName: "large", TemplateBody: template }));
  expect((await ended("large")).StackStatus).toBe("CREATE_COMPLETE");
  const pages = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListStackResourcesCommand({ StackName: "large", ...(token === undefined ? {} : { NextToken: token }) }),
    );
    pages.push(page.StackResourceSummaries?.length);
    token = page.NextToken;
  } while (token !== undefined);
  expect(pages).toEqual([100, 100, 100, 100, 100]);
  await client.send(new DeleteStackCommand({ StackName: "large" }));
  expect((await ended(StackId ?? "")).StackStatus).toBe("DELETE_COMPLETE");
});

it("a change set that changes nothing has failed, and one of a stack that was only reviewed goes with it", async () => {
  const TemplateBody = `Resources: { A: { ${GATEWAY} } }`;
  const of = { StackName: "reviewed", ChangeSetName: "first", TemplateBody };
  await client.send(new CreateChangeSetCommand({ ...of, ChangeSetType: "CREATE" }));
  const [reviewed] = (await client.send(new DescribeStackEventsCommand({ StackName: "reviewed" }))).StackEvents ?? [];
  expect(reviewed?.ResourceStatus).toBe("REVIEW_IN_PROGRESS");
  await client.send(new DeleteStackCommand({ StackName: "reviewed" }));
  await expect(client.send(new DescribeStacksCommand({ StackName: "reviewed" }))).rejects.toThrow(
    "Stack with id reviewed does not exist",
  );
  await client.send(new CreateStackCommand({ StackName: "reviewed", TemplateBody }));
  await ended("reviewed");
  const { Id } = await client.send(new CreateChangeSetCommand({ ...of, ChangeSetName: "same" }));
  expect(await client.send(new DescribeChangeSetCommand({ ChangeSetName: Id }))).toMatchObject({
    Status: "FAILED",
    ExecutionStatus: "UNAVAILABLE",
    StatusReason: expect.stringMatching(/^The submitted information didn't contain changes\./),
  });
  await expect(client.send(new ExecuteChangeSetCommand({ ChangeSetName: Id }))).rejects.toThrow(
    /cannot be executed in its current status of \[FAILED\]/,
  );
  // The AWS CLI names change sets by the second, and leaves those that changed nothing.
  const again = { ...of, ChangeSetName: "same", TemplateBody: `Resources: { A: { ${GATEWAY} }, B: { ${GATEWAY} } }` };
  const { Id: second } = await client.send(new CreateChangeSetCommand(again));
  expect(await client.send(new DescribeChangeSetCommand({ ChangeSetName: second }))).toMatchObject({
    Status: "CREATE_COMPLETE",
    ExecutionStatus: "AVAILABLE",
  });
  await expect(client.send(new CreateChangeSetCommand(again))).rejects.toThrow("ChangeSet same already exists");
});

it("what is there already is not imported: the creation fails, and says so", async () => {
  const group = (id: string): string =>
    `Resources: { ${id}: { Type: AWS::Logs::LogGroup, Properties: { LogGroupName: /of-another } } }`;
  await client.send(new CreateStackCommand({ StackName: "another", TemplateBody: group("A") }));
  expect((await ended("another")).StackStatus).toBe("CREATE_COMPLETE");
  const { Id } = await client.send(
    new CreateChangeSetCommand({
      StackName: "importing",
      ChangeSetName: "first",
      ChangeSetType: "CREATE",
      TemplateBody: group("B"),
      ImportExistingResources: true,
    }),
  );
  await client.send(new ExecuteChangeSetCommand({ ChangeSetName: Id }));
  expect((await ended("importing")).StackStatus).toBe("ROLLBACK_COMPLETE");
  const { StackEvents: events = [] } = await client.send(new DescribeStackEventsCommand({ StackName: "importing" }));
  expect(events.map(({ ResourceStatusReason }) => ResourceStatusReason).join()).toMatch(/already exists/);
});

const REFUSED: ReadonlyArray<readonly [string, string, RegExp]> = [
  [
    "types that nothing makes",
    "{ A: { Type: AWS::RDS::DBInstance }, B: { Type: AWS::SQS::Queue } }",
    /AWS::RDS::DBInstance.*AWS::SQS::Queue/s,
  ],
  [
    "types that there are none of",
    "{ A: { Type: AWS::Nope::Thing } }",
    /Unrecognized resource types: \[AWS::Nope::Thing\]/,
  ],
  ["a property that there is none of", `{ A: { ${BOARD}, Properties: { DashboardBody: a, Bodi: b } } }`, /Bodi/],
  ["a property that is missing", `{ A: { ${BOARD} } }`, /DashboardBody/],
  [
    "an attribute that there is none of",
    `{ A: { ${GATEWAY} }, B: { ${BOARD}, Properties: { DashboardBody: !GetAtt A.Nope } } }`,
    /Nope/,
  ],
  [
    "an export that there is none of",
    `{ B: { ${BOARD}, Properties: { DashboardBody: !ImportValue nowhere } } }`,
    /No export named nowhere found/,
  ],
];

it.for(REFUSED)("%s are refused before anything is made", async ([, resources, text]) => {
  const create = new CreateStackCommand({ StackName: "refused", TemplateBody: `Resources: ${resources}` });
  await expect(client.send(create)).rejects.toThrow(text);
  await expect(client.send(new DescribeStacksCommand({ StackName: "refused" }))).rejects.toThrow("does not exist");
});

it("a secret that can't be had is told before anything is made", async () => {
  const TemplateBody = `Resources: { A: { ${BOARD}, Properties: { DashboardBody: "{{resolve:secretsmanager:db:SecretString:password}}" } } }`;
  const problem =
    "Template error: Resources.A.Properties.DashboardBody has {{resolve:secretsmanager:…}}, and Thaw keeps no secrets: start";
  const input = { StackName: "secret", TemplateBody };
  await expect(client.send(new CreateStackCommand(input))).rejects.toThrow(problem);
  const set = { ...input, ChangeSetName: "one", ChangeSetType: "CREATE" } as const;
  await expect(client.send(new CreateChangeSetCommand(set))).rejects.toThrow(problem);
  await expect(client.send(new DescribeStacksCommand({ StackName: "secret" }))).rejects.toThrow("does not exist");
});

it("a key that is in the template twice is told where the stack begins", async () => {
  const board = (body: string): string =>
    `"Board": { "Type": "AWS::CloudWatch::Dashboard", "Properties": { "DashboardBody": "${body}" } }`;
  const TemplateBody = `{ "Resources": { ${board("one")}, ${board("two")} } }`;
  await client.send(new CreateStackCommand({ StackName: "doubled", TemplateBody }));
  expect(await ended("doubled")).toMatchObject({ StackStatus: "CREATE_COMPLETE" });
  const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName: "doubled" }));
  expect(StackEvents.at(-1)?.ResourceStatusReason).toBe(
    "User Initiated. In the template Resources.Board is there twice: the last one counts",
  );
});
