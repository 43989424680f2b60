/** What a running server holds of the machine: what must not grow. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { childrenOf } from "../../tools/processes.ts";
import { findTraces } from "../../tools/leaks.ts";
import { type Part, pidOf, type ThawServer } from "../../tools/thaw-server.ts";

const PARTS: readonly Part[] = ["server", "sandboxd", "pager"];

export interface Figures {
  readonly minute: number;
  readonly residentMiB: Readonly<Record<Part, number>>;
  readonly descriptors: Readonly<Record<Part, number>>;
  readonly processes: number;
  readonly cgroups: number;
  readonly mounts: number;
  readonly diskMiB: number;
}

export function takeFigures(server: ThawServer, minute: number): Figures {
  const each = (look: (pid: number) => number): Figures["residentMiB"] => {
    const figures = PARTS.map((part) => [part, pidOf(server.pid, part)] as const).map(([part, pid]) => [part, pid === undefined ? Number.NaN : look(pid)]);
    return Object.fromEntries(figures) as Figures["residentMiB"];
  };
  const traces = findTraces();
  return {
    minute,
    residentMiB: each((pid) => Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024)),
    descriptors: each((pid) => readdirSync(`/proc/${pid}/fd`).length),
    processes: childrenOf(server.pid).length,
    cgroups: traces["cgroups"]?.length ?? 0,
    mounts: traces["mounts"]?.length ?? 0,
    diskMiB: Number(execFileSync("du", ["-sm", server.dataDir], { encoding: "utf8" }).split("\t")[0]),
  };
}
