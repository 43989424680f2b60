import { expect, test } from "vitest";
import { SpawnFailedError } from "@thaw/server/testing/ports";
import { json, WorkerHarness } from "./harness.ts";

test("a cold invoke initialises, answers and reports; the next one is warm in the same environment", async () => {
  const harness = new WorkerHarness({
    init: (process) => process.print("hello from init\n"),
    handle: (process, invocation) => {
      process.print(`event ${invocation.payload}\nno newline`);
      return '{"ok":true}';
    },
  });
  const first = await harness.invokeOk({}, { requestId: "r1", payload: Buffer.from('{"a":1}') });
  expect(json(first)).toEqual({ ok: true });
  expect(first.functionError).toBeNull();
  const second = await harness.invokeOk({}, { requestId: "r2" });
  expect(second.environmentId).toBe(first.environmentId);
  expect(harness.logs.lines).toEqual([
    "INIT_START Runtime Version: python:3.13.thaw\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:abc",
    "hello from init",
    "START RequestId: r1 Version: $LATEST",
    'event {"a":1}',
    "no newline",
    "END RequestId: r1",
    "REPORT RequestId: r1\tDuration: 0.00 ms\tBilled Duration: 0 ms\tMemory Size: 128 MB\tMax Memory Used: 43 MB\tInit Duration: 0.00 ms\t",
    "START RequestId: r2 Version: $LATEST",
    "event {}",
    "no newline",
    "END RequestId: r2",
    "REPORT RequestId: r2\tDuration: 0.00 ms\tBilled Duration: 0 ms\tMemory Size: 128 MB\tMax Memory Used: 43 MB\t",
  ]);
  expect(new Set(harness.logs.events.map((event) => event.logStream)).size).toBe(1);
  expect(harness.logs.events[0]?.logStream).toMatch(/^2026\/11\/23\/\[\$LATEST\][0-9a-f]{32}$/);
  const verbs = harness.engine.steps.map((step) => step.split(" ")[0]);
  expect(verbs).toEqual(["create", "spawn", "boost", "usage", "freeze", "thaw", "usage", "freeze"]);
  await harness.end();
});

test("the runtime sees AWS's environment and headers", async () => {
  let seen: Readonly<Record<string, string>> = {};
  const harness = new WorkerHarness({
    handle: (process, invocation) => {
      seen = { ...process.env, ...invocation.headers };
      return "null";
    },
  });
  const environment = { AWS_REGION: "stolen", GREETING: "hi", PATH: "/own", AWS_XRAY_DAEMON_ADDRESS: "10.0.0.1:2000" };
  await harness.invokeOk({ environment }, { requestId: "r1", traceId: "Root=1", clientContext: "{}" });
  expect(seen).toMatchObject({
    AWS_REGION: "us-east-1",
    GREETING: "hi",
    PATH: "/own",
    TZ: ":UTC",
    _HANDLER: "app.handler",
    AWS_EXECUTION_ENV: "AWS_Lambda_python3.13",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_XRAY_CONTEXT_MISSING: "LOG_ERROR",
    AWS_XRAY_DAEMON_ADDRESS: "10.0.0.1:2000",
    AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001",
    AWS_ACCESS_KEY_ID: "AKID1",
    AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/hello",
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": "r1",
    "Lambda-Runtime-Trace-Id": "Root=1",
    "Lambda-Runtime-Client-Context": "{}",
    "Lambda-Runtime-Deadline-Ms": String(harness.clock.nowMs() + 3000),
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:hello",
  });
  await harness.end();
});

test("a runtime may say which attempt its answer is for, and another one is refused", async () => {
  const answers: number[] = [];
  const ids: string[] = [];
  const harness = new WorkerHarness({
    handle: async (process, { requestId, headers }) => {
      const id = headers["Lambda-Runtime-Invocation-Id"] ?? "";
      ids.push(id);
      const path = `/2018-06-01/runtime/invocation/${requestId}/response`;
      for (const sent of [ids.length === 1 ? "other" : (ids[0] ?? ""), id]) {
        const { status, body } = await process.call("POST", path, '"answer"', { "lambda-runtime-invocation-id": sent });
        answers.push(status);
        if (status === 400) expect(String(body)).toContain('"errorType":"InvalidInvocationId"');
      }
      return '"late"';
    },
  });
  // As Lambda tries an event again: with the same request id.
  for (let attempt = 0; attempt < 2; attempt++)
    expect((await harness.invokeOk({}, { requestId: "r1" })).payload.toString()).toBe('"answer"');
  expect(answers).toEqual([400, 202, 400, 202]);
  expect(new Set(ids).size).toBe(2);
  expect(ids).not.toContain("");
  await harness.end();
});

