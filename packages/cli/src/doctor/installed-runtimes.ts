/** The languages that are installed for functions on this host. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Names of those that are whole: beside them lie locks, and what an install has begun or an update has left. */
export function installedRuntimes(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => !/\.(new|removed)$/.test(name) && existsSync(join(directory, name, ".complete")))
    .toSorted();
}
