/** What a start takes up again and what may itself have ended the server: alone, and not for ever. */
import { expect, test } from "vitest";
import { ControlHarness, type ControlHarnessOptions } from "./harness.ts";

const MINUTE_MS = 60_000;

type Start = Partial<ControlHarnessOptions> & { readonly killer?: () => boolean };

/** A server whose life ends at each capture of the function "killer", while `killer` says so. */
function startWithKiller({ killer = () => true, ...more }: Start = {}): Promise<ControlHarness> {
  return ControlHarness.start({
    functions: { good: { handle: () => "1" }, killer: { handle: () => "2" } },
    crashesAt: (step, code) => step === "engine take" && code === "killer" && killer(),
    ...more,
  });
}

/** Starts the server until a life lasts; answers how many ended. */
async function startUntilItLasts(harness: ControlHarness): Promise<number> {
  for (let ends = 0; ends < 20; ends++) {
    if (!harness.isOver) {
      await harness.advance(MINUTE_MS).catch(ignoreDeath);
      if (!harness.isOver) return ends;
    }
    harness.crash();
    await harness.start().catch(ignoreDeath);
  }
  throw new Error("no life of the server lasts");
}

function ignoreDeath(error: unknown): void {
  if ((error as Error).name !== "Dead") throw error;
}

test("a version whose snapshot ends the server is Failed after three lives, with the reason", async () => {
  const harness = await startWithKiller();
  await harness.create("neighbour", "good");
  await harness.create("k", "killer");
  await harness.publish("neighbour");
  await harness.publish("k").catch(ignoreDeath);
  expect(await startUntilItLasts(harness)).toBe(3);
  const failed = await harness.version("k", "1");
  expect(failed).toMatchObject({ state: "Failed", stateReasonCode: "InternalError", snapshotId: null });
  expect(failed.stateReason).toMatch(/^The server ended three times in a row .* publish a new version\.$/);
  expect(failed.lastUpdateStatus).toBe("Failed");
  expect(await harness.outcome("k", "1")).toBe("ResourceConflictException");
  expect(await harness.outcome("neighbour", "1")).toBe("1");
  expect(await harness.life.store.listUnfinished()).toEqual([]);
  expect(harness.problems.join()).toContain("snapshot of k:1: PUBLISH_ENDS_SERVER");
  await harness.restart();
  expect((await harness.version("k", "1")).state).toBe("Failed");
  await harness.end();
});

test("what was under way beside it is taken up, one after the other, and becomes Active", async () => {
  let underWay = 0;
  const beside: number[] = [];
  let hold: Promise<void> | undefined;
  let release: () => void = () => undefined;
  const harness = await startWithKiller({
    functions: {
      killer: { handle: () => "2" },
      slow: {
        init: async () => {
          beside.push(++underWay);
          await hold;
          underWay--;
        },
        handle: () => "1",
      },
    },
    limits: { snapshotsAtOnceMax: 4 },
  });
  hold = new Promise((resolve) => (release = resolve));
  for (const name of ["a", "b"]) {
    await harness.create(name, "slow");
    await harness.publish(name);
  }
  await harness.create("k", "killer");
  await harness.publish("k").catch(ignoreDeath);
  expect(beside).toEqual([1, 2]);
  expect(harness.isOver).toBe(true);
  release();
  await harness.clock.advance(0);
  expect(underWay).toBe(0);
  beside.length = 0;
  await startUntilItLasts(harness);
  expect(beside, "suspects are taken up one at a time").toEqual(beside.map(() => 1));
  expect((await harness.version("a", "1")).state).toBe("Active");
  expect((await harness.version("b", "1")).state).toBe("Active");
  expect((await harness.version("k", "1")).state).toBe("Failed");
  await harness.end();
});

test("ends of the server count in a row only, and a success forgets them", async () => {
  let left = 2;
  const harness = await startWithKiller({ killer: () => left-- > 0 });
  await harness.create("k", "killer");
  await harness.publish("k").catch(ignoreDeath);
  expect(await startUntilItLasts(harness)).toBe(2);
  expect((await harness.version("k", "1")).state).toBe("Active");
  for (const release of ["release-2", "release-3"]) {
    left = 2;
    harness.releases = [release];
    await harness.restart().catch(ignoreDeath);
    await startUntilItLasts(harness);
    expect((await harness.version("k", "1")).state, release).toBe("Active");
  }
  expect(await harness.outcome("k", "1")).toBe("2");
  await harness.end();
});

test("an end that was asked for counts for nothing, one because sandboxd is gone does", async () => {
  const never = new Promise<void>(() => undefined);
  let isHeld = true;
  const harness = await ControlHarness.start({
    functions: { slow: { init: () => (isHeld ? never : undefined), handle: () => "1" } },
  });
  await harness.create("f", "slow");
  await harness.publish("f");
  for (let count = 0; count < 5; count++) await harness.restart();
  expect(await harness.life.store.listUnfinished()).toMatchObject([{ key: "1", tries: 1 }]);
  await harness.stop(() => true);
  await harness.start();
  expect(await harness.life.store.listUnfinished()).toMatchObject([{ key: "1", tries: 2 }]);
  isHeld = false;
  await harness.restart();
  await harness.advance(0);
  expect((await harness.version("f", "1")).state).toBe("Active");
  await harness.end();
});

/** Publishes a version whose next snapshot ends the server, and starts with other releases of its runtime. */
async function publishedBeforeItKills(releases: string[]) {
  let isArmed = false;
  const harness = await startWithKiller({ killer: () => isArmed });
  await harness.create("k", "killer");
  await harness.publish("k");
  const { snapshotId } = await harness.version("k", "1");
  isArmed = true;
  harness.releases = releases;
  await harness.restart().catch(ignoreDeath);
  return { harness, snapshotId };
}

