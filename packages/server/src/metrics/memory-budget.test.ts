/** What is kept for those who watch: how much memory it takes, and that nothing runs where nobody watches. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import type { InvocationReport } from "../ports/reports.ts";
import type { InvokeOutcome, RunnableVersion } from "../ports/worker.ts";
import { RecentInvocations } from "./recent-invocations.ts";

const MIB = 2 ** 20;
const FUNCTIONS = 100;
/** Minutes of the series. */
const MINUTES = 360;
const SCOPE = { accountId: "000000000000", region: "us-east-1" };
const ANSWER = { kind: "response", functionError: null, stream: null } as unknown as InvokeOutcome;
const PHASES = { queue: 1, connect: 2, restore: 3, hooks: 4 };

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that something still needs, on the heap and in arrays beside it. */
function usedBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function invoke(recent: RecentInvocations, at: number): void {
  const functionName = `orders-${at % FUNCTIONS}`;
  const functionArn = `arn:aws:lambda:${SCOPE.region}:${SCOPE.accountId}:function:${functionName}`;
  const requestId = `6f1ed002-ab59-4b5c-8ef4-${String(at).padStart(12, "0")}`;
  const version = { ...SCOPE, functionName, functionArn, version: "3", memorySizeMib: 256 } as RunnableVersion;
  const begun = recent.begin(version, { requestId } as never);
  recent.reported({
    ...SCOPE,
    functionName,
    requestId,
    version: "3",
    environmentId: `env-${at}` as EnvironmentId,
    logStream: `2026/11/29/[3]${String(at).padStart(32, "0")}`,
    snapshotId: `snap-${at % FUNCTIONS}` as SnapshotId,
    start: "restored",
    outcome: "success",
    errorType: null,
    durationMs: 5 + (at % 7) / 10,
    initDurationMs: null,
    restoreDurationMs: 30 + (at % 11) / 10,
    memoryMaxMib: 90,
    started: { phases: { ...PHASES }, phaseStarts: { ...PHASES } },
  } as InvocationReport);
  recent.answered(begun, ANSWER);
}

it("is at most 7 MiB for 100 functions that had cold starts for six hours, and starts no timer", () => {
  const clock = new FakeClock();
  const before = usedBytes();
  const recent = new RecentInvocations(clock);
  let at = 0;
  for (let minute = 0; minute < MINUTES; minute++) {
    for (let each = 0; each < FUNCTIONS; each++) invoke(recent, at++);
    clock.spend(60_000);
  }
  const keptMib = (usedBytes() - before) / MIB;
  expect(recent.of(SCOPE).list({}, null, 10_000).invocations).toHaveLength(5000);
  expect(keptMib).toBeLessThanOrEqual(7);
  expect(clock.timerCount).toBe(0);
});
