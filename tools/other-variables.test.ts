/** Every variable that a source names is in one of the two tables, and the tables name none that nobody reads. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { it } from "vitest";
import { CONFIG_VARIABLE, type OptionDeclaration, OPTIONS } from "@thaw/server/options";
import { OTHER_VARIABLES } from "./other-variables.ts";

const ROOT = resolve(import.meta.dirname, "..");
const TABLES = new Set(["packages/server/src/main/options/table.ts", "tools/other-variables.ts"]);
const FOLDERS = ["packages", "crates", "runtimes", "tools", "packaging", "tests", "scanners", "samples", ".ci"];

const SETTINGS = Object.values<OptionDeclaration<unknown>>(OPTIONS);
const OTHERS = OTHER_VARIABLES.flatMap(({ variables }) => Object.keys(variables));

/** Names of variables by a file that names them. */
function namedInSources(): ReadonlyMap<string, string> {
  const listed = execFileSync("git", ["ls-files", "-z", "--", ...FOLDERS], { cwd: ROOT, encoding: "utf8" });
  const files = listed.split("\0").filter((file) => file !== "" && !TABLES.has(file));
  if (files.length < 300) throw new Error(`only ${files.length} files were looked at`);
  const found = new Map<string, string>();
  for (const file of files) {
    const text = readFileSync(join(ROOT, file), "latin1");
    for (const [name] of text.matchAll(/\bTHAW_[A-Z0-9_]*[A-Z0-9]/g)) found.set(name, file);
  }
  return found;
}

it("documents every variable that a source names", ({ expect }) => {
  const known = new Set([...SETTINGS.map((option) => option.variable), ...OTHERS, CONFIG_VARIABLE]);
  const unknown = [...namedInSources()].filter(([name]) => !known.has(name));
  expect(unknown.map(([name, file]) => `${name} in ${file}`)).toEqual([]);
});

it("documents no variable that nobody reads", ({ expect }) => {
  const named = namedInSources();
  const unread = OTHERS.filter((name) => name.startsWith("THAW_") && !named.has(name));
  // Settings are read by the table itself.
  const settings = new Set(SETTINGS.map((option) => option.variable));
  expect(unread.filter((name) => !settings.has(name))).toEqual([]);
});

it("names each setting once: flag, variable and key", ({ expect }) => {
  for (const key of ["name", "variable"] as const)
    expect(new Set(SETTINGS.map((option) => option[key])).size).toBe(SETTINGS.length);
});
