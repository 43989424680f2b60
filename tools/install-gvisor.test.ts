/** What tools/install-gvisor.sh refuses, before it makes anything; tests/integration/gvisor.test.ts has its build. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

const SCRIPT = join(import.meta.dirname, "install-gvisor.sh");
/** What the script calls before it builds. */
const CALLED = ["sh", "dirname", "cat", "sha256sum", "cut", "sed", "sort", "head", "id"];

/** Runs the script in a PATH that has nothing else than what it calls, and `go` where a version is given. */
function install(version?: string): { readonly status: number | null; readonly told: string; readonly made: boolean } {
  const dir = mkdtempSync(join(tmpdir(), "thaw-install-gvisor-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const bin = join(dir, "bin");
  mkdirSync(bin);
  for (const name of CALLED)
    symlinkSync(execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(), join(bin, name));
  if (version !== undefined) writeFileSync(join(bin, "go"), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
  const home = join(dir, "home");
  const { status, stderr } = spawnSync("sh", [SCRIPT], { env: { PATH: bin, THAW_HOME: home }, encoding: "utf8" });
  return { status, told: stderr, made: existsSync(home) };
}

it("says which Go is needed where there is none", () => {
  const { status, told, made } = install();
  expect(told).toMatch(/^thaw: Go 1\.\d+\.\d+ or newer is needed to build gVisor, and PATH has no go: get it from /);
  expect([status, made]).toEqual([1, false]);
});

it.for(["go1.24.4", "go1.9.7", "go1.26.0", "devel"])("refuses %s, with where it is", (version) => {
  const { status, told, made } = install(version);
  expect(told).toMatch(
    /^thaw: Go 1\.\d+\.\d+ or newer is needed to build gVisor, and \S+\/bin\/go is \S+: get a newer/,
  );
  expect([status, made]).toEqual([1, false]);
});
