/** `node tools/downloads/main.ts`: the rules of rules.ts over every file that git knows, or would add. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import * as rules from "./rules.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** A checker that looks at the wrong place finds nothing wrong. */
const FILES_MIN = 80;
/** Not what the project downloads: read by `thaw scan`, or what a user's own project has. */
const NOT_OURS = /^tests\/(?:scan\/(?:fixtures|bundles)|pairs)\/|^packages\/cli\/samples\/.*package\.json$/;
/** With the reason. */
const MAY: Readonly<Record<string, string>> = {
  "tools/pin-wheels.py": "it writes the digests; whoever runs it looks at what changed",
  "tests/scan/precision/fetch.sh": "what it fetches is read by thaw scan, and nothing of it is run",
};

type Check = (text: string) => readonly rules.Problem[];

const CHECKS: ReadonlyArray<readonly [name: RegExp, check: Check]> = [
  [/\.sh$|^\.ci\/run$/, rules.scriptProblems],
  [/^(?:tools|packaging|runtimes)\/.*\.py$/, rules.pythonProblems],
  [/(?:^|\/)requirements\.txt$|^runtimes\/python\/sdk\.txt$|^tests\/bench\/.*\.txt$/, rules.requirementsProblems],
  [/(?:^|\/)package-lock\.json$/, rules.packageLockProblems],
  [/(?:^|\/)package\.json$/, rules.packageJsonProblems],
  [/(?:^|\/)Cargo\.lock$/, rules.cargoLockProblems],
  [/(?:^|\/)pom\.xml$/, rules.pomProblems],
  [/(?:^|\/)(?:Containerfile|Dockerfile)$/, rules.containerProblems],
];

const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
const paths = listed
  .toString()
  .split("\n")
  .filter((path) => path !== "" && !NOT_OURS.test(path) && existsSync(join(ROOT, path)));

/** Files that name packages, and the one beside each that has their digests. Crates of the workspace share one. */
const LOCKS: ReadonlyArray<readonly [name: RegExp, lock: string]> = [
  [/(?:^|\/)go\.mod$/, "go.sum"],
  [/^(?!crates\/)(?:.*\/)?Cargo\.toml$/, "Cargo.lock"],
];

function lockProblems(path: string): readonly rules.Problem[] {
  return LOCKS.filter(([name, lock]) => name.test(path) && !existsSync(join(ROOT, dirname(path), lock))).map(
    ([, lock]) => ({ line: 1, what: `no ${lock} beside it` }),
  );
}

let fileCount = 0;
let problemCount = 0;
for (const path of paths) {
  const checks = CHECKS.flatMap(([name, check]) => (name.test(path) ? [check] : []));
  const isLocked = LOCKS.some(([name]) => name.test(path));
  if ((checks.length === 0 && !isLocked) || MAY[path] !== undefined) continue;
  fileCount++;
  const text = readFileSync(join(ROOT, path), "utf8");
  for (const { line, what } of [...checks.flatMap((check) => check(text)), ...lockProblems(path)]) {
    problemCount++;
    process.stderr.write(`${path}:${line}: ${what}\n`);
  }
}
if (!readFileSync(join(ROOT, ".npmrc"), "utf8").includes("ignore-scripts=true")) {
  problemCount++;
  process.stderr.write(".npmrc: needs ignore-scripts=true\n");
}
process.stdout.write(`downloads: ${fileCount} files, ${problemCount} problems\n`);
if (fileCount < FILES_MIN) process.stderr.write("downloads: too few files; is this the repository?\n");
process.exitCode = problemCount > 0 || fileCount < FILES_MIN ? 1 : 0;
