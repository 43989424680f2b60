/** What a running server holds of the machine: what must not grow. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { childrenOf } from "../../tools/processes.ts";
import { findTraces } from "../../tools/leaks.ts";
import type { ThawServer } from "../../tools/thaw-server.ts";

/** sandboxd's own command line names the pager, too. */
const PROGRAMS = { server: /serve\.ts/, sandboxd: /thaw-sandboxd serve/, pager: /^\S*thaw-pager/ } as const;

export function pidOf(server: ThawServer, program: keyof typeof PROGRAMS): number | undefined {
  return childrenOf(server.pid).find((child) => PROGRAMS[program].test(child.command))?.pid;
}

export interface Figures {
  readonly minute: number;
  readonly residentMiB: Readonly<Record<keyof typeof PROGRAMS, number>>;
  readonly descriptors: Readonly<Record<keyof typeof PROGRAMS, number>>;
  readonly processes: number;
  readonly cgroups: number;
  readonly mounts: number;
  readonly diskMiB: number;
}

export function takeFigures(server: ThawServer, minute: number): Figures {
  const children = childrenOf(server.pid);
  const pids = Object.fromEntries(Object.entries(PROGRAMS).map(([name, pattern]) => [name, children.find((child) => pattern.test(child.command))?.pid ?? 0]));
  const each = (look: (pid: number) => number): Figures["residentMiB"] =>
    Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, pid === 0 ? Number.NaN : look(pid)])) as unknown as Figures["residentMiB"];
  const traces = findTraces();
  return {
    minute,
    residentMiB: each((pid) => Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024)),
    descriptors: each((pid) => readdirSync(`/proc/${pid}/fd`).length),
    processes: children.length,
    cgroups: traces["cgroups"]?.length ?? 0,
    mounts: traces["mounts"]?.length ?? 0,
    diskMiB: Number(execFileSync("du", ["-sm", server.dataDir], { encoding: "utf8" }).split("\t")[0]),
  };
}
