/** What pollers of all kinds have in common. */
import type { Clock } from "../../base/clock.ts";
import type { EventSourceRecord } from "../../model/event-source-record.ts";
import type { EventSourceReport } from "../../ports/reports.ts";
import type { ControlParts } from "../services.ts";
import type { RunEvent } from "./run-batch.ts";

export type PollerNeeds = Pick<
  ControlParts,
  "scope" | "store" | "changes" | "clock" | "random" | "limits" | "eventSources" | "onProblem" | "onEventSource"
>;

export interface PollerParts {
  readonly services: PollerNeeds;
  readonly run: RunEvent;
  readonly mapping: EventSourceRecord;
  /** Takes what is shown as LastProcessingResult. */
  readonly onResult: (result: string) => void;
  /** Hears that something was committed for a destination. */
  readonly onDelivery: () => void;
}

export interface Poller {
  /** Reads and runs until it is stopped; resolves when nothing of it is under way any more. Never rejects. */
  run(): Promise<void>;
  /** Begins nothing new. Batches that run go on to their ends. */
  stop(): void;
}

/** AWS's word for a mapping whose last batch succeeded. */
export const RESULT_OK = "OK";

const BACKOFF_MS_MIN = 1000;
const BACKOFF_MS_MAX = 60_000;

/** Pauses that double from a second to a minute, the last part of each by chance: pollers must not come all at once. */
export function backoffMs(failures: number, fraction: number): number {
  const wholeMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(Math.max(failures, 1) - 1, 10));
  return wholeMs * (0.75 + fraction / 4);
}

/** Resolves after the time, or when the signal is aborted. */
export function pauseUntil(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(delayMs, end);
    signal.addEventListener("abort", end, { once: true });
  });
}

/** The report without what is the same in all reports of a mapping. */
export type OwnReport = EventSourceReport extends infer R
  ? R extends EventSourceReport
    ? Omit<R, "functionName" | "service">
    : never
  : never;
