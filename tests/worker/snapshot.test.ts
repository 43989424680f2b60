import { expect, test } from "vitest";
import { newSnapshotId } from "@thaw/server/testing/base";
import type { FakeProcess } from "@thaw/server/testing/fakes";
import type { PlatformCode } from "@thaw/server/testing/model";
import type { RunnableVersion } from "@thaw/server/testing/ports";
import { createWorker } from "@thaw/server/testing/worker";
import { json, whole, WorkerHarness } from "./harness.ts";

async function readCredentials(process: FakeProcess): Promise<string> {
  const authorization = process.env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? "";
  const response = await process.call("GET", "/2021-04-23/credentials", "", { Authorization: authorization });
  return response.status === 200
    ? (JSON.parse(response.body) as { AccessKeyId: string }).AccessKeyId
    : `status ${response.status}`;
}

test("publish runs the whole Init once; three clones answer at once, each with its own stream, credentials and memory", async () => {
  let inits = 0;
  const harness = new WorkerHarness({
    init: (_process, state) => {
      state["counter"] = 10;
      inits++;
    },
    beforeSnapshot: (process) => process.print("before\n"),
    afterRestore: (process) => process.print("after\n"),
    handle: async (process, _invocation, state) => {
      state["counter"] = Number(state["counter"]) + 1;
      return JSON.stringify({
        counter: state["counter"],
        key: await readCredentials(process),
        type: process.env["AWS_LAMBDA_INITIALIZATION_TYPE"],
      });
    },
  });
  const { outcome, restorable } = await harness.publish();
  expect(outcome).toMatchObject({ kind: "ready", memoryBytes: 1000, diskBytes: 10 });
  expect(harness.logs.lines).toEqual([
    "INIT_START Runtime Version: python:3.13.thaw\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:abc",
    "before",
    "INIT_REPORT Init Duration: 0.00 ms",
  ]);
  harness.logs.events.length = 0;
  const answers = await Promise.all([1, 2, 3].map(() => harness.invokeOk(restorable)));
  expect(inits).toBe(1);
  expect(answers.map(json)).toEqual([1, 2, 3].map((n) => ({ counter: 11, key: `AKID${n}`, type: "snap-start" })));
  expect(new Set((await harness.worker.report()).environments.map((summary) => summary.logStream)).size).toBe(3);
  expect((await harness.worker.report()).environments.every((summary) => summary.isRestored)).toBe(true);
  const stream = (await harness.worker.report()).environments[0]?.logStream;
  const lines = harness.logs.events.filter((event) => event.logStream === stream).map((event) => event.message);
  expect(lines.map((line) => line.split(" ")[0])).toEqual([
    "RESTORE_START",
    "after",
    "RESTORE_REPORT",
    "START",
    "END",
    "REPORT",
  ]);
  expect(lines[2]).toBe("RESTORE_REPORT Restore Duration: 0.00 ms");
  expect(lines.at(-1)).toMatch(/\tRestore Duration: 0\.00 ms\tBilled Restore Duration: 0 ms\t$/);
  expect(harness.restores.map((report) => report.outcome)).toEqual(["success", "success", "success"]);
  expect(Object.keys(harness.restores[0]?.phases ?? {})).toEqual([
    "sandbox",
    "engine",
    "parked",
    "hooks",
    "restore",
    "firstResponse",
  ]);
  expect(harness.restores[0]?.phaseStarts).toEqual({
    sandbox: 0,
    engine: 0,
    parked: 0,
    hooks: 0,
    restore: 0,
    firstResponse: 0,
  });
  await harness.end();
});

