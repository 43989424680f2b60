/** Which processes of this host run. */
import { readFileSync } from "node:fs";

/**
 * Says whether a process runs. One that has ended and was not waited for is there, in the state Z or X. Its command
 * line would not tell: that of a process that becomes another program is empty for a moment, and the launcher is one.
 */
export function hasProcess(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name before may hold anything.
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
