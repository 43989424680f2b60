/** A snapshot's life over months: expiry, refresh, regeneration and its failure. */
import { expect, test, vi } from "vitest";
import type { SnapshotId } from "@thaw/server/testing/base";
import { ControlHarness } from "./harness.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Months pass faster where the server looks at its snapshots only once an hour. */
const HOURLY = { limits: { lookIntervalMs: 60 * MINUTE_MS } };

test("a version that was not invoked for 14 days is Inactive; an invoke brings it back", async () => {
  const harness = await ControlHarness.start({ ...HOURLY, functions: { good: { handle: () => '"fine"' } } });
  await harness.create("f", "good");
  await harness.publish("f");
  expect(await harness.version("f", "1")).toMatchObject({ state: "Active", lastUpdateStatus: "Successful" });
  expect(await harness.outcome("f", "1")).toBe('"fine"');
  await harness.advance(14 * DAY_MS - 10 * MINUTE_MS);
  expect((await harness.version("f", "1")).state).toBe("Active");
  expect(await harness.outcome("f", "1")).toBe('"fine"');
  await harness.advance(14 * DAY_MS + 61 * MINUTE_MS);
  expect(await harness.version("f", "1")).toMatchObject({
    state: "Inactive",
    stateReasonCode: "Idle",
    snapshotId: null,
    snapshotFacts: null,
  });
  expect(harness.disk.size).toBe(0);
  expect(await harness.status("f", "1")).toBe("idle");
  expect(await harness.outcome("f", "1")).toBe("SnapStartNotReadyException");
  await harness.advance(0);
  expect((await harness.version("f", "1")).state).toBe("Active");
  expect(await harness.outcome("f", "1")).toBe('"fine"');
  await harness.end();
});

test("a start and a look read the rows of all versions once each", async () => {
  const harness = await ControlHarness.start({ ...HOURLY, functions: { good: { handle: () => '"fine"' } } });
  await harness.create("f", "good");
  await harness.publish("f");
  const reads = vi.spyOn(Object.getPrototypeOf(harness.life.store), "listAllVersions");
  try {
    await harness.restart();
    expect(reads).toHaveBeenCalledTimes(1);
    await harness.advance(61 * MINUTE_MS);
    expect(reads).toHaveBeenCalledTimes(2);
  } finally {
    reads.mockRestore();
  }
  await harness.end();
});

test("while an Inactive version is initialised again it is Pending and every invoke is told to wait", async () => {
  let open: () => void = () => undefined;
  let gate: Promise<void> | null = null;
  const harness = await ControlHarness.start({
    ...HOURLY,
    functions: { slow: { init: () => gate ?? undefined, handle: () => "1" } },
  });
  await harness.create("f", "slow");
  await harness.publish("f");
  await harness.advance(15 * DAY_MS);
  gate = new Promise((resolve) => (open = resolve));
  expect(await harness.outcome("f", "1")).toBe("SnapStartNotReadyException");
  expect(await harness.version("f", "1")).toMatchObject({
    state: "Pending",
    stateReasonCode: "Restoring",
    lastUpdateStatus: null,
  });
  expect(await harness.outcome("f", "1")).toBe("SnapStartNotReadyException");
  open();
  await harness.advance(0);
  expect(await harness.outcome("f", "1")).toBe("1");
  await harness.end();
});

test("a version that nobody ever invoked expires, too; one that is used each week does not in three months, over restarts and crashes", {
  timeout: 30_000,
}, async () => {
  const harness = await ControlHarness.start({ ...HOURLY, functions: { good: { handle: () => "1" } } });
  await harness.create("f", "good");
  await harness.create("unused", "good");
  await harness.publish("f");
  await harness.publish("unused");
  for (let week = 0; week < 13; week++) {
    await harness.advance(7 * DAY_MS);
    expect(await harness.outcome("f", "1")).toBe("1");
    if (week % 2 === 0) harness.crash();
    await (week % 2 === 0 ? harness.start() : harness.restart());
  }
  expect((await harness.version("f", "1")).state).toBe("Active");
  expect(await harness.version("unused", "1")).toMatchObject({ state: "Inactive", stateReasonCode: "Idle" });
  await harness.end();
});

