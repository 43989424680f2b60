/** Copies of files of a data directory, made by root. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/**
 * Owners, modes, links and holes as they are. What vanishes while it is copied was deleted by the server. Writes
 * nothing through a link: one that an earlier copy has brought along may lead anywhere.
 */
export function copyFiles(from: string, names: readonly string[], to: string): void {
  if (names.length === 0) return;
  const paths = names.map((name) => join(from, name));
  const done = spawnSync(
    "cp",
    ["-a", "--remove-destination", "--reflink=auto", "--sparse=always", "-u", "-t", to, "--", ...paths],
    { encoding: "utf8", env: { LC_ALL: "C" } },
  );
  const complaints = done.stderr
    .split("\n")
    .filter((line) => line !== "" && !line.includes("No such file or directory"));
  if (done.error !== undefined || complaints.length > 0)
    throw new Error(`cp: ${done.error?.message ?? complaints.join("\n")}`);
}
