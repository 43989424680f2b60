/** Where results and failures of asynchronous invokes go: AWS's records, dead letters, attempts, crashes, loops. */
import { DestinationError } from "@thaw/server/testing/destinations";
import type { FakeFunction } from "@thaw/server/testing/fakes";
import { expect, test } from "vitest";
import { allow, ask, noting } from "./events-harness.ts";
import { ControlHarness, type ControlHarnessOptions } from "./harness.ts";
import { openTestObjects } from "./test-objects.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const ARN = "arn:aws:lambda:us-east-1:000000000000:function:";
const QUEUE = "arn:aws:sqs:us-east-1:000000000000:q";
const TOPIC = "arn:aws:sns:us-east-1:000000000000:t";
const BUS = "arn:aws:events:us-east-1:000000000000:event-bus/b";

type Settings = Readonly<Record<string, unknown>>;

const good: FakeFunction = { handle: () => '{"n":12345678901234567890}' };
const bad: FakeFunction = {
  handle: () => {
    throw new Error("no luck");
  },
};

async function start(code: FakeFunction, settings: Settings, more: Partial<ControlHarnessOptions> = {}) {
  const harness = await ControlHarness.start({ functions: { code, good }, ...more });
  await harness.create("f", "code", { snapStart: false });
  await harness.call("PutFunctionEventInvokeConfig", { FunctionName: "f", MaximumRetryAttempts: 2, ...settings });
  return harness;
}

const to = (OnSuccess: string | null, OnFailure: string | null): Settings => ({
  DestinationConfig: {
    ...(OnSuccess === null ? {} : { OnSuccess: { Destination: OnSuccess } }),
    ...(OnFailure === null ? {} : { OnFailure: { Destination: OnFailure } }),
  },
});

/** The records that were sent. */
const records = (harness: ControlHarness): unknown[] =>
  harness.destinations.sent.map(({ message }) => JSON.parse(message.body) as unknown);

const send = (harness: ControlHarness, payload: unknown = { k: 1 }, qualifier?: string): Promise<unknown> =>
  harness.orDeath(harness.request({ name: "f", qualifier, payload, type: "Event", requestId: "the-request" }));

test("a success is told field by field, and numbers are those that the function wrote", async () => {
  const harness = await start(good, to(QUEUE, null));
  await send(harness);
  await harness.advance(0);
  expect(harness.destinations.sent.map((sent) => sent.to)).toEqual(["q"]);
  expect(records(harness)).toEqual([
    {
      version: "1.0",
      timestamp: new Date(harness.clock.nowMs()).toISOString(),
      requestContext: {
        requestId: "the-request",
        functionArn: `${ARN}f:$LATEST`,
        condition: "Success",
        approximateInvokeCount: 1,
      },
      requestPayload: { k: 1 },
      responseContext: { statusCode: 200, executedVersion: "$LATEST" },
      responsePayload: expect.anything(),
    },
  ]);
  const [sent] = harness.destinations.sent;
  expect(sent?.message.body).toContain('"responsePayload":{"n":12345678901234567890}');
  expect(sent?.message.traceId).toMatch(/^Root=1-.*;Lineage=1:[0-9a-f]{8}:0$/);
  await harness.end();
});

test("a failure is told when its retries are used up; an alias is named as it was invoked", async () => {
  const harness = await start(bad, {});
  const version = await harness.publish("f");
  await harness.call("CreateAlias", { FunctionName: "f", Name: "live", FunctionVersion: version });
  await harness.call("PutFunctionEventInvokeConfig", { FunctionName: "f", Qualifier: "live", ...to(QUEUE, BUS) });
  await send(harness, { k: 1 }, "live");
  await harness.advance(2 * MINUTE_MS);
  expect(harness.destinations.sent).toEqual([]);
  await harness.advance(2 * MINUTE_MS);
  expect(harness.destinations.sent.map((sent) => sent.to)).toEqual([BUS]);
  expect(records(harness)).toMatchObject([
    {
      requestContext: { functionArn: `${ARN}f:live`, condition: "RetriesExhausted", approximateInvokeCount: 3 },
      responseContext: { statusCode: 200, executedVersion: "1", functionError: "Unhandled" },
      responsePayload: { errorMessage: "no luck" },
    },
  ]);
  expect(harness.destinations.sent[0]?.message.event).toEqual({
    source: "lambda",
    detailType: "Lambda Function Invocation Result - Failure",
    resources: [BUS, `${ARN}f:live`],
  });
  await harness.end();
});

