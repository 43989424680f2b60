/** The data directory: one sentence where it can't be made, and nothing of it for other users. */
import { chmodSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, it } from "vitest";
import { closeDataDirectory, makeDataDirectory } from "./data-directory.ts";
import { UsageError } from "./options/usage-error.ts";

let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "thaw-data-directory-"));
});

afterEach(() => rmSync(base, { recursive: true }));

function modeOf(...path: readonly string[]): string {
  return (statSync(join(base, ...path)).mode & 0o777).toString(8);
}

it.for([
  ["/proc/x", /^--data \/proc\/x can't be used: mkdir \/proc\/x: no such file or directory$/],
  ["/proc/x/y", /^--data \/proc\/x\/y can't be used: mkdir \/proc\/x: no such file or directory$/],
  [
    "/sys/x",
    /^--data \/sys\/x can't be used: mkdir \/sys\/x: (operation not permitted|permission denied|read-only file system)$/,
  ],
  ["/etc/passwd", /^\/etc\/passwd can't be used as a directory: it is none$/],
  ["/etc/passwd/x", /^\/etc\/passwd can't be used as a directory: it is none$/],
] as const)("says in one sentence why %s can't be made", ([path, message], { expect }) => {
  expect(() => makeDataDirectory(path, null)).toThrow(UsageError);
  expect(() => makeDataDirectory(path, null)).toThrow(message);
});

it("makes it the owner's alone, below directories that all may pass through", ({ expect }) => {
  makeDataDirectory(join(base, "a/b"), null);
  expect([modeOf("a"), modeOf("a/b")]).toEqual(["755", "700"]);
});

it("closes one of an earlier version, and follows no link", ({ expect }) => {
  const outside = join(base, "outside");
  writeFileSync(outside, "", { mode: 0o644 });
  const data = join(base, "data");
  for (const name of ["code", "logs", "chunks"]) mkdirSync(join(data, name), { recursive: true });
  writeFileSync(join(data, "thaw.db"), "");
  chmodSync(join(data, "thaw.db"), 0o644);
  chmodSync(data, 0o755);
  symlinkSync(outside, join(data, "link"));
  closeDataDirectory(data);
  expect(["", "code", "logs", "chunks", "thaw.db"].map((name) => modeOf("data", name))).toEqual([
    "700",
    "700",
    "700",
    "750",
    "600",
  ]);
  expect(readlinkSync(join(data, "link"))).toBe(outside);
  expect(modeOf("outside")).toBe("644");
});
