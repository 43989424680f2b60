// long: Maven builds a project and runs its tests
/** Each sample of thaw init as a beginner takes it: its own tests, a deployment, an answer to curl. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { type TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const run = promisify(execFile);
/** Maven and its tests take seconds of a processor. */
const JAVA_MS_MAX = 600_000;

let functions: TestFunctions;
let scratch: string;
withThaw((made) => {
  functions = made;
});
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-first-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** Runs a command in a sample's folder, with the programs of this checkout. */
async function shell(folder: string, command: string): Promise<string> {
  const path = [dirname(process.execPath), join(REPOSITORY, "node_modules/.bin"), process.env["PATH"]].join(":");
  const { stdout, stderr } = await run("sh", ["-c", command], { cwd: folder, env: { ...process.env, PATH: path } });
  return `${stdout}${stderr}`;
}

/** What `npm install` would bring, as this checkout has it. */
function installPackages(folder: string): void {
  mkdirSync(join(folder, "node_modules"));
  for (const name of ["@types", "typescript", "esbuild"])
    symlinkSync(join(REPOSITORY, "node_modules", name), join(folder, "node_modules", name));
}

interface Answer {
  readonly message: string;
  readonly calls: number;
  readonly restoredAt: string;
}

interface Case {
  readonly runtime: string;
  readonly test: string;
  /** What its runner says of two tests that passed. */
  readonly passed: RegExp;
  readonly prepare?: (folder: string) => void;
  readonly build?: string;
}

const CASES: readonly Case[] = [
  { runtime: "nodejs", test: "npm test", passed: /pass 2\n/ },
  { runtime: "python", test: "python3 -m unittest", passed: /Ran 2 tests[^]*OK/ },
  { runtime: "typescript", test: "npm test", passed: /pass 2\n/, prepare: installPackages },
  {
    runtime: "java",
    test: "mvn -o -B test",
    passed: /Tests run: 2, Failures: 0, Errors: 0/,
    build: "mvn -o -B -q package",
  },
];

it.for(CASES)("$runtime", { timeout: JAVA_MS_MAX }, async (sample, { expect }) => {
  const { runtime, test, passed, prepare, build } = sample;
  const { env } = functions.server;
  const folder = join(scratch, `hello-${runtime}`);
  const made = await runThaw(["init", `hello-${runtime}`, "--runtime", runtime], env, scratch);
  expect(made).toMatchObject({ code: 0, stderr: "" });
  prepare?.(folder);
  expect(await shell(folder, test)).toMatch(passed);
  if (build !== undefined) await shell(folder, build);
  const deployed = await runThaw(["deploy", "--json"], env, folder);
  expect(deployed, deployed.stderr).toMatchObject({ code: 0 });
  expect(deployed.stderr).toContain(`hello-${runtime}:live → version 1 (snapshot On)`);
  const { outputs } = JSON.parse(deployed.stdout) as { readonly outputs: Readonly<Record<string, string>> };
  const url = outputs["Url"] ?? "";
  const first = JSON.parse(await shell(folder, `curl -sf '${url}?name=Ada'`)) as Answer;
  // The hooks ran: before the snapshot, and in the clone that answered.
  expect(first).toMatchObject({ message: "Hello, Ada!", calls: 1 });
  expect(Date.parse(first.restoredAt)).toBeLessThanOrEqual(Date.now());
  await functions.atRest(`hello-${runtime}`);
  const second = JSON.parse(await shell(folder, `curl -sf '${url}'`)) as Answer;
  expect(second).toEqual({ ...first, message: "Hello, world!", calls: 2 });
  // A sample shows how it is done right.
  const scanned = await runThaw(["scan", folder], env);
  expect(scanned, scanned.stdout).toMatchObject({ code: 0 });
  const checked = await runThaw(["check", `hello-${runtime}:live`], env);
  expect(checked, checked.stdout).toMatchObject({ code: 0 });
});
