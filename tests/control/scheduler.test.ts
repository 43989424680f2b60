/** EventBridge Scheduler on a clock that a test moves: when schedules fire, over restarts and crashes. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ACCOUNT, askScheduler as ask, FUNCTION_ARN, noting, type Seen } from "./events-harness.ts";
import { ControlHarness } from "./harness.ts";
import { REGION } from "./http-harness.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const ARN = `arn:aws:scheduler:${REGION}:${ACCOUNT}:schedule/`;
const QUEUE = `arn:aws:sqs:${REGION}:${ACCOUNT}:letters`;
const RoleArn = `arn:aws:iam::${ACCOUNT}:role/scheduler`;
/** What shows when it was due. */
const TIMED = '{"time":"<aws.scheduler.scheduled-time>"}';

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
});
afterEach(() => harness.end());

const inputOf = (ScheduleExpression: string, more: object = {}, target: object = {}) => ({
  Name: "s",
  ScheduleExpression,
  FlexibleTimeWindow: { Mode: "OFF" },
  Target: { Arn: `${FUNCTION_ARN}note`, RoleArn, Input: TIMED, ...target },
  ...more,
});

const create = (ScheduleExpression: string, more: object = {}, target: object = {}) =>
  ask(harness, "CreateSchedule", inputOf(ScheduleExpression, more, target));

/** The times of the events that came, as days, hours and minutes. */
const times = (): readonly string[] => seen.map(({ time }) => String(time).slice(5, 16));

const refusal = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => "done",
    (error: Error & { readonly code?: string }) => `${error.code}: ${error.message}`,
  );

test("all schedules together have a limit of bytes, for one that grows, too", async () => {
  const long = (Name: string, length: number) =>
    [inputOf("rate(1 day)", { Name }, { Input: JSON.stringify("x".repeat(length)) })] as const;
  const MIB = 1024 * 1024 - 2;
  for (let number = 0; number < 31; number++) await ask(harness, "CreateSchedule", ...long(`s${number}`, MIB));
  await ask(harness, "CreateSchedule", ...long("last", 1000));
  const tooMany = /^ServiceQuotaExceededException: All schedules of an account in a Region have at most 33554432 bytes/;
  expect(await refusal(ask(harness, "CreateSchedule", ...long("more", MIB)))).toMatch(tooMany);
  expect(await refusal(ask(harness, "UpdateSchedule", ...long("last", MIB)))).toMatch(tooMany);
  expect(await refusal(ask(harness, "UpdateSchedule", ...long("last", 900)))).toBe("done");
  await ask(harness, "DeleteSchedule", { Name: "s0" });
  expect(await refusal(ask(harness, "UpdateSchedule", ...long("last", MIB)))).toBe("done");
});

