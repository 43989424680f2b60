/** Stacks with buses, rules and schedules: made, changed and gone with their stack, and events reach the function. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
  type Stack,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import { expect, it, onTestFinished } from "vitest";
import { ACCOUNT, FUNCTION_ARN, noting } from "./events-harness.ts";
import { CREDENTIALS, HttpHarness, REGION } from "./http-harness.ts";

const body = (price: number, more = ""): string => `
Resources:
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: shop } }
  Bought:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: { source: [shop], detail: { price: [{ numeric: [">", ${price}] }] } }
      Targets:
        - { Id: f, Arn: "${FUNCTION_ARN}note", InputPath: $.detail, RetryPolicy: { MaximumRetryAttempts: "3" } }
  Allowed:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: note
      Action: lambda:InvokeFunction
      Principal: events.amazonaws.com
      SourceArn: !GetAtt Bought.Arn
  Nightly: { Type: AWS::Events::Rule, Properties: { ScheduleExpression: "cron(0 2 * * ? *)", State: DISABLED } }
  Group: { Type: AWS::Scheduler::ScheduleGroup, Properties: { Name: jobs } }
  Job:
    Type: AWS::Scheduler::Schedule
    Properties:
      Name: job
      GroupName: !Ref Group
      ScheduleExpression: rate(${price} days)
      FlexibleTimeWindow: { Mode: "OFF" }
      StartDate: "2027-01-01T00:00:00Z"
      Target: { Arn: "${FUNCTION_ARN}note", RoleArn: "arn:aws:iam::${ACCOUNT}:role/r" }
${more}
Outputs: { Rule: { Value: !Ref Bought }, Nightly: { Value: !Ref Nightly }, Job: { Value: !GetAtt Job.Arn } }`;

it("buses, rules and schedules are there as the stack says, and go with it", async () => {
  const { seen, functions } = noting();
  const http = await HttpHarness.start({ functions });
  const settings = { endpoint: `http://${http.host}`, region: REGION, credentials: CREDENTIALS, maxAttempts: 1 };
  const client = new CloudFormationClient(settings);
  onTestFinished(async () => {
    client.destroy();
    await http[Symbol.asyncDispose]();
  });
  const services = http.services((_label, id) => id);
  /** The stack when it stands still. */
  const ended = async (name: string): Promise<Stack> => {
    for (;;) {
      const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
      const { StackId: id = "", StackStatus: status = "" } = Stacks[0] ?? {};
      if (Stacks[0] !== undefined && !status.endsWith("IN_PROGRESS")) return Stacks[0];
      await (await http.stacks.load()).untilStatusChanges({ id, status: status as never }, 10_000);
    }
  };
  const sell = async (price: number): Promise<void> => {
    const Detail = JSON.stringify({ price });
    const entry = { Source: "shop", DetailType: "bought", EventBusName: "shop", Detail };
    await services.call("events", "PutEvents", { Entries: [entry] });
    await http.control.advance(0);
  };
  await http.control.create("note", "note", { snapStart: false });
  await client.send(new CreateStackCommand({ StackName: "shop", TemplateBody: body(10) }));
  const { StackStatus, StackStatusReason, Outputs = [], StackId = "" } = await ended("shop");
  expect(StackStatus, StackStatusReason).toBe("CREATE_COMPLETE");
  const outputOf = (key: string): string => Outputs.find(({ OutputKey }) => OutputKey === key)?.OutputValue ?? "";
  expect(outputOf("Rule")).toMatch(/^shop\|shop-Bought-/);
  expect(outputOf("Job")).toBe(`arn:aws:scheduler:${REGION}:${ACCOUNT}:schedule/jobs/job`);
  await sell(12);
  await sell(8);
  expect(seen).toEqual([{ price: 12 }]);
  expect(await services.call("events", "DescribeRule", { Name: outputOf("Nightly") })).toMatchObject({
    ScheduleExpression: "cron(0 2 * * ? *)",
    State: "DISABLED",
  });
  await client.send(new UpdateStackCommand({ StackName: "shop", TemplateBody: body(5) }));
  expect(await ended("shop")).toMatchObject({ StackStatus: "UPDATE_COMPLETE" });
  await sell(8);
  expect(seen).toEqual([{ price: 12 }, { price: 8 }]);
  expect(await services.call("scheduler", "GetSchedule", { Name: "job", GroupName: "jobs" })).toMatchObject({
    ScheduleExpression: "rate(5 days)",
    StartDate: new Date("2027-01-01T00:00:00Z"),
  });
  // What a rule can't do here fails the update, and what there was stays.
  const queue = `{ Type: AWS::Events::Rule, Properties: { ScheduleExpression: rate(1 day), Targets: [{ Id: q, Arn: "arn:aws:sqs:${REGION}:${ACCOUNT}:q" }] } }`;
  await client.send(new UpdateStackCommand({ StackName: "shop", TemplateBody: body(5, `  Queue: ${queue}`) }));
  expect(await ended("shop")).toMatchObject({ StackStatus: "UPDATE_ROLLBACK_COMPLETE" });
  expect((await services.call("events", "ListRules", {}))["Rules"]).toHaveLength(1);
  await client.send(new DeleteStackCommand({ StackName: "shop" }));
  expect(await ended(StackId)).toMatchObject({ StackStatus: "DELETE_COMPLETE" });
  expect((await services.call("events", "ListRules", {}))["Rules"]).toEqual([]);
  expect((await services.call("events", "ListEventBuses", {}))["EventBuses"]).toMatchObject([{ Name: "default" }]);
  expect((await services.call("scheduler", "ListScheduleGroups", {}))["ScheduleGroups"]).toHaveLength(1);
});
