/** Recent invocations, series and the overview over HTTP: each kind of start and outcome, filters, pages, followers. */
import { describe, expect, it } from "vitest";
import type { InvocationSummary, QueryOf } from "@thaw/thaw-api";
import { layWaterfall } from "@thaw/thaw-api/waterfall";
import { CREDENTIALS, HOME_KEY, HttpHarness, onlyAccount } from "./http-harness.ts";

const MOMENT_MS = 50;
const FUNCTIONS = {
  good: { handle: () => "1" },
  hooked: { hasHooks: true, handle: () => "1" },
  bad: {
    handle: () => {
      throw new Error("no");
    },
  },
  slow: { handle: () => new Promise<never>(() => undefined) },
  hookless: {
    hasHooks: true,
    afterRestore: () => {
      throw new Error("no");
    },
    handle: () => "1",
  },
};

async function start(options: Parameters<typeof HttpHarness.start>[1] = {}): Promise<HttpHarness> {
  const workerLimits = { environmentsMax: 4, parkedPerVersionMax: 0 };
  const harness = await HttpHarness.start({ functions: FUNCTIONS, workerLimits }, options);
  for (const name of Object.keys(FUNCTIONS)) {
    await harness.control.create(name, name);
    if (name !== "bad" && name !== "slow") await harness.control.publish(name);
  }
  return harness;
}

async function listed(
  harness: HttpHarness,
  query: QueryOf<"listInvocations"> = {},
): Promise<readonly InvocationSummary[]> {
  return (await harness.client.call("listInvocations", { query })).invocations;
}

/** Invokes, and lets what comes after the answer happen. */
async function invoke(harness: HttpHarness, name: string, qualifier?: string): Promise<void> {
  const answer = harness.control.request(qualifier === undefined ? { name } : { name, qualifier });
  const settled = Promise.allSettled([answer]);
  await harness.control.advance(4_000);
  await settled;
  await harness.control.advance(0);
}

describe("an invocation", () => {
  it.for([
    ["hooked", "1", { outcome: "success", start: "restored", version: "1", initDurationMs: null }],
    ["good", undefined, { outcome: "success", start: "initialised", version: "$LATEST", restoreDurationMs: null }],
    ["bad", undefined, { outcome: "error", errorType: "Function.Error", start: "initialised" }],
    ["slow", undefined, { outcome: "timeout", errorType: "Sandbox.Timedout", start: "initialised" }],
    ["hookless", "1", { outcome: "error", errorType: "SnapStartException", start: "restored", durationMs: null }],
  ] as const)("is shown with how it started and ended: %s", async ([name, qualifier, expected]) => {
    await using harness = await start();
    await invoke(harness, name, qualifier);
    const [shown] = await listed(harness);
    expect(shown).toMatchObject({ functionName: name, memorySizeMib: 128, ...expected });
    expect(shown?.environmentId).toMatch(/./);
    expect(shown?.logStream).toContain(`[${shown?.version ?? ""}]`);
    const parameters = { requestId: shown?.requestId ?? "" };
    const details = await harness.client.call("getInvocation", { parameters });
    expect(details).toMatchObject({ ...shown, runs: [shown?.sequence] });
    expect(Object.keys(details.phases)).toContain("engine");
    expect(details.phaseStarts["engine"]).toBeGreaterThanOrEqual(0);
    const { rows, shares } = layWaterfall(details);
    expect(rows.map((row) => row.name)).toContain("engine");
    expect(shares.reduce((sum, share) => sum + share.durationMs, 0)).toBeCloseTo(details.totalMs);
  });

  it("is warm after another one, and has no phases then", async () => {
    await using harness = await start();
    await invoke(harness, "good", "1");
    await invoke(harness, "good", "1");
    const [warm, cold] = await listed(harness);
    expect([warm?.start, cold?.start]).toEqual(["warm", "restored"]);
    expect(warm).toMatchObject({ environmentId: cold?.environmentId, snapshotId: cold?.snapshotId });
    const details = await harness.client.call("getInvocation", { parameters: { requestId: warm?.requestId ?? "" } });
    expect(details).toMatchObject({ phases: {}, phaseStarts: {}, workingSet: null });
    expect(details.compared).toEqual({ restoreP50Ms: cold?.restoreDurationMs, initDurationMs: null });
  });

  it("that was throttled has no environment", async () => {
    await using harness = await start();
    const settled = Promise.allSettled(Array.from({ length: 4 }, () => harness.control.request({ name: "slow" })));
    await harness.control.advance(20_000);
    await settled;
    await harness.control.advance(0);
    expect(await listed(harness, { outcome: "throttled" })).toMatchObject([
      { functionName: "slow", start: null, environmentId: null, errorType: "ConcurrentInvocationLimitExceeded" },
    ]);
    expect((await harness.client.call("readSeries", { query: { function: "slow" } })).points).toMatchObject([
      { invocations: 3, errors: 3, throttles: 1 },
    ]);
  });
});

