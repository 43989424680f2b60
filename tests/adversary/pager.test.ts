/**
 * A pager that dies, stops, or lies: its clones die at once and visibly, sandboxd goes on, and the next restore works.
 */
import { partsOf } from "@thaw/installation";
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, it } from "vitest";
import { newSnapshotId, type SnapshotId } from "@thaw/server/testing/base";
import { childrenOf, listProcesses } from "../../tools/processes.ts";
import { BUILD_TIMEOUT_MS, buildFaultBinaries } from "../faults/fault-build.ts";
import { FaultControl } from "../faults/fault-control.ts";
import { CloneLost, type TestClone, TestSandboxd } from "../support/sandboxd.ts";
import { BAD_PAGERS, writePager } from "./pagers.ts";
import { SELF_CHECKING } from "./program.ts";

const REAL = partsOf(process.env).pager;
/** For what hangs. A restore has 10 s; the rest is for a machine with other tests. */
const LIMIT_MS = 60_000;
/** The steps of a restore, in sandboxd and in the pager. */
const RESTORE_MOMENTS = [
  "restore.opened",
  "restore.prepared",
  "restore.sandbox-taken",
  "pager.opened",
  "restore.session-begun",
  "pager.fault",
  "pager.restored",
  "restore.criu-done",
];

let sandboxd: TestSandboxd;
let original: TestClone;
let snapshot: SnapshotId;

beforeAll(async () => {
  sandboxd = await TestSandboxd.start();
  original = await sandboxd.create(SELF_CHECKING);
  snapshot = await sandboxd.snapshot(original);
});

afterAll(() => sandboxd?.remove());

const restore = (): Promise<TestClone> => sandboxd.restore(snapshot, original.spec);

async function worksAgain(): Promise<void> {
  const clone = await restore();
  try {
    const answer = await clone.invoke();
    if (answer !== "ok") throw new Error(`wrong memory: ${JSON.stringify(answer)}`);
  } finally {
    await clone.destroy();
  }
}

function killPager(signal: NodeJS.Signals = "SIGKILL"): number {
  const pid = sandboxd.pagerPid();
  if (pid === undefined) throw new Error(`there is no pager\n${sandboxd.output()}`);
  process.kill(pid, signal);
  return pid;
}

