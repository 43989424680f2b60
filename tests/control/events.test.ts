/** Asynchronous invokes: which version runs, when a failed one is tried again, and when it is given up. */
import type { Call } from "@thaw/server/testing/control";
import type { FakeFunction } from "@thaw/server/testing/fakes";
import { expect, test } from "vitest";
import { ControlHarness, type ControlHarnessOptions } from "./harness.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A function that fails whenever it runs, and the minutes at which it did. */
function failing(): {
  readonly ranAtMinutes: number[];
  readonly start: (more?: Partial<ControlHarnessOptions>) => Promise<ControlHarness>;
} {
  const ranAtMinutes: number[] = [];
  let harness: ControlHarness | null = null;
  let startMs = 0;
  const handle = (): never => {
    ranAtMinutes.push(((harness?.clock.nowMs() ?? 0) - startMs) / MINUTE_MS);
    throw new Error("no luck");
  };
  const start = async (more: Partial<ControlHarnessOptions> = {}): Promise<ControlHarness> => {
    harness = await ControlHarness.start({ functions: { bad: { handle } }, ...more });
    await harness.create("f", "bad", { snapStart: false });
    startMs = harness.clock.nowMs();
    return harness;
  };
  return { ranAtMinutes, start };
}

const left = async (harness: ControlHarness): Promise<number> =>
  (await harness.life.store.listEvents(Number.MAX_SAFE_INTEGER, 10)).length;

test("an alias chooses the version of each event by weight, as it does for other invokes", async () => {
  const ran: string[] = [];
  const make = (name: string) => ({ handle: () => (ran.push(name), "1") });
  let chance = 0;
  const random = {
    fraction: () => chance,
    uuid: () => `uuid-${ran.length}-${chance}`,
    bytes: (count: number) => Buffer.alloc(count),
  };
  const harness = await ControlHarness.start({ functions: { one: make("one"), two: make("two") }, random });
  await harness.create("f", "one", { snapStart: false });
  const first = await harness.publish("f");
  await harness.call("UpdateFunctionCode", { FunctionName: "f", ZipFile: Buffer.from("two") });
  await harness.advance(0);
  const second = await harness.publish("f");
  await harness.call("CreateAlias", {
    FunctionName: "f",
    Name: "live",
    FunctionVersion: first,
    RoutingConfig: { AdditionalVersionWeights: { [second]: 0.3 } },
  });
  for (const fraction of [0, 0.29, 0.3, 0.9]) {
    chance = fraction;
    await harness.invoke("f", "live", {}, "Event");
    await harness.advance(0);
  }
  expect(ran).toEqual(["two", "two", "one", "one"]);
  await harness.end();
});

test("a function that fails is tried again after one minute and after two more, then the event is given up, and that is told", async () => {
  const { ranAtMinutes, start } = failing();
  const harness = await start();
  await harness.invoke("f", undefined, { n: 1 }, "Event");
  await harness.advance(MINUTE_MS - 1000);
  expect(ranAtMinutes.map(Math.floor)).toEqual([0]);
  await harness.advance(2000);
  expect(ranAtMinutes.map(Math.floor)).toEqual([0, 1]);
  await harness.advance(2 * MINUTE_MS - 4000);
  expect(ranAtMinutes.map(Math.floor)).toEqual([0, 1]);
  expect(await left(harness)).toBe(1);
  await harness.advance(4000);
  expect(ranAtMinutes.map(Math.floor)).toEqual([0, 1, 3]);
  expect(await left(harness)).toBe(0);
  expect(harness.problems.join()).toMatch(/event uuid-\d+ of f is dropped: Error: the function failed three times/);
  await harness.advance(HOUR_MS);
  expect(ranAtMinutes).toHaveLength(3);
  await harness.end();
});

test("attempts and their times outlive a crash", async () => {
  const { ranAtMinutes, start } = failing();
  const harness = await start();
  await harness.invoke("f", undefined, {}, "Event");
  await harness.advance(30_000);
  harness.crash();
  await harness.start();
  await harness.advance(MINUTE_MS);
  expect(ranAtMinutes.map(Math.floor)).toEqual([0, 1]);
  harness.crash();
  await harness.advance(10 * MINUTE_MS);
  await harness.start();
  await harness.advance(1000);
  // Overdue by then: at once.
  expect(ranAtMinutes.map(Math.floor)).toEqual([0, 1, 11]);
  expect(await left(harness)).toBe(0);
  await harness.end();
});

test("a throttled event is tried for six hours, ever more rarely; those are no attempts of the function", async () => {
  const { ranAtMinutes, start } = failing();
  const harness = await start({ limits: { concurrencyMax: 0 } });
  await harness.invoke("f", undefined, {}, "Event");
  await harness.advance(6 * HOUR_MS - 10 * MINUTE_MS);
  expect(ranAtMinutes).toEqual([]);
  expect(await left(harness)).toBe(1);
  await harness.advance(20 * MINUTE_MS);
  expect(await left(harness)).toBe(0);
  expect(harness.problems.join()).toContain("it was too old");
  await harness.end();
});