describe("a schedule", () => {
  test("fires by cron in its time zone, from its start to its end", async () => {
    await create("cron(0 8 * * ? *)", {
      ScheduleExpressionTimezone: "America/New_York",
      StartDate: new Date("2026-11-25T00:00:00Z"),
      EndDate: new Date("2026-11-27T13:00:00Z"),
    });
    await harness.advance(7 * DAY_MS);
    expect(times()).toEqual(["11-25T13:00", "11-26T13:00", "11-27T13:00"]);
  });

  test("fires by rate from its creation, or from its start on", async () => {
    await create("rate(20 minutes)");
    await create("rate(1 hour)", { Name: "later", StartDate: new Date("2026-11-23T09:30:00Z") });
    await harness.advance(HOUR_MS + 1000);
    expect(times()).toEqual(["11-23T09:20", "11-23T09:30", "11-23T09:40", "11-23T10:00"]);
  });

  test("fires in a group that was made after others were read", async () => {
    await ask(harness, "CreateScheduleGroup", { Name: "g" });
    await create("rate(1 minute)", { GroupName: "g" });
    await harness.advance(MINUTE_MS);
    expect(times()).toEqual(["11-23T09:01"]);
  });

  test("fires once at its time, and is deleted then where it says so", async () => {
    await create("at(2026-11-23T10:00:00)");
    await create("at(2026-11-23T12:30:00)", {
      Name: "gone",
      ScheduleExpressionTimezone: "Europe/Berlin",
      ActionAfterCompletion: "DELETE",
    });
    await create("at(2026-11-22T10:00:00)", { Name: "past" });
    await harness.advance(2 * DAY_MS);
    expect(times()).toEqual(["11-23T10:00", "11-23T11:30"]);
    expect((await ask(harness, "ListSchedules", {}))["Schedules"]).toMatchObject([{ Name: "past" }, { Name: "s" }]);
    expect(await harness.life.store.listAccountEntries("lastTime")).toMatchObject([{ id: "schedule/default/s" }]);
  });

  test("gives the names of Scheduler their values", async () => {
    const Input = `{"at":"<aws.scheduler.scheduled-time>","arn":"<aws.scheduler.schedule-arn>",
      "id":"<aws.scheduler.execution-id>","n":<aws.scheduler.attempt-number>,"x":"<aws.scheduler.other>"}`;
    await create("rate(1 minute)", {}, { Input });
    await harness.advance(MINUTE_MS);
    expect(seen).toEqual([
      { at: "2026-11-23T09:01:00Z", arn: `${ARN}default/s`, id: expect.any(String), n: 1, x: "<aws.scheduler.other>" },
    ]);
  });

  test("without an input gives an event", async () => {
    await create("rate(1 minute)", {}, { Input: undefined });
    await harness.advance(MINUTE_MS);
    expect(seen).toEqual([
      {
        version: "0",
        id: expect.any(String),
        "detail-type": "Scheduled Event",
        source: "aws.scheduler",
        account: ACCOUNT,
        time: "2026-11-23T09:01:00Z",
        region: REGION,
        resources: [`${ARN}default/s`],
        detail: "{}",
      },
    ]);
  });

  test("fires within its flexible window, at the same moment after a restart", async () => {
    const FlexibleTimeWindow = { Mode: "FLEXIBLE", MaximumWindowInMinutes: 30 };
    const names = Array.from({ length: 20 }, (_, index) => `w${index}`);
    for (const Name of names) await create("at(2026-11-23T10:00:00)", { Name, FlexibleTimeWindow });
    await harness.advance(HOUR_MS - 1000);
    expect(seen).toHaveLength(0);
    await harness.advance(15 * MINUTE_MS);
    const half = seen.length;
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(20);
    await harness.restart();
    await harness.advance(1000);
    expect(seen).toHaveLength(half);
    await harness.advance(15 * MINUTE_MS);
    expect(times()).toEqual(names.map(() => "11-23T10:00"));
  });

  test("that is disabled or changed does as it is said from then on", async () => {
    await create("rate(1 hour)");
    await ask(harness, "UpdateSchedule", inputOf("rate(1 hour)", { State: "DISABLED" }));
    await harness.advance(3 * HOUR_MS);
    expect(seen).toEqual([]);
    await ask(harness, "UpdateSchedule", inputOf("rate(1 hour)"));
    await harness.advance(30 * MINUTE_MS);
    // Its times stay where only its target changes.
    await ask(harness, "UpdateSchedule", inputOf("rate(1 hour)", {}, { Input: '{"time":"....-new"}' }));
    await harness.advance(30 * MINUTE_MS + 1000);
    expect(seen).toEqual([{ time: "....-new" }]);
    await ask(harness, "DeleteSchedule", { Name: "s" });
    await harness.advance(3 * HOUR_MS);
    expect(seen).toHaveLength(1);
    expect(await harness.life.store.listAccountEntries("lastTime")).toEqual([]);
  });
});

