/**
 * `thaw logs` and `thaw invoke` for a person: on a terminal (a real one, made by Python's pty) and in a pipe; what is
 * shown of which time, version and text; and where the log of a version is that could not be made.
 */
import { CreateAliasCommand, PublishVersionCommand } from "@aws-sdk/client-lambda";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { CLI, type Ran, runThaw } from "../support/cli.ts";
import type { TestFunctions } from "../support/functions.ts";
import { askLogs } from "../support/logs.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

const thaw = (...args: string[]): Promise<Ran> => runThaw(args, functions.server.env);

/** Runs the command with a terminal as its three streams; returns what the terminal would have been sent. */
async function onTerminal(...args: string[]): Promise<string> {
  const program = "import pty, sys; pty.spawn(sys.argv[1:])";
  const { stdout } = await promisify(execFile)("python3", ["-c", program, process.execPath, CLI, ...args], {
    env: { ...process.env, ...functions.server.env },
    encoding: "latin1",
  });
  // The terminal's own line discipline makes line feeds so.
  return Buffer.from(stdout, "latin1").toString("utf8").replaceAll("\r\n", "\n");
}

const PYTHON = `
import os
def handler(event, context):
    if event.get("fail"):
        raise ValueError("boom")
    os.write(1, b"nul \\x00 red \\x1b[31m title \\x1b]0;t\\x07 one\\rtwo \\xc2\\x9b1A\\n")
    return "\\x1b[2J"
`;
const CONTROLS = "nul \u0000 red \u001b[31m title \u001b]0;t\u0007 one\rtwo \u009b1A";
const UNSEEN = /[^\P{Cc}\t\n]/u;

it("sends no control character of a function to a terminal, and all of them to a pipe", async () => {
  const name = await functions.create({ "index.py": PYTHON }, { Runtime: "python3.13" });
  const invoked = await thaw("invoke", name);
  expect(invoked.stderr).toContain(CONTROLS);
  expect((await thaw("logs", name)).stdout).toContain(CONTROLS);
  for (const shown of [await onTerminal("logs", name), await onTerminal("invoke", name)]) {
    expect(shown).not.toMatch(UNSEEN);
    expect(shown).toMatch(/nul \\u0000 red \\u001b\[31m title \\u001b\]0;t\\u0007 one\n\s*two \\u009b1A\n/);
  }
  const json = await onTerminal("--json", "logs", name);
  expect(json).not.toMatch(UNSEEN);
  expect(
    json.split("\n").map((line) => (line === "" ? "" : (JSON.parse(line) as { message: string }).message)),
  ).toContain(CONTROLS);
});

it("shows a traceback in lines that can be copied, and says where the whole log is", async () => {
  const name = await functions.create({ "index.py": PYTHON }, { Runtime: "python3.13" });
  const shown = await onTerminal("invoke", name, '{"fail":true}');
  expect(shown).toContain('[ERROR] ValueError: boom\nTraceback (most recent call last):\n  File "/var/task/index.py"');
  expect(shown).toContain(`npx thaw logs ${name}`);
  const piped = await thaw("logs", name);
  expect(piped.stdout).not.toContain("\r");
  // No line of the message looks like the beginning of an event.
  expect(await onTerminal("logs", name)).toMatch(/ {2}\[ERROR\] ValueError: boom\n {20,}Traceback/);
});

