// matrix: dumps and restores anew for each capability that is taken away
/**
 * Each capability of root's programs in a sandbox is needed: taken away from one of them, a state is no longer saved or
 * restored that is otherwise. And a restore needs no SYS_ADMIN: with it, code that runs as CRIU could mount the host's
 * settings anew. `docs/reference/isolation.md` has the calls.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { BUILD_TIMEOUT_MS, buildFaultBinaries, FAULT_BINARIES } from "../faults/fault-build.ts";
import { CAPABILITY, type CapabilityName } from "../support/capabilities.ts";
import { TestSandboxd } from "../support/sandboxd.ts";

const FOLDER = join(REPOSITORY, "tests/engines/programs");
/** Simple states that have together most of what a runtime has. */
const STATES = ["child_processes", "deleted_modes", "file_identity", "limits", "locks", "many_files", "threads"];

/** By program: a state that is not what it was where the capability is missing. */
const NEEDED: Readonly<Record<string, Readonly<Partial<Record<CapabilityName, string>>>>> = {
  dump: {
    DAC_OVERRIDE: "file_identity",
    DAC_READ_SEARCH: "file_identity",
    NET_ADMIN: "threads",
    SYS_PTRACE: "threads",
    SYS_ADMIN: "threads",
  },
  restore: {
    CHOWN: "threads",
    DAC_OVERRIDE: "file_identity",
    FOWNER: "threads",
    FSETID: "deleted_modes",
    SETGID: "threads",
    SETUID: "threads",
    SETPCAP: "threads",
    NET_ADMIN: "threads",
    NET_RAW: "half_closed_tcp",
    SYS_CHROOT: "child_processes",
    SYS_PTRACE: "threads",
    CHECKPOINT_RESTORE: "threads",
  },
  // Besides what it has for the two.
  keeper: { SYS_TIME: "threads" },
};

function programOf(state: string): string {
  return (
    ["runtime.py", `${state}.py`].map((name) => readFileSync(join(FOLDER, name), "utf8")).join("\n") +
    "\nserve(check)\n"
  );
}

let sandboxd: TestSandboxd;
beforeAll(async () => {
  buildFaultBinaries();
  sandboxd = await TestSandboxd.start({ binaries: FAULT_BINARIES });
}, BUILD_TIMEOUT_MS);
afterAll(() => sandboxd?.remove());

/** What each of the clones says of itself, while capabilities are missing: "ok" where it is what was saved. */
async function saveAndRestore(state: string, without: readonly string[], clones = 1): Promise<unknown[]> {
  await sandboxd.restart({ binaries: FAULT_BINARIES, without });
  const original = await sandboxd.create(programOf(state));
  const snapshot = await sandboxd.snapshot(original);
  const all = await Promise.allSettled(Array.from({ length: clones }, () => sandboxd.restore(snapshot, original.spec)));
  const restored = all.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  try {
    const failed = all.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return await Promise.all(restored.map((clone) => clone.invoke()));
  } finally {
    await Promise.all(restored.map((clone) => clone.destroy()));
  }
}

const cases = Object.entries(NEEDED).flatMap(([program, needed]) =>
  Object.entries(needed).map(([name, state]) => ({ program, name: name as CapabilityName, state })),
);

it.for(cases)("$program needs $name: $state", async ({ program, name, state }, { expect }) => {
  // Where the host's root has no SYS_RESOURCE a restore has SYS_ADMIN, which stands for CHECKPOINT_RESTORE as well.
  const others: readonly CapabilityName[] = name === "CHECKPOINT_RESTORE" ? ["SYS_ADMIN"] : [];
  const without = [name, ...others].map((each) => `${program}:${CAPABILITY[each]}`);
  const told = await saveAndRestore(state, without).catch((error: unknown) => error);
  expect(told).not.toEqual(["ok"]);
});

it.for(STATES)("%s is saved and restored with what the programs have", async (state, { expect }) => {
  expect(await saveAndRestore(state, [])).toEqual(["ok"]);
});

it.for(STATES)("%s is restored without SYS_ADMIN, and with pid 1 left with KILL alone", async (state, { expect }) => {
  const ofClone = Object.values(CAPABILITY).filter((number) => number !== CAPABILITY.KILL);
  const without = [`restore:${CAPABILITY.SYS_ADMIN}`, ...ofClone.map((number) => `clone:${number}`)];
  expect(await saveAndRestore(state, without, 2)).toEqual(["ok", "ok"]);
});

it("more pipes than a user without rights may have are restored", async ({ expect }) => {
  expect(await saveAndRestore("many_pipes", [], 3)).toEqual(["ok", "ok", "ok"]);
});

it("and not without SYS_RESOURCE and SYS_ADMIN", async ({ expect }) => {
  const without = [CAPABILITY.SYS_RESOURCE, CAPABILITY.SYS_ADMIN].map((number) => `restore:${number}`);
  await expect(saveAndRestore("many_pipes", without, 3)).rejects.toThrow("Can't restore pipe size");
});
