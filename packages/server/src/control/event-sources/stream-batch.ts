/**
 * One batch of a shard, until each of its records is done with: run, run again, halved, or given up. Pure but for what
 * it is given.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-errors.html
 */
import type { EventSourceConfig } from "../../model/event-source-record.ts";
import { verdictOf } from "./batch-response.ts";
import type { BatchRun } from "./run-batch.ts";
import type { StreamItem } from "./stream-event.ts";

/** What a batch needs of the poller. */
export interface BatchHost {
  /** Runs the function with records. */
  run(items: readonly StreamItem[]): Promise<BatchRun>;
  /** Hears that records are done with, so that they are not read again. Durable when it resolves. */
  done(items: readonly StreamItem[]): Promise<void>;
  /** Hears that records were given up; durable with what their destination gets. */
  givenUp(items: readonly StreamItem[], end: GivenUpBatch): Promise<void>;
  /** Tells what came of a run. */
  onRun(result: "success" | "partial" | "failure" | "put-off", failed: readonly StreamItem[], why: string | null): void;
  nowMs(): number;
  /** Resolves after the pause that follows so many attempts, or when the poller is stopped. */
  pause(attempts: number): Promise<void>;
  readonly isStopped: boolean;
}

export interface GivenUpBatch {
  readonly condition: "RetryAttemptsExhausted" | "RecordAgeExceeded";
  readonly invokeCount: number;
  readonly lastRun: BatchRun | null;
}

/** Returns false where it was stopped before its end: what is not done with is read again. */
export async function carryOutBatch(
  config: EventSourceConfig,
  batch: readonly StreamItem[],
  host: BatchHost,
): Promise<boolean> {
  let items = batch;
  let runs = 0;
  let attempts = 0;
  let lastRun: BatchRun | null = null;
  for (;;) {
    const old = tooOld(config, items, host.nowMs());
    if (old.length > 0) {
      await host.givenUp(old, { condition: "RecordAgeExceeded", invokeCount: runs, lastRun: null });
      items = items.slice(old.length);
    }
    if (items.length === 0) return true;
    if (host.isStopped) return false;
    attempts++;
    lastRun = await host.run(items);
    if (lastRun.kind === "again") {
      // The function did not run: that uses up none of its attempts.
      host.onRun("put-off", items, lastRun.why);
      await host.pause(attempts);
      continue;
    }
    runs++;
    const left = leftOf(config, items, lastRun);
    host.onRun(left.result, left.items, left.why);
    const done = items.slice(0, items.length - left.items.length);
    if (done.length > 0) await host.done(done);
    if (left.items.length === 0) return true;
    // What follows the first failure is another batch than the one that failed.
    if (done.length > 0) runs = 1;
    items = left.items;
    if (config.BisectBatchOnFunctionError === true && items.length > 1 && done.length === 0) {
      const middle = Math.ceil(items.length / 2);
      if (!(await carryOutBatch(config, items.slice(0, middle), host))) return false;
      return carryOutBatch(config, items.slice(middle), host);
    }
    if (isExhausted(config, runs)) {
      await host.givenUp(items, { condition: "RetryAttemptsExhausted", invokeCount: runs, lastRun });
      return true;
    }
    await host.pause(runs);
  }
}

function isExhausted({ MaximumRetryAttempts: retries = -1 }: EventSourceConfig, runs: number): boolean {
  return retries >= 0 && runs > retries;
}

/** Those at the head of a batch that are older than the mapping wants. */
function tooOld(config: EventSourceConfig, items: readonly StreamItem[], nowMs: number): readonly StreamItem[] {
  const { MaximumRecordAgeInSeconds: ageS = -1 } = config;
  if (ageS < 0) return [];
  const at = items.findIndex(({ arrivedAtMs }) => nowMs - arrivedAtMs <= ageS * 1000);
  return at === -1 ? items : items.slice(0, at);
}

interface Left {
  readonly result: "success" | "partial" | "failure";
  /** Records that are to be run again: from the first one that failed. */
  readonly items: readonly StreamItem[];
  readonly why: string | null;
}

function leftOf(
  config: EventSourceConfig,
  items: readonly StreamItem[],
  ran: Exclude<BatchRun, { readonly kind: "again" }>,
): Left {
  if (ran.kind === "failed")
    return { result: "failure", items, why: ran.functionError === null ? ran.why : "Function call failed" };
  if (config.FunctionResponseTypes?.includes("ReportBatchItemFailures") !== true)
    return { result: "success", items: [], why: null };
  const verdict = verdictOf(ran.payload, new Set(items.map(({ sequenceNumber }) => sequenceNumber)), true);
  if (verdict.kind === "success") return { result: "success", items: [], why: null };
  if (verdict.kind === "failure") return { result: "failure", items, why: verdict.why };
  const at = items.findIndex(({ sequenceNumber }) => verdict.failed.has(sequenceNumber));
  return { result: "partial", items: items.slice(at), why: "Function call failed" };
}
