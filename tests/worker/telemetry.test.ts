/** Telemetry on the fake engine: who gets what, in which order, and what a slow subscriber costs. */
import type { FakeProcess } from "@thaw/server/testing/fakes";
import { expect, test } from "vitest";
import { type WholeOutcome, WorkerHarness } from "./harness.ts";

const API = "/2020-01-01/extension";
const PORT = 4243;

interface Got {
  readonly time: string;
  readonly type: string;
  readonly record: Record<string, unknown> | string;
}

interface Subscriber {
  readonly got: Got[];
  /** Answers of subscriptions, status and body. */
  readonly answers: Array<readonly [number, string]>;
  readonly extension: { start(process: FakeProcess, state: Record<string, unknown>): Promise<void> } & {
    resume(process: FakeProcess, state: Record<string, unknown>): Promise<void>;
  };
}

const BODY = {
  schemaVersion: "2022-12-13",
  types: ["platform", "function", "extension"],
  destination: { protocol: "HTTP", URI: `http://sandbox.localdomain:${PORT}/logs?a=1` },
  buffering: { timeoutMs: 25 },
};

/** An extension that registers, subscribes, and keeps what it gets. */
function subscriber(
  bodies: readonly unknown[] = [BODY],
  take: (batch: string) => number | Promise<number> = () => 200,
  path = "/2022-07-01/telemetry",
): Subscriber {
  const got: Got[] = [];
  const answers: Array<readonly [number, string]> = [];
  const listen = (process: FakeProcess): void =>
    process.listen(PORT, async (at, batch) => {
      const status = await take(batch);
      if (status > 299) return status;
      const events =
        at === ""
          ? batch
              .trimEnd()
              .split("\n")
              .map((line) => JSON.parse(line) as Got)
          : JSON.parse(batch);
      got.push(...(events as Got[]));
      return status;
    });
  const loop = async (process: FakeProcess, id: string): Promise<void> => {
    for (;;) {
      const next = await process.call("GET", `${API}/event/next`, "", { "lambda-extension-identifier": id });
      if (next.body.includes("SHUTDOWN")) return;
    }
  };
  return {
    got,
    answers,
    extension: {
      start: async (process, state) => {
        const registered = await process.call(
          "POST",
          `${API}/register`,
          JSON.stringify({ events: ["INVOKE", "SHUTDOWN"] }),
          { "lambda-extension-name": "sub" },
        );
        const id = registered.headers["Lambda-Extension-Identifier"] ?? "";
        state["id"] = id;
        listen(process);
        for (const body of bodies) {
          const answer = await process.call("PUT", path, JSON.stringify(body), { "lambda-extension-identifier": id });
          answers.push([answer.status, answer.body]);
        }
        process.print("ready\n");
        await loop(process, id);
      },
      resume: async (process, state) => {
        listen(process);
        await loop(process, String(state["id"]));
      },
    },
  };
}

const kinds = (got: readonly Got[]): string[] => got.map(({ type }) => type);

