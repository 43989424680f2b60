import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, it } from "vitest";
import { checkArchitecture } from "./architecture.ts";

const PLANTED: ReadonlyArray<readonly [string, string, string]> = [
  ["control/a.ts", 'import type { X } from "../worker/x.ts";', "control may not import worker"],
  ["base/a.ts", 'import { x } from "../model/x.ts";', "base may not import model"],
  [
    "engines/criu/a.ts",
    'import { x } from "../process/x.ts";',
    "engines do not know one another: criu imports process",
  ],
  ["store/a.ts", 'export * from "../objects/x.ts";', "store may not import objects"],
  ["worker/a.ts", 'import { spawn } from "node:child_process";', "only main may use node:child_process"],
  ["worker/a.ts", 'const x = await import("../main/x.ts");', "worker may not import main"],
  ["helpers/a.ts", 'import { x } from "../base/x.ts";', "the folder helpers has no place in the layering rule"],
];

describe("the layering rule", () => {
  it.for(PLANTED)("finds %s with %s", ([file, text, why], { expect }) => {
    const root = mkdtempSync(join(tmpdir(), "thaw-architecture-"));
    try {
      const path = join(root, "packages/server/src", file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${text}\n`);
      expect(checkArchitecture(root).violations.map((violation) => violation.why)).toEqual([why]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it("holds in this repository", ({ expect }) => {
    const { files, violations } = checkArchitecture(resolve(import.meta.dirname, ".."));
    expect(violations).toEqual([]);
    expect(files).toBeGreaterThan(80);
  });
});
