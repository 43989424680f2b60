/** Every crate against the tables of rules.ts: which crate uses which, and within sandboxd which room uses which. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { CRATES, SANDBOXD } from "./rules.ts";
import { sourceFiles, type Violation } from "./source-files.ts";

/** `path = "../snapshot"` of a Cargo.toml. */
const DEPENDENCY = /\bpath\s*=\s*"\.\.\/([^"]+)"/g;
/** Another of our crates in code. */
const CRATE = /\bthaw_([a-z]+)::/g;
/** Files that a macro or an attribute brings in by path. */
const BY_PATH = /(?:#\[path\s*=\s*|\binclude(?:_str|_bytes)?!\(\s*)"([^"]+)"/g;
/** `crate::{a::b, c}` and `crate::a`. */
const ROOM = /\bcrate::(?:\{([^}]*)\}|([a-z_]+))/g;
/** `super::super::a`: as many steps up, then a room. */
const UPWARD = /\b((?:super::)+)([a-z_]+)/g;

export function checkRust(root: string): { readonly files: number; readonly violations: readonly Violation[] } {
  const violations: Violation[] = [];
  let files = 0;
  const crates = join(root, "crates");
  for (const name of existsSync(crates) ? readdirSync(crates) : []) {
    const manifest = join(crates, name, "Cargo.toml");
    if (!existsSync(manifest)) continue;
    const report = (path: string) => (uses: string, why: string) =>
      violations.push({ file: relative(root, path), uses, why });
    checkManifest(name, readFileSync(manifest, "utf8"), report(manifest));
    for (const path of sourceFiles(join(crates, name), ".rs")) {
      files++;
      const text = readFileSync(path, "utf8");
      checkCrate(crates, name, path, text, report(path));
      if (name === "sandboxd") checkRooms(relative(join(crates, name, "src"), path), text, report(path));
    }
  }
  return { files, violations };
}

type Report = (uses: string, why: string) => void;

function checkManifest(name: string, text: string, report: Report): void {
  if (CRATES[name] === undefined) report("Cargo.toml", `the crate ${name} has no place in the layering rule`);
  for (const [, other = ""] of text.matchAll(DEPENDENCY)) checkDependency(name, other, `../${other}`, report);
}

function checkCrate(crates: string, name: string, path: string, text: string, report: Report): void {
  for (const [uses, other = ""] of text.matchAll(CRATE)) if (other !== name) checkDependency(name, other, uses, report);
  for (const [, target = ""] of text.matchAll(BY_PATH)) {
    const [crate = ""] = relative(crates, resolve(dirname(path), target)).split("/");
    if (crate !== name && crate !== "..") report(target, `${name} reaches into the inside of ${crate}`);
  }
}

function checkDependency(name: string, other: string, uses: string, report: Report): void {
  if (CRATES[name]?.includes(other) !== true) report(uses, `${name} may not use ${other}`);
}

function checkRooms(file: string, text: string, report: Report): void {
  if (file.startsWith("..")) return;
  const from = (file.split("/")[0] ?? "").replace(".rs", "");
  const allowed = SANDBOXD[from];
  if (allowed === undefined) {
    report("mod", `the room ${from} of sandboxd has no place in the layering rule`);
    return;
  }
  for (const to of new Set([...absolute(text), ...upward(file, text)]))
    if (to !== from && to in SANDBOXD && !allowed.includes(to))
      report(`crate::${to}`, `sandboxd/${from} may not use sandboxd/${to}`);
}

function absolute(text: string): string[] {
  return [...text.matchAll(ROOM)].flatMap(([, several, one = ""]) =>
    several === undefined ? [one] : several.split(",").map((part) => part.trim().split("::")[0] ?? ""),
  );
}

/** Rooms reached by `super`: from a/b.rs two steps lead to the crate, from a/mod.rs and a.rs one. */
function upward(file: string, text: string): string[] {
  const depth = file.replace(/(?:\/mod)?\.rs$/, "").split("/").length;
  return [...text.matchAll(UPWARD)]
    .filter(([, steps = ""]) => steps.length / "super::".length === depth)
    .map(([, , room = ""]) => room);
}