async function within<T>(limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not within ${limitMs} ms: ${what}\n${sandboxd.output().slice(-1500)}`)),
      limitMs,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

describe("kill -9 of the pager", () => {
  it("while a clone is idle", async () => {
    const clone = await restore();
    killPager();
    await within(LIMIT_MS, "the clone dies", clone.exited);
    await clone.destroy();
    await worksAgain();
  });

  it("just before a snapshot of its clone: none is taken", async ({ expect }) => {
    const clone = await restore();
    await clone.ready();
    await clone.link.park();
    killPager();
    const taken = sandboxd.host.snapshot("criu", clone.spec.environmentId, {
      snapshotId: newSnapshotId(),
      fingerprint: "test",
      secrets: sandboxd,
    });
    await expect(within(LIMIT_MS, "it is refused", taken)).rejects.toMatchObject({ name: "SandboxError" });
    expect(await sandboxd.host.listSnapshots()).toEqual([snapshot]);
    await worksAgain();
  });

  it("while a clone is frozen", async () => {
    const clone = await restore();
    await sandboxd.host.freeze(clone.spec.environmentId);
    killPager();
    await within(LIMIT_MS, "the clone dies", clone.exited);
    await clone.destroy();
    await worksAgain();
  });

  it("while a clone is being frozen", async () => {
    for (let round = 0; round < 5; round++) {
      const clone = await restore();
      killPager();
      await sandboxd.host.freeze(clone.spec.environmentId).catch(() => undefined);
      await within(LIMIT_MS, "the clone dies", clone.exited);
      await clone.destroy();
    }
    await worksAgain();
  });

  it("while a clone is busy", async ({ expect }) => {
    for (const moment of ["begun", "half", "looping"]) {
      const clone = await restore();
      const answer = clone.invoke({ step: 1, loop: true, tell: true });
      const lost = expect(answer).rejects.toBeInstanceOf(CloneLost);
      await within(LIMIT_MS, `it says that it is ${moment}`, clone.said(moment));
      killPager();
      await within(LIMIT_MS, "the clone dies", lost);
      await clone.destroy();
    }
    await worksAgain();
  });

  it("just after an event was sent", async ({ expect }) => {
    const clone = await restore();
    const lost = expect(clone.invoke({ loop: true })).rejects.toBeInstanceOf(CloneLost);
    killPager();
    await within(LIMIT_MS, "the clone dies", lost);
    await clone.destroy();
    await worksAgain();
  });

  describe("while a clone is being restored", () => {
    let control: FaultControl;
    let released: { readonly original: TestClone; readonly snapshot: SnapshotId };
    beforeAll(async () => {
      control = new FaultControl();
      buildFaultBinaries();
      await sandboxd.restart({ faults: control });
      // The supervisor's program is part of a snapshot, and that of this build is another one.
      released = { original, snapshot };
      original = await sandboxd.create(SELF_CHECKING);
      snapshot = await sandboxd.snapshot(original);
    }, BUILD_TIMEOUT_MS);
    afterAll(async () => {
      await sandboxd.host.removeSnapshot(snapshot);
      ({ original, snapshot } = released);
      await sandboxd.restart({});
      control.remove();
    });

    it.each(RESTORE_MOMENTS)("at %s", async (moment) => {
      // A pager that has this snapshot open already passes fewer points.
      await sandboxd.restart();
      control.arm(moment, "delay");
      const restored = restore().then(
        (clone) => clone,
        (error: unknown) => error,
      );
      await control.reached(moment);
      killPager();
      await control.letGo(moment, restored);
      const clone = await within(LIMIT_MS, `restored or refused (${moment})`, restored);
      if (clone instanceof Error) return worksAgain();
      const made = clone as TestClone;
      const answer = await within(
        LIMIT_MS,
        "an answer",
        made.invoke().catch((error: unknown) => error),
      );
      if (answer !== "ok" && !(answer instanceof CloneLost)) throw new Error(`wrong memory: ${String(answer)}`);
      await made.destroy();
      return worksAgain();
    });
  });

  it.each(["running", "frozen"])("while a %s clone waits for a page that does not come", async (state) => {
    await sandboxd.restart();
    const clone = await restore();
    // From here on the host lacks every chunk, and nobody brings one.
    sandboxd.makeCold();
    let asked: () => void = () => undefined;
    const hasAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const bring = sandboxd.keepCold(() => asked());
    try {
      const answer = clone.invoke().catch((error: unknown) => error);
      await within(LIMIT_MS, "a fault", hasAsked);
      // Who waits in a system call does not freeze; then it is running again.
      if (state === "frozen") await sandboxd.host.freeze(clone.spec.environmentId).catch(() => undefined);
      killPager();
      await within(LIMIT_MS, "the clone dies", clone.exited);
      if (!((await answer) instanceof CloneLost)) throw new Error(`it answered: ${JSON.stringify(await answer)}`);
      await clone.destroy();
    } finally {
      bring();
    }
    await worksAgain();
  });
});

describe("kill -9 of sandboxd", () => {
  it("with a frozen sandbox: the next one ends it", async () => {
    const clone = await restore();
    await sandboxd.host.freeze(clone.spec.environmentId);
    const before = childrenOf(sandboxd.pid).map(({ pid }) => pid);
    await sandboxd.kill();
    await sandboxd.restart();
    await within(LIMIT_MS, "its processes have gone", untilGone(before));
    await worksAgain();
  });

  async function untilGone(pids: readonly number[]): Promise<void> {
    while (listProcesses().some(({ pid, command }) => pids.includes(pid) && command !== ""))
      // sleeps: between two looks
      await new Promise((next) => setTimeout(next, 5));
  }
});

describe("a pager that stops (SIGSTOP)", () => {
  it("with a clone in it: the clone dies, the next restore has another pager", async ({ expect }) => {
    const clone = await restore();
    const stopped = killPager("SIGSTOP");
    await within(LIMIT_MS, "the clone dies", clone.exited);
    await clone.destroy();
    await worksAgain();
    expect(sandboxd.pagerPid()).not.toBe(stopped);
  });

  it("in a restore: it ends within the limit", async () => {
    killPager("SIGSTOP");
    const outcome = await within(
      LIMIT_MS,
      "the restore ends",
      restore().catch((error: unknown) => error),
    );
    if (!(outcome instanceof Error)) await (outcome as TestClone).destroy();
    await worksAgain();
  });
});

it("keeps few descriptors of processes that have ended", async ({ expect }) => {
  const forking = SELF_CHECKING.replace(
    "def check(event):",
    "import os\n\n\ndef check(event):\n    for _ in range(400):\n        child = os.fork()\n        if child == 0:\n            os._exit(0)\n        os.waitpid(child, 0)",
  );
  const parent = await sandboxd.create(forking);
  const clone = await sandboxd.restore(await sandboxd.snapshot(parent), parent.spec);
  expect(await clone.invoke()).toBe("ok");
  expect(readdirSync(`/proc/${sandboxd.pagerPid()}/fd`).length).toBeLessThan(150);
  // The relay, which holds them too, is a process of the sandbox's keeper.
  const held = childrenOf(sandboxd.pid)
    .filter(({ command }) => command.startsWith("thaw-keeper"))
    .map(({ pid }) => readdirSync(`/proc/${pid}/fd`).length);
  expect(Math.max(...held)).toBeLessThan(150);
  await clone.destroy();
});

describe("another program in its place", () => {
  it.each(BAD_PAGERS)("%s", async (kind) => {
    await sandboxd.restart({ pager: writePager(sandboxd.dir, kind, REAL) });
    try {
      for (let round = 0; round < 2; round++) {
        const clone = await within(
          LIMIT_MS,
          "the restore ends",
          restore().catch((error: unknown) => error),
        );
        if (clone instanceof Error) continue;
        const made = clone as TestClone;
        const answer = await within(
          LIMIT_MS,
          "an answer or the end",
          made.invoke().catch((error: unknown) => error),
        );
        if (answer !== "ok" && !(answer instanceof CloneLost)) throw new Error(`wrong memory: ${String(answer)}`);
        const recorded = sandboxd.host.recordWorkingSet(made.spec.environmentId, 5).catch(() => undefined);
        await within(LIMIT_MS, "the recording ends", recorded);
        await made.destroy();
        if ((kind === "twice" || kind === "boasting") && answer !== "ok")
          throw new Error("a good pager whose events come twice should serve");
      }
      // sandboxd itself goes on.
      const fresh = await sandboxd.create(SELF_CHECKING);
      if ((await fresh.invoke()) !== "ok") throw new Error("no new sandbox");
      await fresh.destroy();
    } finally {
      await sandboxd.restart({ pager: REAL });
    }
    await worksAgain();
  });
});
