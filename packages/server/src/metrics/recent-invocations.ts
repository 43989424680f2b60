/**
 * Recent invocations: up to 200 of a function and 5,000 in all. Recording one is an object and some fields, no timer
 * and no I/O; what is old goes when something new comes.
 *
 * An invocation is told in parts that come in no fixed order: its beginning and its answer by `measureWorker` around
 * the worker, and its report by the worker, with the phases of its start. It ends, and is shown, when both its answer
 * and its report are there. How the memory of its clone came is counted after that, and added then.
 */
import type { Clock } from "../base/clock.ts";
import { SkippingFollowers } from "../base/skipping-followers.ts";
import { SkippingQueue } from "../base/skipping-queue.ts";
import { type AccountScope, functionArn } from "../model/function-name.ts";
import type { PhaseTimes } from "../model/phases.ts";
import type {
  FollowedInvocation,
  InvocationDetails,
  InvocationHistories,
  InvocationHistory,
  InvocationPage,
  InvocationRecord,
  InvocationWish,
  StartMedians,
  TouchedMemory,
  VersionRestores,
} from "../ports/invocation-history.ts";
import type { InvocationOutcome, InvocationReport, InvocationStart, RestoreReport } from "../ports/reports.ts";
import type { InvokeInput, InvokeOutcome, RunnableVersion } from "../ports/worker.ts";
import { MinuteSeries, SERIES_MINUTES } from "./minute-series.ts";

const OF_FUNCTION_MAX = 200;
const ALL_MAX = 5_000;
const FOLLOWER_LENGTH_MAX = 1_000;
/** Beginnings between two looks for answers whose report never came. */
const BEGINNINGS_PER_SWEEP = 1_024;
const UNFINISHED_MAX = 4_096;
const ERROR_TYPE_LENGTH_MAX = 128;
/** Sequences of one start are above those of the last: it would have to end this many a millisecond. */
const SEQUENCES_PER_MS = 1_000;
const NO_PHASES: PhaseTimes = {};

class Entry implements InvocationDetails {
  sequence = 0;
  readonly requestId: string;
  readonly functionArn: string;
  readonly accountId: string;
  readonly region: string;
  readonly functionName: string;
  readonly version: string;
  readonly memorySizeMib: number;
  readonly startedAtMs: number;
  readonly startMonotonicMs: number;
  outcome: InvocationOutcome = "success";
  errorType: string | null = null;
  start: InvocationStart | null = null;
  totalMs = 0;
  durationMs: number | null = null;
  initDurationMs: number | null = null;
  restoreDurationMs: number | null = null;
  memoryMaxMib: number | null = null;
  environmentId: string | null = null;
  logStream: string | null = null;
  snapshotId: string | null = null;
  phases: PhaseTimes = NO_PHASES;
  phaseStarts: PhaseTimes = NO_PHASES;
  workingSet: TouchedMemory | null = null;
  isAnswered = false;
  isReported = false;
  older: Entry | null = null;
  newer: Entry | null = null;

  /** `last`: of the same function, whose texts are taken: versions are read anew, with copies of them. */
  constructor(version: RunnableVersion, { requestId }: InvokeInput, clock: Clock, last: Entry | undefined) {
    const { functionArn, accountId, region, functionName } = last ?? version;
    this.requestId = requestId;
    this.functionArn = functionArn;
    this.accountId = accountId;
    this.region = region;
    this.functionName = functionName;
    this.version = version.version;
    this.memorySizeMib = version.memorySizeMib;
    this.startedAtMs = clock.nowMs();
    this.startMonotonicMs = clock.monotonicMs();
  }

  get isCold(): boolean {
    return this.start === "restored" || this.start === "initialised";
  }
}

/** An invocation that has begun. */
export type BegunInvocation = Entry;

