/** Packages of tests/functions/unique, with what tools/build-test-functions.sh has brought. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { partsOf } from "@thaw/installation";
import { REPOSITORY } from "../../tools/thaw-server.ts";

const FUNCTIONS = join(REPOSITORY, "tests/functions");
const SOURCES = join(FUNCTIONS, "unique");
const BUILT = join(REPOSITORY, ".thaw/test-functions");

export type Package = Record<string, Buffer>;

export function source(name: string): Buffer {
  return readFileSync(join(SOURCES, name));
}

/** A program built ahead; null where its compiler was not there. */
export function program(language: "go" | "rust"): Package | null {
  try {
    return { bootstrap: readFileSync(join(BUILT, language, "bootstrap")) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Top-level folders and files of the wheels whose names match, without their own tests. */
export function pythonPackages(wanted: RegExp): Package {
  const base = join(BUILT, "python");
  const files = readdirSync(base)
    .filter((name) => wanted.test(name))
    .flatMap((name) => filesOf(join(base, name)));
  return Object.fromEntries(
    files.filter((path) => !path.includes("/tests/")).map((path) => [relative(base, path), readFileSync(path)]),
  );
}

/** The folder of debugpy, as `pip install debugpy -t FOLDER` makes it. */
export function debugpy(): string {
  const path = join(REPOSITORY, ".thaw/test-debugpy/debugpy");
  if (!existsSync(path)) throw new Error(`${path} is not there: run sh tools/build-debugpy.sh`);
  return path;
}

/** A package of this repository's node_modules and all that it needs, without types and ES modules. */
export function nodePackages(name: string): Package {
  const found: Package = {};
  const seen = new Set<string>();
  const wanted = [name];
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const dir = join(REPOSITORY, "node_modules", next);
    const { dependencies } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as {
      dependencies?: Record<string, string>;
    };
    wanted.push(...Object.keys(dependencies ?? {}));
    for (const path of filesOf(dir).filter((file) => !/\.d\.ts$|\/dist-(types|es)\/|\.map$/.test(file)))
      found[relative(REPOSITORY, path)] = readFileSync(path);
  }
  return found;
}

/** Jars that were brought, as paths of this host. */
export function jars(wanted: RegExp): string[] {
  const dir = join(BUILT, "java");
  return readdirSync(dir)
    .filter((name) => wanted.test(name))
    .map((name) => join(dir, name));
}

/** The same as a package's `lib/`. */
export function jarFiles(wanted: RegExp): Package {
  return Object.fromEntries(jars(wanted).map((path) => [`lib/${basename(path)}`, readFileSync(path)]));
}

/** A jar that was brought, as a path of this host. */
export function jar(name: RegExp): string {
  const dir = join(BUILT, "java");
  const found = readdirSync(dir).find((each) => name.test(each));
  if (found === undefined) throw new Error(`${dir} has no ${name}: run npm run setup`);
  return join(dir, found);
}

/**
 * A source file below tests/functions, compiled against the runtime client and the libraries whose names match; these
 * go to lib/.
 */
export function javaPackage(sourceName: string, wanted: RegExp): Package {
  return { ...compileJava(join(FUNCTIONS, sourceName), jars(wanted)), ...jarFiles(wanted) };
}

/** The classes of one source file, compiled against the runtime client and `libraries`. */
export function compileJava(sourcePath: string, libraries: readonly string[]): Package {
  const out = mkdtempSync(join(tmpdir(), "thaw-java-"));
  try {
    const client = join(partsOf(process.env).clients, "java/lib/*");
    execFileSync("javac", ["-g", "-cp", [...libraries, client].join(":"), "-d", out, sourcePath], { stdio: "pipe" });
    return Object.fromEntries(filesOf(out).map((path) => [relative(out, path), readFileSync(path)]));
  } finally {
    rmSync(out, { recursive: true });
  }
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesOf(join(path, name)));
}
