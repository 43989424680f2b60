/**
 * What a worker must do behind its port, wherever it is: in this process, or on another host. A way to it joins by a
 * test file of its own that calls `workerPortSuite`. Nothing here waits for a time: a network is on no fake clock.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newSnapshotId } from "@thaw/server/testing/base";
import type { FakeFunction } from "@thaw/server/testing/fakes";
import type { InvokeInput, InvokeSuccess, RunnableVersion, Worker } from "@thaw/server/testing/ports";
import { json, whole, type WholeSuccess, WorkerHarness } from "./harness.ts";
import { Pieces } from "./pieces.ts";

export interface PortUnderTest {
  readonly name: string;
  /** Makes a way to a worker. */
  reach(worker: Worker): Promise<ReachedWorker>;
}

export interface ReachedWorker {
  readonly worker: Worker;
  /** Takes the way down; the worker itself goes on. */
  end(): Promise<void>;
}

type HarnessOptions = ConstructorParameters<typeof WorkerHarness>[1];

let under: PortUnderTest;
let harness: WorkerHarness;
let reached: ReachedWorker | null = null;
/** What each test looks through. */
let port: Worker;

export function workerPortSuite(given: PortUnderTest): void {
  describe(`worker: ${given.name}`, () => {
    beforeEach(() => {
      under = given;
    });
    afterEach(async () => {
      await reached?.end();
      reached = null;
      await harness.end();
    });
    invokes();
    refusals();
    streams();
    snapshots();
    describes();
  });
}

async function begin(run: FakeFunction, options: HarnessOptions = {}): Promise<void> {
  harness = new WorkerHarness(run, options);
  reached = await under.reach(harness.worker);
  port = reached.worker;
}

async function invoke(version: Partial<RunnableVersion> = {}, input: Partial<InvokeInput> = {}): Promise<WholeSuccess> {
  const outcome = await whole(await port.invoke(harness.version(version), harness.input(input)));
  if (outcome.kind !== "response") throw new Error(`not a response: ${JSON.stringify(outcome)}`);
  return outcome;
}

async function stream(): Promise<InvokeSuccess> {
  const outcome = await port.invoke(harness.version(), harness.input({ isStreamed: true, wantsLogTail: true }));
  if (outcome.kind !== "response") throw new Error(`not a response: ${JSON.stringify(outcome)}`);
  return outcome;
}

async function readAll({ payload }: InvokeSuccess): Promise<string> {
  let read = "";
  try {
    for await (const piece of payload) read += piece.toString();
  } catch (error) {
    return `${read} ${String(error)}`;
  }
  return read;
}

