/** Every import of packages/*, tests and tools against the tables of rules.ts. Imports of types count. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { FAKES, FOLDERS, MODULES, PACKAGES, ROOFS, ROOMS } from "./rules.ts";
import { sourceFiles, type Violation } from "./source-files.ts";

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(?:type\s+)?(?:[\w*{},\s$]+?\s+from\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;
const ANYWHERE = ["tests", "tools", "runtimes"];

interface Import {
  readonly root: string;
  /** Name of its package; null in tests, tools and runtimes. */
  readonly packageName: string | null;
  /** Relative to the package's src. */
  readonly file: string;
  readonly specifier: string;
  /** The file that a relative one leads to, relative to the package's src; else null. */
  readonly target: string | null;
}

export function checkTypeScript(root: string): { readonly files: number; readonly violations: readonly Violation[] } {
  const violations: Violation[] = [];
  let files = 0;
  const check = (base: string, packageName: string | null): void => {
    for (const path of sourceFiles(base, ".ts", ".tsx")) {
      files++;
      for (const specifier of importsOf(readFileSync(path, "utf8"))) {
        const target = specifier.startsWith(".") ? relative(base, resolve(dirname(path), specifier)) : null;
        const why = violationOf({ root, packageName, file: relative(base, path), specifier, target });
        if (why !== null) violations.push({ file: relative(root, path), uses: specifier, why });
      }
    }
  };
  const packages = join(root, "packages");
  for (const name of existsSync(packages) ? readdirSync(packages) : []) check(join(packages, name, "src"), name);
  for (const name of ANYWHERE) check(join(root, name), null);
  return { files, violations };
}

export function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? "");
}

function violationOf(one: Import): string | null {
  const { packageName, file, specifier, target } = one;
  if (packageName === null)
    return target !== null && /(?:^|\/)packages\/[^/]+\/src\//.test(target)
      ? "a package is imported by its name, through its exports"
      : null;
  if (PACKAGES[packageName] === undefined) return `the package ${packageName} has no place in the layering rule`;
  if (target?.startsWith("..") === true) return "leaves its package";
  if (specifier.startsWith("@thaw/")) return betweenPackages(packageName, specifier);
  if (!file.endsWith(".test.ts")) {
    const why = foreignModule(packageName, file, specifier);
    if (why !== null) return why;
  }
  return packageName === "server" && target !== null ? withinServer(file, target) : null;
}

function betweenPackages(packageName: string, specifier: string): string | null {
  const other = specifier.split("/")[1] ?? "";
  return PACKAGES[packageName]?.includes(other) === true ? null : `packages/${packageName} may not import ${specifier}`;
}

function foreignModule(packageName: string, file: string, specifier: string): string | null {
  const users = MODULES[specifier.replace(/^(node:[a-z_]+)\/.*$/, "$1")];
  const user = packageName === "server" ? folderOf(file) : `packages/${packageName}`;
  if (users === undefined || users.includes(user) || user === "testing") return null;
  return `only ${users.join(", ") || "nobody"} may use ${specifier}`;
}

function withinServer(file: string, target: string): string | null {
  const isTest = file.endsWith(".test.ts");
  const fake = FAKES.find((folder) => target.startsWith(folder));
  if (fake !== undefined)
    return isTest || FAKES.some((folder) => file.startsWith(folder)) ? null : `only tests may import ${fake}`;
  const from = folderOf(file);
  const to = folderOf(target);
  if (from === to) return betweenRooms(from, file, target);
  const allowed = FOLDERS[from];
  if (allowed === undefined) return `the folder ${from} has no place in the layering rule`;
  return allowed.includes(to) ? null : `${from} may not import ${to}`;
}

function betweenRooms(folder: string, file: string, target: string): string | null {
  const rooms = ROOMS[folder];
  if (rooms === undefined) return null;
  const [from, to] = [roomOf(file), roomOf(target)];
  if (from === to) return null;
  const allowed = rooms[from];
  if (allowed === undefined) return `the room ${folder}/${from} has no place in the layering rule`;
  if (to === ".") return ROOFS.includes(target) ? `${folder}/${from} may not import ${target}` : null;
  return allowed.includes(to) ? null : `${folder}/${from} may not import ${folder}/${to}`;
}

const folderOf = (path: string): string => path.split("/")[0] ?? "";

function roomOf(path: string): string {
  const [, room = "", deeper] = path.split("/");
  return deeper === undefined ? "." : room;
}
