/** The CLI as a user types it: deploy, deploy again, invoke, logs, environments, snapshots, and a mistake or two. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { CLI, type Ran, runThaw } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";

let server: ThawServer;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-cli-"));
  server = await startThaw();
});

afterAll(async () => {
  await server?.remove();
  rmSync(scratch, { recursive: true });
});

const thaw = (...args: string[]): Promise<Ran> => runThaw(args, server.env);

it.for(["python", "nodejs"])(
  "deploys the %s sample, and publishes nothing where nothing has changed",
  async (sample, { expect }) => {
    const template = join(REPOSITORY, `samples/${sample}/template.yml`);
    const first = await thaw("deploy", template);
    expect(first.stderr).toMatch(/AWS::Lambda::Version \S+:1: created \([\d.]+ s\)/);
    expect(first.stderr).toContain(":live → version 1 (snapshot On)");
    const name = sample === "python" ? "search" : "primes";
    const answer = await thaw("invoke", `${name}:live`, '{"prefix":"ab","below":100}');
    expect(JSON.parse(answer.stdout)).toHaveProperty("count");
    expect(answer.stderr).toContain("Restore Duration");
    const again = await thaw("deploy", template);
    expect(again.stderr).toContain("nothing was changed");
    expect(again.stderr).toContain(":live → version 1");
    expect((await thaw("logs", name)).stdout).toContain("RESTORE_REPORT");
    const environments = JSON.parse((await thaw("environments", "ls", "--json")).stdout) as Array<{
      functionName: string;
      isRestored: boolean;
    }>;
    expect(environments.some((each) => each.functionName === name && each.isRestored)).toBe(true);
    expect((await thaw("environments", "stop", "--function", `${name}:live`)).stdout).toBe("1 stopped\n");
    const snapshots = JSON.parse((await thaw("snapshots", "ls", "--json")).stdout) as Array<{
      snapshotId: string;
      functionName: string;
    }>;
    const id = snapshots.find((each) => each.functionName === name)?.snapshotId ?? "";
    expect((await thaw("snapshots", "inspect", id)).stdout).toContain(name);
    expect(await thaw("scan", `${name}:live`)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("Nothing found in 1 file reached from") as string,
    });
  },
);

it("says what a template has that is not supported, and changes nothing", async ({ expect }) => {
  const path = join(scratch, "template.yml");
  writeFileSync(
    path,
    "Resources:\n  Cluster: { Type: AWS::MemoryDB::Cluster }\n  F:\n    Type: AWS::Lambda::Function\n    Properties: { FunctionName: refused, Code: ., Handler: index.handler, Runtime: nodejs24.x, Role: x }\n",
  );
  const refused = await thaw("deploy", path);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/nothing was changed: .*AWS::MemoryDB::Cluster \(Cluster\): /);
  expect((await thaw("invoke", "refused")).stderr).toContain("Function not found");
});

it("deploys what sam build has written, named after the project", async ({ expect }) => {
  const build = join(scratch, "shop/.aws-sam/build");
  mkdirSync(join(build, "Hello"), { recursive: true });
  writeFileSync(join(build, "Hello/index.mjs"), "export const handler = async () => 'built';\n");
  const properties =
    "{ CodeUri: Hello, Handler: index.handler, Runtime: nodejs24.x, AutoPublishAlias: live, SnapStart: { ApplyOn: PublishedVersions } }";
  writeFileSync(
    join(build, "template.yaml"),
    `Transform: AWS::Serverless-2016-10-31\nResources:\n  Hello: { Type: AWS::Serverless::Function, Metadata: { SamResourceId: Hello }, Properties: ${properties} }\n`,
  );
  expect((await thaw("deploy", join(build, "template.yaml"))).stderr).toContain("the stack shop is made");
  const { functions } = JSON.parse((await thaw("deploy", join(build, "template.yaml"), "--json")).stdout) as {
    readonly functions: ReadonlyArray<{ readonly functionName: string; readonly version: string }>;
  };
  expect(functions).toMatchObject([{ functionName: expect.stringMatching(/^shop-Hello-/), version: "1" }]);
  expect((await thaw("invoke", `${functions[0]?.functionName}:live`)).stdout).toContain("built");
});

it("explains mistakes", async ({ expect }) => {
  expect((await thaw("deploy", join(scratch, "none.yml"))).stderr).toContain("can't be read");
  expect((await thaw("snapshots", "inspect", "snap-none")).stderr).toContain("Snapshot not found");
  expect((await thaw("nonsense")).stderr).toContain("unknown command");
  const THAW_ENDPOINT = `http://127.0.0.1:${await freePort()}`;
  const elsewhere = await runThaw(["environments", "ls"], { ...server.env, THAW_ENDPOINT });
  expect(elsewhere.stderr).toContain("npx thaw serve");
});

it("refuses names of nothing, and says how to see what there is", async ({ expect }) => {
  const unknown: ReadonlyArray<readonly [args: readonly string[], next: string]> = [
    [["invocations", "none"], "top"],
    [["invocations", "none", "--follow"], "top"],
    [["invocations", "none:live", "--json"], "top"],
    [["environments", "ls", "--function", "none"], "top"],
    [["environments", "stop", "--function", "none:1"], "top"],
    [["logs", "none"], "top"],
    [["invoke", "none"], "top"],
    [["check", "none:1"], "top"],
    [["compare", "none"], "top"],
    [["scan", "none"], "top"],
    [["snapshots", "inspect", "none:1"], "top"],
    [["snapshots", "verify", "snap-none"], "snapshots ls"],
    [["keys", "disable", "none"], "keys ls"],
    [["accounts", "rm", "999999999999"], "accounts ls"],
    [["invocations", "6f1ed002-ab59-4b5c-8ef4-0123456789ab"], "invocations"],
  ];
  const outcomes = await Promise.all(unknown.map(async ([args]) => [args.join(" "), await thaw(...args)] as const));
  for (const [at, [command, { code, stdout, stderr }]] of outcomes.entries()) {
    expect([code === 0, stdout], command).toEqual([false, ""]);
    expect(stderr, command).toMatch(new RegExp(` npx thaw ${unknown[at]?.[1]}\n$`));
  }
});

it("names the function, version, alias, stack or runtime that was meant", async ({ expect }) => {
  const template = join(scratch, "meant.yml");
  const withRuntime = (runtime: string): void =>
    writeFileSync(
      template,
      `Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: orders
      InlineCode: "exports.handler = async () => 1"
      Handler: index.handler
      Runtime: ${runtime}
      AutoPublishAlias: live
`,
    );
  withRuntime("nodejs24.x");
  expect(await thaw("deploy", template, "--stack-name", "orders-stack")).toMatchObject({ code: 0 });
  const qualifiers = "It has live, $LATEST, 1";
  const meant: ReadonlyArray<readonly [args: readonly string[], said: string]> = [
    [["invoke", "ordrs"], "Did you mean orders?\n"],
    [["logs", "oders:live"], "Did you mean orders?\n"],
    [["compare", "ordesr"], "Did you mean orders?\n"],
    [["invoke", "orders:liv"], `orders has no version or alias liv. ${qualifiers}. Did you mean live?\n`],
    [["logs", "orders:9"], `orders has no version or alias 9. ${qualifiers}\n`],
    [["check", "orders:lvie"], `${qualifiers}. Did you mean live?\n`],
    [["delete", "order-stack"], "Did you mean orders-stack?\n"],
  ];
  for (const [args, said] of meant) {
    const { code, stderr } = await thaw(...args);
    expect(code, args.join(" ")).not.toBe(0);
    expect(stderr).toContain(said);
  }
  withRuntime("nodjs24.x");
  expect((await thaw("deploy", template, "--stack-name", "orders-stack")).stderr).toContain("Did you mean nodejs24.x?");
  const paid = await thaw("invoke", "orders", "--payload", "{}", "--quiet");
  expect([paid.code, paid.stdout]).toEqual([0, "1\n"]);
  expect((await thaw("invoke", "orders", "{}", "--payload", "{}")).stderr).toContain("invoke got two payloads");
});

it("says that a text is not UTF-8", async ({ expect }) => {
  const path = join(scratch, "wide.yml");
  writeFileSync(path, "\ufeffResources: {}\n", "utf16le");
  for (const args of [
    ["deploy", path],
    ["diff", path],
    ["invoke", "f", `@${path}`],
    ["scan", path],
  ])
    expect((await thaw(...args)).stderr, args[0]).toContain("its text is in UTF-16LE, and only UTF-8 is read");
});

it("ends quietly when its reader has seen enough", async ({ expect }) => {
  const child = spawn(process.execPath, [CLI, "environments", "ls"], {
    env: { ...process.env, ...server.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // As `head` does, but before the first line is written.
  child.stdout.destroy();
  const [stderr, [code, signal]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  expect({ stderr, code, signal }).toEqual({ stderr: "", code: 0, signal: null });
});

it("strict parity refuses what AWS refuses, in AWS's words", async ({ expect }) => {
  const strict = await startThaw({ args: ["--parity", "strict"] });
  try {
    const refused = await runThaw(["deploy", join(REPOSITORY, "samples/nodejs/template.yml")], strict.env);
    expect(refused.stderr).toContain("nodejs24.x is not supported for SnapStart enabled functions.");
  } finally {
    await strict.remove();
  }
});