test("what fails at the end of the six hours is not tried beyond them", async () => {
  const { ranAtMinutes, start } = failing();
  const limits = { concurrencyMax: 0 };
  const harness = await start({ limits });
  await harness.invoke("f", undefined, {}, "Event");
  await harness.advance(6 * HOUR_MS - 6 * MINUTE_MS);
  limits.concurrencyMax = 100;
  await harness.restart();
  await harness.advance(HOUR_MS);
  const last = ranAtMinutes.at(-1) ?? 0;
  expect(ranAtMinutes.length).toBeGreaterThan(0);
  expect(last).toBeLessThanOrEqual(360);
  expect(await left(harness)).toBe(0);
  await harness.end();
});

test("an event that lay for more than six hours while the server was away is given up, and not run", async () => {
  const { ranAtMinutes, start } = failing();
  const limits = { concurrencyMax: 0 };
  const harness = await start({ limits });
  await harness.invoke("f", undefined, {}, "Event");
  harness.crash();
  await harness.advance(7 * HOUR_MS);
  limits.concurrencyMax = 100;
  await harness.start();
  await harness.advance(1000);
  expect(ranAtMinutes).toEqual([]);
  expect(await left(harness)).toBe(0);
  await harness.end();
});

test("the client context reaches the function in a synchronous invoke alone, as on AWS", async () => {
  const contexts: Array<string | undefined> = [];
  const handle: FakeFunction["handle"] = (_process, { headers }) => {
    contexts.push(headers["Lambda-Runtime-Client-Context"]);
    return "null";
  };
  const harness = await ControlHarness.start({ functions: { code: { handle } } });
  await harness.create("f", "code", { snapStart: false });
  const ClientContext = Buffer.from('{"custom":{}}').toString("base64");
  for (const InvocationType of ["RequestResponse", "Event"] as const) {
    await harness.call("Invoke", { FunctionName: "f", InvocationType, ClientContext });
    await harness.advance(0);
  }
  expect(contexts).toEqual(['{"custom":{}}', undefined]);
  await harness.end();
});

test("an event has at most 1 MiB, and one of InvokeAsync 256 KiB", async () => {
  const harness = await ControlHarness.start({ functions: { good: { handle: () => "1" } } });
  await harness.create("f", "good", { snapStart: false });
  const { Invoke, InvokeAsync } = harness.control.operations;
  const call = (sizeBytes: number): Call => ({
    requestId: "r",
    body: Buffer.from(JSON.stringify("x".repeat(sizeBytes - 2))),
    traceId: null,
  });
  const later = async (sizeBytes: number): Promise<unknown> =>
    Invoke?.({ FunctionName: "f", InvocationType: "Event" }, call(sizeBytes));
  const old = async (sizeBytes: number): Promise<unknown> =>
    InvokeAsync?.({ FunctionName: "f", InvokeArgs: Buffer.alloc(0) }, call(sizeBytes));
  expect(await harness.orDeath(later(1_048_576))).toEqual({ StatusCode: 202 });
  expect(await harness.orDeath(old(262_144))).toEqual({ Status: 202 });
  const refused = (sizeBytes: number, limit: number): object => ({
    name: "RequestEntityTooLargeException",
    message: `${sizeBytes} byte payload is too large for the Event invocation type (limit ${limit} bytes)`,
  });
  await expect(later(1_048_577)).rejects.toMatchObject(refused(1_048_577, 1_048_576));
  await expect(old(262_145)).rejects.toMatchObject(refused(262_145, 262_144));
  await harness.advance(1000);
  expect(await left(harness)).toBe(0);
  await harness.end();
});

test("1,000 invokes at once of a function with a limit of 5: what is over it gets 429, and each event is carried out", async () => {
  const ran = new Set<string>();
  let running = 0;
  let most = 0;
  const handle = async (_process: unknown, { payload }: { readonly payload: string }): Promise<string> => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    ran.add(payload);
    return "1";
  };
  const harness = await ControlHarness.start({ functions: { busy: { handle } } });
  await harness.create("f", "busy", { snapStart: false });
  await harness.call("PutFunctionConcurrency", { FunctionName: "f", ReservedConcurrentExecutions: 5 });
  const requests = Array.from({ length: 1000 }, (_, n) =>
    harness.request({ name: "f", payload: n, type: n % 10 === 0 ? "Event" : "RequestResponse" }).then(
      (answer) => answer.StatusCode ?? 0,
      (error: unknown) => (error as Error).name,
    ),
  );
  const answers = await harness.orDeath(Promise.all(requests));
  const count = (answer: number | string): number => answers.filter((each) => each === answer).length;
  expect(count(202)).toBe(100);
  expect(count(200)).toBeGreaterThanOrEqual(5);
  expect(count(200) + count("TooManyRequestsException")).toBe(900);
  expect(count("TooManyRequestsException")).toBeGreaterThan(0);
  await harness.advance(HOUR_MS);
  expect(await left(harness)).toBe(0);
  for (let n = 0; n < 1000; n += 10) expect(ran).toContain(String(n));
  expect(most).toBeLessThanOrEqual(5);
  await harness.end();
});
