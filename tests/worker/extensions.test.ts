/** Extensions on the fake engine: their API, who waits for whom, and what fails. */
import type { FakeExtension, FakeProcess } from "@thaw/server/testing/fakes";
import { expect, test } from "vitest";
import { json, WorkerHarness } from "./harness.ts";
import { API, listener, type Next, next, register } from "./extension-harness.ts";

test("an extension registers before the runtime starts, sees invokes and the shutdown, and the log says so", async () => {
  const order: string[] = [];
  const seen: Next[] = [];
  let env: Readonly<Record<string, string>> = {};
  const harness = new WorkerHarness(
    {
      init: () => void order.push("runtime"),
      handle: () => {
        order.push("handler");
        return "null";
      },
    },
    {
      extensions: {
        watcher: {
          start: async (process) => {
            env = process.env;
            order.push("extension");
            const { id, body } = await register(process, "watcher", ["INVOKE", "SHUTDOWN"], {
              "lambda-extension-accept-feature": "unknown, accountId",
            });
            expect(body).toEqual({
              functionName: "hello",
              functionVersion: "$LATEST",
              handler: "app.handler",
              accountId: "000000000000",
            });
            for (;;) {
              const came = await next(process, id);
              seen.push(came);
              order.push(String(came.event["eventType"]));
              process.print("saw it\n");
              if (came.event["eventType"] === "SHUTDOWN") return;
            }
          },
        },
      },
    },
  );
  await harness.invokeOk({ environment: { OWN: "1" } }, { requestId: "r1", traceId: "Root=1" });
  const deadlineMs = harness.clock.nowMs() + 3000;
  await harness.end();
  expect(order).toEqual(["extension", "runtime", "INVOKE", "handler", "SHUTDOWN"]);
  expect(seen[0]?.event).toEqual({
    eventType: "INVOKE",
    deadlineMs,
    requestId: "r1",
    invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:hello",
    tracing: { type: "X-Amzn-Trace-Id", value: "Root=1" },
  });
  expect(seen[0]?.headers["Lambda-Extension-Event-Identifier"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(seen[1]?.event).toEqual({
    eventType: "SHUTDOWN",
    deadlineMs: harness.clock.nowMs() + 2000,
    shutdownReason: "spindown",
  });
  expect(seen[1]?.headers["Lambda-Extension-Event-Identifier"]).toBeUndefined();
  expect(env).toMatchObject({ OWN: "1", AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001", AWS_ACCESS_KEY_ID: "AKID1" });
  const kept = ["_HANDLER", "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "LAMBDA_TASK_ROOT"];
  expect(Object.keys(env).filter((name) => kept.includes(name))).toEqual([]);
  const { lines } = harness.logs;
  expect(lines.slice(1, 3)).toEqual([
    "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]",
    "START RequestId: r1 Version: $LATEST",
  ]);
  expect(lines.filter((line) => line === "saw it")).toHaveLength(2);
});

test("an invoke without a trace id is told without tracing", async () => {
  const seen: Next[] = [];
  const harness = new WorkerHarness(
    { handle: () => "null" },
    { extensions: { watcher: listener("watcher", ["INVOKE"], (_process, came) => void seen.push(came)) } },
  );
  await harness.invokeOk({}, { traceId: null });
  expect(seen.map(({ event }) => Object.keys(event))).toEqual([
    ["eventType", "deadlineMs", "requestId", "invokedFunctionArn"],
  ]);
  await harness.end();
});

test("the caller has its answer before the extensions are done, and the next invoke waits for them", async () => {
  const gate = Promise.withResolvers<void>();
  const harness = new WorkerHarness(
    { handle: () => "null" },
    { extensions: { slow: listener("slow", ["INVOKE"], () => gate.promise) } },
  );
  const first = await harness.invokeOk({}, { requestId: "r1" });
  expect(harness.logs.lines.filter((line) => line.startsWith("REPORT"))).toEqual([]);
  gate.resolve();
  await harness.clock.advance(0);
  expect(harness.logs.lines.filter((line) => line.startsWith("REPORT"))).toHaveLength(1);
  expect((await harness.invokeOk()).environmentId).toBe(first.environmentId);
  await harness.end();
});

test("a line that an extension is writing while the runtime is done already stays one line", async () => {
  const gate = Promise.withResolvers<void>();
  const write = async (process: FakeProcess): Promise<void> => {
    process.print("first half, ");
    await gate.promise;
    process.print("second half\n");
  };
  const harness = new WorkerHarness(
    { handle: () => "null" },
    { extensions: { slow: listener("slow", ["INVOKE"], write) } },
  );
  await harness.invokeOk();
  gate.resolve();
  await harness.clock.advance(0);
  expect(harness.logs.lines.filter((line) => line.includes("half"))).toEqual(["first half, second half"]);
  await harness.end();
});

test("an extension that is not done at the function's timeout fails the environment, whose caller has its answer", async () => {
  const reasons: unknown[] = [];
  const harness = new WorkerHarness(
    { handle: () => "1" },
    {
      extensions: {
        slow: listener("slow", ["INVOKE"], (process) => process.hang()),
        other: listener("other", ["SHUTDOWN"], (_process, { event }) => void reasons.push(event["shutdownReason"])),
      },
    },
  );
  expect(json(await harness.invokeOk({ timeoutS: 1 }))).toBe(1);
  await harness.clock.advance(1000);
  await harness.clock.advance(2000);
  expect(harness.logs.lines.at(-1)).toContain("\tStatus: timeout");
  expect(reasons).toEqual(["timeout"]);
  await harness.end();
});

test("after a failed invoke extensions hear of it, and are started anew with the next one", async () => {
  const seen: unknown[] = [];
  const note = (_process: FakeProcess, { event }: Next): void =>
    void seen.push(event["shutdownReason"] ?? event["requestId"]);
  const harness = new WorkerHarness(
    { handle: (process, { requestId }) => (requestId === "r1" ? process.exit(1) : "1") },
    { extensions: { a: listener("a", ["INVOKE", "SHUTDOWN"], note) } },
  );
  const first = await harness.invokeOk({}, { requestId: "r1" });
  const second = await harness.invokeOk({}, { requestId: "r2" });
  expect([second.environmentId, json(second)]).toEqual([first.environmentId, 1]);
  expect(seen).toEqual(["r1", "failure", "r2"]);
  expect(harness.logs.lines.filter((line) => line.startsWith("EXTENSION"))).toHaveLength(2);
  await harness.end();
  expect(seen).toEqual(["r1", "failure", "r2", "spindown"]);
});

test("an extension that ends makes the invoke fail, and the others hear of a failure", async () => {
  const reasons: unknown[] = [];
  const harness = new WorkerHarness(
    { handle: (process) => process.hang() },
    {
      extensions: {
        a: listener("a", ["INVOKE"], (process) => process.exit(3)),
        b: listener("b", ["SHUTDOWN"], (_process, { event }) => void reasons.push(event["shutdownReason"])),
      },
    },
  );
  const outcome = await harness.invokeOk({}, { requestId: "r1" });
  expect(json(outcome)).toEqual({ errorType: "Extension.Crash", errorMessage: "RequestId: r1 Error: exit status 3" });
  expect(reasons).toEqual(["failure"]);
  expect(harness.logs.lines).toContainEqual(expect.stringContaining("\tStatus: error\tError Type: Extension.Crash\t"));
  await harness.end();
});

test.for([
  ["init/error", "InitError", "Extension.InitError"],
  ["exit/error", "ExitError", "Extension.ExitError"],
] as const)("an extension that reports to %s", async ([path, state, errorType]) => {
  const harness = new WorkerHarness(
    { handle: () => "null" },
    {
      extensions: {
        bad: {
          start: async (process) => {
            const { id } = await register(process, "bad", []);
            const identifier = { "lambda-extension-identifier": id };
            const bare = await process.call("POST", `${API}/${path}`, "{}", identifier);
            expect([bare.status, JSON.parse(bare.body)]).toEqual([
              403,
              {
                errorMessage: "Lambda-Extension-Function-Error-Type not found",
                errorType: "Extension.MissingHeader",
              },
            ]);
            const headers = { ...identifier, "lambda-extension-function-error-type": "Extension.Mine" };
            const answer = await process.call("POST", `${API}/${path}`, "{}", headers);
            expect([answer.status, answer.body]).toEqual([202, '{"status":"OK"}\n']);
            process.exit(1);
          },
        },
      },
    },
  );
  const outcome = await harness.invokeOk({}, { requestId: "r1" });
  expect(json(outcome)).toEqual({ errorType, errorMessage: "RequestId: r1 Error: exit status 1" });
  expect(harness.logs.lines[1]).toBe(`EXTENSION\tName: bad\tState: ${state}\tEvents: []\tError Type: Extension.Mine`);
  expect(harness.logs.lines[2]).toContain(`\tPhase: init\tStatus: error\tError Type: ${errorType}`);
  await harness.end();
});

test("a program that can't be started is a launch error", async () => {
  const harness = new WorkerHarness({}, { extensions: { broken: null } });
  const outcome = await harness.invokeOk({}, { requestId: "r1" });
  expect(json(outcome)).toEqual({
    errorType: "Extension.LaunchError",
    errorMessage: "RequestId: r1 Error: fork/exec /opt/extensions/broken: permission denied",
  });
  expect(harness.logs.lines).toContain(
    "EXTENSION\tName: broken\tState: LaunchError\tEvents: []\tError Type: PermissionDenied",
  );
  await harness.end();
});

test("an eleventh extension is one too many", async () => {
  const names = Array.from({ length: 11 }, (_, index) => `e${String(index).padStart(2, "0")}`);
  const harness = new WorkerHarness(
    {},
    { extensions: Object.fromEntries(names.map((name) => [name, listener(name, [], () => undefined)])) },
  );
  const { outcome } = await harness.publish();
  expect(outcome).toMatchObject({ kind: "function-error", reasonCode: "FunctionError.TooManyExtensions" });
  await harness.end();
});

test("an eleventh extension inside of the runtime is told the limit", async () => {
  const statuses: number[] = [];
  const harness = new WorkerHarness({
    init: async (process) => {
      for (let count = 0; count < 10; count++) {
        const { status, id } = await register(process, `inner-${count}`, []);
        statuses.push(status);
        void next(process, id);
      }
      const { status, body } = await register(process, "inner-10", []);
      statuses.push(status);
      expect(body).toEqual({
        errorMessage: "Extension limit (10) reached",
        errorType: "Extension.TooManyExtensions",
      });
    },
  });
  await harness.publish();
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 403]);
  await harness.end();
});

test.for<[string, FakeExtension | null, string]>([
  ["can't be started", null, "PermissionDenied"],
  ["ends in Init", { start: async (process) => process.exit(1) }, "ExtensionInitError"],
  [
    "reports an error of its Init",
    {
      start: async (process) => {
        const { id } = await register(process, "bad", []);
        await process.call("POST", `${API}/init/error`, "{}", {
          "lambda-extension-identifier": id,
          "lambda-extension-function-error-type": "Extension.Mine",
        });
        process.exit(1);
      },
    },
    "ExtensionInitError",
  ],
])("one that %s fails a publish", async ([, bad, code]) => {
  const harness = new WorkerHarness({}, { extensions: { bad } });
  const { outcome } = await harness.publish();
  expect(outcome).toMatchObject({ kind: "function-error", reasonCode: `FunctionError.${code}` });
  await harness.end();
});

test("Init waits for each extension's first event/next, up to its limit", async () => {
  const harness = new WorkerHarness(
    { handle: () => "null" },
    {
      extensions: {
        idle: {
          start: async (process) => {
            await register(process, "idle", []);
            await process.hang();
          },
        },
      },
      limits: { initTimeoutMs: 10_000 },
    },
  );
  const invoke = harness.invoke({ timeoutS: 1 });
  await harness.clock.advance(10_000);
  expect(harness.logs.lines.at(1)).toBe("EXTENSION\tName: idle\tState: Registered\tEvents: []");
  expect(harness.logs.lines.at(2)).toContain("Status: timeout");
  // The processes of the first sandbox: the runtime is asked first, the extension hears nothing of it.
  await harness.clock.advance(2000);
  await harness.clock.advance(3000);
  await invoke;
  await harness.end();
});

test("calls that are illegal are answered as AWS answers them", async () => {
  const answers: unknown[] = [];
  const harness = new WorkerHarness(
    {
      init: async (process) => {
        const call = async (
          path: string,
          headers: Readonly<Record<string, string>>,
          body: string | null = '{"events":[]}',
        ): Promise<void> => {
          const method = body === null ? "GET" : "POST";
          const { status, body: text } = await process.call(method, `${API}/${path}`, body ?? "", headers);
          answers.push([status, ...Object.values(JSON.parse(text) as Record<string, unknown>)]);
        };
        await call("register", {});
        await call("register", { "lambda-extension-name": "x" }, "no");
        await call("register", { "lambda-extension-name": "x" }, '{"configurationKeys":["a"]}');
        await call("register", { "lambda-extension-name": "x" }, '{"events":["NO"]}');
        await call("register", { "lambda-extension-name": "x" }, '{"events":["SHUTDOWN"]}');
        const { id } = await register(process, "x", ["INVOKE"]);
        await call("register", { "lambda-extension-name": "x" });
        await call("register", { "lambda-extension-name": "outside" });
        await call("event/next", {}, null);
        await call("event/next", { "lambda-extension-identifier": "x" }, null);
        const unknown = "00000000-0000-4000-8000-000000000000";
        await call("event/next", { "lambda-extension-identifier": unknown }, null);
        void next(process, id);
        await call("event/next", { "lambda-extension-identifier": id }, null);
        answers.push(id);
      },
      handle: async (process) => {
        const late = await register(process, "late", []);
        return JSON.stringify(late.body);
      },
    },
    { extensions: { outside: listener("outside", [], () => undefined) } },
  );
  const invoke = harness.invoke({}, { requestId: "r1" });
  await harness.clock.advance(0);
  const id = String(answers.pop());
  const state = "Extension.InvalidExtensionState";
  const notAllowed = "Error: State transition is not allowed";
  expect(answers.map((answer) => (answer as unknown[])[0])).toEqual(answers.map(() => 403));
  expect(answers.map((answer) => (answer as unknown[]).slice(1))).toEqual([
    ["Empty extension name", "Extension.InvalidExtensionName"],
    [expect.any(String), "InvalidRequestFormat"],
    ["configurationKeys are deprecated; use environment variables instead", "InvalidRequestFormat"],
    ["NO: ErrorInvalidEventType", "Extension.InvalidEventType"],
    ["SHUTDOWN: ShutdownEventNotSupportedForInternalExtension", "Extension.InvalidEventType"],
    ["Extension with this name already registered", state],
    [`State transition from Ready to Registered failed for extension outside. ${notAllowed}`, state],
    ["Missing Lambda-Extension-Identifier header", "Extension.MissingExtensionIdentifier"],
    ["Invalid Lambda-Extension-Identifier", "Extension.InvalidExtensionIdentifier"],
    ["Unknown extension 00000000-0000-4000-8000-000000000000", "Extension.UnknownExtensionIdentifier"],
    [`State transition from Ready to Ready failed for extension ${id}. ${notAllowed}`, state],
  ]);
  const outcome = await invoke;
  if (outcome.kind !== "response") throw new Error("no response");
  expect(json(outcome)).toEqual({
    errorMessage: "Extension registration closed already",
    errorType: "Extension.RegistrationClosed",
  });
  await harness.clock.advance(3000);
  await harness.clock.advance(2000);
  await harness.end();
});

test("extensions are in the snapshot: clones know who they are, and tell them nothing of the restore", async () => {
  const seen: string[] = [];
  const harness = new WorkerHarness(
    { handle: () => "null" },
    {
      extensions: {
        watcher: listener(
          "watcher",
          ["INVOKE", "SHUTDOWN"],
          (_process, { event }) =>
            void seen.push(`${String(event["eventType"])} ${String(event["requestId"] ?? event["shutdownReason"])}`),
        ),
      },
    },
  );
  const { outcome, restorable } = await harness.publish();
  expect(outcome.kind).toBe("ready");
  expect(seen).toEqual([]);
  const [one, other] = await Promise.all([
    harness.invokeOk(restorable, { requestId: "r1" }),
    harness.invokeOk(restorable, { requestId: "r2" }),
  ]);
  expect(one.environmentId).not.toBe(other.environmentId);
  expect(seen.toSorted()).toEqual(["INVOKE r1", "INVOKE r2"]);
  await harness.end();
  expect(seen.slice(2)).toEqual(["SHUTDOWN spindown", "SHUTDOWN spindown"]);
});
