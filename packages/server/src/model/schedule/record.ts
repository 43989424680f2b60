/** Schedules of EventBridge Scheduler and their groups, as the store has them. */
import type { AccountScope } from "../function-name.ts";

/** The group that every account has in each Region. It has no record, and no tags. */
export const DEFAULT_GROUP = "default";

export interface ScheduleGroupRecord {
  /** Its name. */
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly lastModifiedMs: number;
  readonly clientToken: string | null;
}

export interface ScheduleRecord {
  /** GROUP/NAME. */
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly expression: string;
  readonly zone: string;
  readonly startMs: number | null;
  readonly endMs: number | null;
  /** Length of the flexible window; null: it is off. */
  readonly windowMinutes: number | null;
  readonly isEnabled: boolean;
  readonly description: string | null;
  readonly target: ScheduleTargetRecord;
  /** True: it is deleted after its last time. */
  readonly isDeletedAfter: boolean;
  readonly clientToken: string | null;
  readonly createdAtMs: number;
  readonly lastModifiedMs: number;
  /** When its times were last set: earlier ones are none, and rates without a start count from here. */
  readonly scheduledFromMs: number;
}

export interface ScheduleTargetRecord {
  readonly arn: string;
  readonly roleArn: string;
  /** JSON, in which Scheduler's own names stand for values; null: an event of Scheduler's. */
  readonly input: string | null;
  /** Null: AWS's default. */
  readonly retryAttempts: number | null;
  readonly retryAgeS: number | null;
  readonly deadLetterArn: string | null;
}

export function scheduleId(group: string, name: string): string {
  return `${group}/${name}`;
}

export function scheduleArn({ accountId, region }: AccountScope, { group, name }: ScheduleRecord): string {
  return `arn:aws:scheduler:${region}:${accountId}:schedule/${group}/${name}`;
}

export function groupArn({ accountId, region }: AccountScope, name: string): string {
  return `arn:aws:scheduler:${region}:${accountId}:schedule-group/${name}`;
}
