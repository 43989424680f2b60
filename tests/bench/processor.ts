/** What a server's processes have taken: figures that a busy machine does not change much. */
import { readFileSync } from "node:fs";
import { childrenOf } from "../../tools/processes.ts";
import type { ThawServer } from "../../tools/thaw-server.ts";

const TICK_MS = 10;

/** User and system time of the launcher and all below it; a process that has ended is not counted. */
export function processorMs(server: Pick<ThawServer, "pid">): number {
  return pidsOf(server).reduce((sum, pid) => sum + ticksOf(pid), 0) * TICK_MS;
}

/** Memory of the same processes; what is mapped by several, those of other servers too, is shared out among them. */
export function proportionalMib(server: Pick<ThawServer, "pid">): number {
  return pidsOf(server).reduce((sum, pid) => sum + proportionalKib(pid), 0) / 1024;
}

function pidsOf({ pid }: Pick<ThawServer, "pid">): readonly number[] {
  return [pid, ...childrenOf(pid).map((child) => child.pid)];
}

function proportionalKib(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);
}

function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
