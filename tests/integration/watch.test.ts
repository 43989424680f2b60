/** `thaw invocations` and `thaw top` against a real server, in a pipe and on a terminal: one made by Python's pty. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { InvocationDetails } from "@thaw/thaw-api";
import { expect, it } from "vitest";
import { CLI, runThaw } from "../support/cli.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

const CODE = { "index.mjs": "console.log('Init');\nexport const handler = async () => console.log('printed');\n" };
let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

async function thaw(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runThaw(args, functions.server.env);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

it("shows where the time of a cold start went, and the lines of that request", async () => {
  const name = await functions.createSnapStart(CODE);
  expect(await runThaw(["invocations", name], functions.server.env)).toMatchObject({
    code: 0,
    stdout: "",
    stderr: `${name}: no invocations since the start of the server. To make one: npx thaw invoke ${name}\n`,
  });
  const version = await functions.publish(name);
  for (let count = 0; count < 2; count++) {
    await functions.invoke(name, {}, version);
    await functions.atRest(name);
  }
  const list = await thaw("invocations", `${name}:${version}`, "--cold");
  expect(list).toMatch(new RegExp(`${name}:${version} +restored +success +\\d`));
  const [requestId = ""] = /\S+$/.exec(list.trimEnd()) ?? [];
  const page = await thaw("invocations", requestId);
  expect(page).toContain(`${name}:${version}  restored  success`);
  // The first clone after a publication may have been parked by then.
  expect(page).toMatch(/\nengine +[\d.]+ ms +█|\nDone ahead, in a parked clone: engine [\d.]+ ms/);
  expect(page).toMatch(/\n\d+ ms: \d.* your code/);
  const details = JSON.parse(await thaw("--json", "invocations", requestId)) as InvocationDetails & {
    readonly waterfall: { readonly shares: ReadonlyArray<{ readonly durationMs: number }> };
  };
  // What the waterfall says and what the server measured are the same.
  const sum = details.waterfall.shares.reduce((total, { durationMs }) => total + durationMs, 0);
  expect(sum).toBeCloseTo(details.totalMs, 3);
  expect(details.phaseStarts["restore"]).toBeGreaterThanOrEqual(0);
  expect(details.totalMs).toBeGreaterThanOrEqual((details.restoreDurationMs ?? 0) - 1);
  expect((await thaw("invocations", name, "--limit", "1")).split("\n")[1]).toContain("warm");
  expect((await thaw("environments", "ls", "--function", `${name}:${version}`)).split("\n")[1]).toContain(name);
  expect((await runThaw(["invocations", name, "--outcome", "timeout"], functions.server.env)).stderr).toBe(
    `${name}: no invocations since the start of the server of those that --outcome timeout asks for\n`,
  );
});

it("follows, and shows the functions once in a pipe and as a page on a terminal", async () => {
  const name = await functions.create(CODE);
  const follower = spawn(process.execPath, [CLI, "invocations", name, "--follow"], {
    env: { ...process.env, ...functions.server.env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    let said = "";
    const heard = (pattern: RegExp): Promise<void> =>
      new Promise((resolve) => {
        follower.stdout.setEncoding("utf8").on("data", (text: string) => {
          said += text;
          if (pattern.test(said)) resolve();
        });
      });
    const head = heard(/FUNCTION/);
    const line = heard(/initialised +success/);
    await head;
    await functions.invoke(name, {});
    await line;
  } finally {
    follower.kill("SIGINT");
    await once(follower, "close");
  }
  expect(follower.exitCode).toBe(0);
  expect(await thaw("top")).toMatch(new RegExp(`\n${name} +\\$LATEST +- +1 +1 +0 +0 +1 `));

  const program = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
  const terminal = spawn("python3", ["-c", program, process.execPath, CLI, "top"], {
    env: { ...process.env, ...functions.server.env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  let isEnded = false;
  terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    if (isEnded || !shown.includes("LAST HOUR")) return;
    isEnded = true;
    terminal.stdin.write("q");
  });
  expect(await once(terminal, "close")).toEqual([0, null]);
  // The other screen is left again, and the cursor is back.
  expect(shown.startsWith("\u001b[?1049h\u001b[?25l")).toBe(true);
  expect(shown.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
  expect(shown).toContain("functions");
});
