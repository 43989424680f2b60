// alone: tries to change the host's settings as root of a sandbox
/**
 * What root can do inside a sandbox, should a function take over CRIU or another program of root's there: the settings
 * of the kernel are read-only, and none of these programs has a capability that it does not need. Each in a fresh
 * environment and in a clone.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { describe, it } from "vitest";
import { childrenOf } from "../../tools/processes.ts";
import { forPipes, OF_DUMP, OF_KEEPER, OF_RESTORE, ONLY_KILL } from "../support/capabilities.ts";
import type { TestFunctions } from "../support/functions.ts";
import { type Neighbour, PROVIDED, withNeighbour } from "./harness.ts";

/** Its pid in each sandbox. */
const SUPERVISOR = 1001;
const CODE = { "index.mjs": 'export const handler = async () => "ok";\n' };

let functions: TestFunctions;
let neighbour: Neighbour;
let name: string;
withNeighbour(
  async (made, other) => {
    functions = made;
    neighbour = other;
    name = await functions.createSnapStart(CODE, { ...PROVIDED, Runtime: "nodejs24.x", Handler: "index.handler" });
    await functions.publish(name);
  },
  // No clone is restored of which the tests do not know: its pid 1 gives its capabilities up in the end.
  { args: ["--parked-clones", "0"] },
);

interface Status {
  readonly pid: number;
  readonly pidInside: number;
  readonly capabilities: readonly bigint[];
  readonly seccomp: number;
  readonly noNewPrivs: number;
}

function readStatus(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return null;
  }
}

/** One that ends meanwhile has no status. */
function statusOf(pid: number): Status | undefined {
  const text = readStatus(pid);
  if (text === null) return undefined;
  const field = (label: string): string => new RegExp(`^${label}:\\s+(.*)$`, "m").exec(text)?.[1] ?? "";
  return {
    pid,
    pidInside: Number(field("NSpid").split(/\s+/).at(-1)),
    capabilities: ["CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"].map((set) => BigInt(`0x${field(set)}`)),
    seccomp: Number(field("Seccomp")),
    noNewPrivs: Number(field("NoNewPrivs")),
  };
}

/** Programs of root's in all sandboxes that have a function: keepers, and relays of clones. */
function rootsInside(): Status[] {
  const all = childrenOf(functions.server.pid);
  const statuses = new Map(all.map((each) => [each, statusOf(each.pid)]));
  // Others are being made ready, and have not given up anything yet.
  const taken = new Set(all.filter((each) => statuses.get(each)?.pidInside === SUPERVISOR).map(({ parent }) => parent));
  return all
    .filter(({ pid, parent, command }) => command === "thaw-keeper keeper" && (taken.has(pid) || taken.has(parent)))
    .flatMap((each) => statuses.get(each) ?? []);
}

function runInside(pid: number, script: string): { readonly code: number | null; readonly text: string } {
  const done = spawnSync("nsenter", ["--target", String(pid), "--mount", "--pid", "/bin/sh", "-c", script], {
    encoding: "utf8",
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
  });
  return { code: done.status, text: done.stdout + done.stderr };
}

