/** Processes of this machine, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

export function listProcesses(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        return [{ pid: Number(name), parent, command }];
      } catch {
        return [];
      }
    });
}

/**
 * Not so a process that has ended and that its parent has not waited for: pid 1 of some containers never does. One that
 * is ending does run: its memory goes first, and what it has locked, opened or mounted later.
 */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // proc_pid_stat(5): from the third field on.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = "", threads] = [fields[0], Number(fields[17])];
    return !"ZX".includes(state) || threads > 1;
  } catch {
    return false;
  }
}

/** All below a process, at any depth. */
export function childrenOf(pid: number): Process[] {
  const all = listProcesses();
  const found: Process[] = [];
  const seen = new Set([pid]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const each of all) {
      if (!seen.has(each.parent) || seen.has(each.pid)) continue;
      seen.add(each.pid);
      found.push(each);
      grew = true;
    }
  }
  return found;
}
