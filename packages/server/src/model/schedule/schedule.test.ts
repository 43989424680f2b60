import { describe, expect, test } from "vitest";
import { Cron } from "./cron.ts";
import { nextTime, readOneTimeSchedule, readSchedule } from "./expression.ts";
import { TimeZone } from "./zone.ts";

const zoneOf = (name: string): TimeZone => {
  const zone = TimeZone.of(name);
  if (zone === null) throw new Error(`no zone ${name}`);
  return zone;
};
const UTC = TimeZone.utc;

/** The next times, in UTC. */
function times(expression: string, after: string, count: number, zone = UTC): readonly string[] {
  const schedule = readOneTimeSchedule(expression, zone);
  if (schedule === null) throw new Error(`${expression} is not valid`);
  const found: string[] = [];
  let afterMs = Date.parse(after);
  for (let nth = 0; nth < count; nth++) {
    const next = nextTime(schedule, Date.parse(after), afterMs);
    if (next === null) break;
    found.push(new Date(next).toISOString().slice(0, 16));
    afterMs = next;
  }
  return found;
}

describe("cron", () => {
  test.for([
    ["0 10 * * ? *", ["2026-11-30T10:00", "2026-12-01T10:00"]],
    ["15 12 * * ? *", ["2026-11-30T12:15", "2026-12-01T12:15"]],
    ["0 18 ? * MON-FRI *", ["2026-11-30T18:00", "2026-12-01T18:00"]],
    ["0 8 1 * ? *", ["2026-12-01T08:00", "2027-01-01T08:00"]],
    ["0/15 * * * ? *", ["2026-11-30T00:15", "2026-11-30T00:30"]],
    ["*/20 0 * * ? *", ["2026-11-30T00:20", "2026-11-30T00:40", "2026-12-01T00:00"]],
    ["0/10 * ? * MON-FRI *", ["2026-11-30T00:10", "2026-11-30T00:20"]],
    ["0/5 8-17 ? * MON-FRI *", ["2026-11-30T08:00", "2026-11-30T08:05"]],
    ["5-20/10 3 * * ? *", ["2026-11-30T03:05", "2026-11-30T03:15", "2026-12-01T03:05"]],
    ["0/30 20-2 ? * MON-FRI *", ["2026-11-30T00:30", "2026-11-30T01:00"]],
    ["0 0 L * ? *", ["2026-12-31T00:00", "2027-01-31T00:00", "2027-02-28T00:00"]],
    ["0 0 L-2 * ? *", ["2026-12-29T00:00", "2027-01-29T00:00", "2027-02-26T00:00"]],
    ["0 0 LW * ? *", ["2026-12-31T00:00", "2027-01-29T00:00", "2027-02-26T00:00"]],
    ["0 0 3W * ? *", ["2026-12-03T00:00", "2027-01-04T00:00", "2027-02-03T00:00"]],
    ["0 0 1W * ? *", ["2026-12-01T00:00", "2027-01-01T00:00", "2027-02-01T00:00", "2027-03-01T00:00"]],
    ["0 0 31W * ? *", ["2026-12-31T00:00", "2027-01-29T00:00", "2027-03-31T00:00"]],
    ["0 0 ? * 6L *", ["2026-12-25T00:00", "2027-01-29T00:00", "2027-02-26T00:00"]],
    ["0 0 ? * FRIL *", ["2026-12-25T00:00", "2027-01-29T00:00"]],
    ["0 0 ? * L *", ["2026-12-05T00:00", "2026-12-12T00:00"]],
    ["0 0 ? * 3#2 *", ["2026-12-08T00:00", "2027-01-12T00:00"]],
    ["0 0 ? * MON#5 *", ["2027-03-29T00:00", "2027-05-31T00:00"]],
    ["0 0 ? * FRI-MON *", ["2026-12-04T00:00", "2026-12-05T00:00", "2026-12-06T00:00", "2026-12-07T00:00"]],
    ["0 9 ? jan,JUL sun 2027-2028", ["2027-01-03T09:00", "2027-01-10T09:00"]],
    ["0 0 29 2 ? *", ["2028-02-29T00:00", "2032-02-29T00:00"]],
    ["0 0 1 1 ? 2030/50", ["2030-01-01T00:00", "2080-01-01T00:00", "2130-01-01T00:00", "2180-01-01T00:00"]],
    ["0 0 30 2 ? *", []],
    ["0 0 1 1 ? 2026", []],
  ] as const)("%s", ([expression, expected]) => {
    // A Monday.
    expect(times(`cron(${expression})`, "2026-11-30T00:00:30Z", Math.max(1, expected.length))).toEqual(expected);
  });

  test.for([
    "0 10 * * ?",
    "0 10 * * ? * *",
    "0 10 * * * *",
    "0 10 ? * ? *",
    "60 10 * * ? *",
    "0 24 * * ? *",
    "0 0 0 * ? *",
    "0 0 32 * ? *",
    "0 0 1 13 ? *",
    "0 0 ? * 8 *",
    "0 0 ? * 0 *",
    "0 0 ? * MON#6 *",
    "0 0 ? * MON#0 *",
    "0 0 ? * 8L *",
    "0 0 32W * ? *",
    "0 0 L-31 * ? *",
    "0 0 1 * ? 1969",
    "0 0 1 * ? 2200",
    "0 0 1 * ? 2028-2027",
    "*/0 * * * ? *",
    "1/2/3 * * * ? *",
    "1-2-3 * * * ? *",
    "a * * * ? *",
    ", * * * ? *",
    "-1 * * * ? *",
    "0 0 ? FOO * *",
    "",
  ])("'%s' is none", (expression) => {
    expect(Cron.parse(expression)).toBeNull();
    expect(readSchedule(`cron(${expression})`)).toBeNull();
  });
});