describe.each([
  ["a fresh environment", "$LATEST"],
  ["a clone", "1"],
] as const)("in %s", (_, qualifier) => {
  it("no program of root has a capability that it does not need", async ({ expect }) => {
    expect((await functions.invoke(name, {}, qualifier)).payload).toBe("ok");
    const roots = rootsInside();
    expect(roots.filter(({ pidInside }) => pidInside === 1).length).toBeGreaterThan(1);
    for (const { capabilities } of roots)
      for (const set of capabilities) expect(set & ~OF_KEEPER, set.toString(16)).toBe(0n);
  });

  it("no setting of the kernel can be written, but the number of the next process", async ({ expect }) => {
    expect((await functions.invoke(name, {}, qualifier)).payload).toBe("ok");
    const keepers = rootsInside().filter(({ pidInside }) => pidInside === 1);
    expect(keepers.length).toBeGreaterThan(1);
    for (const { pid } of keepers) {
      for (const path of ["kernel/core_pattern", "kernel/panic", "vm/overcommit_memory", "net/ipv4/ip_forward"]) {
        const before = readFileSync(`/proc/sys/${path}`, "utf8");
        // What is there already: a wall that is missing must not harm the host that tests it.
        const tried = runInside(pid, `v=$(cat /proc/sys/${path}) && echo "$v" > /proc/sys/${path}`);
        expect(tried, path).toMatchObject({ text: expect.stringContaining("Read-only file system") });
        expect(readFileSync(`/proc/sys/${path}`, "utf8")).toBe(before);
      }
      expect(runInside(pid, "cat /proc/sysrq-trigger; ls /proc/irq /proc/fs /proc/bus")).toMatchObject({
        text: expect.not.stringMatching(/smp_affinity|ext4|pci/),
      });
      expect(
        runInside(pid, "cat /proc/sys/kernel/ns_last_pid > /dev/null && echo 900 > /proc/sys/kernel/ns_last_pid"),
      ).toMatchObject({ code: 0, text: "" });
    }
  });

  it("leaves the neighbour as it was", () => neighbour.check());
});

it("a clone's pid 1 and its relay can end the clone, and nothing else", async ({ expect }) => {
  expect((await functions.invoke(name, {}, "1")).payload).toBe("ok");
  const roots = rootsInside();
  const relays = roots.filter(({ seccomp }) => seccomp === 2);
  expect(relays.length).toBeGreaterThan(0);
  const ofClones = roots.filter(({ pid }) =>
    childrenOf(pid).some((child) => relays.some((relay) => relay.pid === child.pid)),
  );
  expect(ofClones.filter(({ pidInside }) => pidInside === 1)).toHaveLength(relays.length);
  for (const { capabilities } of [...relays, ...ofClones])
    for (const set of capabilities) expect(set & ~ONLY_KILL, set.toString(16)).toBe(0n);
  for (const { noNewPrivs } of relays) expect(noNewPrivs).toBe(1);
});

/** CRIU's processes at `step` while `work` is repeated, until one has been seen. */
async function criuDuring(step: "dump" | "restore", work: () => Promise<unknown>): Promise<Status[]> {
  const isIt = (command: string): boolean => command.startsWith(`criu ${step} `);
  for (;;) {
    let isOver = false;
    const seen: Status[] = [];
    const working = work().finally(() => {
      isOver = true;
    });
    while (!isOver) {
      const found = childrenOf(functions.server.pid).filter(({ command }) => isIt(command));
      seen.push(...found.flatMap(({ pid }) => statusOf(pid) ?? []));
      await setImmediate();
    }
    await working;
    if (seen.length > 0) return seen;
  }
}

it("CRIU has what a dump needs, or a restore, and no more", async ({ expect }) => {
  const [, , ofHost = 0n] = statusOf(process.pid)?.capabilities ?? [];
  const dumping = await criuDuring("dump", async () => functions.publish(await unpublished()));
  const restoring = await criuDuring("restore", async () => {
    await functions.stopEnvironments(name);
    await functions.invoke(name, {}, "1");
  });
  for (const { capabilities } of dumping)
    for (const set of capabilities) expect(set & ~OF_DUMP, set.toString(16)).toBe(0n);
  const allowed = OF_RESTORE | forPipes(ofHost);
  for (const { capabilities, noNewPrivs } of restoring) {
    expect(noNewPrivs).toBe(1);
    for (const set of capabilities) expect(set & ~allowed, set.toString(16)).toBe(0n);
  }
});

/** A function that has no snapshot yet. */
function unpublished(): Promise<string> {
  return functions.createSnapStart(CODE, { ...PROVIDED, Runtime: "nodejs24.x", Handler: "index.handler" });
}