test("the phases of a restore have their starts, and those of a publish, too", async () => {
  const harness: WorkerHarness = new WorkerHarness(
    {
      init: () => harness.clock.spend(400),
      afterRestore: () => harness.clock.spend(60),
      handle: () => (harness.clock.spend(7), "null"),
    },
    {
      onStep: (step) =>
        harness.clock.spend(step === "restore" ? 30 : step === "take" ? 90 : step === "create" ? 11 : 0),
    },
  );
  const { outcome, restorable } = await harness.publish();
  expect(outcome).toMatchObject({
    phases: { sandbox: 1, engine: 11, init: 400, criu: 1, snapshot: 90 },
    phaseStarts: { sandbox: 0, engine: 0, init: 11, criu: 411, snapshot: 411 },
  });
  await harness.invokeOk(restorable);
  expect(harness.restores[0]).toMatchObject({
    restoreDurationMs: 90,
    phases: { sandbox: 1, engine: 30, parked: 0, hooks: 60, restore: 90, firstResponse: 7 },
    phaseStarts: { sandbox: 0, engine: 0, parked: 30, hooks: 30, restore: 0, firstResponse: 90 },
  });
  expect((await harness.worker.report()).environments[0]).toMatchObject({
    phaseStarts: { engine: 0, firstResponse: 90 },
  });
  // The invocation's own report has them, on the clock of all: nothing has to be waited for to draw them.
  const fromMs = harness.restores[0]?.startedMonotonicMs ?? 0;
  expect(harness.invocations[0]?.started).toEqual({
    phases: { sandbox: 1, engine: 30, parked: 0, hooks: 60, restore: 90, firstResponse: 7 },
    phaseStarts: {
      sandbox: fromMs,
      engine: fromMs,
      parked: fromMs + 30,
      hooks: fromMs + 30,
      restore: fromMs,
      firstResponse: fromMs + 90,
    },
  });
  await harness.invokeOk(restorable);
  expect(harness.invocations[1]).toMatchObject({ start: "warm", started: null });
  await harness.end();
});

test("Billed Duration has the billed restore in it", async () => {
  const harness: WorkerHarness = new WorkerHarness(
    {
      afterRestore: () => harness.clock.spend(162.2),
      handle: () => {
        harness.clock.spend(149.53);
        return "null";
      },
    },
    { onStep: (step) => (step === "restore" ? harness.clock.spend(627) : undefined) },
  );
  const { restorable } = await harness.publish();
  await harness.invokeOk(restorable, { requestId: "r1" });
  expect(harness.logs.lines.at(-1)).toBe(
    "REPORT RequestId: r1\tDuration: 149.53 ms\tBilled Duration: 313 ms\tMemory Size: 128 MB\tMax Memory Used: 43 MB\tRestore Duration: 789.20 ms\tBilled Restore Duration: 163 ms\t",
  );
  await harness.end();
});

test("a runtime without hooks is taken in invocation/next and stays there until Invoke", async () => {
  const harness = new WorkerHarness({
    hasHooks: false,
    init: (_process, state) => void (state["n"] = 1),
    handle: (_process, _invocation, state) => JSON.stringify(state),
  });
  const { outcome, restorable } = await harness.publish();
  expect(outcome.kind).toBe("ready");
  expect(json(await harness.invokeOk(restorable))).toEqual({ n: 1 });
  await harness.end();
});

test("the token is known again after a restart of the worker", async () => {
  const harness = new WorkerHarness({ handle: async (process) => JSON.stringify(await readCredentials(process)) });
  const { restorable } = await harness.publish();
  const again = new WorkerHarness({});
  const worker = createWorker({
    engine: harness.engine,
    snapshots: harness.snapshots,
    catalog: {
      find: () => ({
        runtime: "python3.13",
        root: "host",
        lang: null,
        client: "fake",
        argv: () => ["x"],
        env: {},
        writesRecords: false,
        runtimeVersion: "v",
        runtimeVersionArn: "a",
        fingerprint: "f",
      }),
      list: () => [],
      all: () => [],
      releases: () => [],
      remedy: () => "",
    },
    logs: again.logs,
    clock: again.clock,
    secret: Buffer.alloc(32, 7),
    primes: { readPrimes: async () => [] },
    credentials: {
      issue: () => ({
        accessKeyId: "FRESH",
        secretAccessKey: "s",
        sessionToken: "t",
        expiresAtMs: again.clock.nowMs() + 3_600_000,
      }),
    },
  });
  const outcome = await whole(await worker.invoke(harness.version(restorable), harness.input()));
  expect(outcome.kind === "response" && json(outcome)).toBe("FRESH");
  await worker.close(0);
  await harness.end();
});