test("a runtime that asks for the next event while it has one gets the same again", async () => {
  const again: unknown[] = [];
  const harness = new WorkerHarness({
    handle: async (process, { requestId }) => {
      const next = await process.call("GET", "/2018-06-01/runtime/invocation/next");
      again.push([next.status, next.body, next.headers["Lambda-Runtime-Aws-Request-Id"] === requestId]);
      return '"answer"';
    },
  });
  for (const text of ["one", "two"])
    expect(json(await harness.invokeOk({}, { payload: Buffer.from(`"${text}"`) }))).toBe("answer");
  expect(again).toEqual([
    [200, '"one"', true],
    [200, '"two"', true],
  ]);
  await harness.end();
});

test("a runtime that answers twice, or for a request that is over, is refused, and its first answer counts", async () => {
  const answers: unknown[] = [];
  const requests: string[] = [];
  const harness = new WorkerHarness({
    handle: async (process, { requestId }) => {
      requests.push(requestId);
      const post = async (id: string, kind: string, text: string): Promise<void> => {
        const { status, body } = await process.call("POST", `/2018-06-01/runtime/invocation/${id}/${kind}`, text);
        answers.push([status, (JSON.parse(body) as Record<string, unknown>)["errorType"]]);
      };
      await post(requestId, "response", '"first"');
      await post(requestId, "response", '"second"');
      await post(requestId, "error", "{}");
      await post(requests[0] ?? "", "response", '"late"');
      return '"third"';
    },
  });
  for (const requestId of ["r1", "r2"]) expect(json(await harness.invokeOk({}, { requestId }))).toBe("first");
  const own = [[202, undefined], ...Array.from({ length: 2 }, () => [403, "InvalidStateTransition"])];
  expect(answers).toEqual([...own, [403, "InvalidStateTransition"], ...own, [400, "InvalidRequestID"]]);
  await harness.end();
});

test.each([
  [
    { errorType: "E", errorMessage: "text", stackTrace: ["at"], errorCause: { paths: [] } },
    '{"errorMessage":"text","errorType":"E","stackTrace":["at"]}',
  ],
  ["no document", '"Invalid error body"'],
])("the cause of an error does not reach the caller: %j", async (sent, expected) => {
  const harness = new WorkerHarness({
    handle: async (process, { requestId }) => {
      const headers = { "content-type": "application/vnd.aws.lambda.error.cause+json" };
      const body = typeof sent === "string" ? sent : JSON.stringify(sent);
      await process.call("POST", `/2018-06-01/runtime/invocation/${requestId}/error`, body, headers);
      return '"late"';
    },
  });
  const outcome = await harness.invokeOk();
  expect([outcome.functionError, outcome.payload.toString()]).toEqual(["Unhandled", expected]);
  await harness.end();
});

test("an error that the handler throws is Unhandled and keeps the environment", async () => {
  const harness = new WorkerHarness({
    handle: () => {
      throw new TypeError("no such thing");
    },
  });
  const first = await harness.invokeOk();
  expect(first.functionError).toBe("Unhandled");
  expect(json(first)).toEqual({ errorType: "TypeError", errorMessage: "no such thing" });
  expect((await harness.invokeOk()).environmentId).toBe(first.environmentId);
  await harness.end();
});

test("a function that runs into its timeout is killed and answers as AWS", async () => {
  const harness = new WorkerHarness({ handle: (process) => process.hang() });
  const invoke = harness.invoke({ timeoutS: 1 }, { requestId: "r1", wantsLogTail: true });
  await harness.clock.advance(1000);
  const outcome = await invoke;
  expect(outcome).toMatchObject({ kind: "response", functionError: "Unhandled" });
  if (outcome.kind !== "response") return;
  expect(json(outcome)).toEqual({
    errorType: "Sandbox.Timedout",
    errorMessage: "RequestId: r1 Error: Task timed out after 1.00 seconds",
  });
  expect(outcome.logTail?.toString()).toContain(
    "REPORT RequestId: r1\tDuration: 1000.00 ms\tBilled Duration: 1000 ms\tMemory Size: 128 MB",
  );
  expect(outcome.logTail?.toString()).toContain("Status: timeout");
  await harness.clock.advance(0);
  expect((await harness.worker.report()).environments).toMatchObject([{ state: "idle" }]);
  await harness.end();
});

