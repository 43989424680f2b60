/** Stacks by the clients that people have, on a real server with the real engine. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CreateStackCommand, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { ListVersionsByFunctionCommand } from "@aws-sdk/client-lambda";
import { expect, it, onTestFinished } from "vitest";
import { REPOSITORY, startThaw } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { cloudFormationOf } from "../support/cloudformation.ts";
import { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

const CLIENTS = join(REPOSITORY, ".thaw/aws-clients/bin");

async function run(program: string, args: readonly string[]) {
  const { endpoint, env } = functions.server;
  const all = { ...process.env, ...env, AWS_ENDPOINT_URL: endpoint };
  return (await promisify(execFile)(join(CLIENTS, program), args, { env: all })).stdout;
}

it("boto3 makes, changes and removes a stack, and waits for it", async () => {
  expect(await run("python", [join(REPOSITORY, "tests/integration/boto3_stacks.py")])).toBe("done\n");
});

/** A folder with a template of one function, whose memory is a parameter. */
function project(prefix: string): string {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(
    join(directory, "template.yaml"),
    `
Parameters: { Size: { Type: Number, Default: 128 } }
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Role: arn:aws:iam::000000000000:role/any
      Handler: index.handler
      Runtime: nodejs24.x
      MemorySize: !Ref Size
      Code: { ZipFile: "exports.handler = async () => 'by text';" }
Outputs: { Name: { Value: !Ref F } }
`,
  );
  return directory;
}

it("the AWS CLI deploys a template, and says when there is nothing to do", async () => {
  const file = join(project("thaw-template-"), "template.yaml");
  const deploy = ["cloudformation", "deploy", "--stack-name", "by-cli", "--template-file", file];
  expect(await run("aws", deploy)).toContain("Successfully created/updated stack - by-cli");
  expect(await run("aws", [...deploy, "--no-fail-on-empty-changeset"])).toContain(
    "No changes to deploy. Stack by-cli is up to date",
  );
  expect(await run("aws", [...deploy, "--parameter-overrides", "Size=256"])).toContain("Successfully created/updated");
  const query = ["--query", "Stacks[0].Outputs[0].OutputValue", "--output", "text"];
  const name = (await run("aws", ["cloudformation", "describe-stacks", "--stack-name", "by-cli", ...query])).trim();
  expect(name).toMatch(/^by-cli-F-[0-9A-Z]{12}$/);
  expect(await run("aws", ["cloudformation", "delete-stack", "--stack-name", "by-cli"])).toBe("");
  await run("aws", ["cloudformation", "wait", "stack-delete-complete", "--stack-name", "by-cli"]);
});

it("the AWS CLI and thaw deploy go on with the stacks of one another", async () => {
  const folder = project("thaw-both-");
  const thaw = (...args: string[]) => runThaw(args, functions.server.env, folder);
  const own = ["--stack-name", "by-both"];
  const aws = ["cloudformation", "deploy", ...own, "--template-file", join(folder, "template.yaml")];
  expect(await thaw("deploy", ...own)).toMatchObject({ code: 0, stdout: expect.stringContaining("Name = by-both-F-") });
  expect(await run("aws", [...aws, "--no-fail-on-empty-changeset"])).toContain("No changes to deploy");
  expect(await run("aws", [...aws, "--parameter-overrides", "Size=256"])).toContain("Successfully created/updated");
  // A parameter that is not given keeps the value that another tool gave it.
  expect(await thaw("diff", ...own, "--exit-code")).toMatchObject({ code: 0 });
  const differs = await thaw("diff", ...own, "--parameter-overrides", "Size=512");
  expect(differs.stdout).toContain("~ F AWS::Lambda::Function\n    MemorySize: 256 → 512\n");
  expect(await thaw("deploy", ...own, "--parameter-overrides", "Size=512")).toMatchObject({ code: 0 });
  expect(await run("aws", [...aws, "--no-fail-on-empty-changeset"])).toContain("No changes to deploy");
  expect(await thaw("delete", "by-both")).toMatchObject({ code: 0 });
});

const SLOW_INIT = `
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: slow-init
      Role: arn:aws:iam::000000000000:role/any
      Handler: index.handler
      Runtime: nodejs24.x
      SnapStart: { ApplyOn: PublishedVersions }
      Code:
        ZipFile: |
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
          exports.handler = async () => "ready";
  V: { Type: AWS::Lambda::Version, Properties: { FunctionName: !Ref F } }
  Live: { Type: AWS::Lambda::Alias, Properties: { FunctionName: !Ref F, FunctionVersion: !GetAtt V.Version, Name: live } }
`;

it("a server that is killed while a snapshot is made ends the deployment at its next start", async () => {
  const first = await startThaw();
  onTestFinished(() => first.remove());
  const before = new TestFunctions(first);
  await cloudFormationOf(first).send(new CreateStackCommand({ StackName: "killed", TemplateBody: SLOW_INIT }));
  await before.eventually("Init of the version runs", async () => (await before.environments("slow-init")).length > 0);
  await first.kill("server");
  const second = await startThaw({ previous: first });
  onTestFinished(() => second.remove());
  const after = new TestFunctions(second);
  const client = cloudFormationOf(second);
  const ended = await after.eventually("the deployment has ended", async () => {
    const { Stacks: stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: "killed" }));
    const status = String(stacks[0]?.StackStatus);
    return !status.endsWith("IN_PROGRESS") && status;
  });
  expect(ended).toBe("CREATE_COMPLETE");
  expect((await after.invoke("slow-init", {}, "live")).payload).toBe("ready");
  const { Versions: versions = [] } = await after.lambda.send(
    new ListVersionsByFunctionCommand({ FunctionName: "slow-init" }),
  );
  expect(versions.map(({ Version }) => Version)).toEqual(["$LATEST", "1"]);
});
