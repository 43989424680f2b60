/** One invoke of a mapping's function with a batch, and what it means for the batch. */
import { ApiError } from "../../model/api-error.ts";
import type { EventSourceRecord } from "../../model/event-source-record.ts";
import type { InvokeOutcome } from "../../ports/worker.ts";
import { takeWhole } from "../invoke/buffered.ts";
import type { MadeEvent } from "../invoke/invoke.ts";

/** Runs a function with an event that was made here. Throws an ApiError where it can't be invoked now. */
export type RunEvent = (
  event: MadeEvent,
) => Promise<{ readonly executedVersion: string; readonly outcome: InvokeOutcome }>;

export type BatchRun =
  | { readonly kind: "answered"; readonly executedVersion: string; readonly payload: Buffer }
  /** The function failed, or is kept from running for good. `functionError` is null where it did not run. */
  | {
      readonly kind: "failed";
      readonly why: string;
      readonly executedVersion: string;
      readonly functionError: string | null;
    }
  /** It could not run now: the batch as it is may succeed later. */
  | { readonly kind: "again"; readonly why: string; readonly isThrottled: boolean };

export interface BatchEvent {
  readonly requestId: string;
  readonly payload: Buffer;
  readonly traceId: string | null;
}

export async function runBatch(
  run: RunEvent,
  { functionName, qualifier }: Pick<EventSourceRecord, "functionName" | "qualifier">,
  event: BatchEvent,
): Promise<BatchRun> {
  try {
    const { executedVersion, outcome } = await run({ functionName, qualifier, ...event, isStreamed: false });
    return judge(await takeWhole(outcome), executedVersion);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // It came back to itself again and again: another try is what made it a loop.
    if (error.name === "RecursiveInvocationException")
      return { kind: "failed", why: error.message, executedVersion: "", functionError: null };
    return { kind: "again", why: error.message, isThrottled: false };
  }
}

function judge(outcome: Awaited<ReturnType<typeof takeWhole>>, executedVersion: string): BatchRun {
  switch (outcome.kind) {
    case "response":
      if (outcome.functionError === null) return { kind: "answered", executedVersion, payload: outcome.payload };
      return { kind: "failed", why: "the function failed", executedVersion, functionError: outcome.functionError };
    case "restore-timeout":
      if (!outcome.hasRun) return { kind: "again", why: outcome.message, isThrottled: false };
      return { kind: "failed", why: outcome.message, executedVersion, functionError: "Unhandled" };
    case "restore-error":
      return { kind: "failed", why: outcome.message, executedVersion, functionError: "Unhandled" };
    case "throttled":
      return { kind: "again", why: "the function is throttled", isThrottled: true };
    case "platform-error":
      return { kind: "again", why: outcome.message, isThrottled: false };
  }
}
