/**
 * Layers, with a real client and real sandboxes: what of /opt each runtime finds, in a fresh environment and in clones
 * of a snapshot.
 */
import {
  type CreateFunctionCommandInput,
  DeleteLayerVersionCommand,
  GetFunctionConfigurationCommand,
  GetLayerVersionByArnCommand,
  PublishLayerVersionCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { ZipFile } from "yazl";
import { inOwnClones } from "../support/clones.ts";
import { type Files, type TestFunctions, WAIT, zipOf } from "../support/functions.ts";
import { javaPackage } from "../support/test-functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

async function publishLayer(name: string, content: Files | Buffer): Promise<string> {
  const ZipFile = Buffer.isBuffer(content) ? content : await zipOf(content);
  const answer = await functions.lambda.send(new PublishLayerVersionCommand({ LayerName: name, Content: { ZipFile } }));
  return answer.LayerVersionArn ?? "";
}

const HANDLER = `
import ctypes, fcntl, os, subprocess, time
import shared, first, second

KEPT = open("/opt/data.txt")

def handler(event, context):
    try:
        open("/opt/new", "w")
        written = "written"
    except OSError as error:
        written = error.strerror
    # A lock belongs to an inode: one that another environment holds would show here.
    fcntl.flock(KEPT, fcntl.LOCK_EX | fcntl.LOCK_NB)
    KEPT.seek(0)
    time.sleep(event.get("holdMs", 0) / 1000)
    return {
        "kept": KEPT.read(),
        "names": sorted(os.listdir("/opt")),
        "modules": [shared.NAME, first.NAME, second.NAME],
        "tool": subprocess.check_output(["tool"], text=True),
        "library": ctypes.CDLL("libof-layer.so")._name,
        "link": os.readlink("/opt/out"),
        "written": written,
        "boot": open("/proc/sys/kernel/random/boot_id").read(),
    }
`;
const TOOL = (text: string): string => `#!/bin/sh\nprintf ${text}\n`;

test("layers are merged in their order, read-only, the same in clones, and outlive their deletion", async () => {
  const lower = await publishLayer("lower", {
    "python/shared.py": "NAME = 'lower'",
    "python/first.py": "NAME = 'first'",
    "bin/tool": TOOL("lower"),
    "lib/libof-layer.so": readFileSync("/lib/x86_64-linux-gnu/libm.so.6"),
    "data.txt": "lower",
  });
  const upper = await publishLayer("upper", {
    "python/shared.py": "NAME = 'upper'",
    "python/lib/python3.13/site-packages/second.py": "NAME = 'second'",
    "bin/tool": TOOL("upper"),
    "data.txt": "upper",
  });
  const linked = await publishLayer("linked", await zipWithLink("out", "/etc/passwd"));
  const name = await functions.createSnapStart(
    { "index.py": HANDLER },
    { Runtime: "python3.13", Layers: [lower, upper, linked] },
  );
  const expected = {
    kept: "upper",
    names: ["bin", "data.txt", "lib", "out", "python"],
    library: "libof-layer.so",
    modules: ["upper", "first", "second"],
    tool: "upper",
    link: "/etc/passwd",
    written: "Read-only file system",
    boot: expect.any(String),
  };
  expect((await functions.invoke(name)).payload).toEqual(expected);
  const version = await functions.publish(name);
  for (const [LayerName, arn] of Object.entries({ lower, upper, linked })) {
    await functions.lambda.send(new DeleteLayerVersionCommand({ LayerName, VersionNumber: Number(arn.split(":")[7]) }));
  }
  // Two clones at the same time: each holds the lock on an inode of its own.
  const clones = await inOwnClones(functions, name, 2, () => functions.invoke(name, { holdMs: 1000 }, version));
  for (const { payload } of clones) expect(payload).toEqual(expected);
  expect(new Set(clones.map(({ payload }) => (payload as { boot: string }).boot)).size).toBe(2);
  const { Layers } = await functions.lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: version }),
  );
  expect(Layers?.map(({ Arn }) => Arn)).toEqual([lower, upper, linked]);
  await functions.lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, Layers: [] }));
  await waitUntilFunctionUpdatedV2({ client: functions.lambda, ...WAIT }, { FunctionName: name });
  expect((await functions.invoke(name)).payload).toMatchObject({ errorType: "Runtime.ImportModuleError" });
});

test("content of equal bytes is kept once, and whoever has the link may read it", async () => {
  const zip = await zipOf({ "data.txt": "linked" });
  const arns = [await publishLayer("one", zip), await publishLayer("other", zip)];
  const found = await Promise.all(arns.map((Arn) => functions.lambda.send(new GetLayerVersionByArnCommand({ Arn }))));
  const links = found.map(({ Content }) => new URL(Content?.Location ?? ""));
  expect(new Set(links.map(({ pathname }) => pathname)).size).toBe(1);
  for (const link of links) {
    const read = await fetch(link, { headers: { connection: "close" } });
    expect(Buffer.from(await read.arrayBuffer()).equals(zip)).toBe(true);
  }
  expect(found[0]?.Content).toMatchObject({
    CodeSha256: createHash("sha256").update(zip).digest("base64"),
    CodeSize: zip.length,
  });
});

/** Asks the Runtime API for events, and answers each. */
const BOOTSTRAP = `#!/usr/bin/python3
import os, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    event = urllib.request.urlopen(f"{api}/next")
    request = event.headers["Lambda-Runtime-Aws-Request-Id"]
    urllib.request.urlopen(f"{api}/{request}/response", data=b'"from the layer"')
`;
const OTHER = { "readme.txt": "All that runs is in the layer." };

interface Case {
  readonly layer: () => Files | Promise<Files>;
  readonly code: Files;
  readonly options: Partial<CreateFunctionCommandInput>;
  readonly answer: unknown;
}

const CASES: Readonly<Record<string, Case>> = {
  "Node.js finds modules, for all releases and for its own": {
    layer: () => ({
      "nodejs/node_modules/every/index.js": "module.exports = 'every'",
      "nodejs/node24/node_modules/own/index.js": "module.exports = 'own'",
    }),
    code: { "index.js": "exports.handler = async () => [require('every'), require('own')]" },
    options: { Runtime: "nodejs24.x" },
    answer: ["every", "own"],
  },
  "Java finds archives": {
    layer: async () => ({ "java/lib/function.jar": await zipOf(javaPackage("plain/Plain.java", /^$/)) }),
    code: OTHER,
    options: { Runtime: "java17", Handler: "Plain::handleRequest", MemorySize: 512, Timeout: 120 },
    answer: { requestId: expect.any(String) },
  },
  "a custom runtime is the layer's bootstrap": {
    layer: () => ({ bootstrap: BOOTSTRAP }),
    code: OTHER,
    options: { Runtime: "provided.al2023" },
    answer: "from the layer",
  },
};

test.for(Object.entries(CASES))("%s, fresh and in a clone", async ([what, { layer, code, options, answer }]) => {
  const arn = await publishLayer(what.replaceAll(/\W+/g, "-"), await layer());
  const name = await functions.createSnapStart(code, { ...options, Layers: [arn] });
  expect((await functions.invoke(name)).payload).toEqual(answer);
  expect((await functions.invoke(name, {}, await functions.publish(name))).payload).toEqual(answer);
});

function zipWithLink(name: string, to: string): Promise<Buffer> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(to), name, { mode: 0o120777 });
  zip.end();
  return Readable.from(zip.outputStream)
    .toArray()
    .then((parts) => Buffer.concat(parts as Buffer[]));
}
