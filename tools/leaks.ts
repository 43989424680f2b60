/**
 * What Thaw could leave behind on a machine: processes, mounts, control groups, loop devices, network devices,
 * directories.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { listProcesses } from "./processes.ts";

/**
 * The kernel takes network devices and loop devices away a while after their last user has ended: network namespaces
 * one by one, and longer on a busy machine. `npm test` waits for what stays; a run of some files beside other tests
 * would wait in vain for theirs.
 */
const GOING_MS_MAX = 8000;
const GOING_MS_MAX_ALONE = 120_000;
/** Set by `npm test` for its parts. */
export const ALONE = { TESTS_ALONE: "1" };
const LOOK_EVERY_MS = 100;

export type Traces = Readonly<Record<string, readonly string[]>>;

export function findTraces(): Traces {
  return {
    processes: listProcesses()
      .filter(({ command }) =>
        /thaw-(sandboxd|supervisor)|\/var\/rapid\/init|\/serve\.(?:ts|mjs)\b|^\/python\/bin\/ld-linux/.test(command),
      )
      .map(({ pid, command }) => `${pid} ${command.slice(0, 80)}`),
    mounts: readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .filter((line) => /thaw/.test(line)),
    cgroups: findCgroups("/sys/fs/cgroup", 0),
    loops: lines("losetup", ["--list", "--noheadings", "--output", "BACK-FILE"]).filter((line) =>
      line.includes("thaw"),
    ),
    devices: lines("ip", ["-o", "link"]).filter((line) => /: tha?w/.test(line)),
    tables: lines("nft", ["list", "tables"]).filter((line) => line.includes("thaw")),
    directories: [tmpdir(), "/run/thaw"]
      .filter((dir) => existsSync(dir))
      .flatMap((dir) =>
        readdirSync(dir)
          .filter((name) => dir !== tmpdir() || name.startsWith("thaw-"))
          .filter((name) => !name.endsWith(".lock"))
          .map((name) => join(dir, name)),
      ),
  };
}

/** Gives what is there since `before` and does not go by itself. */
export async function leftSince(before: Traces): Promise<string[]> {
  const limitMs = process.env["TESTS_ALONE"] === ALONE.TESTS_ALONE ? GOING_MS_MAX_ALONE : GOING_MS_MAX;
  for (const endMs = performance.now() + limitMs; ; ) {
    const left = newTraces(before, findTraces());
    if (left.length === 0 || performance.now() > endMs) return left;
    await setTimeout(LOOK_EVERY_MS);
  }
}

function newTraces(before: Traces, after: Traces): string[] {
  return Object.entries(after).flatMap(([kind, items]) =>
    items.filter((item) => before[kind]?.includes(item) !== true).map((item) => `${kind}: ${item}`),
  );
}

function findCgroups(dir: string, depth: number): string[] {
  if (!existsSync(dir) || depth > 2) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const path = join(dir, entry.name);
      return entry.name.startsWith("thaw") ? [path] : findCgroups(path, depth + 1);
    });
}

function lines(program: string, args: readonly string[]): string[] {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
}