test("failures of Init at publish carry AWS's codes", async () => {
  const throwing = new WorkerHarness({ beforeSnapshot: () => Promise.reject(new Error("hook")) });
  expect((await throwing.publish()).outcome).toEqual({
    kind: "function-error",
    reasonCode: "FunctionError",
    reason: "An error occurred during function initialization.",
  });
  expect(throwing.logs.lines.at(-1)).toBe(
    "INIT_REPORT Init Duration: 0.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.BeforeSnapshotError",
  );
  await throwing.end();
  const hanging = new WorkerHarness({ beforeSnapshot: (process) => process.hang() });
  const publish = hanging.publish({ timeoutS: 200 });
  await hanging.clock.advance(199_999);
  expect(hanging.engine.live.size).toBe(1);
  await hanging.clock.advance(1);
  expect((await publish).outcome).toMatchObject({ kind: "function-error", reasonCode: "FunctionError.InitTimeout" });
  await hanging.end();
  const hungry = new WorkerHarness({ init: (process) => process.runOutOfMemory() });
  expect((await hungry.publish()).outcome).toMatchObject({ reasonCode: "FunctionError.InitResourceExhausted" });
  await hungry.end();
});

test("a publish is cancelled in Init, and during the snapshot, and leaves nothing", async () => {
  const hanging = new WorkerHarness({ init: (process) => process.hang() });
  const inInit = new AbortController();
  const first = hanging.worker.createSnapshot(hanging.version({ version: "1" }), newSnapshotId(), inInit.signal);
  await hanging.clock.advance(10);
  inInit.abort();
  expect(await first).toEqual({ kind: "cancelled" });
  await hanging.end();
  const inTake = new AbortController();
  const late = new WorkerHarness({}, { onStep: (step) => (step === "take" ? inTake.abort() : undefined) });
  expect(await late.worker.createSnapshot(late.version({ version: "1" }), newSnapshotId(), inTake.signal)).toEqual({
    kind: "cancelled",
  });
  expect(await late.worker.listSnapshots()).toEqual([]);
  await late.end();
});

test("a snapshot that the engine can't take is the platform's error", async () => {
  const harness = new WorkerHarness(
    {},
    {
      onStep: (step) => {
        if (step === "take") throw new Error("disk full");
      },
    },
  );
  expect((await harness.publish()).outcome).toMatchObject({ kind: "platform-error", code: "WORKER_ENGINE_FAILED" });
  expect(await harness.worker.listSnapshots()).toEqual([]);
  await harness.end();
  const none = new WorkerHarness({}, { canSnapshot: false });
  expect((await none.publish()).outcome).toMatchObject({ kind: "platform-error", code: "WORKER_NO_SNAPSHOTS" });
  await none.end();
});

test("after-restore hooks that throw, hang or exit end the environment with AWS's refusals", async () => {
  const throwing = new WorkerHarness({ afterRestore: () => Promise.reject(new Error("stale")) });
  expect(await throwing.invoke((await throwing.publish()).restorable)).toMatchObject({ kind: "restore-error" });
  await throwing.clock.advance(0);
  expect(throwing.logs.lines.at(-1)).toBe(
    "RESTORE_REPORT Restore Duration: 0.00 ms\tStatus: error\tError Type: Runtime.AfterRestoreError",
  );
  expect(throwing.restores[0]?.outcome).toBe("error");
  await throwing.end();
  const hanging = new WorkerHarness({ afterRestore: (process) => process.hang() });
  const { restorable } = await hanging.publish();
  const invoke = hanging.invoke(restorable);
  await hanging.clock.advance(10_000);
  expect(await invoke).toMatchObject({ kind: "restore-timeout" });
  await hanging.clock.advance(0);
  expect(hanging.logs.lines.at(-1)).toBe("RESTORE_REPORT Restore Duration: 10000.00 ms\tStatus: timeout");
  await hanging.end();
  const exiting = new WorkerHarness({ afterRestore: (process) => process.exit(1) });
  expect(await exiting.invoke((await exiting.publish()).restorable)).toMatchObject({ kind: "restore-error" });
  await exiting.end();
});