function invokes(): void {
  test("an invoke is cold, the next one is warm, and the function sees what the caller sent", async () => {
    const seen: Array<Readonly<Record<string, string>>> = [];
    await begin({
      handle: (process, { headers, payload }) => {
        seen.push({ ...headers, payload, greeting: process.env["GREETING"] ?? "" });
        return '{"ok":"ü"}';
      },
    });
    const environment = { GREETING: "grüß dich" };
    const payload = Buffer.from('{"a":"ü"}');
    const first = await invoke({ environment }, { requestId: "r1", payload, traceId: "Root=1", clientContext: "{}" });
    expect(first).toEqual({
      kind: "response",
      payload: Buffer.from('{"ok":"ü"}'),
      functionError: null,
      logTail: null,
      stream: null,
      environmentId: (await port.report()).environments[0]?.environmentId,
    });
    expect(seen[0]).toMatchObject({
      payload: '{"a":"ü"}',
      greeting: "grüß dich",
      "Lambda-Runtime-Aws-Request-Id": "r1",
      "Lambda-Runtime-Trace-Id": "Root=1",
      "Lambda-Runtime-Client-Context": "{}",
      "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:hello",
    });
    expect((await invoke({ environment }, { requestId: "r2" })).environmentId).toBe(first.environmentId);
    expect(seen).toHaveLength(2);
  });

  test("bytes come as they are: none, any, and as many as AWS allows", async () => {
    const any = Buffer.from(Array.from({ length: 1024 }, (_, at) => at % 256));
    const large = Buffer.alloc(6 * 2 ** 20, "x");
    const answers = [Buffer.alloc(0), any, large];
    const lengths: number[] = [];
    await begin({
      handle: (_process, { payload }) => {
        lengths.push(payload.length);
        return answers.shift() ?? "";
      },
    });
    expect((await invoke({}, { payload: Buffer.alloc(0) })).payload).toEqual(Buffer.alloc(0));
    expect((await invoke()).payload.equals(any)).toBe(true);
    expect((await invoke({}, { payload: large })).payload.equals(large)).toBe(true);
    expect(lengths).toEqual([0, 2, large.length]);
  });

  test("many at the same time have each its own answer", async () => {
    await begin({ handle: (_process, { payload }) => payload });
    const payloads = Array.from({ length: 20 }, (_, at) => Buffer.from(String(at)));
    const answers = await Promise.all(payloads.map((payload) => invoke({}, { payload })));
    expect(answers.map((each) => each.payload)).toEqual(payloads);
    expect(new Set(answers.map((each) => each.environmentId)).size).toBeGreaterThan(0);
  });

  test("an error of the function is its response, with the log's tail where it is wanted", async () => {
    await begin({
      handle: (process) => {
        process.print("about to fail\n");
        throw new RangeError("no");
      },
    });
    const failed = await invoke({}, { wantsLogTail: true });
    expect(failed.functionError).toBe("Unhandled");
    expect(json(failed)).toMatchObject({ errorType: "RangeError", errorMessage: "no" });
    expect(failed.logTail?.toString()).toContain("about to fail\n");
    expect(failed.logTail?.toString()).toContain("REPORT RequestId");
  });

  test("the log is the worker's own", async () => {
    await begin({ handle: () => "null" });
    await invoke({}, { requestId: "r1", wantsLogTail: true });
    expect(harness.logs.lines.at(-1)).toContain("REPORT RequestId: r1");
  });
}

function refusals(): void {
  test("what can't be run is refused with its code and its text", async () => {
    await begin({});
    for (const changes of [
      { runtime: "java99" },
      { memorySizeMib: 1_000_000 },
      { snapshotFingerprints: { engine: "other", runtime: "f" } },
    ]) {
      const version = harness.version(changes as Partial<RunnableVersion>);
      const outcome = await port.invoke(version, harness.input());
      expect(outcome.kind).toBe("platform-error");
      expect(outcome).toEqual(await harness.worker.invoke(version, harness.input()));
    }
  });

  test("a function over its share of the host is throttled with AWS's reason", async () => {
    const hold = Promise.withResolvers<string>();
    const running = Promise.withResolvers<null>();
    await begin(
      {
        handle: () => {
          running.resolve(null);
          return hold.promise;
        },
      },
      { limits: { environmentsMax: 1 } },
    );
    const first = invoke();
    await running.promise;
    const second = await port.invoke(harness.version({ runKey: "run-2" }), harness.input());
    expect(second).toEqual({ kind: "throttled", reason: "ConcurrentInvocationLimitExceeded" });
    hold.resolve('"done"');
    expect(json(await first)).toBe("done");
  });

  test("an error that a call throws keeps its code", async () => {
    await begin({});
    const { outcome, version } = await publish();
    expect(outcome.kind).toBe("ready");
    if (version.snapshotId !== null) await port.removeSnapshot(version.snapshotId);
    const error = await harness.worker.inspectSnapshot(version, []).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    await expect(port.inspectSnapshot(version, [])).rejects.toMatchObject({ message: (error as Error).message });
  });

  test("a worker that closes takes no more", async () => {
    await begin({ handle: () => "null" });
    await invoke();
    await port.close(0);
    expect(await port.invoke(harness.version(), harness.input())).toMatchObject({
      kind: "platform-error",
      code: "WORKER_CLOSING",
    });
  });
}