test("uses are written once an hour at most, and never lost so that a version would expire early", async () => {
  let writes = 0;
  const harness = await ControlHarness.start({
    ...HOURLY,
    functions: { good: { handle: () => "1" } },
    crashesAt: (step) => {
      if (step === "store putUse") writes++;
      return false;
    },
  });
  await harness.create("f", "good");
  await harness.publish("f");
  writes = 0;
  // The last use before the crash is 59 minutes after the last one on disk.
  for (let minute = 0; minute < 120; minute++) {
    await harness.advance(MINUTE_MS);
    expect(await harness.outcome("f", "1")).toBe("1");
  }
  expect(writes).toBe(2);
  harness.crash();
  await harness.start();
  await harness.advance(14 * DAY_MS - MINUTE_MS);
  expect((await harness.version("f", "1")).state).toBe("Active");
  await harness.advance(122 * MINUTE_MS);
  expect((await harness.version("f", "1")).state).toBe("Inactive");
  await harness.end();
});

test("after an update of the runtime versions are refreshed one after the other, the least recently used first, and stay invocable", async () => {
  const order: string[] = [];
  let gates: Array<() => void> = [];
  let isGated = false;
  const make = (name: string) => ({
    init: (): Promise<void> | undefined => {
      order.push(name);
      return isGated ? new Promise<void>((resolve) => gates.push(resolve)) : undefined;
    },
    handle: () => JSON.stringify(name),
  });
  const harness = await ControlHarness.start({ functions: { a: make("a"), b: make("b"), c: make("c") } });
  for (const name of ["a", "b", "c"]) {
    await harness.create(name, name);
    await harness.publish(name);
  }
  for (const name of ["c", "a", "b"]) {
    await harness.advance(MINUTE_MS);
    expect(await harness.outcome(name, "1")).toBe(`"${name}"`);
  }
  const before = (await harness.version("a", "1")).snapshotId;
  order.length = 0;
  isGated = true;
  harness.releases = ["release-2", "release-1"];
  // Until just after the next look, five minutes after the start.
  await harness.advance(2 * MINUTE_MS + 1000);
  expect(order).toEqual(["c"]);
  expect(await Promise.all(["a", "b", "c"].map((name) => harness.status(name, "1")))).toEqual([
    "refresh waiting",
    "refresh waiting",
    "refreshing",
  ]);
  // The old snapshots are restored meanwhile, with the old release.
  for (const name of ["a", "b", "c"]) expect(await harness.outcome(name, "1")).toBe(`"${name}"`);
  expect(await harness.version("a", "1")).toMatchObject({ state: "Active", snapshotId: before });
  for (let turn = 0; turn < 3; turn++) {
    gates.splice(0).forEach((open) => open());
    await harness.advance(0);
  }
  expect(order).toEqual(["c", "a", "b"]);
  expect(await Promise.all(["a", "b", "c"].map((name) => harness.status(name, "1")))).toEqual([
    "ready",
    "ready",
    "ready",
  ]);
  expect((await harness.version("a", "1")).snapshotFacts?.fingerprints.runtime).toBe("release-2");
  expect(harness.disk.size).toBe(3);
  gates = [];
  for (const name of ["a", "b", "c"]) expect(await harness.outcome(name, "1")).toBe(`"${name}"`);
  await harness.end();
});