test("a subscriber gets Init, an invoke and a shutdown, in AWS's order and schema", async () => {
  const { got, answers, extension } = subscriber();
  const harness = new WorkerHarness(
    { handle: (process) => (process.print("hello\n"), '{"a":1}') },
    { extensions: { sub: extension } },
  );
  await harness.invokeOk({}, { requestId: "r1" });
  await harness.end();
  expect(answers).toEqual([[200, '"OK"']]);
  expect(kinds(got)).toEqual([
    "platform.initStart",
    "platform.telemetrySubscription",
    "extension",
    "platform.initRuntimeDone",
    "platform.extension",
    "platform.initReport",
    "platform.start",
    "function",
    "platform.runtimeDone",
    "platform.report",
  ]);
  const time = expect.stringMatching(/^2026-11-23T\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(got[1]).toEqual({
    time,
    type: "platform.telemetrySubscription",
    record: { name: "sub", state: "Subscribed", types: ["platform", "function", "extension"] },
  });
  expect(got[2]).toEqual({ time, type: "extension", record: "ready" });
  expect(got[3]?.record).toEqual({ initializationType: "on-demand", phase: "init", status: "success" });
  expect(got[4]?.record).toEqual({ name: "sub", state: "Ready", events: ["INVOKE", "SHUTDOWN"] });
  expect(got[7]).toEqual({ time, type: "function", record: "hello" });
  expect(got[8]?.record).toEqual({
    requestId: "r1",
    status: "success",
    metrics: { durationMs: 0, producedBytes: 7 },
    spans: [
      { name: "responseLatency", start: time, durationMs: 0 },
      { name: "responseDuration", start: time, durationMs: 0 },
      { name: "runtimeOverhead", start: time, durationMs: 0 },
    ],
  });
  expect(got[9]?.record).toMatchObject({
    requestId: "r1",
    status: "success",
    spans: [{ name: "extensionOverhead", start: time, durationMs: 0 }],
  });
  expect(harness.logs.lines[1]).toBe("TELEMETRY\tName: sub\tState: Subscribed\tTypes: [Platform, Function, Extension]");
});

test.for([
  ["timeout", (process: FakeProcess) => process.hang(), { status: "timeout" }],
  ["exit", (process: FakeProcess) => process.exit(1), { status: "error", errorType: "Runtime.ExitError" }],
] as const)("an invoke that fails by %s is told with its status", async ([, handle, status]) => {
  const { got, extension } = subscriber();
  const harness = new WorkerHarness({ handle }, { extensions: { sub: extension } });
  const invoke: Promise<WholeOutcome> = harness.invoke({ timeoutS: 1 }, { requestId: "r1" });
  await harness.clock.advance(1000);
  await invoke;
  await harness.clock.advance(0);
  await harness.end();
  expect(kinds(got).slice(6)).toEqual(["platform.start", "platform.runtimeDone", "platform.report"]);
  expect(got[7]?.record).toMatchObject({ requestId: "r1", ...status });
  expect(got[8]?.record).toMatchObject({ requestId: "r1", ...status });
});

test("subscriptions are in the snapshot: a clone tells its restore and its invokes, and nothing of Init", async () => {
  const { got, extension } = subscriber();
  const harness = new WorkerHarness({ handle: () => "null" }, { extensions: { sub: extension } });
  const { restorable } = await harness.publish();
  expect(kinds(got).at(-1)).toBe("platform.initReport");
  got.splice(0);
  await harness.invokeOk(restorable, { requestId: "r1" });
  await harness.end();
  expect(kinds(got)).toEqual([
    "platform.restoreStart",
    "platform.restoreRuntimeDone",
    "platform.restoreReport",
    "platform.start",
    "platform.runtimeDone",
    "platform.report",
  ]);
  expect(got[1]?.record).toEqual({ status: "success" });
});

test("the Logs API has its own records, and the two exclude each other", async () => {
  const body = { ...BODY, schemaVersion: "2021-03-18" };
  const { got, answers, extension } = subscriber([body, body], () => 200, "/2020-08-15/logs");
  const harness = new WorkerHarness({ handle: (process) => process.exit(1) }, { extensions: { sub: extension } });
  await harness.invokeOk({}, { requestId: "r1" });
  await harness.end();
  expect(answers).toEqual([
    [200, '"OK"'],
    [200, '"OK"'],
  ]);
  expect(kinds(got)).toEqual([
    "platform.logsSubscription",
    "extension",
    "platform.extension",
    "platform.start",
    "platform.runtimeDone",
    "platform.fault",
    "platform.end",
    "platform.report",
  ]);
  expect(got[4]?.record).toEqual({ requestId: "r1", status: "failure" });
  expect(got[5]?.record).toBe("RequestId: r1 Error: Runtime exited with error: exit status 1\nRuntime.ExitError");
  expect(Object.keys(got[7]?.record ?? {})).toEqual(["requestId", "metrics"]);
});

test("a second subscription takes the place of the first, and one with the other API is refused", async () => {
  const elsewhere = { ...BODY, types: ["function"] };
  const { got, answers, extension } = subscriber([BODY, elsewhere]);
  const start = async (process: FakeProcess, state: Record<string, unknown>): Promise<void> => {
    const running = extension.start(process, state);
    while (answers.length < 2) await Promise.resolve();
    const body = JSON.stringify({ ...BODY, schemaVersion: "2021-03-18" });
    const headers = { "lambda-extension-identifier": String(state["id"]) };
    const answer = await process.call("PUT", "/2020-08-15/logs", body, headers);
    answers.push([answer.status, answer.body]);
    await running;
  };
  const harness = new WorkerHarness(
    { handle: (process) => (process.print("hello\n"), "null") },
    { extensions: { sub: { start } } },
  );
  await harness.invokeOk();
  await harness.end();
  expect(answers).toEqual([
    [200, '"OK"'],
    [200, '"OK"'],
    [400, expect.stringContaining("the extension has subscribed with the Telemetry API already")],
  ]);
  expect(got.map(({ type, record }) => [type, record])).toEqual([["function", "hello"]]);
});

test("what there is to tell comes before SHUTDOWN, for as long as 30 % of the budget", async () => {
  for (const [takesMs, expected] of [
    [500, ["hello", "SHUTDOWN"]],
    [700, ["SHUTDOWN", "hello"]],
  ] as const) {
    const order: string[] = [];
    const { extension } = subscriber(
      [{ ...BODY, types: ["function"], buffering: { timeoutMs: 30_000 } }],
      async (batch) => {
        await new Promise<void>((taken) => harness.clock.after(takesMs, taken));
        order.push(...(JSON.parse(batch) as Got[]).map(({ record }) => String(record)));
        return 200;
      },
    );
    const start = async (process: FakeProcess, state: Record<string, unknown>): Promise<void> => {
      await extension.start(process, state);
      order.push("SHUTDOWN");
      // It listens for as long as it may.
      await process.hang();
    };
    const harness: WorkerHarness = new WorkerHarness(
      { handle: (process) => (process.print("hello\n"), "null") },
      { extensions: { sub: { start } } },
    );
    await harness.invokeOk();
    expect(order).toEqual([]);
    const stopping = harness.worker.stopEnvironments({});
    await harness.clock.advance(takesMs);
    await harness.clock.advance(2000);
    await stopping;
    expect(order).toEqual(expected);
    await harness.end();
  }
});

test("the end of a streamed response is told without its size", async () => {
  const { got, extension } = subscriber();
  const pieces = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from("one");
    yield Buffer.from("two");
  };
  const harness = new WorkerHarness({ handle: () => pieces() }, { extensions: { sub: extension } });
  await harness.invokeOk({}, { isStreamed: true });
  await harness.end();
  const done = got.find(({ type }) => type === "platform.runtimeDone")?.record;
  expect(done).toMatchObject({ status: "success", metrics: { durationMs: 0 } });
  expect(done).not.toHaveProperty("metrics.producedBytes");
});

