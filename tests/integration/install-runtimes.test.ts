// matrix: fetches a whole release of Node.js
/**
 * `--install-runtimes on-use`, with a real install of Node.js in an empty THAW_HOME. The programs that fetch are held
 * up or made to fail by scripts that stand before them in PATH.
 */
import {
  CreateFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  waitUntilFunctionActiveV2,
  waitUntilPublishedVersionActive,
} from "@aws-sdk/client-lambda";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { ROLE, TestFunctions, zipOf } from "../support/functions.ts";

/** For what hangs: a release is fetched and unpacked. */
const WAIT = { maxWaitTime: 900, minDelay: 1, maxDelay: 1 };
let home: string;
let server: ThawServer | undefined;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "thaw-home-"));
  // The server's user looks for runtimes in it.
  chmodSync(home, 0o755);
  execFileSync("mkfifo", [join(home, "begun"), join(home, "go")]);
});
afterAll(async () => {
  await server?.remove();
  rmSync(home, { recursive: true, force: true });
});

/** A script in the place of a program; `$REAL` is the program. */
function stand(name: string, script: string): void {
  const real = execFileSync("sh", ["-c", `command -v ${name} || true`], { encoding: "utf8" }).trim();
  writeFileSync(join(home, name), `#!/bin/sh\nREAL=${real}\n${script}`);
  chmodSync(join(home, name), 0o755);
}

async function start(previous?: ThawServer): Promise<TestFunctions> {
  server = await startThaw({
    args: ["--install-runtimes", "on-use", "--pool", "0"],
    env: {
      THAW_HOME: home,
      THAW_CRIU: join(process.env["THAW_HOME"] ?? "/var/lib/thaw", "criu/criu"),
      PATH: `${home}${delimiter}${process.env["PATH"] ?? ""}`,
    },
    ...(previous === undefined ? {} : { previous }),
  });
  return new TestFunctions(server);
}

async function create(
  { lambda }: TestFunctions,
  FunctionName: string,
  Runtime: "nodejs20.x" | "python3.14",
): Promise<void> {
  const ZipFile = await zipOf({ "index.js": "exports.handler = async () => process.version;" });
  const SnapStart = { ApplyOn: "PublishedVersions" } as const;
  const Code = { ZipFile };
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime,
      Handler: "index.handler",
      Timeout: 60,
      MemorySize: 512,
      Role: ROLE,
      Code,
      SnapStart,
      Publish: true,
    }),
  );
}

const shown = ({ lambda }: TestFunctions, FunctionName: string): Promise<unknown> =>
  lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));

it("a function waits for its runtime, over the death of all of Thaw in the middle of the install", async () => {
  stand("npm", `echo npm > ${home}/begun; read -r _ < ${home}/go; echo 1 >> ${home}/fetched; exec $REAL "$@"`);
  const first = await start();
  await create(first, "one", "nodejs20.x");
  await create(first, "two", "nodejs20.x");
  const pending = { State: "Pending", StateReason: "The runtime nodejs20.x is being installed on this host." };
  for (const name of ["one", "two"]) expect(await shown(first, name)).toMatchObject(pending);
  await expect(first.lambda.send(new InvokeCommand({ FunctionName: "one" }))).rejects.toThrow("Pending");
  expect(await readFile(join(home, "begun"), "utf8")).toBe("npm\n");
  await first.server.kill("launcher");

  const second = await start(first.server);
  expect(await shown(second, "two")).toMatchObject(pending);
  // This one is the second life's: the first life's npm, which waited for a word, has gone with it.
  expect(await readFile(join(home, "begun"), "utf8")).toBe("npm\n");
  writeFileSync(join(home, "go"), "go\n");
  for (const FunctionName of ["one", "two"]) {
    await waitUntilFunctionActiveV2({ client: second.lambda, ...WAIT }, { FunctionName });
    await waitUntilPublishedVersionActive({ client: second.lambda, ...WAIT }, { FunctionName, Qualifier: "1" });
    for (const version of ["$LATEST", "1"])
      expect((await second.invoke(FunctionName, {}, version)).payload).toMatch(/^v20\./);
  }
  expect(readFileSync(join(home, "fetched"), "utf8")).toBe("1\n");
  expect(second.server.output()).toContain("thaw: nodejs20 is installed");
});

it("a function is Failed with the command where its runtime can't be installed", async () => {
  stand("mmdebstrap", 'echo "E: no such mirror" >&2; exit 100');
  const functions = new TestFunctions(server as ThawServer);
  await create(functions, "three", "python3.14");
  await expect(
    waitUntilFunctionActiveV2({ client: functions.lambda, ...WAIT }, { FunctionName: "three" }),
  ).rejects.toThrow("Failed");
  expect(await shown(functions, "three")).toMatchObject({
    State: "Failed",
    StateReasonCode: "InvalidRuntime",
    StateReason: expect.stringMatching(
      /^The runtime python3\.14 could not be installed on this host: failed: mmdebstrap .*Run: npx thaw runtimes install python3\.14$/,
    ),
  });
  expect(server?.output()).toContain("E: no such mirror");
  expect(existsSync(join(home, "runtimes/python3.14"))).toBe(false);
});
