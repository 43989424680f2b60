/**
 * Responses that are handed on while they come: the first piece reaches the caller before the runtime has sent the last
 * one.
 */
import { expect, test } from "vitest";
import type { InvokeSuccess } from "@thaw/server/testing/ports";
import { json, WorkerHarness } from "./harness.ts";
import { Pieces } from "./pieces.ts";

async function stream(harness: WorkerHarness, timeoutS = 3): Promise<InvokeSuccess> {
  const outcome = await harness.worker.invoke(harness.version({ timeoutS }), harness.input({ isStreamed: true }));
  if (outcome.kind !== "response") throw new Error(`not a response: ${JSON.stringify(outcome)}`);
  return outcome;
}

async function readAll(outcome: InvokeSuccess): Promise<{ readonly read: string; readonly error: string | null }> {
  let read = "";
  try {
    for await (const piece of outcome.payload) read += piece.toString();
    return { read, error: null };
  } catch (error) {
    return { read, error: error instanceof Error ? error.message : String(error) };
  }
}

test("the first piece reaches the caller before the runtime has sent the last one", async () => {
  const pieces = new Pieces();
  const harness = new WorkerHarness({ handle: () => pieces });
  pieces.send("one ");
  const outcome = await stream(harness);
  const reader = outcome.payload[Symbol.asyncIterator]();
  expect((await reader.next()).value?.toString()).toBe("one ");
  expect((await harness.worker.report()).environments[0]?.state).toBe("invoking");
  expect(harness.logs.lines.at(-1)).toContain("START");
  pieces.send("two");
  expect((await reader.next()).value?.toString()).toBe("two");
  pieces.end();
  expect((await reader.next()).done).toBe(true);
  await harness.clock.advance(0);
  expect((await harness.worker.report()).environments[0]?.state).toBe("idle");
  expect(harness.logs.lines.at(-1)).toContain("REPORT");
  await harness.end();
});

test("the same response is whole for an invoke that wants it whole", async () => {
  const pieces = new Pieces();
  const harness = new WorkerHarness({ handle: () => pieces });
  const invoke = harness.invokeOk();
  pieces.send('"one ');
  await harness.clock.advance(100);
  pieces.send('two"');
  pieces.end();
  expect(json(await invoke)).toBe("one two");
  await harness.end();
});

test("a response in pieces over 6 MiB is refused where it is wanted whole, and handed on where it is streamed", async () => {
  const large = async function* (): AsyncGenerator<Buffer> {
    for (let n = 0; n < 7; n++) yield Buffer.alloc(1024 * 1024, "x");
  };
  const harness = new WorkerHarness({ handle: () => large() });
  const whole = await harness.invokeOk();
  expect(json(whole)).toMatchObject({ errorType: "Function.ResponseSizeTooLarge" });
  expect((await readAll(await stream(harness))).read).toHaveLength(7 * 1024 * 1024);
  await harness.clock.advance(0);
  expect((await harness.worker.report()).environments).toHaveLength(1);
  await harness.end();
});

test("a response that the runtime does not stream comes whole, and keeps to 6 MiB", async () => {
  const harness = new WorkerHarness({ handle: () => "x".repeat(7 * 1024 * 1024) });
  expect(json(await harness.invokeOk())).toMatchObject({ errorType: "Function.ResponseSizeTooLarge" });
  const outcome = await stream(harness);
  expect([outcome.stream, outcome.functionError]).toEqual([null, "Unhandled"]);
  expect(JSON.parse((await readAll(outcome)).read)).toMatchObject({ errorType: "Function.ResponseSizeTooLarge" });
  await harness.end();
});

test("an error after the beginning of a response is told in the REPORT, and is the answer where it is wanted whole", async () => {
  const harness = new WorkerHarness({
    handle: () =>
      (async function* (): AsyncGenerator<Buffer> {
        yield Buffer.from("half");
        throw new RangeError("late");
      })(),
  });
  const outcome = await stream(harness);
  expect(await readAll(outcome)).toEqual({ read: "half", error: null });
  expect((await outcome.stream?.completion)?.error).toEqual({
    code: "Function.Error",
    details: JSON.stringify({ errorType: "RangeError", errorMessage: "late" }),
  });
  await harness.clock.advance(0);
  expect(harness.logs.lines.at(-1)).toContain("Error Type: Function.Error");
  expect((await harness.worker.report()).environments[0]?.state).toBe("idle");
  const whole = await harness.invokeOk();
  expect([json(whole), whole.functionError]).toEqual([{ errorType: "RangeError", errorMessage: "late" }, "Unhandled"]);
  await harness.end();
});

