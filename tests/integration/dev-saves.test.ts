// matrix: many saves, each of which waits until the function answers with it; THAW_DEV_SAVES says how many
/** `thaw dev` through many saves: no process, environment, version, watch, file or memory of it stays for any. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ListFunctionsCommand, ListVersionsByFunctionCommand } from "@aws-sdk/client-lambda";
import { beforeEach, it } from "vitest";
import { childrenOf } from "../../tools/processes.ts";
import { withDevIn } from "../support/dev.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const SAVES = Number(process.env["THAW_DEV_SAVES"] ?? 30);
/** Saves before the first look: what the first ones need stays. */
const FIRST_SAVES = 10;
/** More than a heap grows between two collections; 500 saves were measured with 10 MiB. */
const GROWTH_MIB_MAX = 96;

interface Left {
  readonly versions: readonly string[];
  readonly environments: number;
  readonly children: number;
  readonly descriptors: number;
  readonly watches: number;
  /** Of the command, and of all processes of the server together. */
  readonly mib: readonly [dev: number, server: number];
  /** Names in the server's folders of code. */
  readonly packages: number;
}

let functions: TestFunctions;
let folder: string;
withThaw((made) => {
  functions = made;
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dev"));
  mkdirSync(join(folder, "tmp"));
  return () => rmSync(folder, { recursive: true });
});

const LANGUAGES = [
  { logicalId: "Js", file: "js/index.mjs", code: (value: number) => `export const handler = async () => ${value};\n` },
  {
    logicalId: "Py",
    file: "py/app.py",
    code: (value: number) => `def handler(event, context):\n    return ${value}\n`,
  },
] as const;

function save({ file, code }: (typeof LANGUAGES)[number], value: number): void {
  mkdirSync(join(folder, file, ".."), { recursive: true });
  writeFileSync(join(folder, file), code(value));
}

function mibOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

function namesIn(path: string): number {
  return readdirSync(join(functions.server.dataDir, path)).length;
}

async function look(pid: number, names: readonly string[]): Promise<Left> {
  const versions: string[] = [];
  let environments = 0;
  for (const name of names) {
    const { Versions = [] } = await functions.lambda.send(new ListVersionsByFunctionCommand({ FunctionName: name }));
    versions.push(...Versions.map(({ Version = "" }) => `${name}:${Version}`));
    environments += (await functions.environments(name)).length;
  }
  const descriptors = readdirSync(`/proc/${pid}/fdinfo`);
  const infos = descriptors.flatMap((fd) => {
    try {
      return [readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8")];
    } catch {
      return [];
    }
  });
  const watches = infos.flatMap((text) => text.split("\n").filter((line) => line.startsWith("inotify "))).length;
  const server = childrenOf(functions.server.pid).filter(({ command }) => command.includes("server"));
  return {
    versions,
    environments,
    children: childrenOf(pid).length,
    descriptors: descriptors.length,
    watches,
    mib: [mibOf(pid), server.reduce((sum, { pid: each }) => sum + mibOf(each), 0)],
    packages: namesIn("code") + namesIn("packages"),
  };
}

it(`leaves nothing behind for any of ${SAVES} saves`, { timeout: 3_600_000 }, async ({ expect }) => {
  writeFileSync(
    join(folder, "template.yaml"),
    `Transform: AWS::Serverless-2016-10-31
Globals: { Function: { Timeout: 30, MemorySize: 512 } }
Resources:
  Js: { Type: AWS::Serverless::Function, Properties: { CodeUri: js, Handler: index.handler, Runtime: nodejs24.x } }
  Py: { Type: AWS::Serverless::Function, Properties: { CodeUri: py, Handler: app.handler, Runtime: python3.13 } }
`,
  );
  for (const language of LANGUAGES) save(language, 0);
  await withDevIn({ folder, server: functions.server }, async (dev) => {
    await dev.heard(/watching the code of Js, Py/);
    const { Functions = [] } = await functions.lambda.send(new ListFunctionsCommand({}));
    const nameOf = (logicalId: string): string =>
      Functions.find((each) => each.FunctionName?.startsWith(`${basename(folder)}-dev-${logicalId}-`))?.FunctionName ??
      "";
    const names = LANGUAGES.map(({ logicalId }) => nameOf(logicalId));
    const saveAndSee = async (value: number): Promise<void> => {
      const language = LANGUAGES[value % LANGUAGES.length] ?? LANGUAGES[0];
      save(language, value);
      const name = nameOf(language.logicalId);
      await functions.eventually(
        `${name} answers ${value}`,
        async () => (await functions.invoke(name)).payload === value,
      );
    };
    /** Environments of the code before may still be ending. */
    const settled = (): Promise<Left> =>
      functions.eventually("everything of the code before has gone", async () => {
        const left = await look(dev.pid, names);
        return left.environments <= names.length && left.children === 0 && left;
      });
    for (let value = 1; value <= FIRST_SAVES; value++) await saveAndSee(value);
    const before = await settled();
    for (let value = FIRST_SAVES + 1; value <= FIRST_SAVES + SAVES; value++) await saveAndSee(value);
    const after = await settled();
    process.stdout.write(`${SAVES} saves: ${JSON.stringify({ before, after })}\n`);
    // The code that the functions have, each with its package.
    await functions.eventually(
      "the packages of all saves but the last have gone",
      async () => namesIn("code") + namesIn("packages") === 2 * names.length,
      180_000,
    );
    for (const what of ["versions", "watches"] as const) expect(after[what]).toEqual(before[what]);
    // Connections to the server come and go: 26 to 34 descriptors were seen. One for each save would be more.
    expect(after.descriptors).toBeLessThan(before.descriptors + Math.min(SAVES, 25));
    for (const [at, mib] of after.mib.entries()) expect(mib - (before.mib[at] ?? 0)).toBeLessThan(GROWTH_MIB_MAX);
    expect(readdirSync(join(folder, "js"))).toEqual(["index.mjs"]);
    expect(readdirSync(join(folder, "py"))).toEqual(["app.py"]);
    expect(await dev.end()).toBe(0);
  });
  expect(readdirSync(join(folder, "tmp"))).toEqual([]);
});
