/** The official Java client, blocked in restore/next inside the snapshot; three clones of it at the same time. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";

const CRAC = "lib/crac-1.5.0.jar";

let server: ThawServer;
let functions: TestFunctions;
let files: Record<string, Buffer>;

interface Answer {
  readonly key: string;
  readonly environment: Record<string, string>;
  readonly hooks: string[];
  readonly initNanos: number;
  readonly uuid: string;
}

beforeAll(async () => {
  files = compile(join(REPOSITORY, "tests/functions/probe/Probe.java"));
  server = await startThaw();
  functions = new TestFunctions(server);
});

afterAll(() => server?.remove());

it("runs three clones at once, each with its own log stream and credentials", async ({ expect }) => {
  const name = await functions.createSnapStart(files, { FunctionName: "probe", Runtime: "java17", Handler: "Probe::handleRequest", MemorySize: 512 });
  const version = await functions.publish(name);
  const answers = await Promise.all([1, 2, 3].map(() => functions.invoke(name, { sleepMs: 1500 }, version)));
  for (const answer of answers) expect(answer, answer.log).toMatchObject({ functionError: undefined });
  const payloads = answers.map((answer) => answer.payload as Answer);
  expect(new Set(payloads.map((each) => each.key)).size).toBe(3);
  expect(new Set(payloads.map((each) => each.uuid)).size).toBe(3);
  expect(new Set(payloads.map((each) => each.initNanos)).size, "one Init for all").toBe(1);
  for (const each of payloads) expect(each.hooks).toEqual(["before-second", "before-first", "after-first", "after-second"]);
  const environments = (await functions.environments(name)).filter((each) => each.state !== "parked");
  expect(environments.filter((each) => each.isRestored && each.version === version)).toHaveLength(3);
  expect(new Set(environments.map((each) => each.logStream)).size).toBe(3);
  expect(payloads[0]?.environment).toMatchObject({ AWS_LAMBDA_INITIALIZATION_TYPE: "snap-start", AWS_LAMBDA_FUNCTION_VERSION: version });
  for (const absent of ["AWS_ACCESS_KEY_ID", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_LOG_GROUP_NAME"])
    expect(payloads[0]?.environment).not.toHaveProperty(absent);
});

it("has its class data archive in memory that comes on demand", async ({ expect }) => {
  const name = await functions.createSnapStart(files, { FunctionName: "archive", Runtime: "java17", Handler: "Probe::handleRequest", MemorySize: 512 });
  const version = await functions.publish(name);
  const { stdout } = await runThaw(["snapshots", "inspect", `${name}:${version}`, "--json"], server.env);
  const { spaces } = JSON.parse(stdout) as { spaces: Array<{ pages: number; eagerPages: number }> };
  const jvm = spaces.toSorted((a, b) => b.pages - a.pages)[0];
  // What is left are the writable parts of libraries, and stacks. The archive alone has a thousand.
  expect(jvm?.eagerPages).toBeLessThan(600);
});

function compile(source: string): Record<string, Buffer> {
  const dir = mkdtempSync(join(tmpdir(), "thaw-java-"));
  try {
    mkdirSync(join(dir, "out"));
    // The hooks' API, as a function brings it along: out of the Spring sample's package.
    execFileSync("jar", ["--extract", "--file", join(REPOSITORY, "samples/spring/target/function.zip"), CRAC], { cwd: dir, stdio: "pipe" });
    const libraries = join(REPOSITORY, "runtimes/dist/java/lib");
    const classpath = [join(dir, CRAC), ...readdirSync(libraries).map((jar) => join(libraries, jar))].join(":");
    execFileSync("javac", ["-cp", classpath, "-d", join(dir, "out"), source], { stdio: "pipe" });
    const classes = readdirSync(join(dir, "out")).map((name) => [name, readFileSync(join(dir, "out", name))] as const);
    return Object.fromEntries([...classes, [CRAC, readFileSync(join(dir, CRAC))] as const]);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
