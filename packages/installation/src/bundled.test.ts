import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BUNDLES, bundled, DIST } from "./bundled.mjs";

const SOURCE = "packages/a/src/main.ts";

let root = "";

function writeInputs(paths: readonly string[]): void {
  const inputs = paths.map((path) => {
    const { size, mtimeMs } = statSync(join(root, path));
    return [path, size, mtimeMs];
  });
  writeFileSync(join(root, DIST, BUNDLES), JSON.stringify({ folder: "f", inputs }));
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "thaw-bundled-"));
  mkdirSync(join(root, DIST));
  mkdirSync(join(root, "packages/a/src"), { recursive: true });
  writeFileSync(join(root, SOURCE), "one");
  utimesSync(join(root, SOURCE), 1_800_000_000, 1_800_000_000.123);
  writeInputs([SOURCE]);
});

afterEach(() => rmSync(root, { recursive: true }));

test("a bundle is there while its sources are as they were", () => {
  expect(bundled(root, "serve")).toBe(join(root, DIST, "f/serve.mjs"));
});

test("none where sources are asked for", () => {
  expect(bundled(root, "serve", { THAW_PROGRAMS: "sources" })).toBeNull();
  expect(bundled(root, "serve", { THAW_PROGRAMS: "" })).not.toBeNull();
});

test("a package's own is there without a look at its sources", () => {
  writeInputs([]);
  rmSync(join(root, "packages"), { recursive: true });
  expect(bundled(root, "command")).toBe(join(root, DIST, "f/command.mjs"));
});

test.each([
  ["a source is longer", () => writeFileSync(join(root, SOURCE), "three")],
  ["a source was written again", () => utimesSync(join(root, SOURCE), 1_800_000_000, 1_800_000_000.124)],
  ["a source has gone", () => rmSync(join(root, SOURCE))],
  ["nothing was bundled", () => rmSync(join(root, DIST), { recursive: true })],
  ["there is no list", () => writeFileSync(join(root, DIST, BUNDLES), "{}")],
  ["the list is cut off", () => writeFileSync(join(root, DIST, BUNDLES), '{"folder": "f", "inputs": [["a"')],
])("none where %s", (_what, change) => {
  change();
  expect(bundled(root, "serve")).toBeNull();
});
