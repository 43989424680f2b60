/** Mappings of streams, on the fake engine and a stream in memory: what functions get, and what becomes of records. */
import type { FakeFunction } from "@thaw/server/testing/fakes";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ControlHarness, type ControlHarnessOptions } from "./harness.ts";

const ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const LETTERS = "arn:aws:sqs:us-east-1:000000000000:letters";
const SHARD = "shardId-000000000000";
const MINUTE_MS = 60_000;

interface StreamRecord {
  readonly kinesis: { readonly sequenceNumber: string; readonly data: string; readonly partitionKey: string };
}
interface StreamEvent {
  readonly Records: readonly StreamRecord[];
  readonly state?: Record<string, number>;
  readonly isFinalInvokeForWindow?: boolean;
  readonly window?: { readonly start: string; readonly end: string };
}
type Handler = (texts: readonly string[], event: StreamEvent) => unknown;

let harness: ControlHarness;
let handler: Handler;
/** Texts of each batch that ran. */
let batches: string[][];
let events: StreamEvent[];

const code: FakeFunction = {
  handle: async (_, { payload }) => {
    const event = JSON.parse(payload) as StreamEvent;
    const texts = event.Records.map(({ kinesis }) => Buffer.from(kinesis.data, "base64").toString());
    batches.push(texts);
    events.push(event);
    return JSON.stringify((await handler(texts, event)) ?? null);
  },
};

beforeEach(() => {
  handler = () => undefined;
  batches = [];
  events = [];
});
afterEach(() => harness.end());

async function start(more: Partial<ControlHarnessOptions> = {}, shards: readonly string[] = [SHARD]) {
  harness = await ControlHarness.start({ functions: { code }, ...more });
  await harness.create("f", "code", { snapStart: false });
  return harness.eventSources.createStream(ARN, shards);
}

async function map(input: Record<string, unknown> = {}): Promise<string> {
  const wish = { FunctionName: "f", EventSourceArn: ARN, StartingPosition: "TRIM_HORIZON", ...input };
  const made = await harness.call("CreateEventSourceMapping", wish);
  await harness.advance(0);
  return (made as { readonly UUID: string }).UUID;
}

async function shown(UUID: string): Promise<Record<string, unknown>> {
  return (await harness.call("GetEventSourceMapping", { UUID })) as Record<string, unknown>;
}

const fails: Handler = () => {
  throw new Error("no luck");
};
const OnFailure = { DestinationConfig: { OnFailure: { Destination: LETTERS } } };