test.for([
  [0, null, "Runtime.ExitError", "Runtime exited without providing a reason"],
  [1, null, "Runtime.ExitError", "Runtime exited with error: exit status 1"],
  [null, 11, "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"],
] as const)("a runtime that ends with code %s, signal %s", async ([code, signal, errorType, text]) => {
  const harness = new WorkerHarness({
    handle: (process) => (signal === null ? process.exit(code ?? 0) : process.crash(signal)),
  });
  const outcome = await harness.invokeOk({}, { requestId: "r1" });
  expect(json(outcome)).toEqual({ errorType, errorMessage: `RequestId: r1 Error: ${text}` });
  expect(harness.logs.lines.at(-1)).toContain("\tStatus: error\tError Type: Runtime.ExitError\t");
  await harness.end();
});

test("out of memory is told from a kill, and from the end of the whole sandbox", async () => {
  const killed = new WorkerHarness({ handle: (process) => process.runOutOfMemory() });
  expect(json(await killed.invokeOk())).toMatchObject({ errorType: "Runtime.OutOfMemory" });
  await killed.end();
  const gone: WorkerHarness = new WorkerHarness({
    handle: (process) => {
      for (const sandbox of gone.engine.live) sandbox.die(true);
      return process.hang();
    },
  });
  expect(json(await gone.invokeOk())).toMatchObject({ errorType: "Runtime.OutOfMemory" });
  await gone.end();
});

test("a lost connection without a reason is the platform's error", async () => {
  const harness: WorkerHarness = new WorkerHarness({
    handle: (process) => {
      for (const sandbox of harness.engine.live) sandbox.link.lose();
      return process.hang();
    },
  });
  const invoke = harness.invoke();
  await harness.clock.advance(1000);
  expect(await invoke).toMatchObject({ kind: "platform-error", code: "WORKER_ENVIRONMENT_LOST" });
  await harness.end();
});

test("a response over 6 MB is refused in AWS's words and the environment goes on", async () => {
  const harness = new WorkerHarness({ handle: () => "x".repeat(6_291_557) });
  const outcome = await harness.invokeOk();
  expect(outcome.functionError).toBe("Unhandled");
  expect(json(outcome)).toEqual({
    errorType: "Function.ResponseSizeTooLarge",
    errorMessage: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
  });
  expect(harness.logs.lines).toContain("[thaw] The response had 6291557 bytes.");
  expect((await harness.worker.report()).environments).toHaveLength(1);
  await harness.end();
});

test("a failed Init is tried again within the invoke, and its report is the answer", async () => {
  const harness = new WorkerHarness({
    init: () => {
      throw new Error("no module named app");
    },
  });
  const outcome = await harness.invokeOk({}, { requestId: "r1" });
  expect(outcome.functionError).toBe("Unhandled");
  expect(json(outcome)).toEqual({ errorType: "Runtime.UserCodeError", errorMessage: "no module named app" });
  const lines = harness.logs.lines;
  expect(lines[1]).toBe(
    "INIT_REPORT Init Duration: 0.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.UserCodeError",
  );
  expect(lines[3]).toBe(
    "INIT_REPORT Init Duration: 0.00 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.UserCodeError",
  );
  expect(lines.filter((line) => line.startsWith("REPORT"))).toHaveLength(1);
  await harness.end();
});

test("an Init over 10 s is tried again under the function's timeout and may then be good", async () => {
  let tries = 0;
  const harness = new WorkerHarness({
    init: (process) => (tries++ === 0 ? process.hang() : undefined),
    handle: () => '"late"',
  });
  const invoke = harness.invokeOk({ timeoutS: 30 });
  await harness.clock.advance(10_000);
  expect(json(await invoke)).toBe("late");
  expect(harness.logs.lines[1]).toBe("INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout");
  await harness.end();
});

test("an Init that hangs in the invoke too ends with the function's timeout", async () => {
  const harness = new WorkerHarness({ init: (process) => process.hang() });
  const invoke = harness.invoke({ timeoutS: 5 }, { requestId: "r1" });
  await harness.clock.advance(15_000);
  const outcome = await invoke;
  expect(outcome.kind === "response" && json(outcome)).toEqual({
    errorType: "Sandbox.Timedout",
    errorMessage: "RequestId: r1 Error: Task timed out after 5.00 seconds",
  });
  await harness.end();
});

