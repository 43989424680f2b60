/** Problems that no caller is told about: lines of the server's log. */
import { ThawError } from "../model/platform-errors.ts";
import type { FarEvent } from "../snapshots/far/far-snapshots.ts";
import type { FarCounts } from "./far.ts";
import { log, type LogFields } from "./log.ts";
import type { Monitoring } from "./monitoring.ts";

export function logProblem(what: string, error: unknown, fields: LogFields = {}): void {
  const cause = error instanceof Error && error.cause !== undefined ? { cause: String(error.cause) } : {};
  const shown =
    error instanceof ThawError
      ? { code: error.code, message: error.message, ...error.detail, ...cause }
      : { message: error instanceof Error ? error.stack : String(error) };
  log("problem", { what, ...fields, ...shown });
}

/** Logs problems, and counts them in the figures. */
export function countingProblems(monitoring: Monitoring): typeof logProblem {
  return (what, error, fields) => {
    monitoring.metrics.count("thaw_problems_total");
    logProblem(what, error, fields);
  };
}

/** Counts an event of the snapshot store, and logs all but the fetch of a chunk. */
export function reportFar(far: FarCounts, event: FarEvent): void {
  far.add(event);
  if (event.kind === "chunk-failed") logProblem(`fetch chunk ${event.chunk}`, event.error, { answer: event.answer });
  else if (event.kind !== "chunk-fetched") log(event.kind, { ...event });
}
