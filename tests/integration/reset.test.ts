/**
 * After a failed invoke AWS resets an environment in place: `/tmp` and the log stream stay, no process does, and the
 * next invoke begins with Init.
 */
import { PublishLayerVersionCommand } from "@aws-sdk/client-lambda";
import { describe, expect, it, test } from "vitest";
import { type TestFunctions, zipOf } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

/** Leaves an orphan behind, and connections to the Runtime API, then ends as it is told. */
const SOURCE = `
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
let count = 0;
appendFileSync("/tmp/inits", "init\\n");
const commands = () => readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).map((pid) => {
  try { return readFileSync("/proc/" + pid + "/cmdline", "utf8").replaceAll("\\0", " "); } catch { return ""; }
});
const orphan = () => new Promise((started) => {
  const command = "exec setsid sh -c 'echo > /tmp/orphan; while :; do sleep 1000; done'";
  spawn("sh", ["-c", command], { stdio: "ignore", detached: true }).unref();
  const look = setInterval(() => { if (existsSync("/tmp/orphan")) { clearInterval(look); started(); } }, 5);
});
const ask = () => new Promise((sent) => {
  const socket = connect(9001, "127.0.0.1", () => {
    socket.write("GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n", sent);
  });
});
export const handler = async (event, context) => {
  count++;
  if (event.ends !== undefined) {
    await orphan();
    for (let each = 0; each < 20; each++) await ask();
    console.log("about to end");
    if (event.ends === "exit") process.exit(3);
    if (event.ends === "kill") process.kill(process.pid, "SIGKILL");
    for (;;);
  }
  return {
    count,
    inits: readFileSync("/tmp/inits", "utf8").trim().split("\\n").length,
    orphans: commands().filter((command) => command.includes("sleep 1000")).length,
    stream: context.logStreamName,
    key: process.env.AWS_ACCESS_KEY_ID,
  };
};
`.replaceAll("\\\\", "\\");

/** The environment is reset after the answer. An invoke meanwhile would have another one. */
async function untilReset(name: string): Promise<void> {
  await functions.eventually("idle", async () => {
    const environments = await functions.environments(name);
    return environments.length === 1 && environments[0]?.state === "idle";
  });
}

interface Answer {
  readonly stream: string;
}

describe("on demand", () => {
  it.for([
    ["exit", "Runtime.ExitError"],
    ["kill", "Runtime.ExitError"],
    ["loop", "Sandbox.Timedout"],
  ])("%s", async ([ends, errorType]) => {
    // After the reset, Init is a part of the next invoke, and of its time.
    const name = await functions.create({ "index.mjs": SOURCE }, { Timeout: 10 });
    const first = await functions.invoke(name);
    expect(first.payload).toMatchObject({ count: 1, inits: 1, orphans: 0 });
    const { stream } = first.payload as Answer;
    for (const inits of [2, 3]) {
      expect((await functions.invoke(name, { ends })).payload).toMatchObject({ errorType });
      await untilReset(name);
      const next = await functions.invoke(name);
      expect(next.payload).toMatchObject({ count: 1, inits, orphans: 0, stream });
      expect(next.log).not.toContain("Init Duration");
    }
    expect((await functions.invoke(name)).payload).toMatchObject({ count: 2 });
    expect(await functions.environments(name)).toHaveLength(1);
    const lines = (await functions.logs(name)).map(({ message }) => message.split(" ", 1)[0]);
    expect(lines.filter((line) => line === "INIT_START")).toHaveLength(3);
  });
});

test("an extension is told of the failure, and started anew", async () => {
  const EXTENSION = `#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
headers=$(mktemp)
curl -sS -D "$headers" -XPOST "$api/register" -H "Lambda-Extension-Name: outer" -d '{"events":["SHUTDOWN"]}' > /dev/null
id=$(grep -Fi lambda-extension-identifier "$headers" | tr -d '[:space:]' | cut -d: -f2)
echo "$(curl -sS "$api/event/next" -H "Lambda-Extension-Identifier: $id")" >> /tmp/seen
`;
  const Content = { ZipFile: await zipOf({ "extensions/outer": EXTENSION }) };
  const { LayerVersionArn = "" } = await functions.lambda.send(
    new PublishLayerVersionCommand({ LayerName: "outer", Content }),
  );
  const code = `const { readFileSync } = require("node:fs");
    exports.handler = async (event) => (event.ends ? process.exit(1) : readFileSync("/tmp/seen", "utf8"));`;
  const name = await functions.create({ "index.js": code }, { Layers: [LayerVersionArn] });
  await functions.invoke(name, { ends: true });
  await untilReset(name);
  const { payload } = await functions.invoke(name);
  expect(JSON.parse(String(payload))).toMatchObject({ eventType: "SHUTDOWN", shutdownReason: "failure" });
  const lines = (await functions.logs(name)).map(({ message }) => message);
  expect(lines.filter((line) => line.startsWith("EXTENSION\tName: outer\tState: Ready"))).toHaveLength(2);
});