describe("a batch", () => {
  it("has the records in AWS's form and in their order, and the mapping says OK", async () => {
    const stream = await start();
    const UUID = await map();
    expect(await shown(UUID)).toMatchObject({ State: "Enabled", LastProcessingResult: "No records processed" });
    const sequenceNumber = stream.put(SHARD, "k", "hello");
    stream.put(SHARD, "k", "there");
    await harness.advance(1000);
    expect(batches).toEqual([["hello", "there"]]);
    expect(events[0]?.Records[0]).toEqual({
      kinesis: {
        kinesisSchemaVersion: "1.0",
        partitionKey: "k",
        sequenceNumber,
        data: "aGVsbG8=",
        approximateArrivalTimestamp: expect.any(Number),
      },
      eventSource: "aws:kinesis",
      eventVersion: "1.0",
      eventID: `${SHARD}:${sequenceNumber}`,
      eventName: "aws:kinesis:record",
      invokeIdentityArn: "arn:aws:iam::000000000000:role/test",
      awsRegion: "us-east-1",
      eventSourceARN: ARN,
    });
    expect(await shown(UUID)).toMatchObject({ LastProcessingResult: "OK" });
  });

  it("has at most BatchSize records, and waits for its window", async () => {
    const stream = await start();
    await map({ BatchSize: 3, MaximumBatchingWindowInSeconds: 10 });
    for (let index = 0; index < 4; index++) stream.put(SHARD, "k", String(index));
    await harness.advance(9000);
    expect(batches).toEqual([["0", "1", "2"]]);
    await harness.advance(5000);
    expect(batches).toEqual([["0", "1", "2"], ["3"]]);
  });

  it("that fails holds up its shard and no other, until it succeeds", async () => {
    const stream = await start({}, [SHARD, "shardId-1"]);
    handler = (texts) => (texts.includes("bad") ? fails(texts, { Records: [] }) : undefined);
    stream.put(SHARD, "k", "bad");
    stream.put("shardId-1", "l", "good");
    const UUID = await map({ BatchSize: 1 });
    stream.put(SHARD, "k", "after");
    await harness.advance(10 * MINUTE_MS);
    const ran = batches.flat();
    expect(ran.filter((text) => text === "bad").length).toBeGreaterThan(8);
    // A pause of a minute at most.
    expect(ran.filter((text) => text === "bad").length).toBeLessThan(30);
    expect(ran).toContain("good");
    expect(ran).not.toContain("after");
    expect(await shown(UUID)).toMatchObject({ LastProcessingResult: "PROBLEM: Function call failed" });
    handler = () => undefined;
    await harness.advance(2 * MINUTE_MS);
    expect(batches.flat().at(-1)).toBe("after");
  });

  it("whose retries are used up goes to the destination with AWS's record, and the shard goes on", async () => {
    const stream = await start();
    handler = (texts) => (texts.includes("bad") ? fails(texts, { Records: [] }) : undefined);
    const first = stream.put(SHARD, "k", "bad");
    const last = stream.put(SHARD, "k", "beside");
    await map({ MaximumRetryAttempts: 2, BatchSize: 2, ...OnFailure });
    stream.put(SHARD, "k", "after");
    await harness.advance(MINUTE_MS);
    expect(batches).toEqual([...Array<string[]>(3).fill(["bad", "beside"]), ["after"]]);
    expect(harness.destinations.sent.map(({ to }) => to)).toEqual(["letters"]);
    expect(JSON.parse(harness.destinations.sent[0]?.message.body ?? "")).toEqual({
      requestContext: {
        requestId: expect.any(String),
        functionArn: "arn:aws:lambda:us-east-1:000000000000:function:f",
        condition: "RetryAttemptsExhausted",
        approximateInvokeCount: 3,
      },
      responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
      version: "1.0",
      timestamp: expect.any(String),
      KinesisBatchInfo: {
        shardId: SHARD,
        startSequenceNumber: first,
        endSequenceNumber: last,
        approximateArrivalOfFirstRecord: expect.stringMatching(/^2026-.*\.\d{3}Z$/),
        approximateArrivalOfLastRecord: expect.stringMatching(/^2026-.*\.\d{3}Z$/),
        batchSize: 2,
        streamArn: ARN,
      },
    });
  });

  it("gives a bucket the records, too, under AWS's key", async () => {
    const stream = await start();
    handler = fails;
    stream.put(SHARD, "k", "bad");
    const Destination = "arn:aws:s3:::my-bucket";
    const UUID = await map({ MaximumRetryAttempts: 0, DestinationConfig: { OnFailure: { Destination } } });
    await harness.advance(1000);
    const [sent] = harness.destinations.sent;
    expect(JSON.parse(sent?.message.body ?? "")).toMatchObject({ payload: { Records: [{ eventSourceARN: ARN }] } });
    expect(sent?.message.key).toMatch(new RegExp(`^aws/lambda/${UUID}/${SHARD}/2026/\\d\\d/\\d\\d/2026-.*-uuid-\\d+$`));
  });

  it("that is too old is given up without a run", async () => {
    const stream = await start();
    stream.put(SHARD, "k", "old");
    await harness.advance(2 * MINUTE_MS);
    stream.put(SHARD, "k", "new");
    await map({ MaximumRecordAgeInSeconds: 60, ...OnFailure });
    await harness.advance(1000);
    expect(batches).toEqual([["new"]]);
    const record = JSON.parse(harness.destinations.sent[0]?.message.body ?? "") as Record<string, unknown>;
    expect(record).toMatchObject({ requestContext: { condition: "RecordAgeExceeded", approximateInvokeCount: 0 } });
    expect(record).not.toHaveProperty("responseContext");
  });

  it("is halved until the poison record is alone", async () => {
    const stream = await start();
    handler = (texts) => (texts.includes("3") ? fails(texts, { Records: [] }) : undefined);
    for (let index = 0; index < 8; index++) stream.put(SHARD, "k", String(index));
    await map({ BisectBatchOnFunctionError: true, MaximumRetryAttempts: 1, ...OnFailure });
    await harness.advance(MINUTE_MS);
    expect(batches.map((batch) => batch.join(""))).toEqual(["01234567", "0123", "01", "23", "2", "3", "3", "4567"]);
    const record = JSON.parse(harness.destinations.sent[0]?.message.body ?? "") as Record<string, unknown>;
    expect(record).toMatchObject({ KinesisBatchInfo: { batchSize: 1 } });
  });

  it("of which an item failed is run again from the lowest one that was named", async () => {
    const stream = await start();
    const numbers = ["a", "b", "c", "d"].map((text) => stream.put(SHARD, "k", text));
    let isFirst = true;
    handler = () => {
      const named = isFirst ? [numbers[3], numbers[1]] : [];
      isFirst = false;
      return { batchItemFailures: named.map((itemIdentifier) => ({ itemIdentifier })) };
    };
    await map({ FunctionResponseTypes: ["ReportBatchItemFailures"] });
    await harness.advance(MINUTE_MS);
    expect(batches.map((batch) => batch.join(""))).toEqual(["abcd", "bcd"]);
  });

  it("has no more than 6 MB; a record that fits into no event is given up", async () => {
    const stream = await start();
    stream.put(SHARD, "k", "x".repeat(5 * 2 ** 20));
    for (let index = 0; index < 6; index++) stream.put(SHARD, "k", String(index).repeat(2 ** 20));
    await map({ MaximumRetryAttempts: 0, ...OnFailure });
    await harness.advance(MINUTE_MS);
    expect(batches.flat().map((text) => text[0])).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(harness.destinations.sent).toHaveLength(1);
  });
});

