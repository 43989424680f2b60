/**
 * The table of platform errors has every code that sandboxd answers with, and none that nobody gives. That the server
 * uses no other is held by types (`PlatformCode`); docs/reference/errors.md is generated.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { it } from "vitest";
import { PLATFORM_ERRORS } from "@thaw/server/testing/model";

const ROOT = resolve(import.meta.dirname, "..");
const CODE = /"((?:SANDBOX|SUPERVISOR|STORE|DATABASE|WORKER|KMS|PUBLISH)_[A-Z_]+)"/g;
const TABLE = "model/platform-errors.ts";

function codesIn(dir: string, ending: string): ReadonlySet<string> {
  const files = readdirSync(join(ROOT, dir), { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(ending) && !name.endsWith(".test.ts") && name !== TABLE,
  );
  return new Set(
    files.flatMap((name) =>
      [...readFileSync(join(ROOT, dir, name), "utf8").matchAll(CODE)].map((match) => match[1] ?? ""),
    ),
  );
}

const inTable = new Set(Object.keys(PLATFORM_ERRORS));
const inCrates = codesIn("crates", ".rs");
const inSource = new Set([...codesIn("packages/server/src", ".ts"), ...inCrates]);

it("has every code of the source", ({ expect }) => {
  expect(inCrates.size).toBeGreaterThan(8);
  expect([...inSource].filter((code) => !inTable.has(code))).toEqual([]);
});

it("has no code that nobody gives", ({ expect }) => {
  expect([...inTable].filter((code) => !inSource.has(code))).toEqual([]);
});
