/** Recent invocations and one-minute series, in memory only: a start of the server begins anew. */
import type { AccountScope } from "../model/function-name.ts";
import type { PhaseTimes } from "../model/phases.ts";
import type { InvocationOutcome, InvocationStart } from "./reports.ts";

/** An invocation that has ended. Times are milliseconds. */
export interface InvocationRecord {
  /** Rises with each one that ends, over starts of the server, too. */
  readonly sequence: number;
  readonly requestId: string;
  readonly functionName: string;
  readonly version: string;
  /** Wall clock when it came to the worker. */
  readonly startedAtMs: number;
  readonly outcome: InvocationOutcome;
  readonly errorType: string | null;
  /** Null: no environment was ready for it. */
  readonly start: InvocationStart | null;
  /** Until the caller had its answer. */
  readonly totalMs: number;
  /** As in REPORT; null: the handler was not reached. */
  readonly durationMs: number | null;
  readonly initDurationMs: number | null;
  readonly restoreDurationMs: number | null;
  readonly memoryMaxMib: number | null;
  readonly memorySizeMib: number;
  readonly environmentId: string | null;
  readonly logStream: string | null;
  readonly snapshotId: string | null;
}

/** Working set of a restored clone, as it is known after its first response. */
export interface TouchedMemory {
  readonly faults: number;
  readonly prefetchedPages: number;
  readonly pages: number;
  readonly recordings: number;
  readonly decryptMs: number;
}

export interface InvocationDetails extends InvocationRecord {
  /** Phases of the start of its environment; empty where it was warm. */
  readonly phases: PhaseTimes;
  /** From `startedAtMs`; negative for what a parked clone did ahead. */
  readonly phaseStarts: PhaseTimes;
  readonly workingSet: TouchedMemory | null;
}

/** What is wanted of all invocations; all members that are there apply. */
export interface InvocationWish {
  readonly functionName?: string | undefined;
  readonly version?: string | undefined;
  readonly outcome?: InvocationOutcome | undefined;
  readonly start?: InvocationStart | undefined;
  /** True: only those that an environment was made for. */
  readonly isCold?: boolean | undefined;
  readonly environmentId?: string | undefined;
}

export interface InvocationPage {
  /** Newest first. */
  readonly invocations: readonly InvocationRecord[];
  readonly hasMore: boolean;
}

export interface MinuteCounts {
  readonly invocations: number;
  readonly errors: number;
  readonly throttles: number;
  readonly platformErrors: number;
  readonly coldStarts: number;
}

/** Milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
}

export interface MinutePoint extends MinuteCounts {
  /** Beginning of the minute. */
  readonly atMs: number;
  readonly duration: Quantiles | null;
  readonly restore: Quantiles | null;
}

/** What is known of a function's last hour and its recent starts. */
export interface FunctionActivity {
  readonly counts: MinuteCounts;
  /** Invocations of each minute, oldest first. */
  readonly chart: readonly number[];
  readonly restoreP50Ms: number | null;
  readonly lastInvokedAtMs: number | null;
}

/** The medians of recent starts of a version; null where there was none. */
export interface StartMedians {
  readonly restoreP50Ms: number | null;
  readonly initDurationMs: number | null;
}

/** The recent restores of a version. */
export interface VersionRestores {
  readonly restores: number;
  readonly restoreP50Ms: number | null;
}

export type FollowedInvocation = InvocationRecord | { readonly skipped: number };

/** What one account in one Region sees. */
export interface InvocationHistory {
  list(wish: InvocationWish, before: number | null, countMax: number): InvocationPage;
  /** Finds the runs of a request, the oldest first: events are retried. */
  find(requestId: string): readonly InvocationDetails[];
  medians(functionName: string, version: string): StartMedians;
  /** By version; one without a restore is left out. */
  restores(functionName: string): ReadonlyMap<string, VersionRestores>;
  /** Goes on until the signal. Null: there are too many followers. `after`: null begins with what comes. */
  follow(
    wish: InvocationWish,
    after: number | null,
    signal: AbortSignal,
  ): AsyncIterable<readonly FollowedInvocation[]> | null;
  /** Points of the last minutes, in order; `functionName` null: of all functions together. */
  series(functionName: string | null, minutes: number): readonly MinutePoint[];
  /** Activity of a function: counts of the last `minutes`, a chart of the last `chartMinutes`. */
  activity(functionName: string, minutes: number, chartMinutes: number): FunctionActivity;
}

export interface InvocationHistories {
  of(scope: AccountScope): InvocationHistory;
  /** Forgets what was an account's. */
  forget(accountId: string): void;
}
