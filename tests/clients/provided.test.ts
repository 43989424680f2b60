// matrix: a function of its own for each form, in two lives
/** Custom runtimes: what a bootstrap may say and how it may end, in a fresh environment and in a clone. */
import { expect, it, test } from "vitest";
import type { Files, TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";
import { exitError, failingInit, inBoth, LIVES, makeBoth } from "./lives.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

const PROVIDED = { Runtime: "provided.al2023", Handler: "any/thing" } as const;

/** `$answer` and its like are what a bootstrap does with an event in `$body`, whose id is in `$id`. */
const bootstrap = (step: string, init = ""): Files => ({
  bootstrap: `#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
answer() { curl -sS -X POST "$api/invocation/$id/$1" "\${@:3}" -d "$2" > /dev/null; }
${init}
while true; do
  body=$(curl -sS -D /tmp/head "$api/invocation/next")
  id=$(tr -d '\\r' < /tmp/head | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //Ip')
  ${step}
done
`,
});

test("an event and its answer; the handler's name and the trace", async () => {
  const files = bootstrap(`answer response "{\\"event\\":$body,\\"handler\\":\\"$_HANDLER\\"}"`);
  for (const { payload } of await inBoth(functions, files, PROVIDED, { a: 1 }))
    expect(payload).toEqual({ event: { a: 1 }, handler: "any/thing" });
});

test("an error goes to the caller as it is, with its type in the log", async () => {
  const files = bootstrap(`answer error '{"own":["document"]}' -H "Lambda-Runtime-Function-Error-Type: Own.Type"`);
  for (const { payload, functionError } of await inBoth(functions, files, PROVIDED, {}))
    expect([functionError, payload]).toEqual(["Unhandled", { own: ["document"] }]);
});

it.for<[string, string]>([
  ["exit 0", "Runtime exited without providing a reason"],
  ["exit 9", "Runtime exited with error: exit status 9"],
  ["kill -SEGV $$", "Runtime exited with error: signal: segmentation fault"],
])("%s in an invoke", async ([step, reason]) => {
  for (const { payload } of await inBoth(functions, bootstrap(step), PROVIDED, {}))
    expect(payload).toEqual(exitError(reason));
});

test("an error of Init, told and not told", async () => {
  const init = `curl -sS -X POST "$api/init/error" -H "Lambda-Runtime-Function-Error-Type: Own.Init" \\
    -d '{"errorMessage":"no","errorType":"Own.Init"}' > /dev/null; exit 1`;
  const told = await failingInit(functions, bootstrap("", init), PROVIDED);
  expect(told.payload).toEqual({ errorMessage: "no", errorType: "Own.Init" });
  expect(told.lines.filter((line) => line.startsWith("INIT_REPORT"))).toHaveLength(2);
  const untold = await failingInit(functions, bootstrap("", "exit 2"), PROVIDED);
  expect(untold.payload).toEqual(exitError("Runtime exited with error: exit status 2"));
});

test("output of both descriptors is in the log, line by line", async () => {
  const files = bootstrap(`echo out; echo err >&2; answer response '""'`);
  const name = await makeBoth(functions, files, PROVIDED);
  for (const life of LIVES) {
    const { log } = await functions.invoke(name, {}, life);
    expect(log.split("\n").slice(1, -3).toSorted()).toEqual(["err", "out"]);
  }
});
