/** Mappings of queues, on the fake engine and a queue in memory: what a function gets, and what becomes of messages. */
import type { FakeFunction } from "@thaw/server/testing/fakes";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ControlHarness, type ControlHarnessOptions } from "./harness.ts";

const arnOf = (name: string): string => `arn:aws:sqs:us-east-1:000000000000:${name}`;

interface Message {
  readonly messageId: string;
  readonly body: string;
}
type Handler = (messages: readonly Message[], payload: string) => unknown;

let harness: ControlHarness;
let handler: Handler;
/** Bodies of each batch that ran. */
let batches: string[][];

const code: FakeFunction = {
  handle: async (_, { payload }) => {
    const { Records } = JSON.parse(payload) as { readonly Records: readonly Message[] };
    batches.push(Records.map(({ body }) => body));
    const answer = await handler(Records, payload);
    return answer === undefined ? "null" : JSON.stringify(answer);
  },
};

beforeEach(() => {
  handler = () => undefined;
  batches = [];
});
afterEach(() => harness.end());

async function start(more: Partial<ControlHarnessOptions> = {}, config: Record<string, unknown> = {}): Promise<void> {
  harness = await ControlHarness.start({ functions: { code }, ...more });
  await harness.create("f", "code", { snapStart: false, config });
}

async function map(name: string, input: Record<string, unknown> = {}): Promise<string> {
  const made = await harness.call("CreateEventSourceMapping", {
    FunctionName: "f",
    EventSourceArn: arnOf(name),
    ...input,
  });
  await harness.advance(0);
  return (made as { readonly UUID: string }).UUID;
}

async function shown(UUID: string): Promise<Record<string, unknown>> {
  return (await harness.call("GetEventSourceMapping", { UUID })) as Record<string, unknown>;
}

/** A handler that reports some messages as failed. */
const failing =
  (isFailed: (body: string) => boolean): Handler =>
  (messages) => ({
    batchItemFailures: messages
      .filter(({ body }) => isFailed(body))
      .map(({ messageId }) => ({ itemIdentifier: messageId })),
  });

const FAILURES = { FunctionResponseTypes: ["ReportBatchItemFailures"] };

