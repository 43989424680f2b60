/** The ring of recent invocations: what its parts make together, in any order, and its bounds. */
import { beforeEach, expect, it } from "vitest";
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import { GATHER_MS } from "../base/skipping-queue.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import type { InvocationHistory } from "../ports/invocation-history.ts";
import type { InvocationReport, RestoreReport } from "../ports/reports.ts";
import type { InvokeOutcome, RunnableVersion } from "../ports/worker.ts";
import { type BegunInvocation, RecentInvocations } from "./recent-invocations.ts";

const SCOPE = { accountId: "000000000000", region: "us-east-1" };
const ANSWER = { kind: "response", functionError: null, stream: null } as unknown as InvokeOutcome;

let clock: FakeClock;
let recent: RecentInvocations;
let history: InvocationHistory;

beforeEach(() => {
  clock = new FakeClock();
  recent = new RecentInvocations(clock);
  history = recent.of(SCOPE);
});

function begin(requestId: string, functionName = "f", scope = SCOPE, number = "3"): BegunInvocation {
  const functionArn = `arn:aws:lambda:${scope.region}:${scope.accountId}:function:${functionName}`;
  const version = { ...scope, functionName, functionArn, version: number, memorySizeMib: 256 } as RunnableVersion;
  return recent.begin(version, { requestId } as never);
}

function report(requestId: string, changes: Partial<InvocationReport> = {}): InvocationReport {
  return {
    ...SCOPE,
    functionName: "f",
    requestId,
    version: "3",
    environmentId: "env-1" as EnvironmentId,
    logStream: "2026/11/29/[3]01",
    snapshotId: null,
    start: "warm",
    outcome: "success",
    errorType: null,
    durationMs: 5,
    initDurationMs: null,
    restoreDurationMs: null,
    memoryMaxMib: 90,
    started: null,
    ...changes,
  };
}

function run(requestId: string, functionName = "f", scope = SCOPE): void {
  const begun = begin(requestId, functionName, scope);
  recent.reported(report(requestId));
  recent.answered(begun, ANSWER);
}

const ids = (wish = {}, before: number | null = null, countMax = 10_000): readonly string[] =>
  history.list(wish, before, countMax).invocations.map(({ requestId }) => requestId);

it.for(["answer first", "report first"])("shows an invocation when answer and report are there: %s", async (order) => {
  const begun = begin("r");
  await clock.advance(40);
  if (order === "answer first") recent.answered(begun, ANSWER);
  else recent.reported(report("r", { start: "restored", restoreDurationMs: 30, snapshotId: "snap" as SnapshotId }));
  expect(ids()).toEqual([]);
  if (order === "answer first")
    recent.reported(report("r", { start: "restored", restoreDurationMs: 30, snapshotId: "snap" as SnapshotId }));
  else recent.answered(begun, ANSWER);
  expect(history.list({}, null, 1).invocations[0]).toMatchObject({
    functionName: "f",
    outcome: "success",
    start: "restored",
    totalMs: 40,
    durationMs: 5,
    restoreDurationMs: 30,
    memorySizeMib: 256,
    snapshotId: "snap",
  });
});

it("adds how a clone was restored when that is known, on the invocation's own time", async () => {
  const begun = begin("r");
  await clock.advance(12);
  const startedMonotonicMs = clock.monotonicMs();
  recent.reported(report("r", { start: "restored", restoreDurationMs: 30 }));
  recent.answered(begun, ANSWER);
  recent.restored({
    ...report("r"),
    snapshotId: "snap" as SnapshotId,
    startedMonotonicMs,
    startedAtMs: 0,
    restoreDurationMs: 30,
    phases: { engine: 20, hooks: 4 },
    phaseStarts: { engine: -500, hooks: 3 },
    memory: {
      isMerged: true,
      faults: 7,
      pages: 9,
      prefetchedPages: 5,
      recordings: 2,
      decryptMs: 1.5,
      prefetchStartMs: 0,
      prefetchEndMs: 0,
    },
  } satisfies RestoreReport);
  expect(history.find("r")).toMatchObject([
    {
      snapshotId: "snap",
      phases: { engine: 20, hooks: 4 },
      phaseStarts: { engine: -488, hooks: 15 },
      workingSet: { faults: 7, prefetchedPages: 5 },
    },
  ]);
  expect(history.medians("f", "3")).toEqual({ restoreP50Ms: 30, initDurationMs: null });
  expect(history.medians("f", "4")).toEqual({ restoreP50Ms: null, initDurationMs: null });
});

it("counts the restores of each version, with their median, and no warm invoke", () => {
  for (const [requestId, version, restoreDurationMs] of [
    ["a", "3", 30],
    ["b", "3", 90],
    ["c", "3", 50],
    ["d", "4", 70],
    ["e", "3", null],
  ] as const) {
    const begun = begin(requestId, "f", SCOPE, version);
    recent.reported(report(requestId, { start: restoreDurationMs === null ? "warm" : "restored", restoreDurationMs }));
    recent.answered(begun, ANSWER);
  }
  expect(Object.fromEntries(history.restores("f"))).toEqual({
    3: { restores: 3, restoreP50Ms: 50 },
    4: { restores: 1, restoreP50Ms: 70 },
  });
  expect(history.restores("g").size).toBe(0);
});

