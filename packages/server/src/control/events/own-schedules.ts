/**
 * Schedules of EventBridge Scheduler. Each of their times is carried out once: it is written in the commit that accepts
 * the invoke. One at which the server did not run counts as a first attempt that failed: it is made up for within the
 * schedule's retry policy, and else leaves a dead letter.
 */
import { type Due, inputOf, nextDue } from "../../model/schedule/due.ts";
import { scheduleArn, type ScheduleRecord } from "../../model/schedule/record.ts";
import { isoSeconds } from "../../model/event-bus/event.ts";
import type { LastTimeRecord } from "../../model/function-record.ts";
import type { Stored, Write } from "../../ports/metadata-store.ts";
import type { Schedules } from "../../ports/schedules.ts";
import type { ControlParts } from "../services.ts";
import { Alarms } from "./alarms.ts";
import type { Failure, ServiceInvoke, ServiceInvokes } from "./service-invokes.ts";

/** An attempt that comes so much later than it was due was not the first. */
const LATE_MS_MAX = 60_000;
/** AWS's longest age of an event, and its default: earlier times are not looked at. */
const AGE_MS_MAX = 86_400_000;
const RETRY_MS = 5000;
/** Where the last time is so far ahead, the clock was wrong then, and has been set right. */
const CLOCK_WRONG_MS = 3_600_000;

type Needs = Pick<ControlParts, "scope" | "store" | "clock" | "random" | "onProblem">;

export class OwnSchedules implements Schedules {
  readonly #services: Needs;
  readonly #invokes: ServiceInvokes;
  readonly #alarms: Alarms;
  #reading: Promise<void> | null = null;
  /** Keys that are to be read anew; null: all. */
  #news: Set<string> | null = new Set();
  #isStarted = false;