test("a snapshot whose runtime has gone is never restored: the invoke is told to wait for a new one", async () => {
  const harness = await ControlHarness.start({ functions: { good: { handle: () => '"fine"' } } });
  await harness.create("f", "good");
  await harness.publish("f");
  harness.releases = ["release-2"];
  expect(await harness.outcome("f", "1")).toBe("SnapStartNotReadyException");
  await harness.advance(0);
  expect(await harness.outcome("f", "1")).toBe('"fine"');
  expect((await harness.version("f", "1")).snapshotFacts?.fingerprints.runtime).toBe("release-2");
  // As with another CRIU or another CPU: known at the next start.
  harness.engineFingerprint = "engine-2";
  await harness.restart();
  await harness.advance(0);
  expect((await harness.version("f", "1")).snapshotFacts?.fingerprints.engine).toBe("engine-2");
  expect(await harness.outcome("f", "1")).toBe('"fine"');
  await harness.end();
});

test("a version whose Init fails three times on the new runtime becomes Inactive, is retried, and comes back when Init works again", async () => {
  let isBroken = false;
  const harness = await ControlHarness.start({
    functions: {
      f: {
        init: () => {
          if (isBroken) throw new Error("the database is away");
        },
        handle: () => "1",
      },
    },
  });
  await harness.create("f", "f");
  await harness.publish("f");
  isBroken = true;
  harness.releases = ["release-2", "release-1"];
  await harness.advance(6 * MINUTE_MS);
  expect(await harness.version("f", "1")).toMatchObject({ state: "Active", regenerationFailure: { attempts: 1 } });
  expect(await harness.status("f", "1")).toBe("refresh failed");
  expect(await harness.outcome("f", "1")).toBe("1");
  await harness.advance(20 * MINUTE_MS);
  expect(await harness.version("f", "1")).toMatchObject({
    state: "Inactive",
    stateReasonCode: "FunctionError",
    regenerationFailure: { attempts: 3 },
    snapshotId: null,
  });
  expect(harness.disk.size).toBe(0);
  expect(await harness.outcome("f", "1")).toBe("SnapStartRegenerationFailureException");
  isBroken = false;
  await harness.advance(70 * MINUTE_MS);
  expect((await harness.version("f", "1")).state).toBe("Active");
  expect(await harness.outcome("f", "1")).toBe("1");
  await harness.end();
});

test("an Init that fails when an idle version is woken makes it Inactive again; publishing again makes a new version", async () => {
  let isBroken = false;
  const harness = await ControlHarness.start({
    ...HOURLY,
    functions: {
      f: {
        init: () => {
          if (isBroken) throw new Error("no");
        },
        handle: () => "1",
      },
    },
  });
  await harness.create("f", "f");
  await harness.publish("f");
  await harness.advance(15 * DAY_MS);
  isBroken = true;
  expect(await harness.outcome("f", "1")).toBe("SnapStartNotReadyException");
  await harness.advance(0);
  expect(await harness.version("f", "1")).toMatchObject({ state: "Inactive", stateReasonCode: "FunctionError" });
  expect(await harness.outcome("f", "1")).toBe("SnapStartRegenerationFailureException");
  isBroken = false;
  expect(await harness.publish("f")).toBe("2");
  expect(await harness.outcome("f", "2")).toBe("1");
  await harness.end();
});

test("an accepted event waits for its version to be initialised again", async () => {
  const handled: string[] = [];
  const harness = await ControlHarness.start({
    functions: { f: { handle: (_process, invocation) => (handled.push(invocation.payload), "1") } },
  });
  await harness.create("f", "f");
  await harness.publish("f");
  harness.releases = ["release-2"];
  await harness.invoke("f", "1", { n: 1 }, "Event");
  await harness.advance(MINUTE_MS);
  expect(handled).toEqual(['{"n":1}']);
  await harness.end();
});

