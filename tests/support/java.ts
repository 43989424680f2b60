/** Functions in Java for the tests and the bench. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../../tools/thaw-server.ts";

const CRAC = "lib/crac-1.5.0.jar";

/** A function of one source file of the repository: its classes, and the hooks' API, as a function brings it along. */
export function compileJava(source: string): Record<string, Buffer> {
  const dir = mkdtempSync(join(tmpdir(), "thaw-java-"));
  try {
    mkdirSync(join(dir, "out"));
    // Out of the Spring sample's package.
    execFileSync("jar", ["--extract", "--file", join(REPOSITORY, "samples/spring/target/function.zip"), CRAC], { cwd: dir, stdio: "pipe" });
    const libraries = join(REPOSITORY, "runtimes/dist/java/lib");
    const classpath = [join(dir, CRAC), ...readdirSync(libraries).map((jar) => join(libraries, jar))].join(":");
    execFileSync("javac", ["-cp", classpath, "-d", join(dir, "out"), join(REPOSITORY, source)], { stdio: "pipe" });
    const classes = readdirSync(join(dir, "out")).map((name) => [name, readFileSync(join(dir, "out", name))] as const);
    return Object.fromEntries([...classes, [CRAC, readFileSync(join(dir, CRAC))] as const]);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