export class RecentInvocations implements InvocationHistories {
  readonly #clock: Clock;
  readonly #series = new MinuteSeries();
  readonly #begun = new Map<string, Entry>();
  /** By the function's ARN, oldest first. */
  readonly #ofFunction = new Map<string, Entry[]>();
  readonly #followers: SkippingFollowers<Entry, InvocationRecord>;
  #newest: Entry | null = null;
  #oldest: Entry | null = null;
  #count = 0;
  #sequence: number;
  #beginnings = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#followers = new SkippingFollowers<Entry, InvocationRecord>(
      () => new SkippingQueue({ lengthMax: FOLLOWER_LENGTH_MAX, gather: clock }),
      recordOf,
    );
    this.#sequence = clock.nowMs() * SEQUENCES_PER_MS;
  }

  begin(version: RunnableVersion, input: InvokeInput): BegunInvocation {
    if (++this.#beginnings % BEGINNINGS_PER_SWEEP === 0) this.#sweep();
    const last = this.#ofFunction.get(version.functionArn)?.at(-1);
    const entry = new Entry(version, input, this.#clock, last);
    this.#begun.set(entry.requestId, entry);
    return entry;
  }

  /** Takes the outcome. A streamed response is answered at its end. */
  answered(entry: BegunInvocation, outcome: InvokeOutcome): void {
    if (outcome.kind === "response" && outcome.stream !== null) {
      void outcome.stream.completion.then(() => this.#answer(entry, outcome));
      return;
    }
    this.#answer(entry, outcome);
  }

  /** Forgets an invocation that had no outcome: the worker itself failed. */
  abandoned(entry: BegunInvocation): void {
    if (this.#begun.get(entry.requestId) === entry) this.#begun.delete(entry.requestId);
  }

  reported(report: InvocationReport): void {
    const entry = this.#begun.get(report.requestId);
    if (entry === undefined) return;
    entry.outcome = report.outcome;
    entry.errorType = shortened(report.errorType);
    entry.start = report.start;
    entry.durationMs = report.durationMs;
    entry.initDurationMs = report.initDurationMs;
    entry.restoreDurationMs = report.restoreDurationMs;
    entry.memoryMaxMib = report.memoryMaxMib;
    entry.environmentId = report.environmentId;
    entry.logStream = report.logStream;
    entry.snapshotId = report.snapshotId;
    if (report.started !== null) notePhases(entry, report.started.phases, report.started.phaseStarts, 0);
    entry.isReported = true;
    if (entry.isAnswered) this.#end(entry);
  }

  /** Comes behind the report where the clone served its invocation, and before the answer where it could not. */
  restored(report: RestoreReport): void {
    const entry = this.#begun.get(report.requestId) ?? this.#findNewest(report.requestId);
    if (entry === null) return;
    entry.start ??= "restored";
    entry.restoreDurationMs = report.restoreDurationMs;
    entry.environmentId = report.environmentId;
    entry.snapshotId = report.snapshotId;
    entry.logStream = report.logStream;
    notePhases(entry, report.phases, report.phaseStarts, report.startedMonotonicMs);
    if (report.memory === null) return;
    const { faults, prefetchedPages, pages, recordings, decryptMs } = report.memory;
    entry.workingSet = { faults, prefetchedPages, pages, recordings, decryptMs };
  }

  of(scope: AccountScope): InvocationHistory {
    const arnOf = (name: string): string => functionArn(scope, name);
    const isOwn = ({ accountId, region }: AccountScope): boolean =>
      accountId === scope.accountId && region === scope.region;
    const prefix = arnOf("");
    return {
      list: (wish, before, countMax) => this.#list(arnOf, isOwn, wish, before, countMax),
      find: (requestId) => this.#runsOf(requestId, isOwn),
      medians: (name, version) => this.#medians(arnOf(name), version),
      restores: (name) => restoresOf(this.#ofFunction.get(arnOf(name)) ?? []),
      follow: (wish, after, signal) => this.#follow(matching(wish, isOwn), after, signal),
      series: (name, minutes) => {
        const only = name === null ? null : arnOf(name);
        const isWanted = (arn: string): boolean => (only === null ? arn.startsWith(prefix) : arn === only);
        return this.#series.points(isWanted, this.#clock.nowMs(), Math.min(minutes, SERIES_MINUTES));
      },
      activity: (name, minutes, chartMinutes) => {
        const arn = arnOf(name);
        const nowMs = this.#clock.nowMs();
        return {
          counts: this.#series.counts(arn, nowMs, minutes),
          chart: this.#series.chart(arn, nowMs, chartMinutes),
          restoreP50Ms: this.#medians(arn, null).restoreP50Ms,
          lastInvokedAtMs: this.#ofFunction.get(arn)?.at(-1)?.startedAtMs ?? null,
        };
      },
    };
  }

  forget(accountId: string): void {
    for (let entry = this.#oldest; entry !== null; entry = entry.newer)
      if (entry.accountId === accountId) this.#unlink(entry);
    const isForgotten = (arn: string): boolean => arn.split(":")[4] === accountId;
    for (const arn of this.#ofFunction.keys()) if (isForgotten(arn)) this.#ofFunction.delete(arn);
    this.#series.forget(isForgotten);
  }

  #answer(entry: Entry, outcome: InvokeOutcome): void {
    entry.totalMs = this.#clock.monotonicMs() - entry.startMonotonicMs;
    entry.isAnswered = true;
    switch (outcome.kind) {
      case "response":
        if (entry.isReported) return this.#end(entry);
        if (outcome.functionError !== null) entry.outcome = "error";
        return;
      case "restore-error":
        return this.#fail(entry, "error", "SnapStartException");
      case "restore-timeout":
        return this.#fail(entry, "timeout", "SnapStartTimeoutException");
      case "throttled":
        return this.#fail(entry, "throttled", outcome.reason);
      case "platform-error":
        return this.#fail(entry, "platform-error", outcome.code);
    }
  }

  /** Ends an invocation that got no answer of its function. */
  #fail(entry: Entry, outcome: InvocationOutcome, errorType: string): void {
    entry.outcome = outcome;
    entry.errorType = errorType;
    this.#end(entry);
  }

  #end(entry: Entry): void {
    if (this.#begun.get(entry.requestId) === entry) this.#begun.delete(entry.requestId);
    entry.sequence = ++this.#sequence;
    this.#keep(entry);
    this.#series.count(entry.functionArn, this.#clock.nowMs(), entry);
    this.#followers.tell(entry);
  }

  #keep(entry: Entry): void {
    const own = this.#ofFunction.get(entry.functionArn);
    if (own === undefined) this.#ofFunction.set(entry.functionArn, [entry]);
    else own.push(entry);
    entry.older = this.#newest;
    if (this.#newest === null) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    this.#count++;
    if (own !== undefined && own.length > OF_FUNCTION_MAX) this.#drop(own[0]);
    else if (this.#count > ALL_MAX) this.#drop(this.#oldest);
  }

  /** Drops the oldest of a function. */
  #drop(entry: Entry | null | undefined): void {
    if (entry === null || entry === undefined) return;
    this.#unlink(entry);
    const own = this.#ofFunction.get(entry.functionArn);
    own?.shift();
    if (own?.length === 0) this.#ofFunction.delete(entry.functionArn);
  }

  #unlink(entry: Entry): void {
    if (entry.older === null) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === null) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    this.#count--;
  }

  /** Ends what was answered and never reported, so that nothing gathers: its environment was lost with its report. */
  #sweep(): void {
    if (this.#begun.size < UNFINISHED_MAX) return;
    for (const entry of this.#begun.values()) if (entry.isAnswered) this.#end(entry);
  }

  #findNewest(requestId: string): Entry | null {
    let entry = this.#newest;
    while (entry !== null && entry.requestId !== requestId) entry = entry.older;
    return entry;
  }

  #list(
    arnOf: (name: string) => string,
    isOwn: (scope: AccountScope) => boolean,
    wish: InvocationWish,
    before: number | null,
    countMax: number,
  ): InvocationPage {
    const isWanted = matching(wish, isOwn);
    const found: InvocationRecord[] = [];
    const all =
      wish.functionName === undefined
        ? this.#newestFirst()
        : (this.#ofFunction.get(arnOf(wish.functionName))?.toReversed() ?? []);
    for (const entry of all) {
      if ((before !== null && entry.sequence >= before) || !isWanted(entry)) continue;
      if (found.length === countMax) return { invocations: found, hasMore: true };
      found.push(recordOf(entry));
    }
    return { invocations: found, hasMore: false };
  }

  *#newestFirst(): Generator<Entry> {
    for (let entry = this.#newest; entry !== null; entry = entry.older) yield entry;
  }

  #runsOf(requestId: string, isOwn: (scope: AccountScope) => boolean): readonly InvocationDetails[] {
    const runs = [...this.#newestFirst()].filter((entry) => entry.requestId === requestId && isOwn(entry));
    return runs.toReversed().map((entry) => ({
      ...recordOf(entry),
      phases: entry.phases,
      phaseStarts: entry.phaseStarts,
      workingSet: entry.workingSet,
    }));
  }

  /** `version`: null takes all. */
  #medians(arn: string, version: string | null): StartMedians {
    const own = (this.#ofFunction.get(arn) ?? []).filter((entry) => version === null || entry.version === version);
    return {
      restoreP50Ms: medianOf(own.flatMap(({ restoreDurationMs }) => restoreDurationMs ?? [])),
      initDurationMs: medianOf(own.flatMap(({ initDurationMs }) => initDurationMs ?? [])),
    };
  }

  #follow(
    isWanted: (entry: Entry) => boolean,
    after: number | null,
    signal: AbortSignal,
  ): AsyncIterable<readonly FollowedInvocation[]> | null {
    return this.#followers.follow(isWanted, signal, () => {
      if (after === null) return [];
      const known = [...this.#newestFirst()].filter((entry) => entry.sequence > after && isWanted(entry));
      return known.toReversed().map(recordOf);
    });
  }
}