  constructor(services: Needs, invokes: ServiceInvokes) {
    this.#services = services;
    this.#invokes = invokes;
    this.#alarms = new Alarms(services.clock, {
      ring: (id) => this.#ring(id),
      onProblem: (id, error) => services.onProblem(`schedule ${id}`, error),
      onSetBack: () => this.#readAnew(null),
    });
  }

  async start(): Promise<void> {
    this.#isStarted = true;
    await this.#tellGivenUp();
    this.#readAnew(null);
    await this.#reading;
  }

  schedulesChanged(ids: readonly string[]): void {
    this.#readAnew(ids);
  }

  async close(): Promise<void> {
    this.#isStarted = false;
    await this.#reading;
    await this.#alarms.close();
  }

  #readAnew(ids: readonly string[] | null): void {
    if (ids === null) this.#news = null;
    else for (const id of ids) this.#news?.add(id);
    // With nothing to read it would have ended before it is noted that it runs.
    if (this.#isStarted && this.#news?.size !== 0) this.#reading ??= this.#readAll();
  }

  async #readAll(): Promise<void> {
    while (this.#isStarted && (this.#news === null || this.#news.size > 0)) {
      const news = this.#news;
      this.#news = new Set();
      try {
        if (news === null) await this.#readEach();
        else for (const id of news) this.#alarms.set(id, (await this.#dueOf(id))?.ringMs ?? null);
      } catch (error) {
        this.#services.onProblem("read the schedules", error);
        this.#services.clock.after(RETRY_MS, () => this.#readAnew(news === null ? null : [...news]));
      }
    }
    // In the turn of the last look for news: none comes between the two.
    this.#reading = null;
  }

  async #readEach(): Promise<void> {
    const { store } = this.#services;
    const schedules = await store.listAccountEntries("schedule");
    const lastTimes = new Map((await store.listAccountEntries("lastTime")).map((time) => [time.id, time]));
    const known = new Set(schedules.map(({ id }) => id));
    for (const id of this.#alarms.keys()) if (!known.has(id)) this.#alarms.set(id, null);
    for (const schedule of schedules) {
      const due = this.#next(schedule, lastTimes.get(lastTimeId(schedule.id)) ?? null);
      this.#alarms.set(schedule.id, due?.ringMs ?? null);
    }
  }

  async #dueOf(id: string): Promise<Due | null> {
    const { store } = this.#services;
    const schedule = await store.getAccountEntry("schedule", id);
    return schedule === null ? null : this.#next(schedule, await store.getAccountEntry("lastTime", lastTimeId(id)));
  }

  /** Null: never. */
  #next(schedule: ScheduleRecord, last: LastTimeRecord | null): Due | null {
    if (!schedule.isEnabled) return null;
    return nextDue(schedule, Math.max(this.#doneMs(last), this.#services.clock.nowMs() - AGE_MS_MAX));
  }

  #doneMs(last: LastTimeRecord | null): number {
    return last !== null && last.dueMs <= this.#services.clock.nowMs() + CLOCK_WRONG_MS ? last.dueMs : 0;
  }

  /** Times that are older than any retry policy are given up without a look at each. */
  async #tellGivenUp(): Promise<void> {
    const { store, clock, onProblem } = this.#services;
    const oldestMs = clock.nowMs() - AGE_MS_MAX;
    for (const schedule of await store.listAccountEntries("schedule")) {
      const last = await store.getAccountEntry("lastTime", lastTimeId(schedule.id));
      const first = schedule.isEnabled ? nextDue(schedule, this.#doneMs(last)) : null;
      if (first !== null && first.dueMs <= oldestMs)
        onProblem(
          `schedule ${schedule.id}`,
          new Error(`its times from ${isoSeconds(first.dueMs)} to ${isoSeconds(oldestMs)} are given up as too old`),
        );
    }
  }

  async #ring(id: string): Promise<number | null> {
    const { store, clock } = this.#services;
    const schedule = await store.getAccountEntry("schedule", id);
    const last = await store.getAccountEntry("lastTime", lastTimeId(id));
    const due = schedule === null ? null : this.#next(schedule, last);
    if (schedule === null || due === null) return null;
    if (due.ringMs > clock.nowMs()) return due.ringMs;
    const done: LastTimeRecord = { id: lastTimeId(id), dueMs: due.dueMs };
    const next = this.#next(schedule, done);
    const invoke = this.#invokeOf(schedule, due);
    const writes = writesOf({ schedule, last, done, isOver: next === null });
    // A record is not as it was read: it is looked at once more.
    if ((await this.#invokes.accept([invoke], writes)) === "changed") return due.ringMs;
    return next?.ringMs ?? null;
  }

  #invokeOf(schedule: ScheduleRecord, due: Due): ServiceInvoke {
    const { scope, random } = this.#services;
    const { target } = schedule;
    const executionId = random.uuid();
    const input = inputOf(scope, schedule, { id: executionId, dueMs: due.dueMs });
    const attributes = {
      SCHEDULE_ARN: scheduleArn(scope, schedule),
      SCHEDULED_TIME: isoSeconds(due.dueMs),
      EXECUTION_ID: executionId,
      IS_PAYLOAD_TRUNCATED: "false",
    };
    return {
      what: `schedule ${schedule.id}`,
      functionArn: target.arn,
      payload: Buffer.from(input),
      traceId: null,
      // The schedule's role calls, and not a service.
      caller: null,
      deadLetter: target.deadLetterArn === null ? null : { arn: target.deadLetterArn, body: input, attributes },
      failure: this.#givenUp(schedule, due),
    };
  }

  /** Why a time that has passed is not made up for; null where it is, or has not passed. */
  #givenUp({ target }: ScheduleRecord, { dueMs, ringMs }: Due): Failure | null {
    const lateMs = this.#services.clock.nowMs() - ringMs;
    if (lateMs <= LATE_MS_MAX) return null;
    const isTooOld = lateMs > (target.retryAgeS ?? AGE_MS_MAX / 1000) * 1000;
    if (!isTooOld && target.retryAttempts !== 0) return null;
    return {
      code: "INTERNAL_ERROR",
      message: `The server did not run at ${isoSeconds(dueMs)}.`,
      condition: isTooOld ? "MaximumEventAgeInSeconds" : "MaximumRetryAttempts",
    };
  }
}

interface Rung {
  readonly schedule: Stored<ScheduleRecord>;
  readonly last: Stored<LastTimeRecord> | null;
  readonly done: LastTimeRecord;
  /** True: it has no further time. */
  readonly isOver: boolean;
}

/** The schedule goes with its last time where it says so. */
function writesOf({ schedule, last, done, isOver }: Rung): readonly Write[] {
  if (!isOver || !schedule.isDeletedAfter)
    return [
      { op: "expect", kind: "schedule", record: schedule },
      { op: "put", kind: "lastTime", record: done, over: last },
    ];
  const removal: Write = { op: "remove", kind: "schedule", record: schedule };
  return last === null ? [removal] : [removal, { op: "remove", kind: "lastTime", record: last }];
}

/** Key of the record of a schedule's last time. */
function lastTimeId(scheduleId: string): string {
  return `schedule/${scheduleId}`;
}