it("a throttled function uses up none of the attempts", async () => {
  const stream = await start();
  await harness.call("PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: 0 });
  stream.put(SHARD, "k", "a");
  const UUID = await map({ MaximumRetryAttempts: 0, ...OnFailure });
  await harness.advance(10 * MINUTE_MS);
  expect(await shown(UUID)).toMatchObject({ LastProcessingResult: "PROBLEM: the function is throttled" });
  await harness.call("DeleteFunctionConcurrency", { FunctionName: "f" });
  await harness.advance(2 * MINUTE_MS);
  expect([batches, harness.destinations.sent]).toEqual([[["a"]], []]);
});

it("filter criteria look into the data, and what is dropped is not read again", async () => {
  const stream = await start();
  for (const text of ['{"n":1}', '{"n":2}', "plain"]) stream.put(SHARD, "k", text);
  await map({ FilterCriteria: { Filters: [{ Pattern: '{"data":{"n":[2]},"partitionKey":["k"]}' }] } });
  await harness.advance(1000);
  expect(batches).toEqual([['{"n":2}']]);
  const polled = (): number => harness.sourceReports.filter(({ kind }) => kind === "polled").length;
  stream.put(SHARD, "k", "plain");
  await harness.advance(2000);
  const before = polled();
  await harness.restart();
  await harness.advance(5000);
  expect(polled()).toBe(before);
});

it("a ParallelizationFactor runs batches side by side, and each key in its order", async () => {
  const stream = await start();
  let atOnce = 0;
  let most = 0;
  handler = async () => {
    most = Math.max(most, ++atOnce);
    await new Promise<void>((resolve) => void harness.clock.after(100, resolve));
    atOnce--;
  };
  for (let index = 0; index < 60; index++) stream.put(SHARD, `key-${index % 6}`, `${index % 6}:${index}`);
  await map({ ParallelizationFactor: 4, BatchSize: 5 });
  await harness.advance(MINUTE_MS);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(4);
  for (let key = 0; key < 6; key++) {
    const ran = batches.flat().filter((text) => text.startsWith(`${key}:`));
    expect(ran).toEqual(Array.from({ length: 10 }, (_, index) => `${key}:${key + index * 6}`));
  }
});

it("tumbling windows hand the state on, end with a last run, and go on over a restart", async () => {
  const stream = await start();
  handler = (texts, { state = {} }) => ({ state: { sum: (state["sum"] ?? 0) + texts.length } });
  await map({ TumblingWindowInSeconds: 30, BatchSize: 2 });
  for (let index = 0; index < 3; index++) stream.put(SHARD, "k", "x");
  await harness.advance(2000);
  expect(events.map(({ state }) => state)).toEqual([{}, { sum: 2 }]);
  await harness.restart();
  await harness.advance(30_000);
  expect(events).toHaveLength(3);
  expect(events[2]).toMatchObject({
    Records: [],
    state: { sum: 3 },
    shardId: SHARD,
    eventSourceARN: ARN,
    isFinalInvokeForWindow: true,
    isWindowTerminatedEarly: false,
  });
  const { start: from = "", end = "" } = events[2]?.window ?? {};
  expect(Date.parse(end) - Date.parse(from)).toBe(30_000);
  stream.put(SHARD, "k", "x");
  await harness.advance(2000);
  expect(events[3]).toMatchObject({ state: {}, isFinalInvokeForWindow: false });
});

describe("where reading begins:", () => {
  it("LATEST leaves out what was there, and nothing that comes later, also over a crash", async () => {
    const stream = await start();
    stream.put(SHARD, "k", "before");
    await harness.advance(10);
    await map({ StartingPosition: "LATEST" });
    await harness.advance(10);
    harness.crash();
    stream.put(SHARD, "k", "meanwhile");
    await harness.start();
    await harness.advance(2000);
    expect(batches).toEqual([["meanwhile"]]);
  });

  it("AT_TIMESTAMP begins there", async () => {
    const stream = await start();
    stream.put(SHARD, "k", "before");
    await harness.advance(1000);
    const StartingPositionTimestamp = new Date(harness.clock.nowMs());
    stream.put(SHARD, "k", "then");
    await map({ StartingPosition: "AT_TIMESTAMP", StartingPositionTimestamp });
    await harness.advance(1000);
    expect(batches).toEqual([["then"]]);
  });

  it("a child is read from its beginning when its parent is done with", async () => {
    const stream = await start();
    await map({ StartingPosition: "LATEST" });
    stream.put(SHARD, "k", "parent");
    stream.closeShard(SHARD);
    stream.addShard("shardId-1", [SHARD]);
    stream.put("shardId-1", "k", "child");
    await harness.advance(30_000);
    expect(batches.flat()).toEqual(["parent", "child"]);
  });

  it("an expired iterator is made anew where the shard has come to", async () => {
    const stream = await start();
    await map();
    stream.put(SHARD, "k", "a");
    await harness.advance(1500);
    let isFirst = true;
    stream.beforeCall = (call) => {
      if (call !== "read" || !isFirst) return;
      isFirst = false;
      throw Object.assign(new Error("ExpiredIteratorException"), { problem: "expired", name: "EventSourceError" });
    };
    stream.put(SHARD, "k", "b");
    await harness.advance(10_000);
    expect(batches.flat()).toEqual(["a", "b"]);
  });
});

describe("a stream", () => {
  it("that is not there is refused in AWS's words, as is a destination that takes no batches", async () => {
    await start();
    harness.eventSources.deleteStream(ARN);
    await expect(map()).rejects.toThrow(`Stream not found: ${ARN}`);
    harness.eventSources.createStream(ARN, [SHARD]);
    const Destination = "arn:aws:events:us-east-1:000000000000:event-bus/b";
    await expect(map({ DestinationConfig: { OnFailure: { Destination } } })).rejects.toThrow(
      `The destination ARN ${Destination} is invalid`,
    );
  });

  it("that vanishes is told, asked ever less often, and read again when it is back", async () => {
    const stream = await start();
    const UUID = await map();
    await harness.advance(1000);
    harness.eventSources.deleteStream(ARN);
    await harness.advance(30 * MINUTE_MS);
    expect(await shown(UUID)).toMatchObject({
      State: "Enabled",
      LastProcessingResult: expect.stringMatching(/^PROBLEM: .*no such stream/),
    });
    const failures = harness.sourceReports.filter(({ kind }) => kind === "poll-failed").length;
    expect(failures).toBeLessThan(90);
    const again = harness.eventSources.createStream(ARN, [SHARD]);
    expect(again).not.toBe(stream);
    again.put(SHARD, "k", "back");
    await harness.advance(3 * MINUTE_MS);
    expect(batches.flat()).toEqual(["back"]);
  });
});

it("a mapping that is disabled stops between attempts, and goes on where it was", async () => {
  const stream = await start();
  handler = fails;
  stream.put(SHARD, "k", "a");
  const UUID = await map();
  await harness.advance(5000);
  await harness.call("UpdateEventSourceMapping", { UUID, Enabled: false });
  await harness.advance(10);
  expect(await shown(UUID)).toMatchObject({ State: "Disabled" });
  handler = () => undefined;
  const before = batches.length;
  await harness.advance(5 * MINUTE_MS);
  expect(batches).toHaveLength(before);
  await harness.call("UpdateEventSourceMapping", { UUID, Enabled: true });
  await harness.advance(2000);
  expect(batches.slice(before)).toEqual([["a"]]);
  await harness.call("DeleteEventSourceMapping", { UUID });
  await harness.advance(1000);
  expect(await harness.life.store.listAccountEntries("eventSourceShard")).toEqual([]);
});

it("each record is run at least once and in order, wherever the server dies", async () => {
  let steps = 0;
  let deadAt = -1;
  const stream = await start({ crashesAt: () => steps++ === deadAt });
  for (let index = 0; index < 200; index++) stream.put(SHARD, "k", String(index));
  await map({ BatchSize: 10 });
  for (let life = 0; life < 30; life++) {
    deadAt = steps + 1 + life * 2;
    for (let turn = 0; turn < 5 && !harness.isOver; turn++) await harness.advance((life % 4) * 100);
    harness.crash();
    deadAt = -1;
    await harness.start();
  }
  await harness.advance(10 * MINUTE_MS);
  const firsts = [...new Set(batches.flat())];
  expect(firsts).toEqual(Array.from({ length: 200 }, (_, index) => String(index)));
});
