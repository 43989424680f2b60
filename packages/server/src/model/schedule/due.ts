/** When a schedule of EventBridge Scheduler is due, and what its function then gets. */
import { createHash } from "node:crypto";
import { eventJson, isoSeconds } from "../event-bus/event.ts";
import type { AccountScope } from "../function-name.ts";
import { nextTime, readOneTimeSchedule } from "./expression.ts";
import { scheduleArn, type ScheduleRecord } from "./record.ts";
import { TimeZone } from "./zone.ts";

const MINUTE_MS = 60_000;

export interface Due {
  /** The time that the expression says. */
  readonly dueMs: number;
  /** When it is carried out: within the flexible window that begins then. */
  readonly ringMs: number;
}

/** The first time after `afterMs`; null where there is none any more. */
export function nextDue(schedule: ScheduleRecord, afterMs: number): Due | null {
  const zone = TimeZone.of(schedule.zone);
  const read = zone === null ? null : readOneTimeSchedule(schedule.expression, zone);
  if (read === null) return null;
  const { startMs, endMs, scheduledFromMs } = schedule;
  const fromMs = Math.max(afterMs, scheduledFromMs, startMs === null ? 0 : startMs - 1);
  // A rate with a start has its first time then.
  const anchorMs = startMs !== null && read.kind === "rate" ? startMs - read.everyMs : scheduledFromMs;
  const dueMs = nextTime(read, anchorMs, fromMs);
  if (dueMs === null || (endMs !== null && dueMs > endMs)) return null;
  return { dueMs, ringMs: dueMs + offsetMs(schedule, dueMs) };
}

/** Somewhere in the window: each time at another place, and at the same one after a restart. */
function offsetMs({ id, windowMinutes }: ScheduleRecord, dueMs: number): number {
  if (windowMinutes === null) return 0;
  const digest = createHash("sha256").update(`${id} ${dueMs}`).digest();
  return Math.floor((digest.readUInt32BE(0) / 2 ** 32) * windowMinutes * MINUTE_MS);
}

/** Names that Scheduler replaces in an input: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html */
const NAMES = /<aws\.scheduler\.(schedule-arn|scheduled-time|execution-id|attempt-number)>/g;

export interface Execution {
  readonly id: string;
  readonly dueMs: number;
}

/** Without an input the function gets an event whose detail is a text, as AWS's Scheduler sends it. */
export function inputOf(scope: AccountScope, schedule: ScheduleRecord, { id, dueMs }: Execution): string {
  const arn = scheduleArn(scope, schedule);
  const { input } = schedule.target;
  if (input === null) {
    const head = { id, source: "aws.scheduler", detailType: "Scheduled Event", timeMs: dueMs, resources: [arn] };
    return eventJson(scope, { ...head, detail: '"{}"', traceId: null });
  }
  return withNames(input, {
    "schedule-arn": arn,
    "scheduled-time": isoSeconds(dueMs),
    "execution-id": id,
    "attempt-number": "1",
  });
}

/** Puts the values of Scheduler's names in their places. */
export function withNames(input: string, values: Readonly<Record<string, string>>): string {
  return input.replaceAll(NAMES, (whole, name: string) => values[name] ?? whole);
}
