/** docs/reference/errors.md lists every platform error code, and none that is not in the source. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { it } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

function codesIn(dir: string, ending: string): string[] {
  const files = readdirSync(join(ROOT, dir), { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(ending) && !name.includes("fake") && !name.endsWith(".test.ts"),
  );
  return files.flatMap((name) =>
    [...readFileSync(join(ROOT, dir, name), "utf8").matchAll(/"((?:SANDBOX|SUPERVISOR|STORE|WORKER)_[A-Z_]+)"/g)].map(
      (match) => match[1] ?? "",
    ),
  );
}

it("lists the codes of the source, and only them", ({ expect }) => {
  const inSource = new Set([...codesIn("packages/server/src", ".ts"), ...codesIn("crates/sandboxd/src", ".rs")]);
  const inTable = new Set(
    [
      ...readFileSync(join(ROOT, "docs/reference/errors.md"), "utf8").matchAll(
        /`((?:SANDBOX|SUPERVISOR|STORE|WORKER)_[A-Z_]+)`/g,
      ),
    ].map((match) => match[1] ?? ""),
  );
  expect([...inTable].toSorted()).toEqual([...inSource].toSorted());
});
