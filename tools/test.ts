/** npm test: unit tests, Rust tests and system tests on the real engine; then nothing may be left on the machine. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findTraces, newTraces } from "./leaks.ts";

const ROOT = resolve(import.meta.dirname, "..");
const before = findTraces();
const reports = mkdtempSync(join(tmpdir(), "test-report-"));
let passed = 0;
let failed = 0;

for (const project of ["unit", "beside", "system"]) {
  const report = join(reports, `${project}.json`);
  const done = spawnSync(
    join(ROOT, "node_modules/.bin/vitest"),
    ["run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    { cwd: ROOT, stdio: "inherit" },
  );
  const counts = JSON.parse(readFileSync(report, "utf8")) as { numPassedTests: number; numFailedTests: number };
  passed += counts.numPassedTests;
  failed += counts.numFailedTests + (done.status !== 0 && counts.numFailedTests === 0 ? 1 : 0);
}

// The profile of the binaries with fault points: quick to build, and their libraries are there already.
const rust = spawnSync("cargo", ["test", "--profile", "faults", "--locked"], { cwd: ROOT, encoding: "utf8" });
process.stdout.write(rust.stdout);
if (rust.status !== 0) process.stderr.write(rust.stderr);
for (const match of rust.stdout.matchAll(/(\d+) passed; (\d+) failed/g)) {
  passed += Number(match[1]);
  failed += Number(match[2]);
}
if (rust.status !== 0 && !rust.stdout.includes("test result: FAILED")) failed++;

rmSync(reports, { recursive: true });
const left = newTraces(before, findTraces());
if (left.length > 0) {
  failed++;
  process.stderr.write(`left behind:\n  ${left.join("\n  ")}\n`);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
