/** The official Java client, blocked in restore/next inside the snapshot; three clones of it at the same time. */
import { afterAll, beforeAll, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { runThaw } from "../support/cli.ts";
import { inOwnClones } from "../support/clones.ts";
import { TestFunctions } from "../support/functions.ts";
import { javaPackage } from "../support/test-functions.ts";

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
  files = javaPackage("probe/Probe.java", /^org-crac-/);
  server = await startThaw();
  functions = new TestFunctions(server);
});

afterAll(() => server?.remove());

it("runs three clones at once, each with its own log stream and credentials", async ({ expect }) => {
  const name = await functions.createSnapStart(files, {
    FunctionName: "probe",
    Runtime: "java17",
    Handler: "Probe::handleRequest",
    MemorySize: 512,
  });
  const version = await functions.publish(name);
  const answers = await inOwnClones(functions, name, 3, () => functions.invoke(name, { sleepMs: 1500 }, version));
  for (const answer of answers) expect(answer, answer.log).toMatchObject({ functionError: undefined });
  const payloads = answers.map((answer) => answer.payload as Answer);
  expect(new Set(payloads.map((each) => each.key)).size).toBe(3);
  expect(new Set(payloads.map((each) => each.uuid)).size).toBe(3);
  expect(new Set(payloads.map((each) => each.initNanos)).size, "one Init for all").toBe(1);
  for (const each of payloads)
    expect(each.hooks).toEqual(["before-second", "before-first", "after-first", "after-second"]);
  // Others are parked meanwhile.
  const environments = (await functions.environments(name)).filter(({ invokeCount }) => invokeCount > 0);
  expect(environments.filter((each) => each.isRestored && each.version === version)).toHaveLength(3);
  expect(new Set(environments.map((each) => each.logStream)).size).toBe(3);
  expect(payloads[0]?.environment).toMatchObject({
    AWS_LAMBDA_INITIALIZATION_TYPE: "snap-start",
    AWS_LAMBDA_FUNCTION_VERSION: version,
  });
  for (const absent of ["AWS_ACCESS_KEY_ID", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_LOG_GROUP_NAME"])
    expect(payloads[0]?.environment).not.toHaveProperty(absent);
});

it("has its class data archive in memory that comes on demand", async ({ expect }) => {
  const name = await functions.createSnapStart(files, {
    FunctionName: "archive",
    Runtime: "java17",
    Handler: "Probe::handleRequest",
    MemorySize: 512,
  });
  const version = await functions.publish(name);
  const { stdout } = await runThaw(["snapshots", "inspect", `${name}:${version}`, "--json"], server.env);
  const { spaces } = JSON.parse(stdout) as { spaces: Array<{ pages: number; eagerPages: number }> };
  const jvm = spaces.toSorted((a, b) => b.pages - a.pages)[0];
  // What is left are the writable parts of libraries, and stacks. The archive alone has a thousand.
  expect(jvm?.eagerPages).toBeLessThan(600);
});

it("loads no class of the JDK or of the client for the first time in a clone", async ({ expect }) => {
  const name = await functions.createSnapStart(javaPackage("plain/Plain.java", /^$/), {
    FunctionName: "plain",
    Runtime: "java17",
    Handler: "Plain::handleRequest",
    MemorySize: 512,
    Environment: { Variables: { JAVA_TOOL_OPTIONS: "-Xlog:class+load:stdout" } },
  });
  const version = await functions.publish(name);
  const event = { text: "a", number: 1, decimal: 0.5, yes: true, list: [{ more: "b" }] };
  const answer = await functions.invoke(name, event, version);
  expect(answer.payload).toMatchObject(event);
  const lines = await functions.logs(name);
  const clone = lines.find(({ message }) => message.startsWith("RESTORE_START"))?.logStream;
  const loads = lines.filter(({ message }) => message.includes("[class,load]"));
  expect(loads.length).toBeGreaterThan(1000);
  expect(loads.filter(({ logStream }) => logStream === clone).map(({ message }) => message)).toEqual([]);
});