it("has the phases of a clone's restore as soon as it is listed", async () => {
  const fromMs = clock.monotonicMs();
  const begun = begin("r");
  await clock.advance(40);
  recent.answered(begun, ANSWER);
  const started = { phases: { engine: 20, hooks: 4 }, phaseStarts: { engine: fromMs + 2, hooks: fromMs + 24 } };
  recent.reported(report("r", { start: "restored", restoreDurationMs: 30, started }));
  expect(ids()).toEqual(["r"]);
  expect(history.find("r")).toMatchObject([
    { phases: { engine: 20, hooks: 4 }, phaseStarts: { engine: 2, hooks: 24 }, workingSet: null },
  ]);
});

it.for([
  [
    { kind: "throttled", reason: "ConcurrentInvocationLimitExceeded" },
    "throttled",
    "ConcurrentInvocationLimitExceeded",
  ],
  [{ kind: "platform-error", code: "SANDBOX_FAILED", message: "" }, "platform-error", "SANDBOX_FAILED"],
  [{ kind: "restore-error", message: "" }, "error", "SnapStartException"],
  [{ kind: "restore-timeout", message: "", hasRun: true }, "timeout", "SnapStartTimeoutException"],
] as const)("shows what no environment could run: %o", ([outcome, shown, errorType]) => {
  recent.answered(begin("r"), outcome as InvokeOutcome);
  expect(history.list({}, null, 1).invocations).toMatchObject([
    { outcome: shown, errorType, start: null, durationMs: null, environmentId: null },
  ]);
});

it("answers a streamed response at its end", async () => {
  const begun = begin("r");
  const completion = Promise.withResolvers<never>();
  recent.answered(begun, { ...ANSWER, stream: { contentType: null, completion: completion.promise } } as never);
  recent.reported(report("r"));
  await clock.advance(70);
  expect(ids()).toEqual([]);
  completion.resolve({ error: null, logTail: null } as never);
  await completion.promise;
  expect(history.list({}, null, 1).invocations).toMatchObject([{ totalMs: 70 }]);
});

it("keeps 200 of a function and 5,000 in all, the newest ones", () => {
  run("rare", "rare");
  for (let count = 0; count < 1000; count++) run(`f-${count}`, "busy");
  expect(ids({ functionName: "busy" })).toHaveLength(200);
  expect(ids({ functionName: "busy" })[0]).toBe("f-999");
  // One function's noise drives out none of the others'.
  expect(ids({ functionName: "rare" })).toEqual(["rare"]);
  for (let count = 0; count < 6000; count++) run(`g-${count}`, `g-${count % 100}`);
  expect(ids()).toHaveLength(5000);
  expect(ids({ functionName: "rare" })).toEqual([]);
  expect(history.find("g-0")).toEqual([]);
  expect(history.find("g-5999")).toHaveLength(1);
});

it("gives pages and filters", () => {
  for (let count = 0; count < 10; count++) run(`r-${count}`, count % 2 === 0 ? "even" : "odd");
  const first = history.list({}, null, 4);
  expect(first.hasMore).toBe(true);
  const last = first.invocations.at(-1)?.sequence ?? 0;
  expect([...first.invocations.map(({ requestId }) => requestId), ...ids({}, last)]).toEqual(ids());
  expect(history.list({}, last, 6)).toMatchObject({ hasMore: false });
  expect(ids({ functionName: "odd" })).toEqual(["r-9", "r-7", "r-5", "r-3", "r-1"]);
  expect(ids({ outcome: "error" })).toEqual([]);
  expect(ids({ isCold: true })).toEqual([]);
  expect(ids({ version: "3", environmentId: "env-1", start: "warm" })).toHaveLength(10);
});

it("keeps accounts and Regions apart, and forgets an account", () => {
  const other = { accountId: "222222222222", region: "us-east-1" };
  run("own");
  run("others", "f", other);
  run("far", "f", { ...SCOPE, region: "eu-west-1" });
  expect(ids()).toEqual(["own"]);
  expect(history.find("others")).toEqual([]);
  expect(history.series(null, 5)).toMatchObject([{ invocations: 1 }]);
  expect(recent.of(other).list({}, null, 9).invocations).toHaveLength(1);
  recent.forget(other.accountId);
  expect(recent.of(other).list({}, null, 9).invocations).toEqual([]);
  expect(recent.of(other).series(null, 5)).toEqual([]);
  expect(recent.of(other).activity("f", 15, 60).lastInvokedAtMs).toBeNull();
  expect(ids()).toEqual(["own"]);
});

it("tells followers of what they want, from where they left off", async () => {
  run("before");
  const [before] = history.list({}, null, 1).invocations;
  run("between");
  const stop = new AbortController();
  const lines: string[][] = [];
  const followed = history.follow({ functionName: "f" }, before?.sequence ?? 0, stop.signal);
  run("other", "g");
  run("after");
  for await (const together of followed ?? []) {
    lines.push(together.map((line) => ("requestId" in line ? line.requestId : "skipped")));
    if (lines.length === 2) stop.abort();
    // It comes after a moment, in which others may end.
    else void clock.advance(GATHER_MS);
    if (lines.length === 1) run("too");
  }
  expect(lines).toEqual([["between"], ["after", "too"]]);
});

it("bounds followers, and lets another one in when one has gone", () => {
  const stop = new AbortController();
  for (let count = 0; count < 32; count++) expect(history.follow({}, null, stop.signal)).not.toBeNull();
  expect(history.follow({}, null, new AbortController().signal)).toBeNull();
  stop.abort();
  expect(history.follow({}, null, AbortSignal.abort())).not.toBeNull();
});

it("does not gather what was answered and never reported", () => {
  for (let count = 0; count < 20_000; count++) recent.answered(begin(`r-${count}`, `f-${count % 50}`), ANSWER);
  expect(ids().length).toBeGreaterThan(4_000);
});
