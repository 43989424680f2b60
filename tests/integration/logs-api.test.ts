/** CloudWatch Logs as boto3 and the AWS CLI use it, on a real server; and `thaw logs` of what is gone. */
import { DeleteFunctionCommand } from "@aws-sdk/client-lambda";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import type { TestFunctions } from "../support/functions.ts";
import { askLogs } from "../support/logs.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

const CLIENTS = join(REPOSITORY, ".thaw/aws-clients/bin");
const SOURCE = {
  "index.mjs": 'export const handler = async ({ text }) => process.stdout.write(`{"said":"${text}"}\\n`);',
};

async function run(program: string, ...args: string[]): Promise<string> {
  const { endpoint, env } = functions.server;
  const { stdout } = await promisify(execFile)(join(CLIENTS, program), args, {
    env: { ...process.env, ...env, AWS_ENDPOINT_URL: endpoint },
  });
  return stdout;
}

it("boto3 lists, follows, searches and deletes the log of a function", async () => {
  const name = await functions.create(SOURCE);
  const result: unknown = JSON.parse(await run("python", join(REPOSITORY, "tests/integration/boto3_logs.py"), name));
  expect(result).toEqual({
    tail: [['{"said":"first"}\n'], ['{"said":"second"}\n'], []],
    groups: [`/aws/lambda/${name}`],
    kinds: ["INIT_START", ...["first", "second"].flatMap((text) => ["START", `{"said":"${text}"}\n`, "END", "REPORT"])],
    json: ['{"said":"second"}\n'],
    "bad pattern": ["InvalidParameterException", 0],
    "live tail": ["NotImplementedException", 0],
    "after the function": 2,
    retention: 1,
    gone: "The specified log group does not exist.",
  });
});

it("the AWS CLI puts events into a group of its own and finds them", async () => {
  const group = ["--log-group-name", "own"];
  await run("aws", "logs", "create-log-group", ...group);
  await run("aws", "logs", "create-log-stream", ...group, "--log-stream-name", "s");
  const events = JSON.stringify([{ timestamp: Date.now(), message: "hello" }]);
  await run("aws", "logs", "put-log-events", ...group, "--log-stream-name", "s", "--log-events", events);
  const find = ["logs", "filter-log-events", ...group, "--filter-pattern", "hello", "--query", "events[].message"];
  expect(JSON.parse(await run("aws", ...find))).toEqual(["hello"]);
  await expect(run("aws", "logs", "describe-log-streams", "--log-group-name", "none")).rejects.toThrow(
    "(ResourceNotFoundException) when calling the DescribeLogStreams operation: The specified log group does not exist.",
  );
});

interface Pages {
  readonly CloudWatchLogsClient: new (config: object) => { readonly destroy: () => void };
  readonly paginateFilterLogEvents: (...given: object[]) => AsyncIterable<{ readonly events?: readonly object[] }>;
}

it("the SDK for JavaScript that functions are given finds events page by page", async () => {
  const load = createRequire(join(REPOSITORY, "runtimes/dist/nodejs24/"));
  const { CloudWatchLogsClient, paginateFilterLogEvents } = load("@aws-sdk/client-cloudwatch-logs") as Pages;
  const { endpoint, env } = functions.server;
  const to = { logGroupName: "javascript", logStreamName: "s" };
  await askLogs(functions.server, "CreateLogGroup", to);
  await askLogs(functions.server, "CreateLogStream", to);
  const timestamp = Date.now();
  const logEvents = ["one", "two", "three"].map((message) => ({ timestamp, message }));
  await askLogs(functions.server, "PutLogEvents", { ...to, logEvents });
  const credentials = { accessKeyId: env["AWS_ACCESS_KEY_ID"], secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] };
  const client = new CloudWatchLogsClient({ endpoint, region: "us-east-1", credentials, maxAttempts: 1 });
  try {
    const pages = paginateFilterLogEvents(
      { client, pageSize: 1 },
      { logGroupName: "javascript", filterPattern: "-two" },
    );
    const found: object[] = [];
    for await (const { events = [] } of pages) found.push(...events);
    expect(found).toMatchObject([
      { message: "one", timestamp },
      { message: "three", logStreamName: "s" },
    ]);
  } finally {
    client.destroy();
  }
});

it("thaw logs shows the log of a deleted function until its group is deleted", async () => {
  const name = await functions.create(SOURCE);
  await functions.invoke(name, { text: "before" });
  await functions.lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
  const thaw = (...args: string[]): ReturnType<typeof runThaw> => runThaw(["logs", ...args], functions.server.env);
  expect((await thaw(name, "--filter", "{ $.said = before }")).stdout).toMatch(/ {2}\{"said":"before"\}\n$/);
  expect((await thaw(`${name}:$LATEST`)).stdout).toContain("before");
  expect(await thaw(`${name}:live`)).toMatchObject({ code: 1, stderr: expect.stringContaining("not found") });
  await askLogs(functions.server, "DeleteLogGroup", { logGroupName: `/aws/lambda/${name}` });
  expect(await thaw(name)).toMatchObject({ code: 1, stderr: expect.stringContaining("not found") });
});
