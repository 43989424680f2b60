// matrix: goes over all forms of a handler for each convention, in two lives
/**
 * What AWS's clients for Node.js do with each form of a handler, in a fresh environment and in a clone, and how it ends
 * with the server. The client alone has more of it in runtimes/nodejs/conventions.test.ts.
 */
import { beforeAll, describe, expect, it, test } from "vitest";
import type { Files, TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";
import { exitError, failingInit, inBoth, LIVES, makeBoth, textOf } from "./lives.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

const error = (errorType: string, errorMessage: unknown): unknown =>
  expect.objectContaining({ errorType, errorMessage, trace: expect.any(Array) });
const INVOKE_FORMS = `
  plain: () => "x",
  promise: async () => ({ a: 1 }),
  thenable: () => ({ then: (ok) => ok("x") }),
  nothing: async () => undefined,
  throws: () => { throw new TypeError("no"); },
  rejects: async () => { throw Object.assign(new RangeError("no"), { code: "E", cause: new Error("inner") }); },
  text: async () => { throw "no"; },
  bigint: async () => 1n,
  cycle: async () => { const a = {}; a.a = a; return a; },
  getter: async () => { throw Object.defineProperty(new Error(), "message", { get() { throw 1; } }); },
  never: () => new Promise(() => {}),
  exits: async () => process.exit(7),
  stray: () => new Promise(() => { setTimeout(() => { throw new Error("stray"); }); }),
  rejection: () => new Promise(() => { Promise.reject(new Error("stray")); setTimeout(() => {}, 60_000); }),
  leaves: async () => { setTimeout(() => console.log("later"), 60_000); return 1; },
  logs: async () => { console.log("a\\nb %d", 1); console.warn({ a: 1 }); console.debug("all"); },
`;
const CALLBACK_FORMS = `
  callback: (event, context, done) => done(null, { a: 1 }),
  late: (event, context, done) => setTimeout(() => done(null, 1), 20),
  fails: (event, context, done) => done(new RangeError("no")),
  succeed: (event, context) => context.succeed("x"),
  fail: (event, context) => context.fail(new RangeError("no")),
  done: (event, context) => context.done(null, "x"),
  waits: (event, context, done) => {
    isNext = true;
    setTimeout(() => console.log("later"), 100);
    done(null, 1);
  },
  hurries: (event, context, done) => {
    context.callbackWaitsForEmptyEventLoop = false;
    isNext = false;
    const left = setInterval(() => {
      if (!isNext) return;
      console.log("in the next one");
      clearInterval(left);
    }, 10);
    done(null, 1);
  },
`;
const source = (more: string, parameters: string): Files => ({
  "index.js": `let isNext = false;\nconst FORMS = {${INVOKE_FORMS}${more}};\nexports.handler = (${parameters}) => FORMS[event](${parameters});`,
});
const UNREADABLE = expect.stringMatching(
  /^callback called with Error argument, but there was a problem while retrieving/,
);

const BOTH: ReadonlyArray<[string, unknown]> = [
  ["promise", { a: 1 }],
  ["thenable", "x"],
  ["nothing", null],
  ["throws", error("TypeError", "no")],
  ["rejects", error("RangeError", "no")],
  ["text", error("string", "no")],
  ["getter", expect.objectContaining({ errorType: "handled", errorMessage: UNREADABLE })],
  ["exits", exitError("Runtime exited with error: exit status 7")],
];

describe.each(LIVES)("Node.js 22, %s", (life) => {
  let name: string;
  beforeAll(async () => {
    name = await makeBoth(functions, source(CALLBACK_FORMS, "event, context, done"), { Runtime: "nodejs22.x" });
  });

  it.for<[string, unknown]>([
    ...BOTH,
    ["plain", null],
    ["never", null],
    ["bigint", error("Error", "Unable to stringify response body")],
    ["cycle", error("Error", expect.any(String))],
    ["callback", { a: 1 }],
    ["late", 1],
    ["fails", error("RangeError", "no")],
    ["succeed", "x"],
    ["fail", error("RangeError", "no")],
    ["done", "x"],
    ["stray", error("Error", "stray")],
    ["rejection", error("Runtime.UnhandledPromiseRejection", "Error: stray")],
  ])("%s", async ([form, payload]) => {
    expect((await functions.invoke(name, form, life)).payload).toEqual(payload);
  });

  test("callbackWaitsForEmptyEventLoop: what is left over runs in this invoke, or in the next", async () => {
    expect((await functions.invoke(name, "waits", life)).log).toContain("\tlater\n");
    // Before it could take an invoke again the next one would have another environment.
    await functions.atRest(name);
    const { log, payload } = await functions.invoke(name, "hurries", life);
    expect([payload, log.includes("in the next one")]).toEqual([1, false]);
    await functions.atRest(name);
    const next = (await functions.invoke(name, "waits", life)).log;
    for (const line of ["\tlater\n", "\tin the next one\n"]) expect(next).toContain(line);
  });
});

describe.each(LIVES)("Node.js 24, %s", (life) => {
  let name: string;
  beforeAll(async () => {
    const more = `succeed: (event, context) => context.succeed("x"),`;
    name = await makeBoth(functions, source(more, "event, context"), { Runtime: "nodejs24.x" });
  });

  it.for<[string, unknown]>([
    ...BOTH,
    ["plain", "x"],
    ["bigint", error("Runtime.JSONStringifyError", "Unable to stringify response body")],
    ["cycle", error("Runtime.JSONStringifyError", "Unable to stringify response body")],
    ["succeed", error("TypeError", "context.succeed is not a function")],
    ["never", exitError("Runtime exited without providing a reason")],
    ["stray", exitError("Runtime exited with error: exit status 1")],
    ["rejection", exitError("Runtime exited with error: exit status 1")],
  ])("%s", async ([form, payload]) => {
    expect((await functions.invoke(name, form, life)).payload).toEqual(payload);
  });

  test("what is left over does not hold the answer up", async () => {
    const { payload, log } = await functions.invoke(name, "leaves", life);
    expect([payload, log.includes("\tlater\n")]).toEqual([1, false]);
  });

  test("console: time, request and level, one event for each call", async () => {
    const { log } = await functions.invoke(name, "logs", life);
    const id = /START RequestId: (\S+)/.exec(log)?.[1] ?? "";
    const lines = log.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME").replaceAll(id, "ID");
    expect(lines).toContain("\nTIME\tID\tINFO\ta\nb 1\nTIME\tID\tWARN\t{ a: 1 }\nTIME\tID\tDEBUG\tall\n");
  });
});

const HANDLER = "exports.handler = async () => __filename;";
const ESM = "export const handler = async () => import.meta.url;";

describe.each(["nodejs20.x", "nodejs22.x", "nodejs24.x"] as const)("the handler's module, %s", (Runtime) => {
  it.for<[string, string, Files, unknown]>([
    ["in a folder", "a/b.handler", { "a/b.js": HANDLER }, "/var/task/a/b.js"],
    [".mjs", "index.handler", { "index.mjs": ESM }, "file:///var/task/index.mjs"],
    [".cjs", "index.handler", { "index.cjs": HANDLER }, "/var/task/index.cjs"],
    [".js before .mjs", "index.handler", { "index.js": HANDLER, "index.mjs": ESM }, "/var/task/index.js"],
    ["nested exports", "index.a.b", { "index.js": "exports.a = { b: async () => 'b' };" }, "b"],
  ])("%s", async ([, Handler, files, payload]) => {
    for (const answer of await inBoth(functions, files, { Runtime, Handler }, {})) expect(answer.payload).toBe(payload);
  });

  it.for<[string, string, string, unknown]>([
    [
      "no such module",
      "none.handler",
      HANDLER,
      ["Runtime.ImportModuleError", expect.stringMatching(/^Error: Cannot find module 'none'/)],
    ],
    ["no such export", "index.none", HANDLER, ["Runtime.HandlerNotFound", "index.none is undefined or not exported"]],
    ["no function", "index.a", "exports.a = 1;", ["Runtime.HandlerNotFound", "index.a is not a function"]],
    ["no dot", "index", HANDLER, ["Runtime.MalformedHandlerName", "Bad handler"]],
    ["dots in its path", "../index.handler", HANDLER, ["Runtime.MalformedHandlerName", expect.any(String)]],
    [
      "a syntax error",
      "index.handler",
      "exports.handler = (",
      ["Runtime.UserCodeSyntaxError", expect.stringMatching(/^SyntaxError: /)],
    ],
    [
      "a missing package",
      "index.handler",
      "require('none');",
      ["Runtime.ImportModuleError", expect.stringMatching(/^Error: Cannot find module 'none'/)],
    ],
    ["an exception", "index.handler", "throw new RangeError('at Init');", ["RangeError", "at Init"]],
  ])("%s fails at Init", async ([, Handler, code, wanted]) => {
    const { payload } = await failingInit(functions, { "index.js": code }, { Runtime, Handler });
    const { errorType, errorMessage } = payload as { errorType: string; errorMessage: string };
    expect([errorType, errorMessage]).toEqual(wanted);
  });
});

const IN_FOLDER = { "lib/index.js": HANDLER };
const BESIDE_FOLDER = { "lib.js": HANDLER, ...IN_FOLDER };

// The client for 22 requires whatever has the module's name; the one for 24 imports it, and no folder can be imported.
test("a handler in index.js of a folder, or in a file beside a folder of its name: 22 finds it, 24 does not", async () => {
  const paths: unknown[] = [];
  for (const files of [IN_FOLDER, BESIDE_FOLDER])
    for (const answer of await inBoth(functions, files, { Runtime: "nodejs22.x", Handler: "lib.handler" }, {}))
      paths.push(answer.payload);
  expect(paths).toEqual(["/var/task/lib/index.js", "/var/task/lib/index.js", "/var/task/lib.js", "/var/task/lib.js"]);
  for (const files of [IN_FOLDER, BESIDE_FOLDER]) {
    const { payload } = await failingInit(functions, files, { Runtime: "nodejs24.x", Handler: "lib.handler" });
    expect(payload).toMatchObject({ errorType: "Error", errorMessage: expect.stringContaining("Directory import") });
  }
});

test("a stream's bytes are the same in both lives", async () => {
  const files = {
    "index.mjs": `export const handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.setContentType("text/plain");
      for (const piece of event) stream.write(piece);
      stream.end();
    });`,
  };
  const name = await makeBoth(functions, files, {});
  for (const life of LIVES) expect(await textOf(functions, name, ["a", "ä", "b"], life)).toBe("aäb");
});
