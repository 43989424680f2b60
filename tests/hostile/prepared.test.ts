// alone: measures memory of the host that belongs to sandboxd
/**
 * Much in /tmp or in shared memory before a snapshot. Its restores lay it out as files: that takes no more of the
 * host's memory than is set aside, and no other snapshot fails for it.
 */
import { statfsSync } from "node:fs";
import { describe, it } from "vitest";
import { childrenOf } from "../../tools/processes.ts";
import type { TestFunctions } from "../support/functions.ts";
import { type Neighbour, program, PROVIDED, publishOutcome, withNeighbour } from "./harness.ts";

const SET_ASIDE_MIB = 64;
/** Above this a part does not stay for the next restore. */
const KEPT_MIB = SET_ASIDE_MIB / 16;

let functions: TestFunctions;
let neighbour: Neighbour;
withNeighbour(
  (made, other) => {
    functions = made;
    neighbour = other;
  },
  { args: ["--prepared-memory-mib", String(SET_ASIDE_MIB), "--parked-clones", "0"] },
);

/** What is decrypted in sandboxd's own file system. */
function prepared(): { sizeMib: number; usedMib: number } {
  const sandboxd = childrenOf(functions.server.pid).find(({ command }) => /^\S*thaw-sandboxd serve/.test(command));
  const run = /--run (\S+)/.exec(sandboxd?.command ?? "")?.[1] ?? "";
  const { blocks, bfree, bsize } = statfsSync(`/proc/${sandboxd?.pid ?? 0}/root${run}/private`);
  return { sizeMib: (blocks * bsize) / 2 ** 20, usedMib: ((blocks - bfree) * bsize) / 2 ** 20 };
}

async function create(CASE: string, mib: number): Promise<string> {
  return functions.createSnapStart(
    { bootstrap: program("prepared") },
    { ...PROVIDED, MemorySize: 512, Environment: { Variables: { CASE, MIB: String(mib) } } },
  );
}

/** Invokes from two clones at once, and from a third when they have gone. */
async function restoreAll(name: string, version: string): Promise<void> {
  const once = async (): Promise<void> => {
    const { payload } = await functions.invoke(name, {}, version);
    if ((payload as { same?: boolean }).same !== true) throw new Error(JSON.stringify(payload));
  };
  await neighbour.during(Promise.all([once(), once()]));
  await functions.stopEnvironments(name);
  await neighbour.during(once());
}

describe("what a restore lays out is bounded", () => {
  it("the file system has the size that is set aside", ({ expect }) => {
    expect(prepared().sizeMib).toBeCloseTo(SET_ASIDE_MIB, 0);
  });

  it.each([
    ["zeros", 300],
    ["pattern", 300],
    ["shared_memory", 30],
  ])("%s", async (CASE, mib) => {
    const before = prepared().usedMib;
    const name = await create(CASE, mib);
    const version = await functions.publish(name);
    await restoreAll(name, version);
    const after = prepared().usedMib;
    await functions.stopEnvironments(name);
    if (after > before + KEPT_MIB) throw new Error(`${before} MiB have become ${after}`);
  });

  it("shared memory that would never fit fails its own publish, with that reason", async ({ expect }) => {
    const name = await create("shared_memory", SET_ASIDE_MIB);
    const published = await neighbour.during(publishOutcome(functions, name));
    expect(published).toMatchObject({
      state: "Failed",
      reason: expect.stringContaining("--prepared-memory-mib"),
    });
  });

  it("many snapshots, each within its part, make room for one another", async () => {
    const made: { name: string; version: string }[] = [];
    for (let number = 0; number < 6; number++) {
      const name = await create("pattern", KEPT_MIB - 1);
      made.push({ name, version: await functions.publish(name) });
    }
    // All clones live at the same time: the last ones have /tmp on their own disks.
    for (const { name, version } of made) await functions.invoke(name, {}, version);
    for (const { name } of made) await functions.stopEnvironments(name);
    for (const { name, version } of made) await restoreAll(name, version);
    if (prepared().usedMib > SET_ASIDE_MIB) throw new Error(`${prepared().usedMib} MiB`);
  });
});
