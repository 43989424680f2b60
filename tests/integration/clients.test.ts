/**
 * AWS's own clients, unmodified, through the whole life of a function: create, waiter, publish, waiter, alias, invoke,
 * logs, delete.
 */
import {
  CreateAliasCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  ListVersionsByFunctionCommand,
} from "@aws-sdk/client-lambda";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions, zipOf } from "../support/functions.ts";

const run = promisify(execFile);
const CLIENTS = join(REPOSITORY, ".thaw/aws-clients/bin");
const CODE = {
  "index.mjs":
    'console.log("init");\nexport const handler = async (event) => ({ hello: event.name, version: process.env.AWS_LAMBDA_FUNCTION_VERSION });\n',
};

let server: ThawServer;
let functions: TestFunctions;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-clients-"));
  server = await startThaw();
  functions = new TestFunctions(server);
  writeFileSync(join(scratch, "function.zip"), await zipOf(CODE));
});

afterAll(async () => {
  await server.remove();
  rmSync(scratch, { recursive: true });
});

describe("AWS SDK for JavaScript v3", () => {
  it("goes through the whole life", async ({ expect }) => {
    const name = await functions.createSnapStart(CODE, { FunctionName: "sdk-js" });
    const version = await functions.publish(name);
    expect(version).toBe("1");
    const { lambda } = functions;
    await lambda.send(new CreateAliasCommand({ FunctionName: name, Name: "live", FunctionVersion: version }));
    const { Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName: name, Qualifier: "live" }));
    expect(Configuration).toMatchObject({
      State: "Active",
      SnapStart: { ApplyOn: "PublishedVersions", OptimizationStatus: "On" },
      Version: "1",
    });
    const cold = await functions.invoke(name, { name: "Ada" }, "live");
    expect(cold.payload).toEqual({ hello: "Ada", version: "1" });
    expect(cold.log).toMatch(
      /REPORT RequestId: \S+\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\tRestore Duration: [\d.]+ ms\tBilled Restore Duration: \d+ ms\t/,
    );
    expect(cold.log).not.toContain("Init Duration");
    await functions.atRest(name);
    const warm = await functions.invoke(name, { name: "Ada" }, "live");
    expect(warm.log).not.toContain("Restore Duration");
    const latest = await functions.invoke(name, { name: "Ada" });
    expect(latest.payload).toEqual({ hello: "Ada", version: "$LATEST" });
    expect(latest.log).toContain("Init Duration");
    const logs = await functions.eventually("three streams of logs", async () => {
      const events = await functions.logs(name);
      return new Set(events.map((event) => event.logStream)).size === 3 && events;
    });
    expect(logs.map((event) => event.message).some((message) => message.startsWith("INIT_REPORT Init Duration:"))).toBe(
      true,
    );
    const { Versions } = await lambda.send(new ListVersionsByFunctionCommand({ FunctionName: name }));
    expect(Versions?.map((each) => each.Version)).toEqual(["$LATEST", "1"]);
    await lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
    await expect(lambda.send(new InvokeCommand({ FunctionName: name }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    const gone = await functions.eventually(
      "no snapshot",
      async () =>
        ((await (await functions.admin("GET", "snapshots")).json()) as { snapshots: unknown[] }).snapshots.length === 0,
    );
    expect(gone).toBe(true);
  });
});

describe("AWS CLI", () => {
  const aws = async (...args: string[]): Promise<string> =>
    (await run(join(CLIENTS, "aws"), ["lambda", ...args], { env: { ...process.env, ...server.env } })).stdout;

  it("goes through the whole life", async ({ expect }) => {
    const zip = `fileb://${join(scratch, "function.zip")}`;
    const role = "arn:aws:iam::000000000000:role/x";
    await aws(
      "create-function",
      "--function-name",
      "cli",
      "--runtime",
      "nodejs24.x",
      "--handler",
      "index.handler",
      "--role",
      role,
      "--zip-file",
      zip,
      "--snap-start",
      "ApplyOn=PublishedVersions",
    );
    await aws("wait", "function-active-v2", "--function-name", "cli");
    const published = JSON.parse(await aws("publish-version", "--function-name", "cli")) as Record<string, unknown>;
    expect(published).toMatchObject({ Version: "1", State: "Pending", StateReasonCode: "Creating" });
    expect(published).not.toHaveProperty("LastUpdateStatus");
    await aws("wait", "published-version-active", "--function-name", "cli", "--qualifier", "1");
    await aws("create-alias", "--function-name", "cli", "--name", "live", "--function-version", "1");
    const out = join(scratch, "out.json");
    const answer = JSON.parse(
      await aws("invoke", "--function-name", "cli:live", "--payload", '{"name":"Grace"}', "--log-type", "Tail", out),
    ) as Record<string, string>;
    expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: "1" });
    expect(Buffer.from(answer["LogResult"] ?? "", "base64").toString()).toContain("Restore Duration");
    expect(JSON.parse(readFileSync(out, "utf8"))).toEqual({ hello: "Grace", version: "1" });
    await aws(
      "tag-resource",
      "--resource",
      "arn:aws:lambda:us-east-1:000000000000:function:cli",
      "--tags",
      "team=thaw",
    );
    expect(await aws("list-tags", "--resource", "arn:aws:lambda:us-east-1:000000000000:function:cli")).toContain(
      "thaw",
    );
    const { Code } = JSON.parse(await aws("get-function", "--function-name", "cli", "--qualifier", "1")) as {
      Code: { Location: string };
    };
    const download = await fetch(Code.Location);
    expect(download.status).toBe(200);
    expect(Buffer.from(await download.arrayBuffer()).equals(readFileSync(join(scratch, "function.zip")))).toBe(true);
    await aws("delete-function", "--function-name", "cli");
    await expect(aws("get-function", "--function-name", "cli")).rejects.toThrow("ResourceNotFoundException");
  });
});

describe("boto3", () => {
  it("goes through the whole life", async ({ expect }) => {
    const script = join(REPOSITORY, "tests/integration/boto3_life.py");
    const { stdout } = await run(join(CLIENTS, "python"), [script, join(scratch, "function.zip")], {
      env: { ...process.env, ...server.env },
    });
    expect(JSON.parse(stdout)).toEqual({
      answer: { hello: "Barbara", version: "1" },
      optimization: "On",
      restored: true,
      weighted: ["1", "2"],
      gone: "ResourceNotFoundException",
    });
  });

  it("shows Thaw's sentence for other services, in each protocol", async ({ expect }) => {
    const { stdout } = await run(join(CLIENTS, "python"), [join(REPOSITORY, "tests/integration/boto3_others.py")], {
      env: { ...process.env, ...server.env },
    });
    expect(stdout.trim()).toBe("");
  });
});
