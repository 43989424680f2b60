/**
 * The releases of a runtime that lie side by side in $THAW_HOME/runtimes: `java21`, then `java21.r1`, `java21.r2`… from
 * updates. A snapshot goes on with the release that it was made with while the next one's snapshots are made.
 */
import { existsSync, readdirSync } from "node:fs";

/** Lists the names of a runtime's directories, newest first. */
export function listReleases(runtimesDir: string, name: string): readonly string[] {
  if (!existsSync(runtimesDir)) return [];
  const numbers = readdirSync(runtimesDir).flatMap((entry) => {
    if (entry === name) return [0];
    const match = entry.startsWith(`${name}.r`) ? /^[1-9]\d{0,5}$/.exec(entry.slice(name.length + 2)) : null;
    return match === null ? [] : [Number(match[0])];
  });
  return numbers.sort((a, b) => b - a).map((number) => (number === 0 ? name : `${name}.r${number}`));
}
