// matrix: a moto server, pollers of three kinds, and stacks that are made, changed, rolled back and removed
/** Stacks whose queues, tables, topics, streams and secrets are at another service, on the real engine. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateStackCommand, DescribeStackEventsCommand, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { afterAll, beforeAll, expect, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { cloudFormationOf } from "../support/cloudformation.ts";
import { TestFunctions } from "../support/functions.ts";
import { MotoServer } from "../support/moto-server.ts";

let moto: MotoServer;
let server: ThawServer;

beforeAll(async () => {
  moto = await MotoServer.start();
  server = await startThaw({ args: ["--aws-endpoint", moto.endpoint] });
});
afterAll(async () => {
  await server?.remove();
  await moto?.stop();
});

it("SAM's events of queues, tables and streams of the same template reach the function; nothing is left", async () => {
  const { endpoint, env } = server;
  const all = { ...process.env, ...env, AWS_ENDPOINT_URL: endpoint, SERVICES_ENDPOINT: moto.endpoint };
  const script = join(REPOSITORY, "tests/integration/boto3_passed.py");
  const python = join(REPOSITORY, ".thaw/aws-clients/bin/python");
  expect((await promisify(execFile)(python, [script], { env: all })).stdout).toBe("done\n");
});

it("a stack fails with a sentence when the endpoint is away, and is rolled back; without one it is refused", async () => {
  const away = await MotoServer.start();
  const other = await startThaw({ args: ["--aws-endpoint", `sqs=${away.endpoint}`] });
  try {
    const client = cloudFormationOf(other);
    const functions = new TestFunctions(other);
    await away.stop();
    const TemplateBody = JSON.stringify({ Resources: { Queue: { Type: "AWS::SQS::Queue" } } });
    await client.send(new CreateStackCommand({ StackName: "away", TemplateBody }));
    const ended = async (name: string) => {
      const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
      const status = String(stack?.StackStatus);
      return !status.endsWith("IN_PROGRESS") && status;
    };
    expect(await functions.eventually("the stack is rolled back", () => ended("away"))).toBe("ROLLBACK_COMPLETE");
    const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName: "away" }));
    expect(StackEvents.map(({ ResourceStatusReason }) => ResourceStatusReason)).toContainEqual(
      expect.stringMatching(/The endpoint of sqs, http:.*, does not answer: .*--aws-endpoint names it/),
    );
    const without = JSON.stringify({ Resources: { Table: { Type: "AWS::DynamoDB::Table", Properties: {} } } });
    await expect(client.send(new CreateStackCommand({ StackName: "none", TemplateBody: without }))).rejects.toThrow(
      /AWS::DynamoDB::Table \(Table\): Thaw has no tables: start the server with --aws-endpoint dynamodb=URL/,
    );
  } finally {
    await other.remove();
  }
});
