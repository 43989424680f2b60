// matrix: needs the programs of tools/build-sdk-clients.sh
/**
 * The AWS SDKs for Java v2 and Go v2, unmodified, through the whole life of a function: waiters, paginators, Invoke in
 * each of its types, response streams, error classes, retries, a signed call of a function URL. Those for JavaScript
 * and Python are in tests/integration/clients.test.ts.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { type TestFunctions, zipOf } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const run = promisify(execFile);
const CLIENTS = join(REPOSITORY, ".thaw/sdk-clients");
const PLAIN = `export const handler = async (event) => {
  if (event.fail !== undefined) throw new Error(event.fail);
  console.log("heard", event.name);
  return { hello: event.name, version: process.env.AWS_LAMBDA_FUNCTION_VERSION };
};`;
const STREAMING = `export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write("first ");
  stream.end("second");
});`;

let functions: TestFunctions;
let scratch: string;
withThaw((made) => {
  functions = made;
});
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-sdks-"));
  writeFileSync(join(scratch, "plain.zip"), await zipOf({ "index.mjs": PLAIN }));
  writeFileSync(join(scratch, "stream.zip"), await zipOf({ "index.mjs": STREAMING }));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const java = join(CLIENTS, "java");
const PROGRAMS = [
  ["Java", "sdk-java", ["java", "-cp", `${java}/classes:${java}/lib/*`, "Client"]],
  ["Go", "sdk-go", [join(CLIENTS, "go/client")]],
] as const;

it.for(PROGRAMS)("the AWS SDK for %s v2", async ([language, name, [program, ...words]], { skip }) => {
  // Go is not part of the set-up.
  skip(language === "Go" && !existsSync(program), "there is no Go on this machine");
  const running = run(program, [...words, join(scratch, "plain.zip"), join(scratch, "stream.zip")], {
    env: { ...process.env, ...functions.server.env },
  });
  // The log group has a life of its own: it stays when the function has gone.
  const heard = async (): Promise<boolean> =>
    (await functions.logs(name)).some(({ message }) => message.includes(`heard async-${name}`));
  await Promise.race([running, functions.eventually("the event is carried out", heard)]);
  running.child.stdin?.end("\n");
  const { stdout } = await running;
  expect(JSON.parse(stdout)).toEqual({
    published: ["1", "2"],
    versions: ["$LATEST", "1", "2"],
    pages: 2,
    answer: { hello: "Ada", version: "1" },
    executed: "1",
    restored: true,
    failed: ["Unhandled", "Error", "no"],
    statuses: [200, 202, 204],
    stream: ["first second", true],
    conflict: true,
    invalid: true,
    invalidStatus: true,
    throttled: true,
    triedAgain: true,
    url: [403, 200],
    gone: true,
  });
  expect(await heard()).toBe(true);
});
