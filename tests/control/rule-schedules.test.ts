/** Rules with a schedule, on a clock that a test moves: when they fire, once each, over restarts and crashes. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { allow, ask, FUNCTION_ARN, noting, RULE_ARN, type Seen } from "./events-harness.ts";
import { ControlHarness } from "./harness.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

let seen: Seen[];
let harness: ControlHarness;
let crashesAt: (step: string) => boolean = () => false;

beforeEach(async () => {
  const noted = noting();
  seen = noted.seen;
  crashesAt = () => false;
  // The clock of the harness starts on 23 November 2026, a Monday, at 09:00.
  harness = await ControlHarness.start({ functions: noted.functions, crashesAt: (step) => crashesAt(step) });
  await harness.create("note", "note", { snapStart: false });
  await allow(harness, "note");
});
afterEach(() => harness.end());

async function rule(ScheduleExpression: string, target: object = {}): Promise<void> {
  await ask(harness, "PutRule", { Name: "tick", ScheduleExpression });
  await ask(harness, "PutTargets", { Rule: "tick", Targets: [{ Id: "t", Arn: `${FUNCTION_ARN}note`, ...target }] });
}

/** The times of the events that came, as hours and minutes. */
const times = (): readonly string[] => seen.map(({ time }) => String(time).slice(5, 16));

test("an event has what AWS's has, and comes at its time", async () => {
  await rule("cron(30 10 ? * MON-FRI *)");
  await harness.advance(90 * MINUTE_MS - 1000);
  expect(seen).toEqual([]);
  await harness.advance(2000);
  expect(seen).toEqual([
    {
      version: "0",
      id: expect.any(String),
      "detail-type": "Scheduled Event",
      source: "aws.events",
      account: "000000000000",
      time: "2026-11-23T10:30:00Z",
      region: "us-east-1",
      resources: [`${RULE_ARN}tick`],
      detail: {},
    },
  ]);
  await harness.advance(7 * DAY_MS);
  expect(times()).toEqual(["11-23T10:30", "11-24T10:30", "11-25T10:30", "11-26T10:30", "11-27T10:30", "11-30T10:30"]);
});

test("a rate counts from when it was put, without drift, and Input takes the event's place", async () => {
  await rule("rate(5 minutes)", { Input: '{"tick":true}' });
  await harness.advance(HOUR_MS + 1000);
  expect(seen).toEqual(Array.from({ length: 12 }, () => ({ tick: true })));
});

test("a rule that is disabled, changed or deleted does as it is said from then on", async () => {
  await rule("rate(1 hour)");
  await ask(harness, "DisableRule", { Name: "tick" });
  await harness.advance(3 * HOUR_MS);
  expect(seen).toEqual([]);
  await ask(harness, "EnableRule", { Name: "tick" });
  await harness.advance(HOUR_MS);
  expect(seen).toHaveLength(1);
  await ask(harness, "PutRule", { Name: "tick", ScheduleExpression: "rate(1 day)" });
  await harness.advance(DAY_MS - HOUR_MS);
  expect(seen).toHaveLength(1);
  await harness.advance(HOUR_MS);
  expect(seen).toHaveLength(2);
  await ask(harness, "RemoveTargets", { Rule: "tick", Ids: ["t"] });
  await ask(harness, "DeleteRule", { Name: "tick" });
  await harness.advance(3 * DAY_MS);
  expect(seen).toHaveLength(2);
  expect(await harness.life.store.listAccountEntries("lastTime")).toEqual([]);
});

test("nothing wakes where no rule has a schedule", async () => {
  const before = harness.clock.timerCount;
  await rule("rate(1 hour)");
  expect(harness.clock.timerCount).toBe(before + 1);
  await ask(harness, "DisableRule", { Name: "tick" });
  expect(harness.clock.timerCount).toBe(before);
});

test("times at which the server did not run are skipped, but for the last minute", async () => {
  await rule("cron(0/10 * * * ? *)");
  await harness.advance(15 * MINUTE_MS);
  expect(times()).toEqual(["11-23T09:10"]);
  await harness.stop();
  await harness.advance(40 * MINUTE_MS);
  await harness.start();
  await harness.advance(1000);
  expect(times()).toEqual(["11-23T09:10"]);
  await harness.advance(5 * MINUTE_MS);
  expect(times()).toEqual(["11-23T09:10", "11-23T10:00"]);
  await harness.stop();
  await harness.advance(10 * MINUTE_MS);
  await harness.start();
  await harness.advance(1000);
  // It is half a minute late.
  expect(times()).toEqual(["11-23T09:10", "11-23T10:00", "11-23T10:10"]);
});

test("a time is accepted once, wherever the server is killed", async () => {
  await rule("rate(10 minutes)");
  await harness.advance(9 * MINUTE_MS);
  // The server dies at one step after the other of what it does at that time; a run that reaches no further step lives.
  for (let last = 1; ; last++) {
    const before = seen.length;
    let steps = 0;
    let hasDied = false;
    crashesAt = (step) => (hasDied = step.startsWith("store") && ++steps === last);
    await harness.advance(MINUTE_MS).catch(() => undefined);
    const died = hasDied || harness.isOver;
    crashesAt = () => false;
    if (died) {
      harness.crash();
      await harness.start();
    }
    await harness.advance(30_000);
    const due = new Set(times().slice(before));
    expect(due.size, `killed at step ${last}`).toBe(1);
    if (!died) break;
    await harness.advance(9 * MINUTE_MS - 30_000);
  }
  // The function may run twice for an event that was under way; there is one event for each time.
  const ids = new Map<unknown, unknown>();
  for (const { id, time } of seen) ids.set(time, ids.get(time) ?? id);
  expect(seen.every(({ id, time }) => ids.get(time) === id)).toBe(true);
});

test("a clock that is set ahead fires once, and one that is set back does not fire again", async () => {
  await rule("cron(0/10 * * * ? *)");
  await harness.advance(10 * MINUTE_MS + 1000);
  expect(times()).toEqual(["11-23T09:10"]);
  harness.clock.setBy(5 * HOUR_MS);
  await harness.advance(2 * MINUTE_MS);
  expect(times()).toEqual(["11-23T09:10", "11-23T09:20"]);
  await harness.advance(8 * MINUTE_MS);
  expect(times()).toEqual(["11-23T09:10", "11-23T09:20", "11-23T14:20"]);
  // By a few minutes: what was done is not done again.
  harness.clock.setBy(-5 * MINUTE_MS);
  await harness.advance(9 * MINUTE_MS);
  expect(seen).toHaveLength(3);
  await harness.advance(7 * MINUTE_MS);
  expect(times().at(-1)).toBe("11-23T14:30");
  // By hours: it was wrong before, and the schedule begins anew.
  harness.clock.setBy(-5 * HOUR_MS);
  await harness.advance(2 * MINUTE_MS);
  await harness.advance(10 * MINUTE_MS);
  expect(times().at(-1)).toMatch(/^11-23T09:[34]0$/);
});

test("what the store can't take is tried again", async () => {
  await rule("rate(1 hour)");
  const { store } = harness.life;
  const commit = store.commit.bind(store);
  let fails = 2;
  store.commit = (writes) =>
    writes.some((write) => write.op === "addEvent") && fails-- > 0
      ? Promise.reject(new Error("no room"))
      : commit(writes);
  await harness.advance(HOUR_MS + 60_000);
  expect(times()).toEqual(["11-23T10:00"]);
  expect(harness.problems.join()).toContain("the schedule of rule default/tick: Error: no room");
});