describe("times at which the server did not run", () => {
  test("are made up for within the retry policy", async () => {
    await create("rate(1 hour)");
    await create("rate(1 hour)", { Name: "young" }, { RetryPolicy: { MaximumEventAgeInSeconds: 5400 } });
    await create("rate(1 hour)", { Name: "once" }, { RetryPolicy: { MaximumRetryAttempts: 0 } });
    await harness.stop();
    await harness.advance(4 * HOUR_MS + 30 * MINUTE_MS);
    await harness.start();
    await harness.advance(1000);
    expect(times().toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      "11-23T10:00",
      "11-23T11:00",
      "11-23T12:00",
      "11-23T12:00",
      "11-23T13:00",
      "11-23T13:00",
    ]);
    expect(harness.problems.join()).toContain(
      "schedule default/once: Error: The server did not run at 2026-11-23T10:00:00Z.",
    );
    await harness.advance(30 * MINUTE_MS);
    expect(times().slice(6)).toEqual(["11-23T14:00", "11-23T14:00", "11-23T14:00"]);
  });

  test("leave dead letters where they are given up", async () => {
    const DeadLetterConfig = { Arn: QUEUE };
    await create("rate(1 hour)", {}, { DeadLetterConfig, RetryPolicy: { MaximumEventAgeInSeconds: 60 } });
    await harness.stop();
    await harness.advance(2 * HOUR_MS + 30 * MINUTE_MS);
    await harness.start();
    await harness.advance(1000);
    expect(seen).toEqual([]);
    expect(harness.destinations.sent.map(({ to, message }) => [to, message.body])).toEqual([
      ["letters", '{"time":"2026-11-23T10:00:00Z"}'],
      ["letters", '{"time":"2026-11-23T11:00:00Z"}'],
    ]);
    const attributes = harness.destinations.sent[0]?.message.attributes ?? {};
    expect(Object.fromEntries(Object.entries(attributes).map(([name, { value }]) => [name, value]))).toEqual({
      ERROR_CODE: "INTERNAL_ERROR",
      ERROR_MESSAGE: "The server did not run at 2026-11-23T10:00:00Z.",
      EXECUTION_ID: expect.any(String),
      EXHAUSTED_RETRY_CONDITION: "MaximumEventAgeInSeconds",
      IS_PAYLOAD_TRUNCATED: "false",
      RETRY_ATTEMPTS: "0",
      SCHEDULED_TIME: "2026-11-23T10:00:00Z",
      SCHEDULE_ARN: `${ARN}default/s`,
      TARGET_ARN: `${FUNCTION_ARN}note`,
    });
  });

  test("are given up after a day, and that is told", async () => {
    await create("cron(0 12 * * ? *)");
    await create("at(2026-11-24T10:00:00)", { Name: "old", ActionAfterCompletion: "DELETE" });
    await harness.stop();
    await harness.advance(5 * DAY_MS);
    await harness.start();
    await harness.advance(1000);
    expect(times()).toEqual(["11-27T12:00"]);
    const told = harness.problems.join("\n");
    expect(told).toContain("schedule default/s: Error: its times from 2026-11-23T12:00:00Z to 2026-11-27T09:00:");
    expect(told).toContain("schedule default/old: Error: its times from 2026-11-24T10:00:00Z");
  });

  test("are accepted once, wherever the server is killed", async () => {
    await create("rate(10 minutes)");
    await harness.advance(9 * MINUTE_MS);
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
        await harness.advance(20 * MINUTE_MS);
        await harness.start();
      }
      await harness.advance(30_000);
      // Those of the stop are made up for.
      expect(new Set(times().slice(before)).size, `killed at step ${last}`).toBe(died ? 3 : 1);
      if (!died) break;
      await harness.advance(9 * MINUTE_MS - 30_000);
    }
  });
});

test("a function that is not there leaves a dead letter at once", async () => {
  const target = { Arn: `${FUNCTION_ARN}nobody`, DeadLetterConfig: { Arn: QUEUE } };
  await create("rate(1 minute)", {}, target);
  await harness.advance(MINUTE_MS);
  expect(harness.destinations.sent[0]?.message.attributes).toMatchObject({
    ERROR_CODE: { value: "NO_RESOURCE" },
    SCHEDULED_TIME: { value: "2026-11-23T09:01:00Z" },
  });
});

