/** What CreateSchedule and UpdateSchedule ask for, checked: members that would have no effect are refused by name. */
import type * as types from "@thaw/aws-api/scheduler";
import { parseTarget } from "../../model/destination.ts";
import { parseJson } from "../../model/event-json.ts";
import type { AccountScope } from "../../model/function-name.ts";
import { withNames } from "../../model/schedule/due.ts";
import { readOneTimeSchedule } from "../../model/schedule/expression.ts";
import {
  DEFAULT_GROUP,
  scheduleId,
  type ScheduleRecord,
  type ScheduleTargetRecord,
} from "../../model/schedule/record.ts";
import { TimeZone } from "../../model/schedule/zone.ts";
import { invalid } from "./stored-schedules.ts";

type Asked = types.CreateScheduleInput | types.UpdateScheduleInput;
type Settings = Omit<ScheduleRecord, "createdAtMs" | "lastModifiedMs" | "scheduledFromMs">;

const FUNCTION =
  /^arn:aws[\w-]*:lambda:([\w-]+):(\d{12}):function:[a-zA-Z0-9-_]{1,140}(?::(?:\$LATEST|[a-zA-Z0-9-_]{1,128}))?$/;
const TARGET_MEMBERS = ["Arn", "RoleArn", "DeadLetterConfig", "RetryPolicy", "Input"];
/** AWS's limit of the input of an asynchronous invoke. */
const INPUT_BYTES_MAX = 1_048_576;

export function readSettings(scope: AccountScope, asked: Asked): Settings {
  if (asked.KmsKeyArn !== undefined)
    throw invalid("KmsKeyArn is not supported by Thaw: the disk's encryption is the host's matter. Leave it out.");
  const { Name: name, GroupName: group = DEFAULT_GROUP, ScheduleExpressionTimezone: zoneName = "UTC" } = asked;
  const zone = TimeZone.of(zoneName);
  if (zone === null) throw invalid(`Invalid ScheduleExpressionTimezone ${zoneName}.`);
  if (readOneTimeSchedule(asked.ScheduleExpression, zone) === null)
    throw invalid(`Invalid Schedule Expression ${asked.ScheduleExpression}.`);
  const [startMs, endMs] = [asked.StartDate?.getTime() ?? null, asked.EndDate?.getTime() ?? null];
  if (startMs !== null && endMs !== null && endMs <= startMs)
    throw invalid("The EndDate you specify must come after the StartDate.");
  return {
    id: scheduleId(group, name),
    group,
    name,
    expression: asked.ScheduleExpression,
    zone: zoneName,
    startMs,
    endMs,
    windowMinutes: readWindow(asked.FlexibleTimeWindow),
    isEnabled: (asked.State ?? "ENABLED") === "ENABLED",
    description: asked.Description ?? null,
    target: readTarget(scope, asked.Target),
    isDeletedAfter: asked.ActionAfterCompletion === "DELETE",
    clientToken: asked.ClientToken ?? null,
  };
}

function readWindow({ Mode, MaximumWindowInMinutes }: types.FlexibleTimeWindow): number | null {
  if (Mode === "OFF" && MaximumWindowInMinutes !== undefined)
    throw invalid("MaximumWindowInMinutes must not be given where the FlexibleTimeWindow is OFF.");
  if (Mode === "OFF") return null;
  if (MaximumWindowInMinutes === undefined)
    throw invalid("MaximumWindowInMinutes must be given where the FlexibleTimeWindow is FLEXIBLE.");
  return MaximumWindowInMinutes;
}

function readTarget({ accountId, region }: AccountScope, target: types.Target): ScheduleTargetRecord {
  const other = Object.keys(target).find((name) => !TARGET_MEMBERS.includes(name));
  if (other !== undefined)
    throw invalid(`${other} is not supported by Thaw: schedules call functions. Leave it out of Target.`);
  const { Arn: arn, RoleArn: roleArn, Input: input = null, RetryPolicy = {}, DeadLetterConfig } = target;
  const [, ofRegion, ofAccount] = FUNCTION.exec(arn) ?? [];
  if (ofRegion === undefined)
    throw invalid(`Target ${arn} is not supported by Thaw: schedules call functions. Name one that calls it.`);
  if (ofRegion !== region || ofAccount !== accountId)
    throw invalid(`Target ${arn} is not supported by Thaw: it is in another account or Region.`);
  if (input !== null) checkInput(input);
  const deadLetterArn = DeadLetterConfig?.Arn ?? null;
  if (deadLetterArn !== null && parseTarget(deadLetterArn)?.service !== "sqs")
    throw invalid(`DeadLetterConfig ${deadLetterArn} is not valid: it is a standard SQS queue.`);
  const { MaximumRetryAttempts: retryAttempts = null, MaximumEventAgeInSeconds: retryAgeS = null } = RetryPolicy;
  return { arn, roleArn, input, retryAttempts, retryAgeS, deadLetterArn };
}

function checkInput(input: string): void {
  if (Buffer.byteLength(input) > INPUT_BYTES_MAX)
    throw invalid(`The Input has more than ${INPUT_BYTES_MAX} bytes, which no function takes.`);
  const values = { "schedule-arn": "", "scheduled-time": "", "execution-id": "", "attempt-number": "1" };
  try {
    parseJson(withNames(input, values));
  } catch (error) {
    throw invalid(`The Input of a function must be JSON: ${(error as Error).message}`);
  }
}
