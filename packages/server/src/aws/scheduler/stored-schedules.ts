/** Schedules and their groups in the store: found, or refused in AWS's words, and changed one at a time. */
import type { Clock } from "../../base/clock.ts";
import type { AccountScope } from "../../model/function-name.ts";
import {
  DEFAULT_GROUP,
  scheduleId,
  type ScheduleGroupRecord,
  type ScheduleRecord,
} from "../../model/schedule/record.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { MetadataStore, Stored, Write } from "../../ports/metadata-store.ts";
import type { Schedules } from "../../ports/schedules.ts";

export interface SchedulerParts {
  readonly scope: AccountScope;
  readonly store: Pick<MetadataStore, "commit" | "getAccountEntry" | "listAccountEntries" | "measureAccountEntries">;
  readonly schedules: Schedules;
  readonly clock: Clock;
}

/** Another writer is first now and then, not so often. */
const ATTEMPTS_MAX = 20;

export class StoredSchedules {
  readonly parts: SchedulerParts;

  constructor(parts: SchedulerParts) {
    this.parts = parts;
  }

  async find(group: string, name: string): Promise<Stored<ScheduleRecord>> {
    await this.findGroup(group);
    const found = await this.parts.store.getAccountEntry("schedule", scheduleId(group, name));
    if (found === null) throw new ServiceError("ResourceNotFoundException", `Schedule ${name} does not exist.`);
    return found;
  }

  /** The default group has no record. */
  async findGroup(name: string): Promise<Stored<ScheduleGroupRecord> | null> {
    if (name === DEFAULT_GROUP) return null;
    const found = await this.parts.store.getAccountEntry("scheduleGroup", name);
    if (found === null) throw new ServiceError("ResourceNotFoundException", `Schedule group ${name} does not exist.`);
    return found;
  }

  list(): Promise<ReadonlyArray<Stored<ScheduleRecord>>> {
    return this.parts.store.listAccountEntries("schedule");
  }

  /** The write that makes sure that a group stays; the default one always does. */
  async staying(group: string): Promise<readonly Write[]> {
    const record = await this.findGroup(group);
    return record === null ? [] : [{ op: "expect", kind: "scheduleGroup", record }];
  }

  /** The writes that take a schedule away, and what is known of its times. */
  async removalOf(record: Stored<ScheduleRecord>): Promise<readonly Write[]> {
    const last = await this.parts.store.getAccountEntry("lastTime", `schedule/${record.id}`);
    const removal: Write = { op: "remove", kind: "schedule", record };
    return last === null ? [removal] : [removal, { op: "remove", kind: "lastTime", record: last }];
  }

  /** Carries out what `decide` says, and asks it again where somebody else was first; `ids` are those of schedules. */
  async commit<T>(
    decide: () => Promise<{ readonly writes: readonly Write[]; readonly ids: readonly string[]; readonly result: T }>,
  ): Promise<T> {
    const { store, schedules } = this.parts;
    for (let count = 0; count < ATTEMPTS_MAX; count++) {
      const { writes, ids, result } = await decide();
      try {
        if (writes.length === 0 || (await store.commit(writes)) === "done") return result;
      } finally {
        // A store that failed may have them all the same.
        schedules.schedulesChanged(ids);
      }
    }
    throw new ServiceError("ConflictException", "It is changed by others all the time. Try again.");
  }
}

export function invalid(message: string): ServiceError {
  return new ServiceError("ValidationException", message);
}