test("what a subscription may not say, and when it comes too late", async () => {
  const { answers, extension } = subscriber([
    { schemaVersion: "2022-07-01", types: [], destination: { protocol: "HTTP", URI: "http://sandbox.localdomain" } },
    BODY,
  ]);
  const late: unknown[] = [];
  const harness = new WorkerHarness(
    {
      init: async (process) => {
        const registered = await process.call("POST", `${API}/register`, "{}", { "lambda-extension-name": "inner" });
        const headers = {
          "lambda-extension-identifier": registered.headers["Lambda-Extension-Identifier"] ?? "",
        };
        void process.call("GET", `${API}/event/next`, "", headers);
        late.push(headers);
      },
      handle: async (process) => {
        const headers = late.pop() as Record<string, string>;
        for (const path of ["/2022-07-01/telemetry", "/2020-08-15/logs"]) {
          const answer = await process.call("PUT", path, JSON.stringify(BODY), headers);
          late.push([answer.status, JSON.parse(answer.body)]);
        }
        const unknown = await process.call("PUT", "/2022-07-01/telemetry", JSON.stringify(BODY));
        late.push(unknown.status);
        return "null";
      },
    },
    { extensions: { sub: extension } },
  );
  await harness.invokeOk();
  await harness.end();
  expect(answers[0]).toEqual([
    400,
    '{"errorMessage":"URI port is not provided; types should not be empty","errorType":"ValidationError"}\n',
  ]);
  expect(answers[1]?.[0]).toBe(200);
  expect(late).toEqual([
    [403, { errorMessage: "Telemetry API subscription is closed", errorType: "Telemetry.SubscriptionClosed" }],
    [403, { errorMessage: "Logs API subscription is closed already", errorType: "Logs.SubscriptionClosed" }],
    403,
  ]);
});

test("a subscriber that does not answer never holds up an invoke, and hears of what was dropped", async () => {
  const { promise: stuck, resolve: release } = Promise.withResolvers<void>();
  const { got, extension } = subscriber([BODY], async () => {
    await stuck;
    return 200;
  });
  const line = "x".repeat(1000);
  const harness = new WorkerHarness(
    { handle: (process) => (process.print(`${line}\n`.repeat(1000)), "null") },
    { extensions: { sub: extension } },
  );
  for (let n = 0; n < 3; n++) await harness.invokeOk();
  release();
  await harness.clock.advance(100);
  await harness.end();
  const dropped = got.filter(({ type }) => type === "platform.logsDropped").map(({ record }) => record);
  expect(dropped[0]).toMatchObject({
    reason: "Some logs were dropped because the downstream consumer is slower than the logs production rate",
  });
  const lines = got.filter(({ type }) => type === "function").length;
  const records = dropped.reduce<number>(
    (sum, record) => sum + Number((record as Record<string, unknown>)["droppedRecords"]),
    0,
  );
  expect(lines).toBeGreaterThan(400);
  expect(lines + records).toBeGreaterThanOrEqual(3000);
});

test("TCP: one document for each line", async () => {
  const { got, extension } = subscriber([
    { ...BODY, types: ["function"], destination: { protocol: "TCP", port: PORT } },
  ]);
  const harness = new WorkerHarness(
    { handle: (process) => (process.print("one\ntwo\n"), "null") },
    { extensions: { sub: extension } },
  );
  await harness.invokeOk();
  await harness.end();
  expect(got.map(({ record }) => record)).toEqual(["one", "two"]);
});

test("TCP: a clone has a connection of its own", async () => {
  const { got, extension } = subscriber([
    { ...BODY, types: ["function"], destination: { protocol: "TCP", port: PORT } },
  ]);
  const harness = new WorkerHarness(
    { handle: (process, { requestId }) => (process.print(`${requestId}\n`), "null") },
    { extensions: { sub: extension } },
  );
  const { restorable } = await harness.publish();
  for (const requestId of ["r1", "r2"]) {
    await harness.invokeOk(restorable, { requestId });
    await harness.worker.stopEnvironments({});
  }
  await harness.end();
  expect(got.map(({ record }) => record)).toEqual(["r1", "r2"]);
});