test.for(["Streaming", "buffered"])("a response of the mode %s is refused, and the invoke fails", async (mode) => {
  const answers: unknown[] = [];
  const harness = new WorkerHarness({
    handle: async (process, { requestId }) => {
      const path = `/2018-06-01/runtime/invocation/${requestId}/response`;
      const headers = { "lambda-runtime-function-response-mode": mode };
      const { status, body } = await process.call("POST", path, '"answer"', headers);
      answers.push(status, JSON.parse(body));
      return '"late"';
    },
  });
  for (const isStreamed of [true, false]) {
    const outcome = await harness.invokeOk({}, { isStreamed });
    expect([outcome.functionError, json(outcome)]).toEqual([
      "Unhandled",
      expect.objectContaining({ errorType: "Runtime.InvalidResponseModeHeader" }),
    ]);
  }
  const refused = { errorMessage: "Invalid function response mode", errorType: "InvalidFunctionResponseMode" };
  expect(answers).toEqual([400, refused, 400, refused]);
  await harness.end();
});

test("a stream over 200 MiB ends with an error, and the environment goes on", async () => {
  const mib = Buffer.alloc(1024 * 1024);
  const endless = async function* (): AsyncGenerator<Buffer> {
    for (let n = 0; n < 205; n++) yield mib;
  };
  const harness = new WorkerHarness({ handle: () => endless() });
  const outcome = await stream(harness);
  let readBytes = 0;
  const reading = (async () => {
    for await (const piece of outcome.payload) readBytes += piece.length;
  })();
  await expect(reading).rejects.toThrow("a body of more than 209715200 bytes");
  expect(readBytes).toBe(200 * 1024 * 1024);
  await harness.clock.advance(0);
  expect(harness.logs.lines.at(-1)).toContain("Error Type: Function.ResponseSizeTooLarge");
  expect((await harness.worker.report()).environments[0]?.state).toBe("idle");
  await harness.end();
});

test("a caller that goes away stops neither the function nor its environment", async () => {
  const pieces = new Pieces();
  const harness = new WorkerHarness({ handle: () => pieces });
  pieces.send("one");
  const outcome = await stream(harness);
  for await (const piece of outcome.payload) if (piece.toString() === "one") break;
  pieces.send("two");
  pieces.end();
  await harness.clock.advance(0);
  expect(harness.logs.lines.at(-1)).toMatch(/^REPORT .*\t$/);
  expect((await harness.worker.report()).environments[0]?.state).toBe("idle");
  await harness.end();
});

test("a runtime that ends in the middle, or is too slow, cuts the stream", async () => {
  const exiting = new WorkerHarness({
    handle: (process) =>
      (async function* (): AsyncGenerator<Buffer> {
        yield Buffer.from("half");
        process.exit(1);
      })(),
  });
  expect(await readAll(await stream(exiting))).toEqual({ read: "half", error: "a body that was cut off" });
  await exiting.clock.advance(0);
  expect((await exiting.worker.report()).environments).toMatchObject([{ state: "idle" }]);
  await exiting.end();
  const pieces = new Pieces();
  const hanging = new WorkerHarness({ handle: () => pieces });
  pieces.send("half");
  const reading = readAll(await stream(hanging, 1));
  await hanging.clock.advance(1000);
  expect(await reading).toEqual({ read: "half", error: "a body that was cut off" });
  await hanging.clock.advance(0);
  expect(hanging.logs.lines.at(-1)).toContain("Status: timeout");
  expect((await hanging.worker.report()).environments).toMatchObject([{ state: "idle" }]);
  await hanging.end();
});

test("a runtime that ends in the middle of a response that is wanted whole has not answered", async () => {
  const harness = new WorkerHarness({
    handle: (process) =>
      (async function* (): AsyncGenerator<Buffer> {
        yield Buffer.from("half");
        process.exit(1);
      })(),
  });
  expect(json(await harness.invokeOk())).toMatchObject({ errorType: "Runtime.ExitError" });
  await harness.end();
});