it("lists come in pages, newest first, and filtered by all that is asked for", async () => {
  await using harness = await start();
  await harness.control.call("CreateAlias", { FunctionName: "good", Name: "live", FunctionVersion: "1" });
  for (const name of ["good", "bad", "good"]) await invoke(harness, name);
  await invoke(harness, "good", "1");
  const all = await listed(harness);
  expect(all.map((each) => `${each.functionName}:${each.version}`)).toEqual([
    "good:1",
    "good:$LATEST",
    "bad:$LATEST",
    "good:$LATEST",
  ]);
  const { invocations, before } = await harness.client.call("listInvocations", { query: { limit: 3 } });
  expect(before).toBe(invocations.at(-1)?.sequence);
  const rest = await harness.client.call("listInvocations", { query: { limit: 3, ...(before ? { before } : {}) } });
  expect([...invocations, ...rest.invocations]).toEqual(all);
  expect(rest).not.toHaveProperty("before");
  const count = async (query: QueryOf<"listInvocations">): Promise<number> => (await listed(harness, query)).length;
  expect(await count({ function: "good" })).toBe(3);
  expect(await count({ function: "good:live" })).toBe(1);
  expect(await count({ function: "good", version: "$LATEST" })).toBe(2);
  expect(await count({ cold: true })).toBe(3);
  expect(await count({ start: "warm" })).toBe(1);
  expect(await count({ outcome: "error", function: "good" })).toBe(0);
  expect(await count({ environment: all[0]?.environmentId ?? "" })).toBe(1);
  expect((await harness.thaw("GET", "invocations?function=good:none")).text).toContain("Function not found");
  expect((await harness.thaw("GET", "invocations/none")).text).toContain("No invocation none is known");
  expect((await harness.thaw("GET", "invocations?outcome=odd")).text).toContain("expected one of success, error");
  expect((await harness.thaw("GET", "invocations?limit=0")).text).toContain("a whole number from 1 to 1000");
});

it("a follower is told of invocations when they end, from the one that it has seen last", async () => {
  await using harness = await start();
  await invoke(harness, "good");
  await invoke(harness, "bad");
  const [, first] = await listed(harness);
  const stop = new AbortController();
  const lines = harness.client.lines("followInvocations", {
    query: { after: first?.sequence ?? 0 },
    signal: stop.signal,
  });
  expect((await lines.next()).value).toMatchObject({ functionName: "bad" });
  await invoke(harness, "good");
  // It is told a moment later, of the server's clock, together with others of that moment.
  let told: unknown = null;
  void lines.next().then(({ value }) => {
    told = value;
  });
  while (told === null) await harness.control.clock.advance(MOMENT_MS);
  expect(told).toMatchObject({ functionName: "good", start: "warm" });
  stop.abort();
});

it("a follower hears nothing more when its key has ended", async () => {
  let isThere = true;
  const keyOf = (id: string) => (isThere && id === CREDENTIALS.accessKeyId ? HOME_KEY : null);
  await using harness = await start({ accounts: { ...onlyAccount, keyOf } });
  const lines = await harness.client.open("followInvocations", { query: {} });
  await invoke(harness, "good");
  let told: unknown = null;
  void lines.next().then(({ value }) => {
    told = value;
  });
  while (told === null) await harness.control.clock.advance(MOMENT_MS);
  isThere = false;
  await invoke(harness, "good");
  let next: IteratorResult<unknown> | null = null;
  void lines.next().then((result) => {
    next = result;
  });
  while (next === null) await harness.control.clock.advance(MOMENT_MS);
  expect(next).toEqual({ done: true, value: undefined });
});

it("the overview has all functions with their snapshots, environments and counts", async () => {
  await using harness = await start();
  await harness.control.call("CreateAlias", { FunctionName: "good", Name: "live", FunctionVersion: "1" });
  await invoke(harness, "good", "live");
  await invoke(harness, "bad");
  const { functions, invocations } = await harness.client.call("getOverview", {});
  expect(functions.map(({ functionName }) => functionName)).toEqual(Object.keys(FUNCTIONS).toSorted());
  const [bad, good] = functions;
  expect(bad).toMatchObject({
    newestVersion: null,
    snapshot: null,
    counts: { invocations: 1, errors: 1, coldStarts: 1 },
    restoreP50Ms: null,
  });
  expect(good).toMatchObject({
    newestVersion: "1",
    versions: 1,
    hasSnapStart: true,
    snapshot: { version: "1", status: "ready", reason: null },
    aliases: [{ name: "live", version: "1" }],
    environments: 1,
    counts: { invocations: 1, errors: 0, coldStarts: 1 },
    restoreP50Ms: expect.any(Number),
    lastInvokedAtMs: expect.any(Number),
  });
  expect(good?.chart).toHaveLength(60);
  expect(good?.chart.reduce((sum, each) => sum + each, 0)).toBe(1);
  expect(invocations.map(({ functionName }) => functionName)).toEqual(["bad", "good"]);
});
