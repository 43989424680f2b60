/**
 * npm test: unit tests, Rust tests and system tests on the real engine; then nothing may be left on the machine. With
 * names of vitest's projects (`node tools/test.ts matrix`) only those, and no Rust tests.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { ALONE, findTraces, leftSince } from "./leaks.ts";

const ROOT = resolve(import.meta.dirname, "..");
const named = process.argv.slice(2);
const projects = named.length > 0 ? named : ["unit", "beside", "system"];
Object.assign(process.env, ALONE);
const before = findTraces();
const reports = mkdtempSync(join(tmpdir(), "test-report-"));
let passed = 0;
/** Each with what it said: printed again at the very end, where a log that was cut short still has it. */
const failures: string[] = [];

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** The failed tests of a report, and the files that failed outside of a test. */
function failuresOf(report: Report): string[] {
  return report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(ROOT, name);
    const tests = assertionResults.filter((test) => test.status === "failed");
    if (tests.length === 0) return status === "failed" ? [`${file}\n${message}`] : [];
    return tests.map((test) => `${file} > ${test.fullName}\n${test.failureMessages.join("\n")}`);
  });
}

/** Runs the Rust tests, in the profile of the binaries with fault points: its libraries are built already. */
function testRust(): void {
  const rust = spawnSync("cargo", ["test", "--profile", "faults", "--locked"], { cwd: ROOT, encoding: "utf8" });
  process.stdout.write(rust.stdout);
  if (rust.status !== 0) process.stderr.write(rust.stderr);
  for (const match of rust.stdout.matchAll(/(\d+) passed; \d+ failed/g)) passed += Number(match[1]);
  const failedRust = [...rust.stdout.matchAll(/^test (.+) \.\.\. FAILED$/gm)].map(
    (match) => `cargo test > ${match[1]}`,
  );
  if (rust.status !== 0 && failedRust.length === 0)
    failedRust.push(`cargo test ended with ${rust.status ?? rust.signal}`);
  failures.push(...failedRust);
}

for (const project of projects) {
  const report = join(reports, `${project}.json`);
  const done = spawnSync(
    join(ROOT, "node_modules/.bin/vitest"),
    ["run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    { cwd: ROOT, stdio: "inherit" },
  );
  const read = existsSync(report) ? (JSON.parse(readFileSync(report, "utf8")) as Report) : undefined;
  passed += read?.numPassedTests ?? 0;
  const found = read ? failuresOf(read) : [];
  if (done.status !== 0 && found.length === 0)
    found.push(`${project}: vitest ended with ${done.status ?? done.signal}, outside of its tests`);
  failures.push(...found);
}

if (named.length === 0) testRust();

rmSync(reports, { recursive: true });
const left = await leftSince(before);
if (left.length > 0) failures.push(`left behind:\n  ${left.join("\n  ")}`);
for (const failure of failures) process.stdout.write(`FAILED ${failure}\n\n`);
process.stdout.write(`${passed} passed, ${failures.length} failed\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