it("shows one version's events, or those of all that an alias chooses from", async () => {
  const code = (text: string): Record<string, string> => ({
    "index.mjs": `export const handler = async () => console.log("${text}");`,
  });
  const name = await functions.create(code("said by 1"));
  const publish = async (): Promise<string> =>
    (await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }))).Version ?? "";
  await publish();
  await functions.update(name, code("said by 2"));
  await publish();
  await functions.update(name, code("said by $LATEST"));
  const aliases: ReadonlyArray<readonly [string, string, Record<string, number>]> = [
    ["first", "1", {}],
    ["both", "1", { "2": 0.5 }],
  ];
  for (const [Name, FunctionVersion, AdditionalVersionWeights] of aliases)
    await functions.lambda.send(
      new CreateAliasCommand({
        FunctionName: name,
        Name,
        FunctionVersion,
        RoutingConfig: { AdditionalVersionWeights },
      }),
    );
  for (const qualifier of ["1", "2", "$LATEST"]) await functions.invoke(name, {}, qualifier);
  const said = async (qualified: string): Promise<readonly string[]> =>
    [...(await thaw("logs", qualified)).stdout.matchAll(/said by (\S+)/g)].map((match) => match[1] ?? "").sort();
  expect(await said(name)).toEqual(["$LATEST", "1", "2"]);
  expect(await said(`${name}:1`)).toEqual(["1"]);
  expect(await said(`${name}:$LATEST`)).toEqual(["$LATEST"]);
  expect(await said(`${name}:first`)).toEqual(["1"]);
  expect(await said(`${name}:both`)).toEqual(["1", "2"]);
  expect(await thaw("logs", `${name}:none`)).toMatchObject({ code: 1, stderr: expect.stringContaining("not found") });
  expect((await thaw("logs", name, "--filter", '?"by 1" ?"by 2"')).stdout.match(/said by/g)).toHaveLength(2);
});

/** Makes the log group of a function that is still to come, with one event in it. */
async function writeOldEvent(name: string, timestamp: number, message: string): Promise<void> {
  const day = new Date(timestamp).toISOString().slice(0, 10).replaceAll("-", "/");
  const to = { logGroupName: `/aws/lambda/${name}`, logStreamName: `${day}/[$LATEST]0123456789abcdef0123456789abcdef` };
  await askLogs(functions.server, "CreateLogGroup", { logGroupName: to.logGroupName });
  await askLogs(functions.server, "CreateLogStream", to);
  await askLogs(functions.server, "PutLogEvents", { ...to, logEvents: [{ timestamp, message }] });
}

it("shows the last ten minutes unless told otherwise, and a date where it is not today", async () => {
  const twoDaysAgoMs = Date.now() - 2 * 86_400_000;
  const FunctionName = "with-old-log";
  await writeOldEvent(FunctionName, twoDaysAgoMs, "two days old");
  const name = await functions.create({ "index.mjs": "export const handler = async () => 'here';" }, { FunctionName });
  expect(await thaw("logs", name)).toMatchObject({ stdout: "", stderr: expect.stringContaining("last 10m") });
  await functions.invoke(name);
  // With a date where midnight comes in between.
  expect((await thaw("logs", name)).stdout).toMatch(
    /^(?:[\d-]{10} )?\d\d:\d\d:\d\d\.\d{3} \[\$LATEST\][0-9a-f]{8} {2}INIT_START/,
  );
  const old = `${new Date(twoDaysAgoMs).toISOString().slice(0, 23).replace("T", " ")} [$LATEST]01234567  two days old\n`;
  for (const since of ["3d", new Date(twoDaysAgoMs).toISOString()]) {
    const { stdout } = await thaw("logs", name, "--since", since);
    expect(stdout.startsWith(old), stdout).toBe(true);
    expect(stdout).toContain("INIT_START");
  }
  expect((await thaw("logs", name, "--since", "1d")).stdout).not.toContain("two days old");
  expect(await thaw("logs", name, "--since", "soon")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("expected a time span"),
  });
});

it("names the reason and the log of a version that could not be made", async () => {
  const name = await functions.createSnapStart({ "index.mjs": "throw new Error('at Init');" });
  const { Version = "" } = await functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
  await functions.decided(name, Version);
  const refused = await thaw("invoke", `${name}:${Version}`);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`${name}:1 has failed: `) });
  const [, qualified = "", since = ""] = /npx thaw logs (\S+) --since (\S+)/.exec(refused.stderr) ?? [];
  expect((await thaw("logs", qualified, "--since", since)).stdout).toContain("at Init");
});