test("deleting a version or a function removes its snapshot and lets a running invoke finish", async () => {
  let finish: (result: string) => void = () => undefined;
  const harness = await ControlHarness.start({
    functions: { f: { handle: () => new Promise<string>((resolve) => (finish = resolve)) } },
  });
  await harness.create("f", "f");
  await harness.publish("f");
  const running = harness.invoke("f", "1");
  await harness.advance(0);
  await harness.call("DeleteFunction", { FunctionName: "f", Qualifier: "1" });
  await harness.advance(0);
  expect(harness.disk.size).toBe(0);
  expect(await harness.outcome("f", "1")).toBe("ResourceNotFoundException");
  finish('"finished"');
  expect(String((await running).Payload)).toBe('"finished"');
  await harness.publish("f");
  expect(harness.disk.size).toBe(1);
  await harness.call("DeleteFunction", { FunctionName: "f" });
  await harness.advance(0);
  expect(harness.disk.size).toBe(0);
  await harness.end();
});

test("a snapshot that is lost is made anew, one that nobody names is removed, without a restart", async () => {
  const harness = await ControlHarness.start({ functions: { f: { handle: () => "1" } } });
  await harness.create("f", "f");
  await harness.publish("f");
  const [lost, content] = [...harness.disk][0] ?? [];
  if (lost === undefined || content === undefined) throw new Error("no snapshot");
  harness.disk.clear();
  await harness.advance(6 * MINUTE_MS);
  expect(await harness.outcome("f", "1")).toBe("1");
  harness.disk.set(lost, content);
  await harness.advance(6 * MINUTE_MS);
  expect([...harness.disk.keys()]).toEqual([(await harness.version("f", "1")).snapshotId]);
  await harness.end();
});

test("a start whose first look fails has swept all the same", async () => {
  const harness = await ControlHarness.start({ functions: { f: { handle: () => "1" } } });
  await harness.create("f", "f");
  await harness.publish("f");
  const [[published, content] = []] = [...harness.disk];
  if (published === undefined || content === undefined) throw new Error("no snapshot");
  harness.disk.set("nobody-names-it" as SnapshotId, content);
  const looks = vi.spyOn(Object.getPrototypeOf(harness.life.store), "listAllProvisioned");
  looks.mockRejectedValueOnce(new Error("the disk hangs"));
  try {
    await harness.restart();
  } finally {
    looks.mockRestore();
  }
  expect(harness.problems.join()).toContain("look over snapshots: Error: the disk hangs");
  expect([...harness.disk.keys()]).toEqual([published]);
  harness.problems.length = 0;
  await harness.end();
});

test("a host does not remove what another host has published in their far store, and removes its own", async () => {
  const afar: ControlHarness["disk"] = new Map();
  const functions = { f: { handle: () => "1" } };
  const [one, other] = [
    await ControlHarness.start({ functions, afar }),
    await ControlHarness.start({ functions, afar }),
  ];
  await one.create("f", "f");
  await one.publish("f");
  const published = [...afar.keys()];
  expect(published).toEqual([(await one.version("f", "1")).snapshotId]);
  // Many looks of a host that does not know the version yet, and a start of it.
  await other.advance(60 * MINUTE_MS);
  await other.restart();
  await other.advance(6 * MINUTE_MS);
  expect([...afar.keys()]).toEqual(published);
  await one.call("DeleteFunction", { FunctionName: "f" });
  await one.advance(0);
  expect(afar.size).toBe(0);
  await one.end();
  await other.end();
});

test("a runtime that is away for a while, with all its releases, takes no snapshot with it", async () => {
  const harness = await ControlHarness.start({ functions: { good: { handle: () => '"fine"' } } });
  await harness.create("f", "good");
  await harness.publish("f");
  const before = (await harness.version("f", "1")).snapshotId;
  harness.releases = [];
  await harness.restart();
  await harness.advance(6 * MINUTE_MS);
  expect(await harness.outcome("f", "1")).toBe("ServiceException");
  expect(await harness.version("f", "1")).toMatchObject({ state: "Active", snapshotId: before });
  harness.releases = ["release-1"];
  expect(await harness.outcome("f", "1")).toBe('"fine"');
  expect((await harness.version("f", "1")).snapshotId).toBe(before);
  await harness.end();
});
