// matrix: goes over all forms of a handler, most of them in two lives
/** What AWS's client for Python does with each form of a handler, in a fresh environment and in a clone. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, test } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import type { Files, TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";
import { exitError, failingInit, inBoth, LIVES, makeBoth, textOf } from "./lives.ts";

const FORMS: Files = { "forms.py": readFileSync(join(REPOSITORY, "tests/functions/forms/forms.py")) };
const PYTHON = { Runtime: "python3.13" } as const;

let functions: TestFunctions;
let name: string;
withThaw((made) => {
  functions = made;
});
beforeAll(async () => {
  name = await makeBoth(functions, FORMS, { ...PYTHON, Handler: "forms.handler" });
});

const marshalError = (reason: string): unknown => ({
  errorType: "Runtime.MarshalError",
  errorMessage: `Unable to marshal response: ${reason}`,
  requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  stackTrace: [],
});

describe.each(LIVES)("%s", (life) => {
  it.for<[string, unknown]>([
    ["answers", { name: "test-1", ä: [1, null, true] }],
    ["a_decimal", 1.5],
    ["numbers_as_keys", { 1: "a" }],
    ["runs_a_coroutine", "run"],
    ["a_thread", ["thread"]],
    ["a_set", marshalError("Object of type set is not JSON serializable")],
    ["a_date", marshalError("Object of type datetime is not JSON serializable")],
    ["a_cycle", marshalError("Circular reference detected")],
    ["a_coroutine", marshalError("Object of type coroutine is not JSON serializable")],
    ["exits", exitError("Runtime exited with error: exit status 3")],
    ["exits_hard", exitError("Runtime exited with error: exit status 4")],
  ])("%s", async ([form, payload]) => {
    expect((await functions.invoke(name, form, life)).payload).toEqual(payload);
  });

  it.for([
    ["a_nan", "NaN"],
    ["some_bytes", "bytes"],
  ] as const)("%s goes out as it is", async ([form, text]) => {
    expect(await textOf(functions, name, form, life)).toBe(text);
  });

  test("the context", async () => {
    const isClone = life !== "$LATEST";
    expect((await functions.invoke(name, "of_context", life)).payload).toEqual({
      name,
      version: life,
      arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}${isClone ? ":1" : ":$LATEST"}`,
      memory: "256",
      // Names of the log are not known at Init with SnapStart: AWS sets none of these variables there.
      group: isClone ? null : `/aws/lambda/${name}`,
      has_stream: !isClone,
      has_time: true,
      client: null,
    });
  });

  test("an exception: its type, text and frames, and AWS's lines", async () => {
    const { payload, log } = await functions.invoke(name, "raises", life);
    expect(payload).toEqual({
      errorType: "Custom",
      errorMessage: "('outer', 1)",
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      stackTrace: [
        expect.stringMatching(/^ {2}File "\/var\/task\/forms\.py", line \d+, in handler\n {4}return /),
        expect.stringMatching(/^ {2}File "\/var\/task\/forms\.py", line \d+, in raises\n {4}raise Custom/),
      ],
    });
    // AWS's client writes no-break spaces, so that the lines stay one event.
    expect(log).toMatch(/\n\[ERROR\] Custom: \('outer', 1\)\nTraceback \(most recent call last\):\n\u00a0\u00a0File "/);
  });

  test("an exception without a text; one with a thousand frames", async () => {
    const bare = await functions.invoke(name, "raises_without_text", life);
    expect(bare.payload).toMatchObject({ errorType: "ValueError", errorMessage: "" });
    const deep = await functions.invoke(name, "is_deep", life);
    expect(deep.payload).toMatchObject({
      errorType: "RecursionError",
      errorMessage: "maximum recursion depth exceeded",
      stackTrace: expect.arrayContaining([expect.stringContaining("Previous line repeated")]),
    });
    // The environment serves on.
    await functions.atRest(name);
    expect((await functions.invoke(name, "a_decimal", life)).log).not.toMatch(/(Init|Restore) Duration/);
  });

  test("lines of logging, with level, time and request", async () => {
    const { log } = await functions.invoke(name, "logs", life);
    const id = /START RequestId: (\S+)/.exec(log)?.[1] ?? "";
    const lines = log.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME").replaceAll(id, "ID");
    expect(lines).toContain(
      "\nprinted\n[INFO]\tTIME\tID\twith arguments\n[WARNING]\tTIME\tID\tin two\nlines\n[ERROR]\tTIME\tID\tcaught\nTraceback",
    );
    expect(lines).toContain("\nto stderr\n");
    expect(lines).not.toContain("hidden");
  });
});

it.for<[string, string, Files, unknown]>([
  [
    "in packages, named with slashes",
    "a/b/mod.handler",
    { "a/b/mod.py": "def handler(e, c): return __name__\n" },
    "a.b.mod",
  ],
  [
    "in packages, named with dots, with a relative import",
    "a.b.mod.handler",
    { "a/b/mod.py": "from . import other\ndef handler(e, c): return other.X\n", "a/b/other.py": "X = 1\n" },
    1,
  ],
  ["that is an object", "forms.callable_object", FORMS, ["object", {}]],
  [
    "in a module that is named like a keyword",
    "lambda.handler",
    { "lambda.py": "def handler(e, c): return 'found'\n" },
    "found",
  ],
  ["in a module with a dash in its name", "a-b.handler", { "a-b.py": "def handler(e, c): return 'found'\n" }, "found"],
])("a handler %s", async ([, Handler, files, payload]) => {
  for (const answer of await inBoth(functions, files, { ...PYTHON, Handler }, {}))
    expect(answer.payload).toEqual(payload);
});

it.for<[string, string, string]>([
  ["is a number", "forms.number", "'int' object is not callable"],
  ["takes one parameter", "forms.one_parameter", "one_parameter() takes 1 positional argument but 2 were given"],
])("a handler that %s fails in each invoke", async ([, Handler, errorMessage]) => {
  for (const answer of await inBoth(functions, FORMS, { ...PYTHON, Handler }, {}))
    expect(answer.payload).toMatchObject({ errorType: "TypeError", errorMessage });
});

it.for<[string, string, string, unknown]>([
  [
    "no dot in its name",
    "bad",
    "",
    {
      errorType: "Runtime.MalformedHandlerName",
      errorMessage: "Bad handler 'bad': not enough values to unpack (expected 2, got 1)",
    },
  ],
  [
    "no such module",
    "none.handler",
    "",
    { errorType: "Runtime.ImportModuleError", errorMessage: "Unable to import module 'none': No module named 'none'" },
  ],
  [
    "no such name",
    "bad.handler",
    "",
    { errorType: "Runtime.HandlerNotFound", errorMessage: "Handler 'handler' missing on module 'bad'" },
  ],
  [
    "a module of Python itself",
    "sys.handler",
    "",
    { errorType: "Runtime.BuiltInModuleConflict", errorMessage: "Cannot use built-in module sys as a handler module" },
  ],
  [
    "an import that fails",
    "bad.handler",
    "import none_such\n",
    {
      errorType: "Runtime.ImportModuleError",
      errorMessage: "Unable to import module 'bad': No module named 'none_such'",
    },
  ],
  [
    "a syntax error",
    "bad.handler",
    "def (:\n",
    {
      errorType: "Runtime.UserCodeSyntaxError",
      errorMessage: "Syntax error in module 'bad': invalid syntax (bad.py, line 1)",
      stackTrace: ['  File "/var/task/bad.py" Line 1\n    def (:\n'],
    },
  ],
  [
    "an exception at import",
    "bad.handler",
    "raise ValueError('at import')\n",
    { errorType: "ValueError", errorMessage: "at import" },
  ],
  [
    "sys.exit(5) at import",
    "bad.handler",
    "import sys\nsys.exit(5)\n",
    exitError("Runtime exited with error: exit status 5"),
  ],
  [
    "sys.exit() at import",
    "bad.handler",
    "import sys\nsys.exit()\n",
    exitError("Runtime exited without providing a reason"),
  ],
])("a handler with %s fails at Init, and again in the invoke", async ([, Handler, source, error]) => {
  const { payload, lines } = await failingInit(functions, { "bad.py": source }, { ...PYTHON, Handler });
  expect(payload).toMatchObject(error as object);
  const type = (payload as { errorType: string }).errorType;
  const reports = lines
    .filter((line) => line.startsWith("INIT_REPORT"))
    .map((line) => line.replace(/[\d.]+ ms/, "N ms"));
  // An exception of the function's own has AWS's type for it in the log.
  const logged = type.startsWith("Runtime.") ? type : "Runtime.Unknown";
  expect(reports).toEqual(
    ["init", "invoke"].map(
      (phase) => `INIT_REPORT Init Duration: N ms\tPhase: ${phase}\tStatus: error\tError Type: ${logged}`,
    ),
  );
});

test("JSON: a line of logging is a document, with the exception's fields", async () => {
  const LoggingConfig = { LogFormat: "JSON", ApplicationLogLevel: "INFO", SystemLogLevel: "WARN" } as const;
  const own = await makeBoth(functions, FORMS, { ...PYTHON, Handler: "forms.handler", LoggingConfig });
  for (const life of LIVES) await functions.invoke(own, "logs", life);
  const lines = (await functions.logs(own)).map(({ message }) => message);
  const documents = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as unknown);
  const common = { timestamp: expect.any(String), logger: "root", requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) };
  const each = [
    { ...common, level: "INFO", message: "with arguments" },
    { ...common, level: "WARNING", message: "in two\nlines" },
    { ...common, level: "ERROR", message: "caught", errorType: "ValueError", errorMessage: "logged" },
  ];
  expect(documents).toMatchObject([...each, ...each]);
});