test.for([
  [0, "RetriesExhausted", 1],
  [1, "RetriesExhausted", 2],
] as const)("MaximumRetryAttempts %i", async ([retries, condition, count]) => {
  const harness = await start(bad, { ...to(null, QUEUE), MaximumRetryAttempts: retries });
  await send(harness);
  await harness.advance(10 * MINUTE_MS);
  expect(records(harness)).toMatchObject([{ requestContext: { condition, approximateInvokeCount: count } }]);
  await harness.end();
});

test("MaximumEventAgeInSeconds: given up already when the next attempt would be too late", async () => {
  const harness = await start(bad, { ...to(null, QUEUE), MaximumEventAgeInSeconds: 100 });
  await send(harness);
  await harness.advance(MINUTE_MS + 1000);
  expect(records(harness)).toMatchObject([
    {
      requestContext: { condition: "EventAgeExceeded", approximateInvokeCount: 2 },
      responsePayload: { errorMessage: "no luck" },
    },
  ]);
  await harness.end();
});

test("a reserved concurrency of 0 ends an event at once, without a response", async () => {
  const harness = await start(good, to(null, QUEUE));
  await harness.call("PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: 0 });
  await send(harness);
  await harness.advance(0);
  expect(records(harness)).toEqual([
    {
      version: "1.0",
      timestamp: expect.any(String),
      requestContext: {
        requestId: "the-request",
        functionArn: `${ARN}f:$LATEST`,
        condition: "ZeroReservedConcurrency",
        approximateInvokeCount: 0,
      },
      requestPayload: { k: 1 },
    },
  ]);
  await harness.end();
});

test("a dead letter is the event as it came, with AWS's attributes; a destination gets its record, too", async () => {
  const harness = await start(bad, { ...to(null, "arn:aws:s3:::my-bucket"), MaximumRetryAttempts: 0 });
  await harness.call("UpdateFunctionConfiguration", { FunctionName: "f", DeadLetterConfig: { TargetArn: QUEUE } });
  await harness.advance(0);
  await send(harness, { k: 1 });
  await harness.advance(0);
  const [record, letter] = harness.destinations.sent;
  expect([record?.to, letter?.to]).toEqual(["my-bucket", "q"]);
  expect(record?.message.key).toMatch(
    /^aws\/lambda\/async\/f\/\d{4}\/\d\d\/\d\d\/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-the-request$/,
  );
  expect(letter?.message.body).toBe('{"k":1}');
  expect(letter?.message.attributes).toEqual({
    RequestID: { type: "String", value: "the-request" },
    ErrorCode: { type: "Number", value: "200" },
    ErrorMessage: { type: "String", value: "no luck" },
  });
  await harness.end();
});

test("the message of a dead letter ends after 1 KB, between characters", async () => {
  const long: FakeFunction = {
    handle: () => {
      throw new Error(`x${"ü".repeat(1000)}`);
    },
  };
  const harness = await start(long, { MaximumRetryAttempts: 0 });
  await harness.call("UpdateFunctionConfiguration", { FunctionName: "f", DeadLetterConfig: { TargetArn: TOPIC } });
  await harness.advance(0);
  await send(harness);
  await harness.advance(0);
  expect(harness.destinations.sent[0]?.message.attributes["ErrorMessage"]?.value).toBe(`x${"ü".repeat(511)}`);
  await harness.end();
});

test("a destination that is away is tried again, later and later, over crashes, until it has the record once", async () => {
  const harness = await start(good, to(QUEUE, null));
  let attempts = 0;
  harness.destinations.beforeSend = () => {
    attempts++;
    throw new DestinationError("away", false);
  };
  await send(harness);
  await harness.advance(HOUR_MS);
  // 1, 2, 4 s … 5 min.
  expect(attempts).toBeGreaterThan(15);
  expect(attempts).toBeLessThan(25);
  harness.crash();
  await harness.start();
  harness.destinations.beforeSend = () => undefined;
  await harness.advance(10 * MINUTE_MS);
  expect(records(harness)).toHaveLength(1);
  expect(await harness.life.store.listDeliveries(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
  expect(harness.problems.filter((problem) => problem.includes("another attempt"))).toHaveLength(1);
  await harness.end();
});

test("a record that is refused for good is dropped, told and counted", async () => {
  const harness = await start(good, to(QUEUE, null));
  harness.destinations.beforeSend = () => {
    throw new DestinationError("too large", true);
  };
  await send(harness);
  await harness.advance(HOUR_MS);
  expect(harness.problems.join()).toMatch(/the record of event the-request of f for .*:q is dropped: Error: too large/);
  expect(harness.asyncReports.map(({ kind }) => kind)).toEqual(["received", "started", "delivery-failed"]);
  await harness.end();
});

test("what is on its way is delivered though its function is deleted", async () => {
  const harness = await start(good, to(QUEUE, null));
  harness.destinations.beforeSend = () => {
    throw new DestinationError("away", false);
  };
  await send(harness);
  await harness.advance(0);
  await harness.call("DeleteFunction", { FunctionName: "f" });
  harness.destinations.beforeSend = () => undefined;
  await harness.advance(MINUTE_MS);
  expect(records(harness)).toHaveLength(1);
  await harness.end();
});

/** A success whose life ends at a step, and the lives after it; how many steps the first life had. */
async function crashingAt(crashAt: number): Promise<number> {
  let step = 0;
  let isArmed = false;
  const harness = await start(good, to(QUEUE, null), { crashesAt: () => isArmed && ++step === crashAt });
  isArmed = true;
  const isAccepted = await send(harness).then(
    () => true,
    () => false,
  );
  await harness.advance(MINUTE_MS);
  isArmed = false;
  if (harness.isOver) {
    harness.crash();
    await harness.start();
  }
  await harness.advance(HOUR_MS);
  if (isAccepted) expect(records(harness).length, `crash at step ${crashAt}`).toBeGreaterThanOrEqual(1);
  expect(await harness.life.store.listEvents(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
  expect(await harness.life.store.listDeliveries(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
  await harness.end();
  return step;
}

test("each step may be the last one of a life: the record of an accepted event comes at least once", async () => {
  const steps = await crashingAt(0);
  expect(steps).toBeGreaterThan(10);
  for (let crashAt = 1; crashAt <= steps; crashAt++) await crashingAt(crashAt);
});

test("a function as a destination gets the record as an event, in the chain of the one before", async () => {
  const got: Array<{ readonly payload: string; readonly trace: string | undefined }> = [];
  const next: FakeFunction = {
    handle: (_process, { payload, headers }) => {
      got.push({ payload, trace: headers["lambda-runtime-trace-id"] ?? headers["Lambda-Runtime-Trace-Id"] });
      return "1";
    },
  };
  const harness = await ControlHarness.start({ functions: { good, next } });
  await harness.create("f", "good", { snapStart: false });
  await harness.create("g", "next", { snapStart: false });
  await harness.call("PutFunctionEventInvokeConfig", { FunctionName: "f", ...to(`${ARN}g:$LATEST`, null) });
  await send(harness);
  await harness.advance(0);
  expect(JSON.parse(got[0]?.payload ?? "")).toMatchObject({ requestContext: { condition: "Success" } });
  expect(got[0]?.trace).toMatch(/;Lineage=1:[0-9a-f]{8}:0\|[0-9a-f]{8}:0$/);
  await harness.call("DeleteFunction", { FunctionName: "g" });
  await send(harness);
  await harness.advance(0);
  expect(harness.problems.join()).toContain(`Function not found: ${ARN}g:$LATEST`);
  await harness.end();
});

test("two functions that are each other's destination stop after 16 runs, and the event goes where failures go", async () => {
  let runs = 0;
  const count: FakeFunction = { handle: () => String(++runs) };
  const harness = await ControlHarness.start({ functions: { count, good } });
  await harness.create("f", "count", { snapStart: false });
  await harness.create("g", "good", { snapStart: false });
  await harness.call("PutFunctionEventInvokeConfig", { FunctionName: "f", ...to(`${ARN}g`, QUEUE) });
  await harness.call("PutFunctionEventInvokeConfig", { FunctionName: "g", ...to(`${ARN}f`, null) });
  await send(harness);
  await harness.advance(1000);
  expect(runs).toBe(16);
  expect(records(harness)).toMatchObject([
    { requestContext: { condition: "RecursiveInvocation", approximateInvokeCount: 0 } },
  ]);
  expect(harness.asyncReports.filter(({ kind }) => kind === "recursion-dropped")).toHaveLength(1);
  await harness.end();
});

test("a synchronous loop is refused at the 17th run of a chain, unless it is allowed", async () => {
  const traces: string[] = [];
  const handle: FakeFunction["handle"] = (_process, { headers }) => {
    traces.push(headers["lambda-runtime-trace-id"] ?? headers["Lambda-Runtime-Trace-Id"] ?? "");
    return "1";
  };
  const harness = await ControlHarness.start({ functions: { code: { handle } } });
  await harness.create("f", "code", { snapStart: false });
  const { Invoke } = harness.control.operations;
  const invoke = async (traceId: string): Promise<unknown> => {
    const call = { requestId: "r", body: Buffer.from("{}"), traceId };
    return harness.orDeath(Promise.resolve(Invoke?.({ FunctionName: "f" }, call)));
  };
  for (let run = 0; run < 16; run++) await invoke(traces.at(-1) ?? "Root=1-00000000-000000000000000000000000");
  await expect(invoke(traces.at(-1) ?? "")).rejects.toMatchObject({ name: "RecursiveInvocationException" });
  expect(traces).toHaveLength(16);
  await harness.call("PutFunctionRecursionConfig", { FunctionName: "f", RecursiveLoop: "Allow" });
  await invoke(traces.at(-1) ?? "");
  expect(traces).toHaveLength(17);
  await harness.end();
});

test("a bus is Thaw's own where no endpoint of EventBridge is named, and must be there", async () => {
  const noted = noting();
  const harness = await ControlHarness.start({ functions: { good, ...noted.functions } });
  harness.destinations.hasEndpoint = (service) => service !== "events";
  await harness.create("f", "good", { snapStart: false });
  await harness.create("note", "note", { snapStart: false });
  await allow(harness, "note");
  const put = { FunctionName: "f", ...to(BUS, null) };
  await expect(harness.call("PutFunctionEventInvokeConfig", put)).rejects.toThrow("There is no event bus");
  await ask(harness, "CreateEventBus", { Name: "b" });
  await harness.call("PutFunctionEventInvokeConfig", put);
  const pattern = { source: ["lambda"], detail: { requestContext: { condition: ["Success"] } } };
  await ask(harness, "PutRule", { Name: "r", EventBusName: "b", EventPattern: JSON.stringify(pattern) });
  const Targets = [{ Id: "t", Arn: `${ARN}note` }];
  await ask(harness, "PutTargets", { Rule: "r", EventBusName: "b", Targets });
  await send(harness);
  await harness.advance(0);
  expect(harness.destinations.sent).toEqual([]);
  expect(noted.seen).toMatchObject([
    {
      source: "lambda",
      "detail-type": "Lambda Function Invocation Result - Success",
      resources: [BUS, `${ARN}f:$LATEST`],
      detail: { requestContext: { requestId: "the-request" } },
    },
  ]);
  await harness.end();
});

test("a bucket is Thaw's own where it is there and no endpoint of S3 is named", async () => {
  const { objects } = openTestObjects();
  const harness = await ControlHarness.start({ functions: { bad }, services: { objects } });
  harness.destinations.hasEndpoint = () => false;
  harness.destinations.problemOf = async () => "Nobody answers.";
  await harness.create("f", "bad", { snapStart: false });
  const put = { FunctionName: "f", MaximumRetryAttempts: 0, ...to(null, "arn:aws:s3:::failures") };
  await expect(harness.call("PutFunctionEventInvokeConfig", put)).rejects.toThrow("Nobody answers.");
  const bucket = { region: "us-east-1", createdMs: 0, versioning: null, configurations: {} };
  await objects.createBucket({ ...bucket, name: "others", accountId: "111111111111" });
  const others = { ...put, ...to(null, "arn:aws:s3:::others") };
  await expect(harness.call("PutFunctionEventInvokeConfig", others)).rejects.toThrow("Nobody answers.");
  await objects.createBucket({ ...bucket, name: "failures", accountId: "000000000000" });
  await harness.call("PutFunctionEventInvokeConfig", put);
  await send(harness);
  const list = { bucket: "failures", prefix: "", delimiter: "", after: "", max: 10 };
  // The store writes to a real disk: the test's own limit is the deadline.
  let found: Awaited<ReturnType<typeof objects.list>>["items"][number] | undefined;
  for (; found === undefined; found = (await objects.list(list)).items[0]) await harness.advance(0);
  expect(found).toMatchObject({
    key: "aws/lambda/async/f/2026/11/23/2026-11-23T09.00.00-the-request",
    facts: { headers: { ContentType: "application/json" } },
  });
  const content = ((await (await objects.read(found))?.toArray()) ?? []) as Buffer[];
  expect(JSON.parse(Buffer.concat(content).toString())).toMatchObject({
    requestContext: { requestId: "the-request", condition: "RetriesExhausted", approximateInvokeCount: 1 },
    responseContext: { functionError: "Unhandled" },
  });
  expect(harness.destinations.sent).toEqual([]);
  await harness.end();
});
