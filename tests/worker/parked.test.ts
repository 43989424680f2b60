/** Parked clones: restored ahead, taken by the next invoke that would be cold; new in identity, and the first to give way. */
import { test } from "vitest";
import { json, WorkerHarness } from "./harness.ts";

const LIMITS = { parkedPerVersionMax: 1, parkedQuietMs: 200, parkedIdleMs: 60_000 };

const RUN: ConstructorParameters<typeof WorkerHarness>[0] = { handle: async () => '"ok"' };

async function parkedOne(
  harness: WorkerHarness,
): Promise<{ readonly restorable: Awaited<ReturnType<WorkerHarness["publish"]>>["restorable"] }> {
  const { restorable } = await harness.publish();
  await harness.invokeOk(restorable);
  await harness.clock.advance(LIMITS.parkedQuietMs);
  return { restorable };
}

async function states(harness: WorkerHarness): Promise<string[]> {
  return (await harness.worker.report()).environments.map((environment) => environment.state);
}

test("after a restore a clone is parked, and the next invoke that finds no idle environment takes it", async ({
  expect,
}) => {
  const harness = new WorkerHarness(RUN, { limits: LIMITS });
  const { restorable } = await parkedOne(harness);
  expect((await states(harness)).toSorted()).toEqual(["idle", "parked"]);
  const parked = (await harness.worker.report()).environments.find((environment) => environment.state === "parked");
  const issuedBefore = harness.credentialsIssued;
  await harness.worker.stopEnvironments({ keepParked: true });
  const restoresBefore = harness.engine.steps.filter((step) => step.startsWith("restore ")).length;
  await harness.clock.advance(500);
  const outcome = await harness.invokeOk(restorable);
  expect(outcome.environmentId).toBe(parked?.environmentId);
  expect(harness.engine.steps.filter((step) => step.startsWith("restore ")).length).toBe(restoresBefore);
  expect(harness.credentialsIssued).toBeLessThanOrEqual(issuedBefore + 1);
  const lines = harness.logs.events.filter((event) => event.logStream !== parked?.logStream);
  expect(lines.some((event) => event.message.startsWith("RESTORE_REPORT"))).toBe(true);
  const { phaseStarts } = harness.restores.at(-1) ?? {};
  expect(phaseStarts).toMatchObject({ restore: 0, hooks: 0 });
  expect(phaseStarts?.engine).toBeLessThan(0);
  await harness.end();
});

test("a parked clone that nobody takes goes, and so does one whose snapshot is removed", async ({ expect }) => {
  const harness = new WorkerHarness(RUN, { limits: LIMITS });
  const { restorable } = await parkedOne(harness);
  await harness.clock.advance(LIMITS.parkedIdleMs);
  expect(await states(harness)).not.toContain("parked");
  await harness.worker.stopEnvironments({});
  await harness.invokeOk(restorable);
  await harness.clock.advance(LIMITS.parkedQuietMs);
  expect(await states(harness)).toContain("parked");
  const removed = harness.worker.removeSnapshot(restorable.snapshotId as never);
  await harness.clock.advance(0);
  await removed;
  await harness.clock.advance(0);
  expect(await states(harness)).not.toContain("parked");
  await harness.end();
});

test("parked clones give way to invokes, and none is made where there is no room", async ({ expect }) => {
  const harness = new WorkerHarness(RUN, { limits: { ...LIMITS, environmentsMax: 2 } });
  await parkedOne(harness);
  expect((await states(harness)).toSorted()).toEqual(["idle", "parked"]);
  expect(json(await harness.invokeOk({ runKey: "run-other" }))).toBeDefined();
  expect(await states(harness)).not.toContain("parked");
  await harness.clock.advance(LIMITS.parkedQuietMs * 2);
  expect(await states(harness)).not.toContain("parked");
  await harness.end();
});

test("a clone that is stopped while it is being parked goes at once", async ({ expect }) => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  let restores = 0;
  const onStep = async (step: string): Promise<void> => {
    if (step === "restore" && ++restores === 2) await held;
  };
  const harness = new WorkerHarness(RUN, { limits: LIMITS, onStep });
  await parkedOne(harness);
  expect((await states(harness)).toSorted()).toEqual(["idle", "restoring"]);
  const stopped = harness.worker.stopEnvironments({});
  release();
  await harness.clock.advance(0);
  await stopped;
  expect(await states(harness)).toEqual([]);
  await harness.end();
});

test("no clone is parked where the host keeps none", async ({ expect }) => {
  const harness = new WorkerHarness(RUN, { limits: { ...LIMITS, parkedMax: 0 } });
  await parkedOne(harness);
  expect(await states(harness)).toEqual(["idle"]);
  await harness.end();
});

test("a parked clone that dies is not given to anybody", async ({ expect }) => {
  const harness = new WorkerHarness(RUN, { limits: LIMITS });
  const { restorable } = await parkedOne(harness);
  const parked = (await harness.worker.report()).environments.find((environment) => environment.state === "parked");
  for (const sandbox of harness.engine.live) if (sandbox.environmentId === parked?.environmentId) sandbox.die(false);
  await harness.clock.advance(0);
  expect(await states(harness)).not.toContain("parked");
  await harness.worker.stopEnvironments({});
  await harness.invokeOk(restorable);
  await harness.end();
});

test("a clone of a check is neither a parked one nor parks one, records what it sends, is looked at when it is idle, and goes by its runKey", async ({
  expect,
}) => {
  const harness = new WorkerHarness(RUN, { limits: LIMITS });
  const { restorable } = await parkedOne(harness);
  const before = (await harness.worker.report()).environments.map((environment) => environment.environmentId);
  const own = await harness.invokeOk({ ...restorable, runKey: "check-1", recordsSent: true }, { parksNone: true });
  expect(before).not.toContain(own.environmentId);
  const observed = await harness.worker.observe(own.environmentId);
  expect(observed?.summary).toMatchObject({ state: "idle", invokeCount: 1, isRestored: true });
  const recording = [...harness.engine.live]
    .filter((sandbox) => sandbox.spec.recordsSent)
    .map((sandbox) => sandbox.environmentId);
  expect(recording).toEqual([own.environmentId]);
  await harness.clock.advance(LIMITS.parkedQuietMs * 2);
  expect((await harness.worker.report()).environments).toHaveLength(before.length + 1);
  expect(await harness.worker.stopEnvironments({ runKey: "check-1" })).toBe(1);
  expect((await harness.worker.report()).environments.map((environment) => environment.environmentId)).toEqual(before);
  expect(await harness.worker.observe(own.environmentId)).toBeNull();
  await harness.end();
});

test("an invoke that comes while a clone's working set is being recorded waits for this clone", async ({ expect }) => {
  let finish = (): void => {};
  const recording = new Promise<void>((resolve) => (finish = resolve));
  const harness = new WorkerHarness(RUN, {
    limits: { ...LIMITS, parkedPerVersionMax: 0 },
    onResponded: () => recording,
  });
  const { restorable } = await harness.publish();
  const first = await harness.invokeOk(restorable);
  const second = harness.invokeOk(restorable);
  await harness.clock.advance(0);
  finish();
  expect((await second).environmentId).toBe(first.environmentId);
  await harness.end();
});
