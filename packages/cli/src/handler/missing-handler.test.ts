import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readLocally } from "@thaw/template/local-values";
import { parseTemplate } from "@thaw/template/template";
import { afterEach, beforeEach, it } from "vitest";
import { packageCode } from "../deploy/package-code.ts";
import { entranceOf, missingHandler } from "./missing-handler.ts";
import { mayBind } from "./python-names.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "missing-handler-"));
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | Buffer = ""): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

/** What is said of a folder, and of a zip of it: the same. */
async function missing(runtime: string, handler: string, folder = "code"): Promise<string | null> {
  const said = await missingHandler({ runtime, handler }, join(root, folder), false);
  write("code.zip", await packageCode(root, folder));
  const ofZip = await missingHandler({ runtime, handler }, join(root, "code.zip"), false);
  if (said !== ofZip) throw new Error(`of the folder: ${said ?? "nothing"}; of its zip: ${ofZip ?? "nothing"}`);
  return said;
}

it("finds the file and the export of Node.js", async ({ expect }) => {
  write("code/lib/app.mjs", "export const handler = 1;");
  write("code/old.js", "exports.handler = 1;");
  expect(await missing("nodejs24.x", "lib/app.handler")).toBeNull();
  expect(await missing("nodejs24.x", "old.handler")).toBeNull();
  // It may be an object.
  expect(await missing("nodejs24.x", "old.handler.inner")).toBeNull();
  // Of a layer, or what nobody can read.
  expect(await missing("nodejs24.x", "/opt/nodejs/datadog.handler")).toBeNull();
  expect(await missing("nodejs24.x", "nonsense")).toBeNull();
  const end = ". Handler in the template names it";
  expect(await missing("nodejs24.x", "lib/gone.handler")).toBe(
    `its handler lib/gone.handler is not there: there is no lib/gone.js, lib/gone.mjs or lib/gone.cjs${end}`,
  );
  expect(await missing("nodejs24.x", "lib/app.handlr")).toBe(
    `its handler lib/app.handlr is not there: lib/app.mjs exports no handlr${end}`,
  );
});

it("finds the handler in sources that esbuild bundles", async ({ expect }) => {
  write("code/src/app.ts", "export const handler = (event: string): string => event;");
  const look = (handler: string): Promise<string | null> =>
    missingHandler({ runtime: "nodejs24.x", handler }, join(root, "code"), true);
  expect(await look("src/app.handler")).toBeNull();
  expect(await look("src/app.other")).toMatch("src/app.ts exports no other");
  expect(await look("src/gone.handler")).toMatch("there is no src/gone.ts, src/gone.mts,");
});

it("finds the module and the name of Python", async ({ expect }) => {
  write("code/app.py", "import os\n\ndef handler(event, context):\n    return 1\n");
  write("code/pkg/__init__.py", "from .inner import handler\n");
  write("code/fast.cpython-313-x86_64-linux-gnu.so");
  for (const handler of ["app.handler", "pkg.handler", "fast.handler"])
    expect(await missing("python3.13", handler)).toBeNull();
  expect(await missing("python3.13", "app.handlr")).toMatch("app.py has no handlr");
  expect(await missing("python3.13", "pkg.gone.handler")).toMatch("no pkg/gone.py and no pkg/gone/__init__.py");
  expect(await missing("python3.13", "pkg/gone.handler")).toMatch("no pkg/gone.py and no pkg/gone/__init__.py");
});

it("finds the class of Java, also in a jar of lib", async ({ expect }) => {
  write("code/hello/Hello.class");
  write("jar/inside/Deep.class");
  write("code/lib/deep.jar", await packageCode(root, "jar"));
  for (const handler of ["hello.Hello::handle", "hello.Hello", "inside.Deep::handle"])
    expect(await missing("java21", handler)).toBeNull();
  expect(await missing("java21", "hello.Gone::handle")).toMatch("there is no class hello.Gone");
  // A jar that nobody can read may have it.
  write("code/lib/broken.jar", "PK\u0003\u0004");
  expect(await missing("java21", "hello.Gone::handle")).toBeNull();
});

it("says nothing where the code may be elsewhere", async ({ expect }) => {
  write("code/other.txt");
  for (const [runtime, handler] of [
    ["provided.al2023", "bootstrap"],
    ["ruby3.4", "app.handler"],
  ] as const)
    expect(await missing(runtime, handler)).toBeNull();
  expect(await missingHandler({ runtime: "java21", handler: "a.B" }, join(root, "gone"), false)).toBeNull();
  const template = parseTemplate(JSON.stringify({ Resources: { A: { Type: "x" } } }), "t");
  const place = { region: "us-east-1", accountId: "000000000000", stackName: "s", parameters: {} };
  const entrance = (more: object): unknown =>
    entranceOf({ Runtime: "python3.13", Handler: "a.b", ...more }, readLocally(template, place));
  expect(entrance({})).toEqual({ runtime: "python3.13", handler: "a.b" });
  expect(entrance({ Environment: { Variables: { OTHER: "1" } } })).not.toBeNull();
  for (const more of [
    { Layers: ["arn"] },
    { FileSystemConfigs: [] },
    { Environment: { Variables: { PYTHONPATH: "vendor" } } },
    { Handler: { "Fn::GetAtt": ["X", "Y"] } },
  ])
    expect(entrance(more)).toBeNull();
});

it("tells whether a module of Python may have a name", ({ expect }) => {
  for (const source of [
    "def handler(e, c): pass",
    "async def handler(e, c): pass",
    "class handler: pass",
    "handler = make()",
    "handler: Handler = make()",
    "one, handler = make()",
    "from x import (\n    other,\n    handler,\n)",
    "from x import y as handler",
    "from x import *",
    "try:\n    import handler\nexcept ImportError:\n    pass",
    "def __getattr__(name): ...",
    "globals()['handler'] = 1",
  ])
    expect([source, mayBind(source, "handler")]).toEqual([source, true]);
  for (const source of [
    "",
    "def handlr(e, c): pass",
    "# handler",
    "def lambda_handler(e, c): pass",
    "print('handler')",
  ])
    expect([source, mayBind(source, "handler")]).toEqual([source, false]);
});