function matching(wish: InvocationWish, isOwn: (scope: AccountScope) => boolean): (entry: Entry) => boolean {
  const { functionName, version, outcome, start, isCold, environmentId } = wish;
  return (entry) =>
    isOwn(entry) &&
    (functionName === undefined || entry.functionName === functionName) &&
    (version === undefined || entry.version === version) &&
    (outcome === undefined || entry.outcome === outcome) &&
    (start === undefined || entry.start === start) &&
    (isCold !== true || entry.isCold) &&
    (environmentId === undefined || entry.environmentId === environmentId);
}

/** `fromMs`: what the starts count from, on the clock of the entry's beginning. */
function notePhases(entry: Entry, phases: PhaseTimes, starts: PhaseTimes, fromMs: number): void {
  const shiftMs = fromMs - entry.startMonotonicMs;
  entry.phases = phases;
  entry.phaseStarts = Object.fromEntries(Object.entries(starts).map(([name, startMs]) => [name, startMs + shiftMs]));
}

function recordOf(entry: Entry): InvocationRecord {
  return {
    sequence: entry.sequence,
    requestId: entry.requestId,
    functionName: entry.functionName,
    version: entry.version,
    startedAtMs: entry.startedAtMs,
    outcome: entry.outcome,
    errorType: entry.errorType,
    start: entry.start,
    totalMs: entry.totalMs,
    durationMs: entry.durationMs,
    initDurationMs: entry.initDurationMs,
    restoreDurationMs: entry.restoreDurationMs,
    memoryMaxMib: entry.memoryMaxMib,
    memorySizeMib: entry.memorySizeMib,
    environmentId: entry.environmentId,
    logStream: entry.logStream,
    snapshotId: entry.snapshotId,
  };
}

/** By version. */
function restoresOf(entries: readonly Entry[]): ReadonlyMap<string, VersionRestores> {
  const durations = new Map<string, number[]>();
  for (const { version, restoreDurationMs } of entries) {
    if (restoreDurationMs === null) continue;
    const own = durations.get(version);
    if (own === undefined) durations.set(version, [restoreDurationMs]);
    else own.push(restoreDurationMs);
  }
  return new Map(
    [...durations].map(([version, all]) => [version, { restores: all.length, restoreP50Ms: medianOf(all) }]),
  );
}

function medianOf(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? null;
}

/** The function names its errors; a long name is cut. */
function shortened(errorType: string | null): string | null {
  return errorType === null ? null : errorType.slice(0, ERROR_TYPE_LENGTH_MAX);
}
