/**
 * Looks whether code has its handler, before it is deployed: a file, a class or an export that was renamed or removed
 * would fail in the next Init only. Says something only where it is certain; the runtimes find more than this.
 */
import { posix } from "node:path";
import { mayExport } from "@thaw/scan/javascript/exported-names";
import { isTemplateMap, type TemplateMap } from "@thaw/template/value";
import type { LocalValues } from "@thaw/template/local-values";
import { mayBind } from "./python-names.ts";
import { type PackageFiles, readFiles, readZip } from "./package-files.ts";

export interface Entrance {
  readonly runtime: string;
  readonly handler: string;
}

/** Variables by which code is found elsewhere than in the package. */
const ELSEWHERE = ["PYTHONPATH", "AWS_LAMBDA_EXEC_WRAPPER", "JAVA_TOOL_OPTIONS", "CLASSPATH", "_HANDLER"];
const NODE_ENDINGS = ["", ".js", ".mjs", ".cjs"];
const SOURCES = [".ts", ".mts", ".cts", ".tsx", ".jsx", ".js", ".mjs", ".cjs"];

/** Null: the handler may be elsewhere than in the package, such as in a layer, or only the stack knows it. */
export function entranceOf(properties: TemplateMap, values: LocalValues): Entrance | null {
  const { Layers: layers, FileSystemConfigs: mounts, Environment: environment } = properties;
  if ((layers ?? mounts) !== undefined) return null;
  const variables = isTemplateMap(environment) ? environment["Variables"] : undefined;
  if (isTemplateMap(variables) && ELSEWHERE.some((name) => variables[name] !== undefined)) return null;
  const text = (name: string): string | null => {
    const value = properties[name] === undefined ? null : values.value(properties[name]);
    return typeof value === "string" ? value : null;
  };
  const [runtime, handler] = [text("Runtime"), text("Handler")];
  return runtime === null || handler === null ? null : { runtime, handler };
}

/**
 * A sentence where the code lacks the handler; null: it has it, or nobody can tell. `path`: the package, or with
 * `isSource` what esbuild makes it of, and the handler as the source has it.
 */
export async function missingHandler(
  { runtime, handler }: Entrance,
  path: string,
  isSource: boolean,
): Promise<string | null> {
  let why: string | null = null;
  try {
    const files = await readFiles(path);
    if (runtime.startsWith("nodejs")) why = await missingInNode(handler, files, isSource ? SOURCES : NODE_ENDINGS);
    else if (runtime.startsWith("python")) why = await missingInPython(handler, files);
    else if (runtime.startsWith("java")) why = await missingInJava(handler, files);
  } catch {
    // A package that can't be read is said where it is packed.
  }
  return why === null ? null : `its handler ${handler} is not there: ${why}. Handler in the template names it`;
}

async function missingInNode(handler: string, files: PackageFiles, endings: readonly string[]): Promise<string | null> {
  const parts = /^(?<stem>[^.]+)\.(?<name>[^.]+)/.exec(posix.basename(handler))?.groups;
  if (parts === undefined || isOutside(handler)) return null;
  const { stem = "", name = "" } = parts;
  const folder = folderOf(handler);
  const there = new Set(files.list(folder));
  const ending = endings.find((each) => there.has(stem + each));
  if (ending === undefined)
    return `there is no ${listed(endings.filter((each) => each !== "").map((each) => posix.join(folder, stem + each)))}`;
  // A file without an ending may be anything.
  if (ending === "") return null;
  const path = posix.join(folder, stem + ending);
  const source = await files.read(path);
  return source === null || mayExport(path, source.toString("utf8"), name) ? null : `${path} exports no ${name}`;
}

async function missingInPython(handler: string, files: PackageFiles): Promise<string | null> {
  const dot = handler.lastIndexOf(".");
  if (dot <= 0 || isOutside(handler)) return null;
  const [module, name] = [handler.slice(0, dot).replaceAll(".", "/"), handler.slice(dot + 1)];
  const [folder, stem] = [folderOf(module), posix.basename(module)];
  const there = files.list(folder);
  const isCompiled = there.some((each) => each.startsWith(`${stem}.`) && /\.(?:so|pyc)$/.test(each));
  const inPackage = `${module}/__init__.py`;
  const path = there.includes(`${stem}.py`) ? `${module}.py` : inPackage;
  const source = await files.read(path);
  if (source !== null) return mayBind(source.toString("utf8"), name) ? null : `${path} has no ${name}`;
  const isThere = isCompiled || there.includes(`${stem}.py`) || files.list(module).includes("__init__.py");
  return isThere ? null : `there is no ${module}.py and no ${inPackage}`;
}

async function missingInJava(handler: string, files: PackageFiles): Promise<string | null> {
  const name = handler.split("::")[0] ?? "";
  const path = `${name.replaceAll(".", "/")}.class`;
  const has = (each: PackageFiles): boolean => each.list(folderOf(path)).includes(posix.basename(path));
  if (has(files)) return null;
  for (const jar of files.list("lib").filter((each) => each.endsWith(".jar"))) {
    const content = await files.read(`lib/${jar}`);
    const inside = content === null ? null : await readZip(content).catch(() => null);
    if (inside === null || has(inside)) return null;
  }
  return `there is no class ${name}`;
}

function folderOf(path: string): string {
  const folder = posix.dirname(posix.normalize(path));
  return folder === "." ? "" : folder;
}

/** A path that leads out of the package. */
function isOutside(handler: string): boolean {
  return handler.startsWith("/") || posix.normalize(handler).startsWith("..");
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} or ${names.at(-1) ?? ""}`;
}
