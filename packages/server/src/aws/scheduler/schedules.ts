/** CreateSchedule and its family. */
import type * as types from "@thaw/aws-api/scheduler";
import {
  DEFAULT_GROUP,
  scheduleArn,
  type ScheduleRecord,
  type ScheduleTargetRecord,
} from "../../model/schedule/record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { ENTRIES_BYTES_MAX, measureGrown } from "../entries.ts";
import { pageOf } from "./pages.ts";
import { readSettings } from "./request.ts";
import type { StoredSchedules } from "./stored-schedules.ts";

/** Far fewer than AWS's million: each is looked at when the server starts. */
const SCHEDULES_MAX = 10_000;

export function scheduleOperations(stored: StoredSchedules): ServiceOperations<types.OperationTypes> {
  const { scope } = stored.parts;
  return {
    CreateSchedule: (input) => create(stored, input),
    UpdateSchedule: (input) => update(stored, input),
    async DeleteSchedule({ Name, GroupName = DEFAULT_GROUP }) {
      await stored.commit(async () => {
        const record = await stored.find(GroupName, Name);
        return { writes: await stored.removalOf(record), ids: [record.id], result: undefined };
      });
      return {};
    },
    async GetSchedule({ Name, GroupName = DEFAULT_GROUP }) {
      const schedule = await stored.find(GroupName, Name);
      return {
        Arn: scheduleArn(scope, schedule),
        ...presentTimes(schedule),
        ...(schedule.description === null ? {} : { Description: schedule.description }),
        Target: presentTarget(schedule.target),
        ActionAfterCompletion: schedule.isDeletedAfter ? "DELETE" : "NONE",
      };
    },
    async ListSchedules({ GroupName, NamePrefix = "", State, ...wish }) {
      if (GroupName !== undefined) await stored.findGroup(GroupName);
      const all = await stored.list();
      const named = all.filter(
        ({ group, name, isEnabled }) =>
          (GroupName === undefined || group === GroupName) &&
          name.startsWith(NamePrefix) &&
          (State === undefined || isEnabled === (State === "ENABLED")),
      );
      const { items, rest } = pageOf(named, ({ id }) => id, wish);
      return { Schedules: items.map((schedule) => summarise(stored, schedule)), ...rest };
    },
  };
}

async function create(stored: StoredSchedules, input: types.CreateScheduleInput): Promise<types.CreateScheduleOutput> {
  const { store, scope, clock } = stored.parts;
  const settings = readSettings(scope, input);
  return stored.commit(async () => {
    const staying = await stored.staying(settings.group);
    const known = await store.getAccountEntry("schedule", settings.id);
    if (known !== null) {
      // The same request came before, and its answer was lost.
      if (known.clientToken === null || known.clientToken !== settings.clientToken)
        throw new ServiceError("ConflictException", `Schedule ${settings.name} already exists.`);
      return { writes: [], ids: [], result: { ScheduleArn: scheduleArn(scope, known) } };
    }
    const nowMs = clock.nowMs();
    const record = { ...settings, createdAtMs: nowMs, lastModifiedMs: nowMs, scheduledFromMs: nowMs };
    await checkRoom(stored, null, record);
    return {
      writes: [...staying, { op: "put", kind: "schedule", record, over: null }],
      ids: [record.id],
      result: { ScheduleArn: scheduleArn(scope, record) },
    };
  });
}

/** What is left out gets its default, as on AWS. */
async function update(stored: StoredSchedules, input: types.UpdateScheduleInput): Promise<types.UpdateScheduleOutput> {
  const { scope, clock } = stored.parts;
  const settings = readSettings(scope, input);
  return stored.commit(async () => {
    const over = await stored.find(settings.group, settings.name);
    const nowMs = clock.nowMs();
    const { createdAtMs, scheduledFromMs } = over;
    const times = { createdAtMs, lastModifiedMs: nowMs };
    // One whose times are the same goes on by them.
    const record = { ...settings, ...times, scheduledFromMs: hasSameTimes(over, settings) ? scheduledFromMs : nowMs };
    await checkRoom(stored, over, record);
    return {
      writes: [{ op: "put", kind: "schedule", record, over }],
      ids: [record.id],
      result: { ScheduleArn: scheduleArn(scope, record) },
    };
  });
}

/** A schedule that becomes no longer than it was always has room. */
async function checkRoom(
  { parts: { store } }: StoredSchedules,
  before: ScheduleRecord | null,
  after: ScheduleRecord,
): Promise<void> {
  const grown = await measureGrown(store, "schedule", before, after);
  if (grown === null) return;
  if (before === null && grown.count > SCHEDULES_MAX) throw tooMany(`There are at most ${SCHEDULES_MAX} schedules.`);
  if (grown.sizeBytes > ENTRIES_BYTES_MAX)
    throw tooMany(
      `All schedules of an account in a Region have at most ${ENTRIES_BYTES_MAX} bytes together: put long inputs where their function can read them.`,
    );
}

function tooMany(message: string): ServiceError {
  return new ServiceError("ServiceQuotaExceededException", message);
}

type Times = Pick<ScheduleRecord, "expression" | "zone" | "startMs" | "endMs" | "isEnabled">;

function hasSameTimes(before: Times, after: Times): boolean {
  const names = ["expression", "zone", "startMs", "endMs", "isEnabled"] as const;
  return names.every((name) => before[name] === after[name]);
}

function summarise({ parts }: StoredSchedules, schedule: ScheduleRecord): types.ScheduleSummary {
  const { Name, GroupName, State, CreationDate, LastModificationDate } = presentTimes(schedule);
  const shown = { Name, GroupName, State, CreationDate, LastModificationDate };
  return { Arn: scheduleArn(parts.scope, schedule), ...shown, Target: { Arn: schedule.target.arn } };
}

function presentTimes(schedule: ScheduleRecord) {
  const { startMs, endMs, windowMinutes } = schedule;
  return {
    GroupName: schedule.group,
    Name: schedule.name,
    ScheduleExpression: schedule.expression,
    ScheduleExpressionTimezone: schedule.zone,
    ...(startMs === null ? {} : { StartDate: new Date(startMs) }),
    ...(endMs === null ? {} : { EndDate: new Date(endMs) }),
    State: schedule.isEnabled ? ("ENABLED" as const) : ("DISABLED" as const),
    CreationDate: new Date(schedule.createdAtMs),
    LastModificationDate: new Date(schedule.lastModifiedMs),
    FlexibleTimeWindow:
      windowMinutes === null
        ? { Mode: "OFF" as const }
        : { Mode: "FLEXIBLE" as const, MaximumWindowInMinutes: windowMinutes },
  };
}

/** AWS shows its defaults of the retry policy. */
function presentTarget(target: ScheduleTargetRecord): types.Target {
  const { retryAttempts, retryAgeS, deadLetterArn } = target;
  return {
    Arn: target.arn,
    RoleArn: target.roleArn,
    ...(target.input === null ? {} : { Input: target.input }),
    ...(deadLetterArn === null ? {} : { DeadLetterConfig: { Arn: deadLetterArn } }),
    RetryPolicy: { MaximumEventAgeInSeconds: retryAgeS ?? 86_400, MaximumRetryAttempts: retryAttempts ?? 185 },
  };
}