describe("a batch", () => {
  it("has the messages in AWS's form, and is deleted when it succeeded", async () => {
    await start();
    const queue = harness.eventSources.createQueue("q");
    let payload = "";
    handler = (_, text) => void (payload = text);
    const attributes = {
      text: { dataType: "String", stringValue: "v", binaryValue: null },
      bytes: { dataType: "Binary", stringValue: null, binaryValue: "AAE=" },
    };
    const traceId = "Root=1-65a0a0a0-0123456789abcdef01234567;Lineage=1:00000000:0";
    const messageId = queue.send("hello", { attributes, traceId });
    const UUID = await map("q");
    await harness.advance(0);
    expect(JSON.parse(payload)).toEqual({
      Records: [
        {
          messageId,
          receiptHandle: `${messageId}#1`,
          body: "hello",
          attributes: {
            ApproximateReceiveCount: "1",
            AWSTraceHeader: traceId,
            SentTimestamp: expect.stringMatching(/^\d{13}$/),
            SenderId: "AIDA",
            ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
          },
          messageAttributes: {
            text: { stringValue: "v", stringListValues: [], binaryListValues: [], dataType: "String" },
            bytes: { binaryValue: "AAE=", stringListValues: [], binaryListValues: [], dataType: "Binary" },
          },
          md5OfBody: "5d41402abc4b2a76b9719d911017c592",
          md5OfMessageAttributes: "md5",
          eventSource: "aws:sqs",
          eventSourceARN: arnOf("q"),
          awsRegion: "us-east-1",
        },
      ],
    });
    expect(queue.bodies).toEqual([]);
    expect(await shown(UUID)).toMatchObject({ State: "Enabled", StateTransitionReason: "USER_INITIATED" });
    expect(await shown(UUID)).not.toHaveProperty("LastProcessingResult");
    expect(harness.sourceReports).toMatchObject([
      { kind: "polled", count: 1, service: "sqs", functionName: "f" },
      { kind: "started", lagMs: expect.any(Number) },
      { kind: "ended", result: "success", failedCount: 0 },
    ]);
  });

  it("has at most BatchSize messages, and waits for its window to fill", async () => {
    await start();
    const queue = harness.eventSources.createQueue("q");
    await map("q", { BatchSize: 25, MaximumBatchingWindowInSeconds: 5 });
    for (let index = 0; index < 30; index++) queue.send(String(index));
    await harness.advance(4000);
    expect(batches.map(({ length }) => length)).toEqual([25]);
    await harness.advance(2000);
    expect(batches.map(({ length }) => length)).toEqual([25, 5]);
    expect(queue.bodies).toEqual([]);
  });

  it("has no more than 6 MB, and a message that fits into no event is left to its queue", async () => {
    await start();
    const letters = harness.eventSources.createQueue("letters");
    const queue = harness.eventSources.createQueue("q", { redrive: { to: letters, max: 2 } });
    // In JSON six times as long.
    queue.send("\u0001".repeat(2 ** 20));
    for (let index = 0; index < 9; index++) queue.send(String(index).repeat(10) + "x".repeat(2 ** 20));
    await map("q");
    await harness.advance(10);
    expect(batches.flat().map((body) => Number(body[0]))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(batches.every(({ length }) => length <= 5)).toBe(true);
    expect(harness.problems.join()).toMatch(
      /the event of message q-1 has 6\d+ bytes, and an invoke takes 6291456; it stays in its queue/,
    );
    await harness.advance(120_000);
    expect([queue.bodies.length, letters.bodies.length]).toEqual([0, 1]);
  });

  it("that failed comes again after its visibility timeout, and goes to the queue's own dead letter queue", async () => {
    await start();
    const letters = harness.eventSources.createQueue("letters");
    const queue = harness.eventSources.createQueue("q", { visibilityS: 30, redrive: { to: letters, max: 3 } });
    handler = () => {
      throw new Error("no luck");
    };
    queue.send("poison");
    const UUID = await map("q");
    await harness.advance(29_000);
    expect(batches).toHaveLength(1);
    expect(await shown(UUID)).toMatchObject({ LastProcessingResult: "PROBLEM: Function call failed" });
    await harness.advance(120_000);
    expect(batches).toEqual([["poison"], ["poison"], ["poison"]]);
    expect([queue.bodies, letters.bodies]).toEqual([[], ["poison"]]);
  });

  it("of which some items failed loses the others", async () => {
    await start();
    const queue = harness.eventSources.createQueue("q");
    handler = failing((body) => body === "bad");
    for (const body of ["good", "bad", "fine"]) queue.send(body);
    await map("q", FAILURES);
    expect(queue.bodies).toEqual(["bad"]);
    expect(harness.sourceReports).toContainEqual(
      expect.objectContaining({ kind: "ended", result: "partial", failedCount: 1 }),
    );
  });

  it.for([
    ["an identifier of another batch", { batchItemFailures: [{ itemIdentifier: "nobody" }] }],
    ["a text", "rubbish"],
  ])("whose answer is rubbish (%s) failed as a whole", async ([, answer]) => {
    await start();
    const queue = harness.eventSources.createQueue("q");
    handler = () => answer;
    queue.send("a");
    const UUID = await map("q", FAILURES);
    expect(queue.bodies).toEqual(["a"]);
    expect((await shown(UUID))["LastProcessingResult"]).toMatch(/^PROBLEM: /);
    handler = () => undefined;
    await harness.advance(31_000);
    expect(queue.bodies).toEqual([]);
    expect(await shown(UUID)).not.toHaveProperty("LastProcessingResult");
  });

  it("without ReportBatchItemFailures succeeds whatever the function says", async () => {
    await start();
    const queue = harness.eventSources.createQueue("q");
    handler = (messages) => ({ batchItemFailures: [{ itemIdentifier: messages[0]?.messageId }] });
    queue.send("a");
    await map("q");
    expect(queue.bodies).toEqual([]);
  });
});

it("filter criteria drop messages out of the queue", async () => {
  await start();
  const queue = harness.eventSources.createQueue("q");
  for (const body of ['{"n":1}', '{"n":2}', "plain", '{"m":1}', "[", "null"]) queue.send(body);
  await map("q", { FilterCriteria: { Filters: [{ Pattern: '{"body":{"n":[{"numeric":[">",1]}]}}' }] } });
  expect(batches).toEqual([['{"n":2}']]);
  expect(queue.bodies).toEqual([]);
  expect(harness.sourceReports).toContainEqual(expect.objectContaining({ kind: "filtered", count: 5 }));
});

it("a text is matched as a text where the pattern has one", async () => {
  await start();
  const queue = harness.eventSources.createQueue("q");
  for (const body of ["plain", "other"]) queue.send(body);
  await map("q", { FilterCriteria: { Filters: [{ Pattern: '{"body":["plain"]}' }] } });
  expect(batches).toEqual([["plain"]]);
});

it("MaximumConcurrency bounds the batches that run, and without it more run while there is a backlog", async () => {
  await start({}, { Timeout: 900 });
  const waiting: Array<() => void> = [];
  handler = () => new Promise<void>((resolve) => waiting.push(resolve));
  const bounded = harness.eventSources.createQueue("bounded", { visibilityS: 900 });
  for (let index = 0; index < 40; index++) bounded.send(String(index));
  const UUID = await map("bounded", { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 3 } });
  await harness.advance(1500);
  expect(waiting).toHaveLength(3);
  for (const end of waiting.splice(0)) end();
  await harness.advance(1500);
  expect(waiting).toHaveLength(3);
  await harness.call("UpdateEventSourceMapping", { UUID, Enabled: false });
  for (const end of waiting.splice(0)) end();
  await harness.advance(10);
  const free = harness.eventSources.createQueue("free", { visibilityS: 900 });
  for (let index = 0; index < 100; index++) free.send(String(index));
  await map("free", { BatchSize: 1 });
  await harness.advance(10);
  expect(waiting).toHaveLength(5);
  await harness.advance(3100);
  expect(waiting.length).toBeGreaterThanOrEqual(15);
  for (const end of waiting.splice(0)) end();
  handler = () => undefined;
  await harness.advance(60_000);
  expect(free.bodies).toEqual([]);
});

