// matrix: some minutes of programs, each in every memory mode
/**
 * Every state program in every way in which a clone can get its memory: at once, on demand, by CRIU's own daemon, from
 * chunks that the host lacks, as a snapshot of a clone, two at once, with a recorded working set, and parked. Each
 * program checks itself.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { BUILD_TIMEOUT_MS, buildFaultBinaries, FAULT_BINARIES } from "../faults/fault-build.ts";
import { type TestClone, TestSandboxd } from "../support/sandboxd.ts";

const PROGRAMS = join(REPOSITORY, "tests/engines/programs");
const NOT_STATES = new Set([
  "runtime.py",
  "memory.py",
  "confinement.py",
  "refused.py",
  // CRIU sends the end of a connection again, now and then before the other side is there, which is then told that the
  // connection broke: for capabilities.test.ts alone.
  "half_closed_tcp.py",
]);
const STATES = readdirSync(PROGRAMS).filter((name) => name.endsWith(".py") && !NOT_STATES.has(name));
/**
 * Programs that a snapshot of a clone does not bring back: CRIU can't open watches again that it has opened once. Thaw
 * takes snapshots of environments that were initialised, never of clones.
 */
const NOT_TWICE = new Set(["watches.py"]);
const TWICE = STATES.filter((name) => !NOT_TWICE.has(name));
type WorkingSet = Awaited<ReturnType<TestSandboxd["host"]["recordWorkingSet"]>>;

/** Most programs use their state up when they check it. */
const CHECKS_AGAIN = (state: string): boolean => programOf(state).includes("map_pages");

function programOf(state: string): string {
  const read = (name: string): string => readFileSync(join(PROGRAMS, name), "utf8");
  const program = read(state);
  return [
    read("runtime.py"),
    ...(program.includes("map_pages") ? [read("memory.py")] : []),
    program,
    "serve(check)",
  ].join("\n");
}

