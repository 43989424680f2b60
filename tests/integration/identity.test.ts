/**
 * What tells clones of one snapshot apart, what does not, and what time it is in them (docs/reference/uniqueness.md).
 */
import { it } from "vitest";
import { inOwnClones } from "../support/clones.ts";
import type { TestFunctions } from "../support/functions.ts";
import { source } from "../support/test-functions.ts";
import { withThaw } from "../support/with-thaw.ts";

interface Facts {
  readonly hostname: string;
  readonly bootId: string;
  readonly machineId: string;
  readonly wallMs: number;
  readonly monotonicS: number;
  readonly boottimeS: number;
  readonly pid: number;
  readonly glibcThreadId: number;
  readonly tmp: readonly string[];
  readonly snapshot: {
    readonly snapshotId: string | null;
    readonly takenAtMs: number | null;
    readonly restoredAtMs: number | null;
  };
}

interface Answer {
  readonly init: Facts;
  readonly now: Facts;
  readonly after: Facts;
  readonly fired: readonly number[];
  readonly key: string;
}

let functions: TestFunctions;
let name: string;
let version: string;
let initialisedMs: number;

withThaw(async (made) => {
  functions = made;
  name = await functions.createSnapStart(
    { "index.py": source("identity.py") },
    { Runtime: "python3.13", Timeout: 120 },
  );
  version = await functions.publish(name);
  initialisedMs = Date.now();
});

async function ask(event: object = {}): Promise<Answer> {
  const answer = await functions.invoke(name, event, version);
  if (answer.functionError !== undefined) throw new Error(answer.log);
  return answer.payload as Answer;
}

async function askTwoClones(events: readonly [object, object]): Promise<readonly [Answer, Answer]> {
  const [one, two] = await inOwnClones(functions, name, 2, (n) => ask(events[n]));
  if (one === undefined || two === undefined) throw new Error("two were asked");
  return [one, two];
}

it("gives each clone its own boot id, machine id, credentials and log stream; not a host name", async ({ expect }) => {
  const clones = await askTwoClones([{ holdMs: 500 }, { holdMs: 500 }]);
  for (const key of ["bootId", "machineId"] as const) {
    expect(new Set([...clones.map((clone) => clone.now[key]), clones[0].init[key]]).size, key).toBe(3);
  }
  expect(clones[0].now.bootId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(clones[0].now.machineId).toMatch(/^[0-9a-f]{32}$/);
  expect(clones[0].key).not.toBe(clones[1].key);
  // Others are parked meanwhile.
  const environments = (await functions.environments(name)).filter(({ invokeCount }) => invokeCount > 0);
  expect(new Set(environments.map((each) => each.logStream)).size).toBe(2);
  for (const clone of clones) expect(clone.now).toMatchObject({ hostname: "sandbox", pid: clone.init.pid });
});

it("tells a clone which snapshot it is of, and of when", async ({ expect }) => {
  const beforeMs = Date.now();
  const [clone] = await askTwoClones([{ holdMs: 500 }, { holdMs: 500 }]);
  const { snapshotId, takenAtMs, restoredAtMs } = clone.now.snapshot;
  expect(clone.init.snapshot).toEqual({ snapshotId: null, takenAtMs: null, restoredAtMs: null });
  expect(snapshotId).toMatch(/^snap-/);
  expect(takenAtMs ?? 0).toBeGreaterThan(clone.init.wallMs);
  expect(takenAtMs ?? 0).toBeLessThanOrEqual(initialisedMs);
  expect(restoredAtMs ?? 0).toBeGreaterThanOrEqual(beforeMs - 1000);
  expect(restoredAtMs ?? 0).toBeLessThanOrEqual(clone.now.wallMs);
});

it("has the right wall clock at once, and a monotonic one that never goes back", async ({ expect }) => {
  await functions.stopEnvironments(name);
  const beforeMs = Date.now();
  const clone = await ask();
  expect(clone.now.wallMs).toBeGreaterThanOrEqual(beforeMs);
  expect(clone.now.wallMs).toBeLessThanOrEqual(Date.now());
  for (const clock of ["monotonicS", "boottimeS"] as const) {
    expect(clone.now[clock], clock).toBeGreaterThan(clone.init[clock]);
    // The time between the snapshot and the restore is not part of it.
    const wallS = (clone.now.wallMs - clone.init.wallMs) / 1000;
    expect(clone.now[clock] - clone.init[clock], clock).toBeLessThan(wallS);
  }
});

it("lets a timer of Init run on with what was left of it", async ({ expect }) => {
  await functions.stopEnvironments(name);
  const clone = await ask({ waitForTimer: true });
  expect(clone.fired).toHaveLength(1);
  // A second after it was set, on the function's own clock.
  const afterS = (clone.fired[0] ?? 0) - clone.init.monotonicS;
  expect(afterS).toBeGreaterThan(0.9);
  expect(afterS).toBeLessThan(clone.after.monotonicS - clone.init.monotonicS + 0.001);
});

it("shows /tmp of the snapshot to each clone, and of one clone to no other", async ({ expect }) => {
  const [one, two] = await askTwoClones([
    { holdMs: 500, write: "one" },
    { holdMs: 500, write: "two" },
  ]);
  expect(one.after.tmp).toEqual(["from-init", "one"]);
  expect(two.after.tmp).toEqual(["from-init", "two"]);
  const [third] = await askTwoClones([{ holdMs: 500 }, { holdMs: 500 }]);
  expect(third.now.tmp).toEqual(["from-init"]);
});

it("takes the memory as it was before the processes ended, in which the kernel clears the ids of threads", async ({
  expect,
}) => {
  const code = source("identity.py");
  const threads = await functions.createSnapStart({ "index.py": code }, { Runtime: "python3.13", Timeout: 120 });
  // Was wrong in about every second snapshot of a function with more than one thread.
  for (const revision of [1, 2, 3, 4, 5]) {
    await functions.update(threads, { "index.py": `${code.toString()}\n# ${revision}\n` });
    const { payload } = await functions.invoke(threads, {}, await functions.publish(threads));
    const { init, now } = payload as Answer;
    expect(now.glibcThreadId).toBe(init.glibcThreadId);
  }
});

it("leaves out of the snapshot what the kernel may drop or a fork wipes: the state of the vDSO's getrandom", async ({
  expect,
}) => {
  const pages = await functions.createSnapStart({ "index.py": source("pages.py") }, { Runtime: "python3.13" });
  const { payload } = await functions.invoke(pages, {}, await functions.publish(pages));
  expect(payload).toMatchObject({ plain: "secret of Init", droppable: "", wiped: "" });
});
