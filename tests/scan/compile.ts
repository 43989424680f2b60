/** Java fixtures as class files: one JVM for all of them. */
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";

export const FIXTURES = resolve(import.meta.dirname, "fixtures");

/** Where each folder's classes are; below `out`. `jars`: libraries besides the stubs. */
export function compileFixtures(
  out: string,
  folders: readonly string[],
  jars: readonly string[] = [],
): Map<string, string> {
  execFileSync(
    "java",
    [
      `-Djars=${jars.join(":")}`,
      join(import.meta.dirname, "CompileFixtures.java"),
      out,
      join(FIXTURES, "java/stubs"),
      ...folders,
    ],
    {
      stdio: "pipe",
    },
  );
  return new Map(folders.map((folder, index) => [folder, join(out, String(index))]));
}

export function noServer(): never {
  throw new Error("no server is needed");
}
