/**
 * The function's own modules: parsing, and where an import leads. Packages under node_modules are outside unless asked
 * for.
 */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { parseSync } from "oxc-parser";
import { type Module, type Node, NOTHING, Scope, type Value } from "./values.ts";
import { readBundle, readModule } from "./webpack.ts";

const ENDINGS = ["", ".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".tsx", ".jsx"];
/** TypeScript sources import by the name of what is built from them. */
const BUILT: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
  ".jsx": [".tsx"],
};
const WEBPACK = /\b__webpack_modules__ = /;
const SOURCE_SIZE_BYTES_MAX = 32 * 1024 * 1024;

export class Modules {
  readonly root: string;
  readonly problems: Array<{ file: string; message: string }> = [];
  readonly #withDependencies: boolean;
  readonly #modules = new Map<string, Module | null>();

  constructor(root: string, withDependencies: boolean) {
    this.root = realpathSync(root);
    this.#withDependencies = withDependencies;
  }

  all(): Module[] {
    return [...this.#modules.values()].filter((module) => module !== null);
  }

  /** Loads a module only where it has the word in it: for a look at many files. */
  loadIfMentions(path: string, word: RegExp): Module | null {
    try {
      if (statSync(path).size <= SOURCE_SIZE_BYTES_MAX && !word.test(readFileSync(path, "utf8"))) return null;
    } catch {
      // `load` notes a file that can't be read as a problem.
    }
    return this.load(path);
  }

  /** Loads a module; null where it is not there, or no JavaScript that can be parsed (a problem then). */
  load(path: string): Module | null {
    const known = this.#modules.get(path);
    if (known !== undefined) return known;
    const module = this.#parse(path);
    this.#modules.set(path, module);
    return module;
  }

  resolve(from: Module, specifier: string): Module | null {
    if (/\.(json|node|wasm)$/.test(specifier)) return null;
    if (!specifier.startsWith(".") && !specifier.startsWith("/"))
      return this.#withDependencies ? this.#resolvePackage(from, specifier) : null;
    const path = fileOf(resolve(dirname(from.path), specifier));
    if (path === null || !path.startsWith(this.root + sep) || (!this.#withDependencies && isDependency(path)))
      return null;
    return this.load(path);
  }

  #resolvePackage(from: Module, specifier: string): Module | null {
    const parts = specifier.split("/");
    const name = parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
    const rest = specifier.slice(name.length + 1);
    for (let at = dirname(from.path); at.startsWith(this.root); at = dirname(at)) {
      const folder = join(at, "node_modules", name);
      const path = fileOf(rest === "" ? join(folder, mainOf(folder)) : join(folder, rest));
      if (path !== null) return this.load(path);
    }
    return null;
  }

  #parse(path: string): Module | null {
    const file = relative(this.root, path);
    let source: string;
    try {
      if (statSync(path).size > SOURCE_SIZE_BYTES_MAX) throw new Error("is too large");
      source = readFileSync(path, "utf8");
    } catch (error) {
      this.problems.push({ file, message: (error as Error).message });
      return null;
    }
    const lang = /\.[mc]?ts$/.test(path) ? "ts" : path.endsWith(".tsx") ? "tsx" : "jsx";
    const parsed = parseSync(path, source, { lang, sourceType: "unambiguous" });
    const fault = parsed.errors.find((error) => error.severity === "Error");
    if (fault !== undefined && parsed.program.body.length === 0) {
      this.problems.push({ file, message: `can't be parsed: ${fault.message}` });
      return null;
    }
    const body = parsed.program.body as unknown as Node[];
    const bundle = readBundle(body);
    if (bundle === null && WEBPACK.test(source))
      this.problems.push({
        file,
        message: "is a webpack bundle of an unknown form, whose modules can't be followed; scan the sources",
      });
    const names = { module: "module", exports: bundle?.exports ?? "exports" };
    if (bundle === null) return makeModule({ path, file, source, body, names });
    const require = bundle.require === null ? "" : String((bundle.require["id"] as Node)["name"]);
    return makeModule({
      path,
      file,
      source,
      body: bundle.entry,
      names,
      bundle: { modules: bundle.modules, made: new Map(), require },
    });
  }

  /** A module of the same bundle; a value outside for one that came from node_modules. */
  bundled(from: Module, id: string): Module | Value | null {
    const { bundle } = from;
    const fn = bundle?.modules.get(id);
    if (bundle === undefined || fn === undefined) return null;
    const packageName = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1];
    if (packageName !== undefined && !this.#withDependencies) return { ...NOTHING, name: packageName };
    const known = bundle.made.get(id);
    if (known !== undefined) return known;
    const { body, names } = readModule(fn);
    const [module = "", exports = "", require = ""] = names;
    const made = makeModule({
      path: from.path,
      file: from.file,
      source: from.source,
      body,
      names: { module, exports },
      bundle: { ...bundle, require },
    });
    bundle.made.set(id, made);
    return made;
  }
}

function makeModule(parts: Pick<Module, "path" | "file" | "source" | "body" | "names" | "bundle">): Module {
  const module = {
    ...parts,
    live: new Set<string>(),
    exports: new Map<string, string>(),
    exported: NOTHING,
    getters: new Map<string, Node>(),
    isRun: false,
  };
  const scope = new Scope(null, module as unknown as Module);
  return Object.assign(module, { scope, exported: { ...NOTHING, props: new Map() } });
}

export function isDependency(path: string): boolean {
  return path.split(sep).includes("node_modules");
}

export function lineOf(source: string, offset: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  for (let at = source.indexOf("\n"); at !== -1 && at < offset; at = source.indexOf("\n", at + 1)) {
    line++;
    start = at + 1;
  }
  return { line, column: offset - start + 1 };
}

function mainOf(folder: string): string {
  try {
    const { main } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { main?: string };
    return main ?? "index.js";
  } catch {
    return "index.js";
  }
}

/** Finds a file as an import does; with `isExact` as the runtime finds a handler, which is no folder. */
export function fileOf(path: string, isExact = false): string | null {
  for (const ending of ENDINGS) if (isFile(path + ending)) return realpathSync(path + ending);
  const ending = /\.[mc]?jsx?$/.exec(path)?.[0] ?? "";
  for (const source of BUILT[ending] ?? []) {
    const candidate = path.slice(0, -ending.length) + source;
    if (isFile(candidate)) return realpathSync(candidate);
  }
  for (const index of isExact ? [] : ENDINGS.slice(1))
    if (isFile(join(path, `index${index}`))) return realpathSync(join(path, `index${index}`));
  return null;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