describe("rate", () => {
  test.for([
    ["rate(1 minute)", ["2026-11-30T00:01", "2026-11-30T00:02"]],
    ["rate(5 minutes)", ["2026-11-30T00:05", "2026-11-30T00:10"]],
    ["rate(1 hour)", ["2026-11-30T01:00", "2026-11-30T02:00"]],
    ["rate(7 days)", ["2026-12-07T00:00", "2026-12-14T00:00"]],
  ] as const)("%s", ([expression, expected]) => {
    expect(times(expression, "2026-11-30T00:00:30Z", 2)).toEqual(expected);
  });

  test.for([
    "rate(1 minutes)",
    "rate(5 minute)",
    "rate(0 minutes)",
    "rate(5 weeks)",
    "rate(-1 days)",
    "rate(1.5 hours)",
  ])("%s is none", (expression) => {
    expect(readSchedule(expression)).toBeNull();
  });

  test("does not drift, and misses none however late it is asked", () => {
    const schedule = readSchedule("rate(10 minutes)");
    if (schedule === null) throw new Error("not valid");
    const anchorMs = Date.parse("2026-11-30T00:00:30Z");
    expect(nextTime(schedule, anchorMs, anchorMs + 600_000)).toBe(anchorMs + 1_200_000);
    expect(nextTime(schedule, anchorMs, anchorMs + 599_999)).toBe(anchorMs + 600_000);
    expect(nextTime(schedule, anchorMs, anchorMs - 10_000_000)).toBe(anchorMs + 600_000);
  });
});

describe("at", () => {
  test("is once, in its zone", () => {
    expect(times("at(2027-06-01T12:00:00)", "2026-11-30T00:00:00Z", 2, zoneOf("Europe/Berlin"))).toEqual([
      "2027-06-01T10:00",
    ]);
    expect(times("at(2020-06-01T12:00:00)", "2026-11-30T00:00:00Z", 2)).toEqual([]);
  });

  test.for(["at(2027-02-30T00:00:00)", "at(2027-01-01)", "at(2027-01-01T24:00:00)", "at(2027-01-01T00:00:00Z)"])(
    "%s is none",
    (expression) => {
      expect(readOneTimeSchedule(expression, UTC)).toBeNull();
    },
  );
});

describe("summer time", () => {
  const berlin = zoneOf("Europe/Berlin");

  test("a time that the clocks skip is skipped", () => {
    // At 02:00 on 28 March 2027 it is 03:00.
    expect(times("cron(30 2 * * ? *)", "2027-03-27T12:00:00Z", 2, berlin)).toEqual([
      "2027-03-29T00:30",
      "2027-03-30T00:30",
    ]);
    expect(times("at(2027-03-28T02:30:00)", "2026-11-30T00:00:00Z", 1, berlin)).toEqual([]);
  });

  test("a time that the clocks show twice comes once", () => {
    // At 03:00 on 31 October 2027 it is 02:00.
    expect(times("cron(30 2 * * ? *)", "2027-10-30T12:00:00Z", 2, berlin)).toEqual([
      "2027-10-31T00:30",
      "2027-11-01T01:30",
    ]);
    expect(times("cron(0/30 * * * ? *)", "2027-10-31T00:00:00Z", 4, berlin)).toEqual([
      "2027-10-31T00:30",
      "2027-10-31T02:00",
      "2027-10-31T02:30",
      "2027-10-31T03:00",
    ]);
  });

  test("far zones have the days that their clocks show", () => {
    expect(times("cron(0 0 1 1 ? *)", "2026-11-30T00:00:00Z", 1, zoneOf("Pacific/Kiritimati"))).toEqual([
      "2026-12-31T10:00",
    ]);
    expect(times("cron(0 0 1 1 ? *)", "2026-11-30T00:00:00Z", 1, zoneOf("America/St_Johns"))).toEqual([
      "2027-01-01T03:30",
    ]);
    expect(zoneOf("Asia/Kolkata").wallOf(0)).toBe(5.5 * 3_600_000);
  });

  test.for(["Mars/Base", "+05:00", "", "UTC+1", `A${"/A".repeat(100)}`])("'%s' is no zone", (name) => {
    expect(TimeZone.of(name)).toBeNull();
  });
});
