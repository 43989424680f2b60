// matrix: a real browser before the console of a real server, which needs Debian's chromium (tools/install-browser.sh)
/**
 * Answers of a real server, recorded in a browser and read by the console's own readers: of Thaw's API, of Lambda's, of
 * CloudFormation's XML, and of logs. What the server's answers lose or rename is missing in what was read.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CreateAliasCommand } from "@aws-sdk/client-lambda";
import { answerProblem, matchRoute } from "@thaw/thaw-api/read";
import { ROUTES } from "@thaw/thaw-api/routes";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { Browser } from "./browser.ts";
import type { Read, Wanted } from "./read-all.ts";
import { CHANGES, createStack, STACK } from "./stack.ts";

const CODE = {
  "index.mjs": `export const handler = async (event) => {
  if (event.fail) throw new Error("told to");
  console.log("a line of its own");
  return { got: event };
};
`,
  "thaw.prime.json": '{"events": [{"primed": true}], "times": 2}',
};
const SOURCES = join(REPOSITORY, "packages/console/src");
/** A call of the console's client with the path of a route. */
const CALL = /\b(?:get|post|follow|change)\((?:"(?:PUT|POST)", )?"([^"]+)"/g;
/** Its lines have other members than those of a page; what `followAllLogs` makes of them is looked at instead. */
const FOLLOWED = "log-events/follow";
const text = expect.stringMatching(/./);
const number = expect.any(Number);

let server: ThawServer;
let browser: Browser;
let name: string;
let read: Read;

beforeAll(async () => {
  server = await startThaw();
  const functions = new TestFunctions(server);
  name = await functions.createSnapStart(CODE, { Description: "Answers with what it got" });
  await functions.publish(name);
  await functions.lambda.send(new CreateAliasCommand({ FunctionName: name, Name: "live", FunctionVersion: "1" }));
  await createStack(server);
  // The page's policy keeps the test's code out of it.
  browser = await Browser.start({ ports: [Number(new URL(server.endpoint).port)], bypassCSP: true });
  const page = await browser.login(server);
  await page.evaluate(await bundle());
  const wanted: Wanted = { name, stack: STACK, changes: CHANGES };
  read = await page.evaluate(
    (given) => (globalThis as unknown as { readAll(wanted: Wanted): Promise<Read> }).readAll(given),
    wanted,
  );
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.remove();
});

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "read-all.ts")],
    bundle: true,
    format: "iife",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

it("reads Lambda's answers", () => {
  const version = { FunctionName: name, Version: "1", Runtime: "nodejs24.x", MemorySize: 256 };
  const latest = { ...version, Version: "$LATEST", Description: "Answers with what it got", LastModified: text };
  const { listVersions, listAliases, getConfiguration, getReserved, publishVersion, pointAlias } = read.lambda;
  expect(listVersions).toMatchObject([latest, { ...version, SnapStart: { OptimizationStatus: "On" } }]);
  expect(listAliases).toMatchObject([{ Name: "live", FunctionVersion: "1" }]);
  expect(getConfiguration).toMatchObject({
    ...latest,
    State: "Active",
    Handler: "index.handler",
    Timeout: 120,
    Role: text,
  });
  expect(getReserved).toBe(null);
  expect(publishVersion).toMatchObject(version);
  expect(pointAlias).toMatchObject({ Name: "live", FunctionVersion: "1" });
});

it("reads the answers of invokes, and what Thaw tells of them", () => {
  const answered = { requestId: text, status: 200, executedVersion: "1" };
  expect(read.invoke).toMatchObject({
    invoke: {
      ...answered,
      functionError: null,
      payload: JSON.stringify({ got: { asked: true } }, null, 2),
      payloadLength: 22,
      log: expect.stringContaining("a line of its own"),
    },
    detailsOf: { functionName: name, version: "1", start: "restored", outcome: "success" },
    failed: { ...answered, functionError: "Unhandled", payload: expect.stringContaining("told to") },
  });
});

it("reads CloudFormation's XML", () => {
  const setting = { logicalId: "Setting", type: "AWS::SSM::Parameter" };
  const { describeStacks, listResources, describeEvents, listChangeSets, listDifferences } = read.stacks;
  const status = "CREATE_COMPLETE";
  const [stack] = describeStacks as ReadonlyArray<{ readonly outputs: ReadonlyArray<{ readonly key: string }> }>;
  expect(stack).toMatchObject({ name: STACK, status, updatedAtMs: number });
  expect(stack?.outputs.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
    { key: "Address", value: "http://localhost/somewhere" },
    { key: "Script", value: "javascript:alert(1)" },
  ]);
  expect(listResources).toMatchObject([{ ...setting, status, physicalId: text }]);
  expect(describeEvents).toContainEqual(expect.objectContaining({ ...setting, status, id: text, atMs: number }));
  expect(listChangeSets).toMatchObject([{ name: CHANGES, status, executionStatus: "AVAILABLE", createdAtMs: number }]);
  expect(listDifferences).toMatchObject([
    {
      ...setting,
      action: "Modify",
      replacement: "False",
      properties: [{ path: text, recreates: "Never", before: "<b>bold</b>", after: "<i>louder</i>" }],
    },
  ]);
});

it("reads logs, of one function and of all", () => {
  for (const messages of [read.logs.followLog, read.logs.followAllLogs])
    expect(messages).toContainEqual(expect.stringContaining("a line of its own"));
});

it("takes answers of Thaw's API that have the form which the routes declare, for each route that it calls", () => {
  const called = globSync("**/*.{ts,tsx}", { cwd: SOURCES })
    .flatMap((file) => [...readFileSync(join(SOURCES, file), "utf8").matchAll(CALL)])
    .map(([, path = ""]) => path)
    .filter((path) => Object.values(ROUTES).some((route) => route.path === path));
  const recorded = new Set([FOLLOWED, ...read.thaw.map(([, path]) => path)]);
  expect([...new Set(called)].toSorted()).toEqual([...recorded].toSorted());
  for (const [method, path, answer] of read.thaw) {
    const route = matchRoute(method, path.replace(/[{}]/g, ""));
    expect(route, path).not.toBe(null);
    if (route !== null) expect(answerProblem(route.name, answer), path).toBe(null);
  }
});

it("says what the server refused in the server's words", () => {
  for (const sentence of read.refusals)
    expect(sentence).toMatch(/^(?!it was not refused|The server answered).*(nowhere|live|1)/);
});

it("has every reader of Lambda's and CloudFormation's answers in this test", () => {
  expect(read.readers.toSorted()).toEqual([...Object.keys(read.lambda), ...Object.keys(read.stacks)].toSorted());
});