it("a FIFO queue's groups keep their order, also over failures", async () => {
  await start();
  const queue = harness.eventSources.createQueue("q.fifo", { visibilityS: 10 });
  const done: string[] = [];
  const failed = new Set<string>();
  handler = (messages) => {
    // The third of each group fails once; what follows in the batch is handed back, as AWS tells functions to.
    const at = messages.findIndex(({ body }) => body.endsWith("2") && !failed.has(body));
    const body = messages[at]?.body;
    if (body !== undefined) failed.add(body);
    const ran = at === -1 ? messages : messages.slice(0, at);
    done.push(...ran.map((each) => each.body));
    return { batchItemFailures: messages.slice(ran.length).map((each) => ({ itemIdentifier: each.messageId })) };
  };
  for (let index = 0; index < 8; index++)
    for (const group of ["a", "b", "c"]) queue.send(`${group}${index}`, { group });
  await map("q.fifo", { ...FAILURES, BatchSize: 4 });
  await harness.advance(200_000);
  expect(queue.bodies).toEqual([]);
  for (const group of ["a", "b", "c"])
    expect(done.filter((body) => body.startsWith(group))).toEqual(Array.from({ length: 8 }, (_, n) => `${group}${n}`));
});

it("a throttled function gets its batch again within the visibility timeout, and no message is lost", async () => {
  await start();
  const queue = harness.eventSources.createQueue("q", { visibilityS: 30 });
  await harness.call("PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: 0 });
  queue.send("a");
  const UUID = await map("q");
  await harness.advance(8000);
  expect(await shown(UUID)).toMatchObject({ LastProcessingResult: "PROBLEM: the function is throttled" });
  expect([queue.receiveCount, batches.length]).toEqual([2, 0]);
  await harness.call("PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: 10 });
  await harness.advance(20_000);
  expect(batches).toEqual([["a"]]);
  expect(queue.bodies).toEqual([]);
});

it("a function that is gone leaves the messages to the queue, without using up their receives at full speed", async () => {
  await start();
  const queue = harness.eventSources.createQueue("q", { visibilityS: 4 });
  for (let index = 0; index < 3; index++) queue.send("a");
  const UUID = await map("q");
  expect(queue.bodies).toEqual([]);
  await harness.call("DeleteFunction", { FunctionName: "f" });
  const before = queue.receiveCount;
  queue.send("a");
  await harness.advance(300_000);
  expect(queue.receiveCount - before).toBeLessThan(20);
  expect(await shown(UUID)).toMatchObject({
    State: "Enabled",
    LastProcessingResult: expect.stringMatching(/Function not found/),
  });
  await harness.create("f", "code", { snapStart: false });
  await harness.advance(200_000);
  expect(queue.bodies).toEqual([]);
});

describe("a source", () => {
  it("that is not there is refused in AWS's words, as is a visibility timeout below the function's timeout", async () => {
    await start();
    harness.eventSources.createQueue("short", { visibilityS: 2 });
    await expect(map("nobody")).rejects.toThrow(
      "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.",
    );
    await expect(map("short")).rejects.toThrow(
      "Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds",
    );
    await expect(map("a/b")).rejects.toThrow("Unrecognized event source.");
  });

  it("without an endpoint is kept, and the mapping says which setting is missing", async () => {
    await start();
    const UUID = await map("q");
    expect(await shown(UUID)).toMatchObject({
      State: "Disabled",
      StateTransitionReason: expect.stringContaining("--aws-endpoint sqs=URL"),
    });
  });

  it("that goes away is told once, asked ever less often, and read again when it is back", async () => {
    await start();
    const queue = harness.eventSources.createQueue("q");
    const UUID = await map("q");
    let attempts = 0;
    queue.beforeCall = () => {
      attempts++;
      throw new Error("connect ECONNREFUSED");
    };
    await harness.advance(600_000);
    expect(attempts).toBeGreaterThan(8);
    expect(attempts).toBeLessThan(30);
    expect(await shown(UUID)).toMatchObject({
      State: "Enabled",
      LastProcessingResult: "PROBLEM: connect ECONNREFUSED",
    });
    queue.beforeCall = () => undefined;
    queue.send("a");
    await harness.advance(61_000);
    expect(queue.bodies).toEqual([]);
    expect(await shown(UUID)).not.toHaveProperty("LastProcessingResult");
  });

  it("that answers at once with nothing is not asked in a busy loop", async () => {
    await start();
    const queue = harness.eventSources.createQueue("q");
    await map("q");
    queue.beforeCall = () => undefined;
    const before = queue.receiveCount;
    await harness.advance(100_000);
    // Long polls of 20 seconds.
    expect(queue.receiveCount - before).toBeLessThan(8);
  });
});

describe("a mapping that is changed while a batch runs", () => {
  it("is Disabling until the batch has ended, and reads nothing more", async () => {
    await start();
    const queue = harness.eventSources.createQueue("q");
    let end: () => void = () => undefined;
    handler = () => new Promise<void>((resolve) => (end = resolve));
    queue.send("a");
    const UUID = await map("q");
    expect(await harness.call("UpdateEventSourceMapping", { UUID, Enabled: false })).toMatchObject({
      State: "Disabling",
    });
    queue.send("b");
    await harness.advance(1000);
    expect(await shown(UUID)).toMatchObject({ State: "Disabling" });
    await expect(harness.call("UpdateEventSourceMapping", { UUID, Enabled: true })).rejects.toThrow("it is in use");
    end();
    await harness.advance(10);
    expect(await shown(UUID)).toMatchObject({ State: "Disabled", StateTransitionReason: "USER_INITIATED" });
    expect(queue.bodies).toEqual(["b"]);
    handler = () => undefined;
    await harness.call("UpdateEventSourceMapping", { UUID, Enabled: true });
    await harness.advance(10);
    expect(queue.bodies).toEqual([]);
    expect(await shown(UUID)).toMatchObject({ State: "Enabled" });
  });

  it("is gone when it was deleted and its batch has ended", async () => {
    await start();
    const queue = harness.eventSources.createQueue("q");
    let end: () => void = () => undefined;
    handler = () => new Promise<void>((resolve) => (end = resolve));
    queue.send("a");
    const UUID = await map("q");
    await harness.call("DeleteEventSourceMapping", { UUID });
    await harness.advance(1000);
    expect(await shown(UUID)).toMatchObject({ State: "Deleting" });
    end();
    await harness.advance(10);
    await expect(shown(UUID)).rejects.toThrow("The resource you requested does not exist.");
    queue.send("b");
    await harness.advance(60_000);
    expect(queue.bodies).toEqual(["b"]);
  });

  it("runs another function from then on, and tags change nothing", async () => {
    await start();
    await harness.create("g", "code", { snapStart: false });
    const queue = harness.eventSources.createQueue("q");
    const UUID = await map("q");
    const before = queue.receiveCount;
    const Resource = `arn:aws:lambda:us-east-1:000000000000:event-source-mapping:${UUID}`;
    await harness.call("TagResource", { Resource, Tags: { a: "b" } });
    await harness.advance(10);
    expect(queue.receiveCount).toBe(before);
    await harness.call("UpdateEventSourceMapping", { UUID, FunctionName: "g" });
    queue.send("a");
    await harness.advance(10);
    expect(harness.sourceReports.map(({ functionName }) => functionName)).toContain("g");
    expect(queue.bodies).toEqual([]);
  });
});

it("messages that nobody has run when the server stops are visible at once", async () => {
  await start();
  const queue = harness.eventSources.createQueue("q", { visibilityS: 900 });
  await map("q", { BatchSize: 100, MaximumBatchingWindowInSeconds: 300 });
  for (let index = 0; index < 15; index++) queue.send(String(index));
  await harness.advance(1000);
  expect([queue.visibleCount, batches.length]).toEqual([0, 0]);
  await harness.restart();
  await harness.advance(310_000);
  expect(batches.map(({ length }) => length)).toEqual([15]);
});

it("each message is run at least once, wherever the server dies", async () => {
  let steps = 0;
  let deadAt = -1;
  await start({ crashesAt: () => steps++ === deadAt });
  const letters = harness.eventSources.createQueue("letters");
  const queue = harness.eventSources.createQueue("q", { visibilityS: 5, redrive: { to: letters, max: 12 } });
  handler = failing((body) => Number(body) % 10 === 0);
  await map("q", FAILURES);
  for (let index = 0; index < 200; index++) queue.send(String(index));
  for (let life = 0; life < 30; life++) {
    deadAt = steps + 1 + life;
    for (let turn = 0; turn < 20 && !harness.isOver; turn++) await harness.advance((life % 4) * 100);
    harness.crash();
    deadAt = -1;
    await harness.start();
  }
  await harness.advance(600_000);
  expect(queue.bodies).toEqual([]);
  expect(new Set(batches.flat()).size).toBe(200);
  expect(letters.bodies.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n * 10));
});
