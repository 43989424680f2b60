/** Pages of invocations and of all functions: what a person sees, in any width. */
import type { InvocationDetails, OverviewFunction } from "@thaw/thaw-api";
import { layWaterfall } from "@thaw/thaw-api/waterfall";
import { expect, it } from "vitest";
import { drawWaterfall } from "./draw-waterfall.ts";
import { describeInvocation } from "./invocations.ts";
import { formatOverview } from "./top.ts";

const INVOCATION: InvocationDetails = {
  sequence: 1,
  requestId: "6f1ed002-ab59-4b5c-8ef4-0123456789ab",
  functionName: "orders",
  version: "3",
  startedAtMs: 1_700_000_000_000,
  outcome: "success",
  errorType: null,
  start: "restored",
  totalMs: 100,
  durationMs: 30,
  initDurationMs: null,
  restoreDurationMs: 60,
  memoryMaxMib: 90,
  memorySizeMib: 256,
  environmentId: "env-1",
  logStream: "2026/11/29/[3]01",
  snapshotId: "snap-1",
  phases: { engine: 40, criu: 30, hooks: 20, prefetch: 90 },
  phaseStarts: { engine: 10, criu: 15, hooks: 50, prefetch: 20 },
  workingSet: { faults: 12, prefetchedPages: 300, pages: 512, recordings: 2, decryptMs: 1 },
  compared: { restoreP50Ms: 55, initDurationMs: 900 },
  runs: [1],
};

it("describes where the time of an invocation went", () => {
  expect(describeInvocation(INVOCATION, 80)).toBe(`orders:3  restored  success  2023-11-14T22:13:20.000Z
environment  env-1
snapshot     snap-1
log stream   2026/11/29/[3]01
memory       90 of 256 MiB
pages        12 faults, 300 brought ahead; working set 2.0 MiB of 2 recordings

100 ms: 40 ms engine, 30 ms your code, 20 ms your after-restore hooks, 10 ms waiting for its turn

waiting for its turn          10 ms  ████
engine                        40 ms      ████████████████
  restore the processes       30 ms        ████████████
  bring memory ahead          90 ms          ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
your after-restore hooks      20 ms                      ████████
your code                     30 ms                             ████████████

Median of version 3: a restore takes 55 ms, an Init takes 900 ms.

Log: npx thaw logs orders --filter '"6f1ed002-ab59-4b5c-8ef4-0123456789ab"'
`);
});

it("names what was done ahead, and stays within its page", () => {
  const ahead = { ...INVOCATION, phaseStarts: { engine: -900, criu: -890, hooks: 2, prefetch: 5 } };
  for (const width of [20, 60, 80, 200]) {
    const lines = drawWaterfall(layWaterfall(ahead), width);
    expect(lines[0]).toBe("Done ahead, in a parked clone: engine 40 ms.");
    for (const line of lines.slice(1)) expect(line.length).toBeLessThanOrEqual(Math.max(width, 60));
  }
});

it("shows functions that were used last first, and how many are left out", () => {
  const one = (name: string, lastInvokedAtMs: number | null): OverviewFunction => ({
    functionName: name,
    description: "",
    runtime: "nodejs24.x",
    memorySizeMib: 128,
    lastModified: "2026-11-29T00:00:00.000Z",
    newestVersion: "1",
    versions: 1,
    hasSnapStart: true,
    snapshot: { version: "1", status: "ready", reason: null },
    aliases: [],
    environments: 1,
    counts: { invocations: 4, errors: 1, throttles: 0, platformErrors: 0, coldStarts: 2 },
    chart: [...Array.from({ length: 59 }, () => 0), 4],
    restoreP50Ms: 44,
    lastInvokedAtMs,
  });
  const overview = { atMs: 0, functions: [one("a", null), one("b", 5), one("c", 9)], invocations: [] };
  const text = formatOverview(overview, 2);
  expect(
    text,
  ).toBe(`1970-01-01T00:00:00Z  3 functions, 3 environments; in the last 15 minutes 12 invocations, 6 cold starts, 3 errors

FUNCTION  VERSION  SNAPSHOT  ENVS  INVOKES  ERRORS  THROTTLES  COLD  RESTORE  LAST HOUR
c         1        ready     1     4        1       0          2     44 ms                       █
b         1        ready     1     4        1       0          2     44 ms                       █
1 more
`);
});
