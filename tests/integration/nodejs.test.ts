/**
 * Node.js as AWS's runtimes have it, in a sandbox: options and variables of the start, the search for modules, the
 * convention of each version, and the SDKs that come along (those of Python too). What AWS's clients do with each form
 * of a handler is in runtimes/nodejs.
 */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { describe, expect, test } from "vitest";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

const START = `
const http = require("http");
const { name } = require("lib/util");
exports.handler = async () => ({
  name,
  path: process.env.NODE_PATH,
  options: process.env.NODE_OPTIONS ?? null,
  argv: process.argv.slice(1),
  gc: typeof gc,
  headers: http.maxHeaderSize,
  esm: process.features.require_module,
});
`;

/** Changes one file twice, and waits for both its watchers each time: by then those of the other file have looked. */
const WATCHED = `
const { appendFileSync, watchFile, writeFileSync } = require("node:fs");
const seen = [];
let heard = () => {};
for (const [name, bigint] of [["kept", false], ["changed", false], ["kept", true], ["changed", true]]) {
  const path = "/tmp/" + name + (bigint ? "-big" : "");
  writeFileSync(path, "0");
  watchFile(path, { interval: 20, bigint }, () => heard(seen.push(bigint ? "big " + name : name)));
}
exports.handler = async () => {
  for (const wanted of [2, 4]) {
    const all = new Promise((done) => (heard = () => seen.length >= wanted && done()));
    for (const path of ["/tmp/changed", "/tmp/changed-big"]) appendFileSync(path, "1");
    await all;
  }
  return [...seen.slice(0, 2).sort(), ...seen.slice(2).sort()];
};
`;

describe.each([
  ["nodejs22.x", "22"],
  ["nodejs24.x", "24"],
] as const)("%s", (Runtime, major) => {
  test("starts as on AWS", async () => {
    const files = { "index.js": START, "lib/util.js": "exports.name = 'util';" };
    const name = await functions.create(files, { Runtime });
    const { payload } = await functions.invoke(name);
    expect(payload).toEqual({
      name: "util",
      path: `/opt/nodejs/node${major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task`,
      options: null,
      argv: ["/var/runtime/index.mjs"],
      gc: "function",
      headers: 81920,
      esm: false,
    });
  });

  test("takes the function's own options and paths", async () => {
    const files = {
      "index.js": `const { name } = require("both"); exports.handler = async () =>
        [name, process.env.NODE_OPTIONS, process.execArgv.filter((each) => each.includes("space")), process.features.require_module];`,
      "vendor/both/index.js": "exports.name = 'vendored';",
    };
    const NODE_OPTIONS = "--max-old-space-size=100 --experimental-require-module";
    const Variables = { NODE_OPTIONS, NODE_PATH: "/var/task/vendor" };
    const name = await functions.create(files, { Runtime, Environment: { Variables } });
    expect((await functions.invoke(name)).payload).toEqual(["vendored", NODE_OPTIONS, [], true]);
  });

  test("makes clones unique whatever a preloaded file keeps", async () => {
    const files = {
      "index.js": "exports.handler = async () => [globalThis.kept(), require('crypto').randomUUID()];",
      "first.js": "globalThis.kept = Math.random; globalThis.kept();",
    };
    const Environment = { Variables: { NODE_OPTIONS: "--require=/var/task/first.js" } };
    const name = await functions.createSnapStart(files, { Runtime, Environment });
    const version = await functions.publish(name);
    const drawn: unknown[] = [];
    for (let clone = 0; clone < 3; clone++) {
      drawn.push(...((await functions.invoke(name, {}, version)).payload as unknown[]));
      await functions.stopEnvironments(name);
    }
    expect(new Set(drawn).size).toBe(6);
  });

  test("fs.watchFile hears of a clone's own changes, and nothing of the restore", async () => {
    const name = await functions.createSnapStart({ "index.js": WATCHED }, { Runtime });
    const version = await functions.publish(name);
    const { payload } = await functions.invoke(name, {}, version);
    expect(payload).toEqual(["big changed", "changed", "big changed", "changed"]);
  });

  test("keeps to its convention in a clone, and gives its log the request's id", async () => {
    const files = { "index.js": "exports.handler = (event) => { console.log('seen\\nand more'); return 'plain'; };" };
    const name = await functions.createSnapStart(files, { Runtime });
    const version = await functions.publish(name);
    const { payload, log } = await functions.invoke(name, {}, version);
    expect(payload).toBe(major === "22" ? null : "plain");
    const id = /START RequestId: (\S+)/.exec(log)?.[1];
    // One record of AWS's client, with its line break.
    expect(log).toContain(`\t${id}\tINFO\tseen\nand more\n`);
  });

  test("answers a plain Invoke of a streaming handler with the whole, in a clone too", async () => {
    const source = `export const handler = awslambda.streamifyResponse(async (event, stream) => {
      const http = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
      http.write("a".repeat(300_000));
      if (event.fails) throw new RangeError("late");
      http.end("b");
    });`;
    const name = await functions.createSnapStart({ "index.mjs": source }, { Runtime });
    const version = await functions.publish(name);
    for (const Qualifier of ["$LATEST", version]) {
      const { Payload } = await functions.lambda.send(new InvokeCommand({ FunctionName: name, Qualifier }));
      expect(Buffer.from(Payload ?? []).toString()).toBe(`{"statusCode":201}${"\0".repeat(8)}${"a".repeat(300_000)}b`);
      const failed = await functions.invoke(name, { fails: true }, Qualifier);
      expect([failed.functionError, failed.payload]).toEqual([
        "Unhandled",
        expect.objectContaining({ errorType: "RangeError", errorMessage: "late" }),
      ]);
      // The environment serves on.
      expect((await functions.invoke(name, { fails: true }, Qualifier)).functionError).toBe("Unhandled");
    }
  });

  test("brings the SDK for JavaScript along, behind the function's own", async () => {
    const files = {
      "index.mjs": `import { S3Client } from "@aws-sdk/client-s3";
        import { name } from "@aws-sdk/client-sqs";
        import { createRequire } from "node:module";
        const require = createRequire(import.meta.url);
        const { DynamoDBDocumentClient } = require("@aws-sdk/lib-dynamodb");
        export const handler = async () => [typeof new S3Client({}).send, typeof DynamoDBDocumentClient.from, name];`,
      "node_modules/@aws-sdk/client-sqs/index.js": "exports.name = 'own';",
    };
    const name = await functions.create(files, { Runtime, MemorySize: 512 });
    expect((await functions.invoke(name)).payload).toEqual(["function", "function", "own"]);
  });
});

test("Python brings boto3 along, with byte code, behind the function's own", async () => {
  const source = `
import boto3, botocore.session
client = boto3.client("sts", region_name="eu-west-1")
def handler(event, context):
    return [boto3.__file__, boto3.__spec__.cached, client.meta.region_name]
`;
  const name = await functions.createSnapStart({ "index.py": source }, { Runtime: "python3.13", MemorySize: 512 });
  const bundled = ["/var/runtime/boto3/__init__.py", "/var/runtime/boto3/__pycache__/__init__.cpython-313.pyc"];
  expect((await functions.invoke(name)).payload).toEqual([...bundled, "eu-west-1"]);
  expect((await functions.invoke(name, {}, await functions.publish(name))).payload).toEqual([...bundled, "eu-west-1"]);
  const own = await functions.create(
    { "index.py": "import boto3\ndef handler(event, context):\n    return boto3.NAME\n", "boto3.py": "NAME = 'own'\n" },
    { Runtime: "python3.13" },
  );
  expect((await functions.invoke(own)).payload).toBe("own");
});
