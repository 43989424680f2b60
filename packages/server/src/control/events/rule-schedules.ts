/**
 * Rules with a schedule. Each of its times is carried out once: the time is written in the commit that accepts the
 * invokes. Times at which the server did not run are skipped, but for the last minute of them, which is the exactness
 * that AWS promises. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
 */
import { eventJson } from "../../model/event-bus/event.ts";
import { ruleArn } from "../../model/event-bus/names.ts";
import type { EventRuleRecord } from "../../model/event-bus/record.ts";
import type { LastTimeRecord } from "../../model/function-record.ts";
import { nextTime, readSchedule } from "../../model/schedule/expression.ts";
import type { ControlParts } from "../services.ts";
import { Alarms } from "./alarms.ts";
import type { ServiceInvokes } from "./service-invokes.ts";
import { invokesOf, readOnce } from "./targets.ts";

const LATE_MS_MAX = 60_000;
const RETRY_MS = 5000;
/** Where a rule's last time is so far ahead, the clock was wrong then, and has been set right. */
const CLOCK_WRONG_MS = 3_600_000;

type Needs = Pick<ControlParts, "scope" | "store" | "clock" | "random" | "onProblem">;

export class RuleSchedules {
  readonly #services: Needs;
  readonly #invokes: ServiceInvokes;
  readonly #alarms: Alarms;
  #loading: Promise<void> | null = null;
  #hasNews = false;
  #isStarted = false;

  constructor(services: Needs, invokes: ServiceInvokes) {
    this.#services = services;
    this.#invokes = invokes;
    this.#alarms = new Alarms(services.clock, {
      ring: (id, dueMs) => this.#ring(id, dueMs),
      onProblem: (id, error) => services.onProblem(`the schedule of rule ${id}`, error),
      onSetBack: () => this.read(),
    });
  }

  async start(): Promise<void> {
    this.#isStarted = true;
    this.read();
    await this.#loading;
  }

  /** Reads all rules, unless that is being done; then it is done once more. */
  read(): void {
    this.#hasNews = true;
    if (this.#isStarted) this.#loading ??= this.#readAll();
  }

  async close(): Promise<void> {
    this.#isStarted = false;
    await this.#loading;
    await this.#alarms.close();
  }

  async #readAll(): Promise<void> {
    const { store, clock, onProblem } = this.#services;
    while (this.#hasNews) {
      this.#hasNews = false;
      try {
        const rules = await store.listAccountEntries("eventRule");
        const lastTimes = new Map((await store.listAccountEntries("lastTime")).map((time) => [time.id, time]));
        const known = new Map(rules.map((rule) => [rule.id, rule]));
        for (const id of this.#alarms.keys()) if (!known.has(id)) this.#alarms.set(id, null);
        for (const rule of rules)
          this.#alarms.set(rule.id, this.#nextMs(rule, lastTimes.get(lastTimeId(rule.id)) ?? null));
      } catch (error) {
        onProblem("read the schedules of rules", error);
        clock.after(RETRY_MS, () => this.read());
      }
    }
    // In the turn of the last look for news: none comes between the two.
    this.#loading = null;
  }

  /** Null: never. */
  #nextMs(rule: EventRuleRecord, last: LastTimeRecord | null): number | null {
    if (!rule.isEnabled || rule.schedule === null) return null;
    const schedule = readSchedule(rule.schedule);
    if (schedule === null) return null;
    const afterMs = Math.max(this.#doneMs(rule, last), this.#services.clock.nowMs() - LATE_MS_MAX);
    return nextTime(schedule, rule.scheduledFromMs, afterMs);
  }

  /** Up to this time, it included, the rule's times are carried out, or none of its own. */
  #doneMs({ scheduledFromMs }: EventRuleRecord, last: LastTimeRecord | null): number {
    const isKept = last !== null && last.dueMs <= this.#services.clock.nowMs() + CLOCK_WRONG_MS;
    return isKept ? Math.max(last.dueMs, scheduledFromMs) : scheduledFromMs;
  }

  /** Whether a time is still one of the rule's, which may have been changed, and not carried out. */
  #isDue(rule: EventRuleRecord, last: LastTimeRecord | null, dueMs: number): boolean {
    const schedule = rule.isEnabled && rule.schedule !== null ? readSchedule(rule.schedule) : null;
    if (schedule === null || dueMs <= this.#doneMs(rule, last)) return false;
    return nextTime(schedule, rule.scheduledFromMs, dueMs - 1) === dueMs;
  }

  async #ring(id: string, dueMs: number): Promise<number | null> {
    const { scope, store, clock, random } = this.#services;
    const rule = await store.getAccountEntry("eventRule", id);
    const before = await store.getAccountEntry("lastTime", lastTimeId(id));
    if (rule === null) return null;
    const nowMs = clock.nowMs();
    if (!this.#isDue(rule, before, dueMs)) return this.#nextMs(rule, before);
    const json = eventJson(scope, {
      id: random.uuid(),
      source: "aws.events",
      detailType: "Scheduled Event",
      timeMs: dueMs,
      resources: [ruleArn(scope, rule.bus, rule.name)],
      detail: "{}",
      traceId: null,
    });
    const record: LastTimeRecord = { id: lastTimeId(id), dueMs };
    const committed = await this.#invokes.accept(
      invokesOf(scope, rule, { json, parsed: readOnce(json), traceId: null, nowMs }),
      [
        { op: "expect", kind: "eventRule", record: rule },
        { op: "put", kind: "lastTime", record, over: before },
      ],
    );
    // Its record, or that of its last time, is not as it was read: it is looked at once more.
    if (committed === "changed") return dueMs;
    return this.#nextMs(rule, record);
  }
}

/** Key of the record of a rule's last time. */
function lastTimeId(ruleId: string): string {
  return `rule/${ruleId}`;
}
