/** docs/guides/getting-started.md: its commands are run as they stand there, and its outputs are compared. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { CLI } from "../support/cli.ts";
import { type TestFunctions } from "../support/functions.ts";
import { differs, readSteps } from "../support/guide.ts";
import { withThaw } from "../support/with-thaw.ts";

const run = promisify(execFile);
const GUIDE = "docs/guides/getting-started.md";
/** Some twenty commands, each of them a process. */
const GUIDE_MS_MAX = 300_000;
/** Where a server listens that is told nothing else. */
const USUAL_ENDPOINT = "http://127.0.0.1:9000";

let functions: TestFunctions;
let scratch: string;
withThaw((made) => {
  functions = made;
});

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "thaw-guide-"));
  mkdirSync(join(scratch, "thaw"));
  mkdirSync(join(scratch, "bin"));
  // In place of npm's, which would look for the command in this folder's packages.
  const npx = `#!/bin/sh\n[ "$1" = thaw ] && shift && exec '${process.execPath}' '${CLI}' "$@"\nexit 127\n`;
  writeFileSync(join(scratch, "bin/npx"), npx, { mode: 0o755 });
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** Runs commands as in a terminal, both streams in one. */
async function shell(commands: string): Promise<string> {
  const path = [join(scratch, "bin"), dirname(process.execPath), process.env["PATH"]].join(":");
  const env = { ...process.env, ...functions.server.env, PATH: path, NO_COLOR: "1" };
  const script = `exec 2>&1\n${commands.replaceAll("curl ", "curl -sS ")}`;
  try {
    return (await run("bash", ["-e", "-c", script], { cwd: join(scratch, "thaw"), env })).stdout;
  } catch (error) {
    throw new Error(`${commands}\n${(error as { readonly stdout?: string }).stdout ?? ""}`, { cause: error });
  }
}

it("does what it says", { timeout: GUIDE_MS_MAX }, async ({ expect }) => {
  const { endpoint } = functions.server;
  const steps = readSteps(readFileSync(join(REPOSITORY, GUIDE), "utf8"));
  expect(steps.length).toBeGreaterThan(10);
  let variables = "";
  let apiId = "";
  for (const { line, commands, expected, note } of steps) {
    if (note?.startsWith("not run, because ")) continue;
    const typed = commands.replaceAll(USUAL_ENDPOINT, endpoint).replaceAll("/ID/", `/${apiId}/`);
    const printed = note === "the server" ? functions.server.output() : await shell(variables + typed);
    const seen = printed.replaceAll(endpoint, USUAL_ENDPOINT);
    expect(differs(expected ?? "…", seen), `${GUIDE}:${line}`).toBeNull();
    apiId = /_thaw\/api\/([a-z0-9]+)\//.exec(printed)?.[1] ?? apiId;
    for (const each of typed.split("\n")) if (/^[a-z]+=/.test(each)) variables += `${each}\n`;
  }
});
