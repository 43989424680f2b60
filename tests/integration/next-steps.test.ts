/** thaw without a command, and completion of functions' names: what each makes of the server that is there. */
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { CLI, type Ran, runThaw } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";
import { type TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

/** The help is there, and the status is that of a wrong call, whatever is said below it. */
function expectHelp(ran: Ran): void {
  expect(ran).toMatchObject({ code: 1, stdout: "" });
  expect(ran.stderr).toMatch(/^Usage: thaw \[options\] \[command\]\n/);
}

it("says how to start a server where none answers", async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const ran = await runThaw([], { ...functions.server.env, THAW_ENDPOINT: endpoint });
  expectHelp(ran);
  expect(ran.stderr).toMatch(/\n\nNow: no server answers at \S+\. Start one: npx thaw serve\n$/);
});

it("says how to make a function, then how to call it, and completes its name", { timeout: 300_000 }, async () => {
  const { endpoint, env } = functions.server;
  const empty = await runThaw([], env);
  expectHelp(empty);
  expect(empty.stderr).toContain(
    `\n\nThe server at ${endpoint} has no functions yet. Next:\n  npx thaw init hello    write a small function\n`,
  );
  expect(complete(["invoke", ""])).toEqual(["--payload", "--event", "--quiet", "--help"]);
  const name = await functions.createSnapStart(
    { "index.mjs": "export const handler = async () => 1;" },
    { Runtime: "nodejs24.x" },
  );
  const some = await runThaw([], env);
  expectHelp(some);
  expect(some.stderr).toContain(`\n\nThe server at ${endpoint} has functions, among them ${name}. Next:\n`);
  expect(some.stderr).toMatch(/\n {2}npx thaw console +the same in a browser\n$/);
  for (const command of ["invoke", "logs", "invocations", "check"])
    expect(complete([command, name.slice(0, 3)])).toEqual([name]);
  expect(complete(["deploy", name.slice(0, 3)])).toEqual([""]);
  // As the names are typed, not what an option begins with.
  expect(complete(["invoke", "--q"])).toEqual(["--quiet"]);
});

/** Completes words by bash itself, with the command that a package brings. */
function complete(words: readonly string[]): readonly string[] {
  const script = `thaw() { '${process.execPath}' '${CLI}' "$@"; }
    eval "$(thaw completion bash)"
    COMP_WORDS=(thaw "$@"); COMP_CWORD=$#; COMPREPLY=(); _thaw; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, ...functions.server.env };
  return execFileSync("bash", ["-c", script, "bash", ...words], { encoding: "utf8", env })
    .trim()
    .split("\n");
}