function streams(): void {
  test("a piece reaches the caller before the runtime has sent the next one", async () => {
    const pieces = new Pieces();
    await begin({ handle: () => pieces });
    pieces.send("one ");
    const outcome = await stream();
    expect(outcome.stream?.contentType).toBe("application/octet-stream");
    const reader = outcome.payload[Symbol.asyncIterator]();
    expect((await reader.next()).value?.toString()).toBe("one ");
    pieces.send("two");
    expect((await reader.next()).value?.toString()).toBe("two");
    pieces.end();
    expect((await reader.next()).done).toBe(true);
    const completion = await outcome.stream?.completion;
    expect(completion?.error).toBeNull();
    expect(completion?.logTail?.toString()).toContain("REPORT RequestId");
  });

  test("an error after the first piece is told at the end", async () => {
    await begin({
      handle: () =>
        (async function* (): AsyncGenerator<Buffer> {
          yield Buffer.from("half");
          throw new RangeError("late");
        })(),
    });
    const outcome = await stream();
    expect(await readAll(outcome)).toBe("half");
    expect((await outcome.stream?.completion)?.error).toEqual({
      code: "Function.Error",
      details: JSON.stringify({ errorType: "RangeError", errorMessage: "late" }),
    });
  });

  test("a function that ends within its response cuts it", async () => {
    const read = Promise.withResolvers<null>();
    await begin({
      handle: (process) =>
        (async function* (): AsyncGenerator<Buffer> {
          yield Buffer.from("half");
          await read.promise;
          process.exit(3);
        })(),
    });
    const outcome = await stream();
    const reader = outcome.payload[Symbol.asyncIterator]();
    expect((await reader.next()).value?.toString()).toBe("half");
    read.resolve(null);
    await expect(reader.next()).rejects.toThrow("a body that was cut off");
    expect((await outcome.stream?.completion)?.error?.code).toMatch(/^(Runtime|Sandbox|Function)\./);
  });

  test("a response that nobody reads holds up its own function alone, and goes on when it is read", async () => {
    const piece = Buffer.alloc(64 * 1024, "x");
    let sent = 0;
    await begin({
      handle: (_process, { payload }) =>
        payload === "small"
          ? '"small"'
          : (async function* (): AsyncGenerator<Buffer> {
              for (; sent < 256; sent++) yield piece;
            })(),
    });
    const outcome = await stream();
    expect((await invoke({}, { payload: Buffer.from("small") })).payload.toString()).toBe('"small"');
    expect(await readAll(outcome)).toHaveLength(256 * piece.length);
    expect((await outcome.stream?.completion)?.error).toBeNull();
  });

  test("a caller that hangs up ends the reading and not the function", async () => {
    const pieces = new Pieces();
    await begin({ handle: () => pieces });
    pieces.send("one");
    const outcome = await stream();
    for await (const piece of outcome.payload) {
      expect(piece.toString()).toBe("one");
      break;
    }
    for (let n = 0; n < 40; n++) pieces.send("x".repeat(64 * 1024));
    pieces.end();
    expect((await outcome.stream?.completion)?.error).toBeNull();
    expect(harness.invocations).toMatchObject([{ outcome: "success" }]);
  });
}

async function publish(signal: AbortSignal = new AbortController().signal) {
  const snapshotId = newSnapshotId();
  const published = { version: "1", runKey: "run-v1" };
  const outcome = await port.createSnapshot(harness.version(published), snapshotId, signal);
  const made = outcome.kind === "ready" ? outcome : null;
  const snapshotKey = made?.snapshotKey ?? null;
  const snapshotFingerprints = made?.fingerprints ?? null;
  return { outcome, version: harness.version({ ...published, snapshotId, snapshotKey, snapshotFingerprints }) };
}

