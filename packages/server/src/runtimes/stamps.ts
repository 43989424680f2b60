/** Stamps of the files of a runtime, which tell when to look at it again. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

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
