/** EventBridge Scheduler: schedules that call functions, and their groups. */
import { type OperationTypes, SCHEDULER } from "@thaw/aws-api/scheduler";
import type { ServiceOperations } from "../aws-service.ts";
import { groupOperations } from "./groups.ts";
import { scheduleOperations } from "./schedules.ts";
import { type SchedulerParts, StoredSchedules } from "./stored-schedules.ts";

export { SCHEDULER };

/** All of the service's operations are there. */
export function schedulerOperations(parts: SchedulerParts): ServiceOperations<OperationTypes> {
  const stored = new StoredSchedules(parts);
  return { ...scheduleOperations(stored), ...groupOperations(stored) };
}
