import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { installedRuntimes } from "./installed-runtimes.ts";

it("names what is whole, and nothing that an install has beside it", () => {
  const directory = mkdtempSync(join(tmpdir(), "installed-runtimes-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const name of ["nodejs24", "python3.13", "python3.13.r1", "java21.new", "java17.removed", "nodejs22"])
    mkdirSync(join(directory, name));
  for (const name of ["nodejs24", "python3.13", "python3.13.r1", "java21.new", "java17.removed"])
    writeFileSync(join(directory, name, ".complete"), "");
  writeFileSync(join(directory, ".nodejs24.lock"), "");
  expect(installedRuntimes(directory)).toEqual(["nodejs24", "python3.13", "python3.13.r1"]);
  expect(installedRuntimes(join(directory, "none"))).toEqual([]);
});
