// matrix: starts moto again and again, and deploys to it
/**
 * `thaw serve --companion moto` on the real engine: a stack with a queue and a table, whose function finds both by the
 * variables that it is given; and what happens when moto is missing, can't have its port, or dies.
 */
import { DynamoDBClient, ListTablesCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { ListQueuesCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { childrenOf, isRunning, type Process } from "../../tools/processes.ts";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { type Ran, runThaw } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";
import { TestFunctions } from "../support/functions.ts";

/** The function's clients are told no endpoint. */
const TEMPLATE = `
Transform: AWS::Serverless-2016-10-31
Resources:
  Queue: { Type: AWS::SQS::Queue }
  Orders:
    Type: AWS::Serverless::SimpleTable
  Taker:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: taker
      InlineCode: |
        const { DynamoDBClient, PutItemCommand } = require("@aws-sdk/client-dynamodb");
        const { SQSClient, SendMessageCommand } = require("@aws-sdk/client-sqs");
        const dynamodb = new DynamoDBClient(), sqs = new SQSClient();
        exports.handler = async ({ Records, send }) => {
          if (send) {
            await sqs.send(new SendMessageCommand({ QueueUrl: process.env.QUEUE, MessageBody: send }));
            return Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("AWS_ENDPOINT_URL")));
          }
          for (const { body } of Records)
            await dynamodb.send(new PutItemCommand({ TableName: process.env.TABLE, Item: { id: { S: body } } }));
        };
      Handler: index.handler
      Runtime: nodejs24.x
      Timeout: 30
      MemorySize: 512
      AutoPublishAlias: live
      SnapStart: { ApplyOn: PublishedVersions }
      Environment: { Variables: { QUEUE: !Ref Queue, TABLE: !Ref Orders, AWS_ENDPOINT_URL_SNS: "http://own.test" } }
      Events:
        Queued: { Type: SQS, Properties: { Queue: !GetAtt Queue.Arn, BatchSize: 1 } }
`;

let port: number;
let folder: string;
let server: ThawServer;

beforeAll(async () => {
  port = await freePort();
  folder = mkdtempSync(join(tmpdir(), "thaw-companion-"));
  writeFileSync(join(folder, "template.yaml"), TEMPLATE);
  server = await startThaw({ args: companionArgs() });
});
afterAll(async () => {
  await server?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const companionArgs = (): string[] => ["--companion", "moto", "--companion-port", String(port)];
const thaw = (...args: string[]): Promise<Ran> => runThaw(args, server.env, folder);

function companionOf({ pid }: ThawServer): Process | undefined {
  return childrenOf(pid).find(({ command }) => command.startsWith("/python/bin/ld-linux"));
}

/** AWS's clients of a program on the host. */
function clients(): { readonly sqs: SQSClient; readonly dynamodb: DynamoDBClient } {
  const credentials = { accessKeyId: "any", secretAccessKey: "any" };
  const options = { endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", credentials };
  const made = { sqs: new SQSClient(options), dynamodb: new DynamoDBClient(options) };
  onTestFinished(() => Object.values(made).forEach((client) => client.destroy()));
  return made;
}

/** Waits until exactly these orders are in the table. */
async function untilTaken(functions: TestFunctions, expected: readonly string[]): Promise<void> {
  const { dynamodb } = clients();
  const { TableNames = [] } = await dynamodb.send(new ListTablesCommand());
  expect(TableNames).toHaveLength(1);
  await functions.eventually(`the table has ${expected.join(", ")}`, async () => {
    const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: TableNames[0] }));
    return expected.length === Items.length && Items.every(({ id }) => expected.includes(id?.S ?? ""));
  });
}

it("a message in a stack's queue, from the host or from a function, ends in its table", async () => {
  const deployed = await thaw("deploy", "--stack-name", "shop");
  expect(deployed.code, deployed.stderr).toBe(0);
  const functions = new TestFunctions(server);
  const { sqs } = clients();
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand());
  expect(QueueUrls).toEqual([expect.stringContaining(`http://host.thaw.internal:${port}/000000000000/`)]);
  await sqs.send(new SendMessageCommand({ QueueUrl: QueueUrls[0], MessageBody: "by host" }));
  const url = `http://host.thaw.internal:${port}`;
  expect((await functions.invoke("taker", { send: "from function" }, "live")).payload).toEqual({
    AWS_ENDPOINT_URL_SQS: url,
    // The function's own.
    AWS_ENDPOINT_URL_SNS: "http://own.test",
    AWS_ENDPOINT_URL_DYNAMODB: url,
    AWS_ENDPOINT_URL_DYNAMODB_STREAMS: url,
    AWS_ENDPOINT_URL_KINESIS: url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
  });
  await untilTaken(functions, ["by host", "from function"]);
});

it("after a restart the port is the same, the loss is said, and a clone of the old snapshot reaches it", async () => {
  const before = companionOf(server);
  await server.stop();
  expect(before !== undefined && isRunning(before.pid)).toBe(false);
  server = await startThaw({ args: companionArgs(), previous: server });
  expect(server.output()).toContain(`moto answers at 127.0.0.1:${port}`);
  expect(server.output()).toContain("what stacks made in it before is gone");
  const functions = new TestFunctions(server);
  const gone = await functions.invoke("taker", { send: "lost" }, "live");
  expect(gone).toMatchObject({ functionError: "Unhandled", payload: { errorType: "QueueDoesNotExist" } });
  const doctor = await thaw("doctor");
  expect(doctor.stdout).toMatch(
    new RegExp(`companion +moto at 127.0.0.1:${port} for sqs, .* without IAM, not for production`),
  );
  const deleted = await thaw("delete", "shop", "--yes");
  expect(deleted.code, deleted.stderr).toBe(0);
  const deployed = await thaw("deploy", "--stack-name", "shop");
  expect(deployed.code, deployed.stderr).toBe(0);
  await functions.invoke("taker", { send: "again" }, "live");
  await untilTaken(functions, ["again"]);
});

it("moto runs without rights, and one that is killed is started again, empty, and said to be", async () => {
  const functions = new TestFunctions(server);
  const killed = companionOf(server) as Process;
  const status = readFileSync(`/proc/${killed.pid}/status`, "utf8");
  for (const line of [/^Uid:\t64323\t64323\t64323\t64323$/m, /^Groups:\s*$/m, /^NoNewPrivs:\t1$/m, /^CapEff:\t0+$/m])
    expect(status).toMatch(line);
  expect(readlinkSync(`/proc/${killed.pid}/root`)).toMatch(/\/moto$/);
  expect(readFileSync(`/proc/${killed.pid}/oom_score_adj`, "utf8")).toBe("500\n");
  process.kill(killed.pid, "SIGKILL");
  await functions.eventually("another one answers", async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/_thaw`).catch(() => null);
    return answer?.ok === true && server.output().split("moto answers at").length === 3;
  });
  expect(server.output()).toMatch(/moto ended \(SIGKILL\): the queues, .* in it are lost; it is started again, empty/);
  expect(companionOf(server)?.pid).not.toBe(killed.pid);
  expect((await clients().sqs.send(new ListQueuesCommand())).QueueUrls).toBeUndefined();
});

it("SAM's events of queues, tables and streams, topics and secrets work with what is installed of moto", async () => {
  const env = { ...process.env, ...server.env, AWS_ENDPOINT_URL: server.endpoint };
  const script = join(REPOSITORY, "tests/integration/boto3_passed.py");
  const python = join(REPOSITORY, ".thaw/aws-clients/bin/python");
  const all = { ...env, SERVICES_ENDPOINT: `http://127.0.0.1:${port}` };
  expect((await promisify(execFile)(python, [script], { env: all })).stdout).toBe("done\n");
});

it("has five services, and none of moto's own operations", async () => {
  const { lambda } = new TestFunctions({ ...server, endpoint: `http://127.0.0.1:${port}` });
  onTestFinished(() => lambda.destroy());
  await expect(lambda.send(new ListFunctionsCommand())).rejects.toThrow(
    /The companion of Thaw has sqs, .* this request/,
  );
  const reset = await fetch(`http://127.0.0.1:${port}/moto-api/reset`, { method: "POST" });
  expect(reset.status).toBe(400);
});

it("dies with a launcher that is killed", async () => {
  const other = await startThaw({ args: ["--companion", "moto", "--companion-port", String(await freePort())] });
  try {
    // Looks whether the companion has gone, too.
    await other.kill("launcher");
  } finally {
    await other.remove();
  }
});

it("a taken port, and a host without moto, are refused with what to do", async () => {
  await expect(startThaw({ args: companionArgs() })).rejects.toThrow(
    new RegExp(`--companion moto: the port ${port} of 127.0.0.1 is taken.*--companion-port N`),
  );
  const home = mkdtempSync(join(tmpdir(), "thaw-home-"));
  try {
    const env = { THAW_HOME: home, THAW_CRIU: join(process.env["THAW_HOME"] ?? "/var/lib/thaw", "criu/criu") };
    await expect(startThaw({ args: companionArgs(), env })).rejects.toThrow(
      /--companion moto: moto is not installed. Run, as root: .*thaw runtimes install moto/,
    );
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