test("a clone that is not there in time is the host's delay, and no hook that takes too long", async () => {
  let hooks = 0;
  const harness = new WorkerHarness(
    { afterRestore: () => void hooks++ },
    {
      extensions: {
        // Its call was taken with the snapshot, and does not come back.
        lost: {
          start: async (process) => {
            const api = "/2020-01-01/extension";
            const registered = await process.call("POST", `${api}/register`, "{}", { "lambda-extension-name": "lost" });
            const id = registered.headers["Lambda-Extension-Identifier"] ?? "";
            await process.call("GET", `${api}/event/next`, "", { "lambda-extension-identifier": id });
          },
          resume: (process) => process.hang(),
        },
      },
    },
  );
  const { restorable } = await harness.publish();
  const invoke = harness.invoke(restorable);
  await harness.clock.advance(10_000);
  expect(await invoke).toMatchObject({ kind: "restore-timeout", hasRun: false });
  expect(hooks).toBe(0);
  await harness.clock.advance(0);
  expect(harness.restores[0]?.outcome).toBe("platform-error");
  await harness.end();
});

test("a restore that the engine refuses is the platform's error", async () => {
  const refused = async (
    harness: WorkerHarness,
    changes: Partial<RunnableVersion>,
    code: PlatformCode,
  ): Promise<void> => {
    expect(await harness.invoke(changes)).toMatchObject({ kind: "platform-error", code });
    await harness.end();
  };
  const failing = new WorkerHarness(
    {},
    {
      onStep: (step) => {
        if (step === "restore") throw new Error("no memory");
      },
    },
  );
  await refused(failing, (await failing.publish()).restorable, "WORKER_ENGINE_FAILED");
  const snapshotId = newSnapshotId();
  const snapshotKey = { keyArn: null, wrapped: `key of ${snapshotId}` };
  await refused(new WorkerHarness({}), { version: "1", snapshotId, snapshotKey }, "SANDBOX_UNKNOWN");
  const foreignKey = { keyArn: null, wrapped: "key of another one" };
  await refused(new WorkerHarness({}), { version: "1", snapshotId, snapshotKey: foreignKey }, "KMS_INVALID_STATE");
});

test("the Runtime API without SnapStart knows no restore and no credentials", async () => {
  const harness = new WorkerHarness({
    handle: async (process) => {
      const paths = ["/2018-06-01/runtime/restore/next", "/2021-04-23/credentials", "/2020-01-01/extension/none"];
      const responses = await Promise.all(paths.map((path) => process.call("GET", path)));
      const wrong = await process.call("POST", "/2018-06-01/runtime/init/error");
      const unknown = await process.call("POST", "/2018-06-01/runtime/invocation/nobody/response");
      return JSON.stringify([
        ...responses.map((response) => response.status),
        JSON.parse(wrong.body),
        unknown.status,
        JSON.parse(unknown.body),
      ]);
    },
  });
  expect(json(await harness.invokeOk())).toEqual([
    404,
    404,
    404,
    {
      errorMessage:
        "State transition from Running to InitError failed for runtime. Error: State transition is not allowed",
      errorType: "InvalidStateTransition",
    },
    400,
    { errorMessage: "Invalid request ID", errorType: "InvalidRequestID" },
  ]);
  await harness.end();
});