test("a refresh that ends the server is given up, and the old snapshot stays", async () => {
  const { harness, snapshotId } = await publishedBeforeItKills(["release-2", "release-1"]);
  expect(await startUntilItLasts(harness)).toBe(3);
  expect(await harness.version("k", "1")).toMatchObject({ state: "Active", snapshotId });
  expect(await harness.status("k", "1")).toBe("refresh failed");
  expect((await harness.control.snapshots.list())[0]).toMatchObject({ retryAt: null });
  await harness.advance(24 * 60 * MINUTE_MS);
  expect(harness.isOver, "it is not tried again").toBe(false);
  expect(await harness.outcome("k", "1")).toBe("2");
  await harness.end();
});

test("a snapshot that is made anew and ends the server fails its version", async () => {
  const { harness } = await publishedBeforeItKills(["release-2"]);
  expect(await startUntilItLasts(harness)).toBe(3);
  expect(await harness.version("k", "1")).toMatchObject({ state: "Failed", isRegenerating: false });
  expect(await harness.outcome("k", "1")).toBe("ResourceConflictException");
  await harness.end();
});

test("a version that is deleted is forgotten with its tries", async () => {
  let isArmed = true;
  const harness = await startWithKiller({ killer: () => isArmed });
  await harness.create("k", "killer");
  await harness.publish("k").catch(ignoreDeath);
  isArmed = false;
  harness.crash();
  await harness.start();
  await harness.call("DeleteFunction", { FunctionName: "k", Qualifier: "1" });
  await harness.advance(0);
  expect(await harness.life.store.listUnfinished()).toEqual([]);
  await harness.end();
});

test("provisioned concurrency whose Init ends the server is given up after three lives, until it is put anew", async () => {
  let isArmed = true;
  let inits = 0;
  const never = new Promise<never>(() => undefined);
  const end = (): Promise<never> => {
    harness.life.isOver = true;
    return never;
  };
  const harness: ControlHarness = await ControlHarness.start({
    functions: {
      good: { handle: () => "1" },
      killer: { init: () => (inits++, isArmed ? end() : undefined), handle: () => "2" },
    },
  });
  for (const [name, code] of [
    ["f", "good"],
    ["k", "killer"],
  ] as const) {
    await harness.create(name, code, { snapStart: false });
    await harness.publish(name);
    const wanted = { FunctionName: name, Qualifier: "1", ProvisionedConcurrentExecutions: 2 };
    await harness.call("PutProvisionedConcurrencyConfig", wanted).catch(ignoreDeath);
    await harness.clock.advance(MINUTE_MS);
  }
  expect(await startUntilItLasts(harness)).toBe(3);
  const get = (name: string): Promise<unknown> =>
    harness.call("GetProvisionedConcurrencyConfig", { FunctionName: name, Qualifier: "1" });
  expect(await get("k")).toMatchObject({
    Status: "FAILED",
    StatusReason: expect.stringContaining("three times in a row"),
  });
  expect(await get("f")).toMatchObject({ Status: "READY" });
  const before = inits;
  await harness.restart();
  await harness.advance(MINUTE_MS);
  expect(inits).toBe(before);
  isArmed = false;
  const wanted = { FunctionName: "k", Qualifier: "1", ProvisionedConcurrentExecutions: 2 };
  await harness.call("PutProvisionedConcurrencyConfig", wanted);
  await harness.advance(MINUTE_MS);
  expect(await get("k")).toMatchObject({ Status: "READY" });
  expect(await harness.life.store.listUnfinished()).toEqual([]);
  await harness.end();
});

test("an event whose invoke ends the server is dropped after three lives; others are carried out", async () => {
  const ran: string[] = [];
  const never = new Promise<never>(() => undefined);
  const end = (): Promise<never> => {
    harness.life.isOver = true;
    return never;
  };
  const harness: ControlHarness = await ControlHarness.start({
    functions: {
      good: { handle: () => (ran.push("good"), "1") },
      killer: { handle: () => (ran.push("killer"), end()) },
    },
  });
  await harness.create("k", "killer", { snapStart: false });
  await harness.create("f", "good", { snapStart: false });
  await harness.invoke("k", undefined, {}, "Event").catch(ignoreDeath);
  await harness.advance(0);
  expect(await startUntilItLasts(harness)).toBe(3);
  expect(ran).toEqual(["killer", "killer", "killer"]);
  expect(harness.problems.join()).toMatch(
    /event uuid-\d+ of k is dropped: Error: the server ended three times in a row while it was carried out/,
  );
  await harness.invoke("f", undefined, {}, "Event");
  await harness.advance(0);
  expect(ran.at(-1)).toBe("good");
  expect(await harness.life.store.listEvents(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
  expect(await harness.life.store.listUnfinished()).toEqual([]);
  await harness.end();
});

test("an event beside a snapshot that ends the server is not blamed for it", async () => {
  let ran = 0;
  const harness = await startWithKiller({
    functions: {
      killer: { handle: () => "2" },
      slow: {
        handle: async () => (
          ran++, await new Promise<string>((resolve) => harness.clock.after(10, () => resolve('"1"')))
        ),
      },
    },
  });
  await harness.create("f", "slow", { snapStart: false });
  await harness.create("k", "killer");
  await harness.invoke("f", undefined, {}, "Event");
  await harness.clock.advance(0);
  expect(ran).toBe(1);
  await harness.publish("k").catch(ignoreDeath);
  expect(await startUntilItLasts(harness)).toBe(3);
  expect((await harness.version("k", "1")).state).toBe("Failed");
  expect(ran, "it waits for its turn, and is carried out then").toBe(2);
  expect(await harness.life.store.listEvents(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
  expect(harness.problems.join()).not.toContain("is dropped");
  await harness.end();
});