test("a runtime that can't be started is Runtime.InvalidEntrypoint", async () => {
  const harness = new WorkerHarness(
    {},
    {
      onStep: (step) => {
        if (step === "spawn") throw new SpawnFailedError("ENOENT");
      },
    },
  );
  const outcome = await harness.invokeOk({ runtime: "provided.al2023" }, { requestId: "r1" });
  expect(json(outcome)).toEqual({
    errorType: "Runtime.InvalidEntrypoint",
    errorMessage: "RequestId: r1 Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
  });
  await harness.end();
});

test.for([
  ["dies", false, "WORKER_ENVIRONMENT_LOST"],
  ["dies of its memory", true, null],
] as const)("a sandbox that %s while its programs are started says nothing of them", async ([, oom, code]) => {
  const harness: WorkerHarness = new WorkerHarness(
    {},
    {
      onStep: (step) => {
        if (step !== "spawn") return;
        for (const sandbox of harness.engine.live) sandbox.die(oom);
        throw new SpawnFailedError("ENOENT");
      },
    },
  );
  const { outcome } = await harness.publish();
  if (code !== null) expect(outcome).toMatchObject({ kind: "platform-error", code });
  else expect(outcome).toMatchObject({ kind: "function-error", reasonCode: "FunctionError.InitResourceExhausted" });
  await harness.end();
});

test("a runtime that is killed with its sandbox is not the function's error", async () => {
  const harness: WorkerHarness = new WorkerHarness(
    {
      init: (process) => {
        process.crash(9);
        return process.hang();
      },
    },
    {
      onStep: (step) => {
        if (step !== "usage") return;
        for (const sandbox of harness.engine.live) sandbox.die(false);
        throw new Error("there is no such sandbox");
      },
    },
  );
  const { outcome } = await harness.publish();
  expect(outcome).toMatchObject({ kind: "platform-error", code: "WORKER_ENVIRONMENT_LOST" });
  await harness.end();
});

test("a runtime that dies after its answer does not change the answer", async () => {
  const harness = new WorkerHarness({ handle: () => '"fine"', afterResponse: (process) => process.exit(3) });
  expect(json(await harness.invokeOk())).toBe("fine");
  expect(harness.logs.lines.at(-1)).toContain("Error Type: Runtime.ExitError");
  await harness.end();
});

test("with LogType Tail the answer carries the invocation's lines", async () => {
  const harness = new WorkerHarness({
    handle: (process) => {
      process.print(`${"y".repeat(3000)}\n${"z".repeat(3000)}\n`);
      return "null";
    },
  });
  const tail = (await harness.invokeOk({}, { requestId: "r1", wantsLogTail: true })).logTail?.toString() ?? "";
  expect(tail.length).toBe(4096);
  expect(tail).toMatch(/^y+\nz+\nEND RequestId: r1\nREPORT RequestId: r1\t.*\t\n$/);
  await harness.end();
});

test("a gigabyte of output is cut, and the log says so", async () => {
  const chunk = `${"x".repeat(1023)}\n`.repeat(1024);
  const harness = new WorkerHarness(
    {
      handle: (process) => {
        for (let i = 0; i < 20; i++) process.print(chunk);
        return "null";
      },
    },
    { limits: { logPhaseSizeBytesMax: 1024 * 1024 } },
  );
  await harness.invokeOk();
  expect(harness.logs.lines.filter((line) => line.startsWith("xxx"))).toHaveLength(1024);
  expect(harness.logs.lines).toContain(
    `[thaw] ${19 * 1024 * 1024} bytes of output were dropped: more than 1048576 bytes in one phase.`,
  );
  await harness.end();
});

test("JSON log format writes platform events by the Telemetry schema", async () => {
  const harness = new WorkerHarness({ handle: () => "null" });
  await harness.invokeOk({ logFormat: "JSON" }, { requestId: "r1" });
  const types = harness.logs.lines.map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toEqual([
    "platform.initStart",
    "platform.initRuntimeDone",
    "platform.initReport",
    "platform.start",
    "platform.runtimeDone",
    "platform.report",
  ]);
  await harness.end();
});