function snapshots(): void {
  test("a snapshot is made, listed, restored by a cold invoke, and removed", async () => {
    await begin({
      init: (_process, state) => void (state["n"] = 41),
      handle: (_process, _invocation, state) => JSON.stringify((state["n"] as number) + 1),
    });
    const { outcome, version } = await publish();
    expect(outcome).toMatchObject({ kind: "ready", fingerprints: { engine: "fake", runtime: "f" }, cutConnections: 0 });
    expect(await port.listSnapshots()).toEqual([{ snapshotId: version.snapshotId, isHere: true }]);
    const answer = await invoke(version);
    expect(json(answer)).toBe(42);
    expect((await port.observe(answer.environmentId))?.summary).toMatchObject({ isRestored: true, invokeCount: 1 });
    expect(await port.stopEnvironments({ runKey: "run-v1" })).toBe(1);
    if (version.snapshotId !== null) await port.removeSnapshot(version.snapshotId);
    expect(await port.listSnapshots()).toEqual([]);
  });

  test("a sweep leaves what is named", async () => {
    await begin({});
    const { version } = await publish();
    await publish();
    await port.sweepSnapshots(version.snapshotId === null ? [] : [version.snapshotId]);
    expect((await port.listSnapshots()).map(({ snapshotId }) => snapshotId)).toEqual([version.snapshotId]);
  });

  test("an Init that fails is told with AWS's code", async () => {
    await begin({ init: () => Promise.reject(new Error("init")) });
    expect((await publish()).outcome).toMatchObject({ kind: "function-error", reasonCode: "FunctionError" });
  });

  test("a snapshot that is not wanted any more is cancelled, at once or in its Init", async () => {
    const running = Promise.withResolvers<null>();
    await begin({
      init: () => {
        running.resolve(null);
        return new Promise(() => undefined);
      },
    });
    expect((await publish(AbortSignal.abort())).outcome).toEqual({ kind: "cancelled" });
    const cancelling = new AbortController();
    const making = publish(cancelling.signal);
    await running.promise;
    cancelling.abort();
    expect((await making).outcome).toEqual({ kind: "cancelled" });
    expect(await port.listSnapshots()).toEqual([]);
    expect(harness.engine.live.size).toBe(0);
  });

  test("a snapshot is searched for bytes of any kind", async () => {
    const wanted: Buffer[] = [];
    await begin({});
    const { version } = await publish();
    const needles = [Buffer.from([0, 255, 128, 10]), Buffer.from("text")];
    const findings = { needles: [1, 0], secrets: [], files: [], fileCount: 0, searchedBytes: 9 };
    Object.assign(harness.worker, {
      inspectSnapshot: async (_version: RunnableVersion, given: readonly Buffer[]) => {
        wanted.push(...given);
        return findings;
      },
    });
    expect(await port.inspectSnapshot(version, needles)).toEqual(findings);
    expect(wanted).toEqual(needles);
  });
}

function describes(): void {
  test("a report, what is in use and an observation are those of the worker itself", async () => {
    await begin({ handle: () => "null" });
    const { environmentId } = await invoke({ optName: "merged" });
    expect(await port.observe(environmentId)).toEqual(await harness.worker.observe(environmentId));
    expect(await port.observe("env-0000000000000000" as typeof environmentId)).toBeNull();
    expect(await port.report()).toEqual(await harness.worker.report());
    expect((await port.report()).environments).toMatchObject([{ environmentId, state: "idle" }]);
    expect(await port.uidsInUse()).toEqual(new Set([100_000]));
    expect(await port.contentInUse()).toEqual(new Set(["code", "merged"]));
    expect(await port.stopEnvironments({ functionName: "other" })).toBe(0);
    expect(await port.stopEnvironments({ functionName: "hello" })).toBe(1);
    expect(await port.uidsInUse()).toEqual(new Set());
  });

  test("what is provisioned is ready for the next invoke, and goes when it is not wanted", async () => {
    await begin({ handle: () => "null" });
    const version = harness.version();
    await port.provision([{ version, count: 2 }]);
    await harness.clock.advance(0);
    expect((await port.report()).provisioned).toMatchObject([{ runKey: "run-1", allocated: 2, available: 2 }]);
    await invoke();
    expect((await port.report()).environments).toHaveLength(2);
    expect((await port.report()).provisioned).toMatchObject([{ invocations: 1, spilloverInvocations: 0 }]);
    await port.provision([]);
    await harness.clock.advance(0);
    expect((await port.report()).provisioned).toEqual([]);
  });

  test("a runtime that is missing is told with the command that helps", async () => {
    await begin({});
    expect(await port.runtimeProblem("python3.13")).toBeNull();
    const missing = await harness.worker.runtimeProblem("java99");
    expect(missing?.message).toContain("npx thaw runtimes install java99");
    expect(await port.runtimeProblem("java99")).toEqual(missing);
    expect(await port.installRuntime("python3.13")).toBeNull();
    expect(await port.installRuntime("java99")).toBe(missing?.message);
  });
}
