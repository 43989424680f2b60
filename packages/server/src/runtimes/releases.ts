/**
 * The releases of a runtime that lie side by side in $THAW_HOME/runtimes: `java21`, then `java21.r1`, `java21.r2`… from
 * updates. A snapshot goes on with the release that it was made with while the next one's snapshots are made.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

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

/** Makes a stamp of a file that changes when the file is replaced or edited. */
export function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "absent" : `${stat.size}:${stat.mtimeMs}`;
}

const LIBRARY_DIRS = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];
/** Libraries that language runtimes map from their root besides their own files. */
const LIBRARIES = [
  "libc.so.6",
  "libm.so.6",
  "libstdc++.so.6",
  "libgcc_s.so.1",
  "libz.so.1",
  "libssl.so.3",
  "libcrypto.so.3",
  "libexpat.so.1",
  "libffi.so.8",
];

export function librariesOf(rootPath: string): readonly string[] {
  return LIBRARIES.flatMap((name) => {
    const dir = LIBRARY_DIRS.find((candidate) => existsSync(join(rootPath, candidate, name)));
    return dir === undefined ? [] : [join(rootPath, dir, name)];
  });
}
