/**
 * The layering rule (docs/ARCHITECTURE.md), checked over every import of packages/*: imports point inwards, siblings do not know one
 * another, only main sees both sides. Type-only imports count.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** What a folder of packages/server/src may import, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: ["base"],
  ports: ["base", "model"],
  control: ["base", "model", "ports"],
  worker: ["base", "model", "ports"],
  http: ["base", "model", "ports", "control"],
  snapshots: ["base", "model", "ports"],
  engines: ["base", "model", "ports", "snapshots"],
  supervisor: ["base", "model", "ports"],
  sandboxd: ["base", "model", "ports"],
  store: ["base", "model", "ports"],
  objects: ["base", "model", "ports"],
  "snapshot-stores": ["base", "model", "ports"],
  keys: ["base", "model", "ports"],
  logs: ["base", "model", "ports"],
  runtimes: ["base", "model", "ports"],
  metrics: ["base", "model", "ports"],
  main: [
    "base",
    "model",
    "ports",
    "control",
    "worker",
    "http",
    "snapshots",
    "engines",
    "supervisor",
    "sandboxd",
    "store",
    "objects",
    "snapshot-stores",
    "keys",
    "logs",
    "runtimes",
    "metrics",
  ],
  testing: [
    "base",
    "model",
    "ports",
    "control",
    "worker",
    "snapshots",
    "engines",
    "supervisor",
    "sandboxd",
    "store",
    "snapshot-stores",
    "keys",
  ],
};
/** Modules of Node.js that only some folders may use. */
const RESTRICTED: Readonly<Record<string, readonly string[]>> = {
  "node:child_process": ["main"],
  "node:http": [],
  fastify: ["http"],
  "node:sqlite": ["store"],
  "prom-client": ["metrics"],
};
/** Between packages. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  installation: [],
  "aws-api": [],
  "thaw-api": [],
  template: ["@thaw/installation"],
  scan: ["@thaw/installation", "@thaw/template"],
  server: ["@thaw/installation", "@thaw/aws-api", "@thaw/thaw-api"],
  cli: ["@thaw/installation", "@thaw/aws-api", "@thaw/thaw-api", "@thaw/template", "@thaw/scan"],
};
const FILES_MIN = 80;

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(?:type\s+)?(?:[\w*{},\s$]+?\s+from\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;

export interface Violation {
  readonly file: string;
  readonly imports: string;
  readonly why: string;
}

export function checkArchitecture(root: string): { readonly files: number; readonly violations: readonly Violation[] } {
  const violations: Violation[] = [];
  let files = 0;
  for (const name of readdirSync(join(root, "packages"))) {
    const src = join(root, "packages", name, "src");
    for (const file of sourceFiles(src)) {
      files++;
      for (const specifier of importsOf(readFileSync(file, "utf8"))) {
        const why = violationOf(name, src, file, specifier);
        if (why !== null) violations.push({ file: relative(root, file), imports: specifier, why });
      }
    }
  }
  return { files, violations };
}

function violationOf(packageName: string, src: string, file: string, specifier: string): string | null {
  if (specifier.startsWith("@thaw/")) {
    return PACKAGES[packageName]?.some((allowed) => specifier.startsWith(allowed)) === true
      ? null
      : `packages/${packageName} may not import ${specifier}`;
  }
  if (packageName !== "server")
    return specifier.startsWith("..") && relative(src, resolve(dirname(file), specifier)).startsWith("..")
      ? "leaves its package"
      : null;
  const folder = relative(src, file).split("/")[0] ?? "";
  const isTest = file.endsWith(".test.ts");
  const restricted = RESTRICTED[specifier];
  if (restricted !== undefined && !restricted.includes(folder) && !isTest)
    return `only ${restricted.join(", ") || "nobody"} may use ${specifier}`;
  if (!specifier.startsWith(".")) return null;
  const target = relative(src, resolve(dirname(file), specifier)).split("/")[0] ?? "";
  if (target === folder) return siblingEngine(src, file, specifier);
  const allowed = MAY_IMPORT[folder];
  if (allowed === undefined) return `the folder ${folder} has no place in the layering rule`;
  return allowed.includes(target) ? null : `${folder} may not import ${target}`;
}

function siblingEngine(src: string, file: string, specifier: string): string | null {
  const [folder, engine] = relative(src, file).split("/");
  const [, other] = relative(src, resolve(dirname(file), specifier)).split("/");
  const isOther = folder === "engines" && other !== undefined && !other.endsWith(".ts") && engine !== other;
  return isOther ? `engines do not know one another: ${engine} imports ${other}` : null;
}

export function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? "");
}

function sourceFiles(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(dir, name));
}

if (import.meta.main) {
  const { files, violations } = checkArchitecture(resolve(import.meta.dirname, ".."));
  for (const { file, imports, why } of violations) process.stderr.write(`${file}: ${imports}: ${why}\n`);
  process.stdout.write(`architecture: ${files} files, ${violations.length} violations\n`);
  if (files < FILES_MIN)
    process.stderr.write(`architecture: fewer than ${FILES_MIN} files; the checker looks at the wrong place\n`);
  process.exitCode = violations.length > 0 || files < FILES_MIN ? 1 : 0;
}