describe.each(["lazy", "eager", "stock-lazy"] as const)("memory %s", (memory) => {
  let sandboxd: TestSandboxd;
  const clones: TestClone[] = [];

  beforeAll(async () => {
    // Stock CRIU's modes are in test builds only.
    if (memory === "stock-lazy") buildFaultBinaries();
    sandboxd = await TestSandboxd.start(memory === "stock-lazy" ? { memory, binaries: FAULT_BINARIES } : { memory });
  }, BUILD_TIMEOUT_MS);

  afterAll(() => sandboxd?.remove());

  const cleanUp = async (): Promise<void> => {
    await Promise.all(clones.splice(0).map((clone) => clone.destroy()));
  };

  async function kept(clone: Promise<TestClone>): Promise<TestClone> {
    const made = await clone;
    clones.push(made);
    return made;
  }

  /** Resolves when the pager has brought all of a clone's working set. Nothing more of the clone is recorded. */
  async function untilInPlace(clone: TestClone): Promise<WorkingSet> {
    for (;;) {
      const info = await sandboxd.host.recordWorkingSet(clone.spec.environmentId, 0);
      if (info.prefetchEndMs > 0) return info;
    }
  }

  it.for(STATES)("%s: two clones at once", async (state, { expect }) => {
    try {
      const original = await kept(sandboxd.create(programOf(state)));
      const snapshot = await sandboxd.snapshot(original);
      const both = await Promise.all([
        kept(sandboxd.restore(snapshot, original.spec)),
        kept(sandboxd.restore(snapshot, original.spec)),
      ]);
      expect(await Promise.all(both.map((clone) => clone.invoke()))).toEqual(["ok", "ok"]);
      if (CHECKS_AGAIN(state)) expect(await Promise.all(both.map((clone) => clone.invoke()))).toEqual(["ok", "ok"]);
    } finally {
      await cleanUp();
    }
  });

  describe.skipIf(memory !== "lazy")("on demand", () => {
    it.for(STATES)("%s: chunks that the host lacks", async (state, { expect }) => {
      try {
        const original = await kept(sandboxd.create(programOf(state)));
        const snapshot = await sandboxd.snapshot(original);
        await sandboxd.restart();
        const asked = sandboxd.makeCold();
        const clone = await kept(sandboxd.restore(snapshot, original.spec));
        expect(await clone.invoke()).toBe("ok");
        expect(asked()).toBeGreaterThan(0);
      } finally {
        await cleanUp();
      }
    });

    describe("saved again", () => {
      let twice: TestSandboxd;

      // Only in test builds: the pid 1 of a clone has otherwise given up the rights for it.
      beforeAll(async () => {
        buildFaultBinaries();
        twice = await TestSandboxd.start({ memory, binaries: FAULT_BINARIES });
      }, BUILD_TIMEOUT_MS);

      afterAll(() => twice?.remove());

      it.for(TWICE)("%s: a snapshot of a clone, and of its clone", async (state, { expect }) => {
        try {
          const original = await kept(twice.create(programOf(state)));
          const first = await twice.snapshot(original);
          // Untouched: nearly all of its pages are put in place by the pager alone.
          const second = await twice.snapshot(await kept(twice.restore(first, original.spec)));
          const clone = await kept(twice.restore(second, original.spec));
          expect(await clone.invoke()).toBe("ok");
          // Much of it touched by its own process.
          const third = await twice.snapshot(
            CHECKS_AGAIN(state) ? clone : await kept(twice.restore(second, original.spec)),
          );
          expect(await (await kept(twice.restore(third, original.spec))).invoke()).toBe("ok");
        } finally {
          await cleanUp();
        }
      });
    });

    it.for(STATES)(
      "%s: parked, its working set in place, while another clone comes and goes",
      async (state, { expect }) => {
        try {
          const original = await kept(sandboxd.create(programOf(state)));
          const snapshot = await sandboxd.snapshot(original);
          const first = await kept(sandboxd.restore(snapshot, original.spec));
          expect(await first.invoke()).toBe("ok");
          await sandboxd.host.recordWorkingSet(first.spec.environmentId, 5);
          const parked = await kept(sandboxd.restore(snapshot, original.spec));
          await parked.ready();
          const { prefetchedPages } = await untilInPlace(parked);
          await sandboxd.host.freeze(parked.spec.environmentId);
          const other = await sandboxd.restore(snapshot, original.spec);
          expect(await other.invoke()).toBe("ok");
          await other.destroy();
          await sandboxd.host.thaw(parked.spec.environmentId);
          expect(await parked.invoke()).toBe("ok");
          expect(prefetchedPages).toBeGreaterThan(0);
        } finally {
          await cleanUp();
        }
      },
    );

    it.for(STATES)("%s: a recorded working set, then laid out by it", async (state, { expect }) => {
      try {
        const original = await kept(sandboxd.create(programOf(state)));
        const snapshot = await sandboxd.snapshot(original);
        for (const recordings of [1, 2]) {
          const clone = await kept(sandboxd.restore(snapshot, original.spec));
          expect(await clone.invoke()).toBe("ok");
          const recorded = await sandboxd.host.recordWorkingSet(clone.spec.environmentId, 5);
          expect(recorded.pages).toBeGreaterThan(0);
          expect(recorded.recordings).toBe(recordings);
        }
        const third = await kept(sandboxd.restore(snapshot, original.spec));
        await sandboxd.host.repack(snapshot, sandboxd);
        await sandboxd.host.collectChunks();
        const fourth = await kept(sandboxd.restore(snapshot, original.spec));
        expect(await Promise.all([third.invoke(), fourth.invoke()])).toEqual(["ok", "ok"]);
        // The two before were served by faults where those were faster than the pager: this one waits for it.
        const fifth = await kept(sandboxd.restore(snapshot, original.spec));
        expect((await untilInPlace(fifth)).prefetchedPages).toBeGreaterThan(0);
        expect(await fifth.invoke()).toBe("ok");
      } finally {
        await cleanUp();
      }
    });
  });
});