test("schedules are shown as they were made, with AWS's defaults", async () => {
  const more = { Description: "d", GroupName: "g", StartDate: new Date("2026-12-01T00:00:00Z") };
  await ask(harness, "CreateScheduleGroup", { Name: "g", Tags: [{ Key: "a", Value: "b" }] });
  expect(await create("rate(5 minutes)", more)).toEqual({ ScheduleArn: `${ARN}g/s` });
  expect(await ask(harness, "GetSchedule", { Name: "s", GroupName: "g" })).toEqual({
    Arn: `${ARN}g/s`,
    GroupName: "g",
    Name: "s",
    ScheduleExpression: "rate(5 minutes)",
    ScheduleExpressionTimezone: "UTC",
    StartDate: new Date("2026-12-01T00:00:00Z"),
    State: "ENABLED",
    Description: "d",
    CreationDate: expect.any(Date),
    LastModificationDate: expect.any(Date),
    FlexibleTimeWindow: { Mode: "OFF" },
    Target: {
      Arn: `${FUNCTION_ARN}note`,
      RoleArn,
      Input: TIMED,
      RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
    },
    ActionAfterCompletion: "NONE",
  });
  const groupArn = `arn:aws:scheduler:${REGION}:${ACCOUNT}:schedule-group/g`;
  expect(await ask(harness, "GetScheduleGroup", { Name: "g" })).toMatchObject({ Arn: groupArn, State: "ACTIVE" });
  await ask(harness, "TagResource", { ResourceArn: groupArn, Tags: [{ Key: "c", Value: "d" }] });
  await ask(harness, "UntagResource", { ResourceArn: groupArn, TagKeys: ["a"] });
  expect(await ask(harness, "ListTagsForResource", { ResourceArn: groupArn })).toEqual({
    Tags: [{ Key: "c", Value: "d" }],
  });
  await create("rate(5 minutes)", { Name: "a", State: "DISABLED" });
  const listed = async (input: object) =>
    ((await ask(harness, "ListSchedules", input))["Schedules"] as { Name: string }[]).map(({ Name }) => Name);
  expect(await listed({})).toEqual(["a", "s"]);
  expect(await listed({ GroupName: "g" })).toEqual(["s"]);
  expect(await listed({ State: "DISABLED" })).toEqual(["a"]);
  expect(await listed({ NamePrefix: "b" })).toEqual([]);
  const page = await ask(harness, "ListSchedules", { MaxResults: 1 });
  expect(await listed({ NextToken: page["NextToken"] })).toEqual(["s"]);
  await ask(harness, "DeleteScheduleGroup", { Name: "g" });
  expect(await listed({})).toEqual(["a"]);
  expect((await ask(harness, "ListScheduleGroups", {}))["ScheduleGroups"]).toMatchObject([{ Name: "default" }]);
});

test("what is asked for twice with one token is made once", async () => {
  const first = await create("rate(5 minutes)", { ClientToken: "t" });
  expect(await create("rate(5 minutes)", { ClientToken: "t" })).toEqual(first);
  expect(await refusal(create("rate(5 minutes)", { ClientToken: "u" }))).toBe(
    "ConflictException: Schedule s already exists.",
  );
  const group = { Name: "g", ClientToken: "t" };
  expect(await ask(harness, "CreateScheduleGroup", group)).toEqual(await ask(harness, "CreateScheduleGroup", group));
  expect(await refusal(ask(harness, "CreateScheduleGroup", { Name: "g" }))).toBe(
    "ConflictException: Schedule group g already exists.",
  );
});

test.for([
  ["rate(1 minutes)", {}, {}, "ValidationException: Invalid Schedule Expression rate(1 minutes)."],
  ["at(2026-02-30T00:00:00)", {}, {}, "ValidationException: Invalid Schedule Expression at(2026-02-30T00:00:00)."],
  [
    "rate(1 minute)",
    { ScheduleExpressionTimezone: "Mars" },
    {},
    "ValidationException: Invalid ScheduleExpressionTimezone",
  ],
  ["rate(1 minute)", { GroupName: "no" }, {}, "ResourceNotFoundException: Schedule group no does not exist."],
  ["rate(1 minute)", { KmsKeyArn: "k" }, {}, "ValidationException: KmsKeyArn is not supported by Thaw"],
  [
    "rate(1 minute)",
    { FlexibleTimeWindow: { Mode: "FLEXIBLE" } },
    {},
    "ValidationException: MaximumWindowInMinutes must",
  ],
  [
    "rate(1 minute)",
    { StartDate: new Date(2), EndDate: new Date(1) },
    {},
    "ValidationException: The EndDate you specify must come after the StartDate.",
  ],
  ["rate(1 minute)", {}, { Arn: QUEUE }, "ValidationException: Target arn:aws:sqs:"],
  ["rate(1 minute)", {}, { Arn: "arn:aws:scheduler:::aws-sdk:lambda:invoke" }, "schedules call functions"],
  [
    "rate(1 minute)",
    {},
    { Arn: `arn:aws:lambda:${REGION}:1${"2".repeat(11)}:function:f` },
    "another account or Region",
  ],
  ["rate(1 minute)", {}, { Input: "{" }, "ValidationException: The Input of a function must be JSON"],
  ["rate(1 minute)", {}, { SqsParameters: {} }, "ValidationException: SqsParameters is not supported by Thaw"],
  ["rate(1 minute)", {}, { DeadLetterConfig: { Arn: `${QUEUE}.fifo` } }, "it is a standard SQS queue"],
] as const)("%s %j %j is refused", async ([expression, more, target, text]) => {
  expect(await refusal(create(expression, more, target))).toContain(text);
  expect(await refusal(ask(harness, "GetSchedule", { Name: "s" }))).toBe(
    "ResourceNotFoundException: Schedule s does not exist.",
  );
});
