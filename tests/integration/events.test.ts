/** EventBridge on the real engine: rules that the AWS CLI and boto3 make call functions, fresh and from clones. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { AddPermissionCommand, CreateAliasCommand } from "@aws-sdk/client-lambda";
import { it } from "vitest";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const run = promisify(execFile);
const REPOSITORY = join(import.meta.dirname, "../..");
const CLIENTS = join(REPOSITORY, ".thaw/aws-clients/bin");
const ARN = "arn:aws:lambda:us-east-1:000000000000:function:";
const HANDLER = `exports.handler = async (event) => console.log("GOT " + JSON.stringify(event));`;

let functions: TestFunctions;
let name: string;
withThaw(async (made) => {
  functions = made;
  name = await functions.createSnapStart({ "index.js": HANDLER });
  const FunctionVersion = await functions.publish(name);
  await functions.lambda.send(new CreateAliasCommand({ FunctionName: name, Name: "live", FunctionVersion }));
  for (const qualified of [{}, { Qualifier: "live" }]) {
    const allowed = { Action: "lambda:InvokeFunction", Principal: "events.amazonaws.com", StatementId: "events" };
    await functions.lambda.send(new AddPermissionCommand({ FunctionName: name, ...allowed, ...qualified }));
  }
});

const ask = async (program: string, args: readonly string[]): Promise<string> =>
  (
    await run(join(CLIENTS, program), args, {
      env: { ...process.env, ...functions.server.env, AWS_ENDPOINT_URL: functions.server.endpoint },
    })
  ).stdout;
const events = (...args: string[]): Promise<string> => ask("aws", ["events", ...args]);

/** The events that the function printed, and that have this text. */
function printed(text: string): Promise<readonly string[]> {
  return functions.eventually(`the function prints ${text}`, async () => {
    const lines = (await functions.logs(name)).map(({ message }) => message.split("GOT ")[1]?.trim());
    const found = lines.filter((line): line is string => line?.includes(text) === true);
    return found.length > 0 && found;
  });
}

it("the AWS CLI makes a rule, and its event reaches the function", async ({ expect }) => {
  await events("put-rule", "--name", "cli", "--event-pattern", '{"source":["cli"]}');
  await events("put-targets", "--rule", "cli", "--targets", `Id=1,Arn=${ARN}${name}`);
  const entry = { Source: "cli", DetailType: "from the CLI", Detail: '{"price":12345678901234567890}' };
  const answer = JSON.parse(await events("put-events", "--entries", JSON.stringify([entry]))) as {
    readonly Entries: ReadonlyArray<{ readonly EventId: string }>;
  };
  const [event = ""] = await printed("from the CLI");
  expect(JSON.parse(event)).toMatchObject({ id: answer.Entries[0]?.EventId, source: "cli" });
  const tested = await events("test-event-pattern", "--event-pattern", '{"source":["cli"]}', "--event", event);
  expect(JSON.parse(tested)).toEqual({ Result: true });
  await events("remove-targets", "--rule", "cli", "--ids", "1");
  await events("delete-rule", "--name", "cli");
});

it("boto3 makes a bus with a rule, and a clone gets what its transformer makes", async ({ expect }) => {
  const script = join(REPOSITORY, "tests/integration/events_boto3.py");
  expect(JSON.parse(await ask("python", [script, `${ARN}${name}:live`]))).toEqual({
    failedTargets: 0,
    failed: [null, null, null, "MalformedDetail"],
    refused: expect.stringContaining('"source" must be an object or an array'),
    rules: ["bought"],
  });
  expect(await printed("boto3")).toEqual(['{"boto3":"small dog is sold"}']);
});

it("Scheduler calls a clone once, by boto3 and the AWS CLI, and the schedule is gone", async ({ expect }) => {
  const script = join(REPOSITORY, "tests/integration/scheduler_boto3.py");
  const arn = "arn:aws:scheduler:us-east-1:000000000000:schedule/nightly/soon";
  expect(JSON.parse(await ask("python", [script, `${ARN}${name}:live`]))).toEqual({
    arn,
    start: true,
    listed: ["soon"],
    tags: [{ Key: "team", Value: "thaw" }],
    refused: [
      "Invalid Schedule Expression rate(1 minutes).",
      "Invalid Schedule Expression cron(* * * * * *).",
      "Schedule nobody does not exist.",
    ],
  });
  expect(await printed(arn)).toEqual([`{"scheduler":"${arn}"}`]);
  const left = await ask("aws", ["scheduler", "list-schedules", "--group-name", "nightly"]);
  expect(JSON.parse(left)).toEqual({ Schedules: [] });
  await ask("aws", ["scheduler", "delete-schedule-group", "--name", "nightly"]);
});
