/** From PATH or FUNCTION to the code of functions: folders, zips, jars, templates, single files, deployed functions. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { CommandError } from "@thaw/installation/command-error";
import { readFunctions, type TemplateFunction } from "@thaw/template/functions";
import { readTemplate } from "@thaw/template/template";
import { adviceOnProgram } from "./native.ts";
import { type Language, languageOfRuntime, type Unit } from "./unit.ts";
import { unpack } from "./unpack.ts";

export interface TargetOptions {
  readonly handler?: string;
  readonly template?: string;
}

/** The package of a deployed function, with its handler and runtime; null where it has none. */
export interface DeployedCode {
  readonly zip: Buffer;
  readonly handler: string | null;
  readonly runtime: string | null;
  /** ARNs of its layers. */
  readonly layers: readonly string[];
}

/** Throws CommandError where the function, or a package of it, can't be had. */
export type FetchDeployed = (functionName: string) => Promise<DeployedCode>;

const ENDINGS: Readonly<Record<string, Language>> = {
  ".py": "python",
  ".js": "javascript",
  ".mjs": "javascript",
  ".cjs": "javascript",
  ".ts": "javascript",
  ".mts": "javascript",
  ".cts": "javascript",
  ".tsx": "javascript",
  ".jsx": "javascript",
  ".class": "java",
  ".jar": "java",
};
const SKIPPED = new Set(["node_modules", ".git", ".venv", "venv", "__pycache__", ".aws-sam", "test-classes"]);
const TEMPLATES = ["template.yml", "template.yaml", "template.json"];
const FUNCTION_NAME = /^(arn:aws[\w-]*:lambda:[\w:$-]+|[\w-]{1,64}(:[\w$-]{1,128})?)$/;
const ENTRIES_MAX = 50_000;

/** `scratch` is an empty folder for what is unpacked or fetched; the caller removes it. */
export async function findUnits(
  target: string,
  options: TargetOptions,
  scratch: string,
  fetchDeployed: FetchDeployed,
): Promise<Unit[]> {
  if (!existsSync(target)) {
    if (!FUNCTION_NAME.test(target)) throw new CommandError(`${target} is not there, and is no name of a function`);
    return [await deployedUnit(target, options, scratch, fetchDeployed)];
  }
  const template = options.template ?? templateOf(target);
  if (template !== null && options.handler === undefined) return templateUnits(template, scratch);
  return [await pathUnit(target, target, options.handler ?? null, null, scratch)];
}

function templateOf(target: string): string | null {
  if (/\.(ya?ml|json)$/.test(target)) return target;
  if (!statSync(target).isDirectory()) return null;
  return TEMPLATES.map((name) => join(target, name)).find((path) => existsSync(path)) ?? null;
}

/**
 * Reads the functions of a template. A part that a deploy would refuse does not matter: only code, handler and runtime
 * count.
 */
async function templateUnits(path: string, scratch: string): Promise<Unit[]> {
  const functions = readFunctions(readTemplate(path), basename(dirname(resolve(path))));
  const units: Unit[] = [];
  for (const each of functions) units.push({ ...(await templateUnit(each, path, scratch)), layers: each.layers });
  if (units.length === 0) throw new CommandError(`${path} has no function whose code is here`);
  return units;
}

async function templateUnit(
  { logicalId: name, code, handler, runtime }: TemplateFunction,
  template: string,
  scratch: string,
): Promise<Unit> {
  const known = runtime ?? "";
  if (code.kind === "image")
    throw new CommandError(`${name}: its code is a container image; scan the folder that it is made of`);
  if (code.kind === "object") throw new CommandError(`${name}: its code is in a bucket; scan the package itself`);
  if (code.kind === "inline") {
    const root = join(scratch, name);
    await mkdir(root, { recursive: true });
    await writeFile(join(root, known.startsWith("python") ? "index.py" : "index.js"), code.text);
    return pathUnit(name, root, handler, known, scratch);
  }
  const path = resolve(dirname(template), code.path);
  if (!existsSync(path)) throw new CommandError(`${name}: ${path} is not there; is the code built?`);
  return pathUnit(name, path, handler, known, scratch);
}

async function deployedUnit(
  name: string,
  options: TargetOptions,
  scratch: string,
  fetchDeployed: FetchDeployed,
): Promise<Unit> {
  const deployed = await fetchDeployed(name);
  const zip = join(scratch, "function.zip");
  await writeFile(zip, deployed.zip);
  const unit = await pathUnit(name, zip, options.handler ?? deployed.handler, deployed.runtime, scratch);
  return { ...unit, layers: deployed.layers };
}

async function pathUnit(
  name: string,
  path: string,
  handler: string | null,
  runtime: string | null,
  scratch: string,
): Promise<Unit> {
  const known = runtime === null ? null : languageOfRuntime(runtime);
  if (statSync(path).isDirectory())
    return {
      name,
      root: path,
      languages: languagesOf(path, known, handler),
      handler,
      isSource: !path.startsWith(scratch),
    };
  const ending = extname(path);
  const language = ENDINGS[ending];
  if (ending === ".jar") return { name, root: path, languages: ["java"], handler, isSource: false };
  if (language === "java") throw new CommandError(`${path}: give the folder or jar that the class is in`);
  if (language !== undefined)
    return {
      name,
      root: dirname(path),
      languages: [language],
      handler: handler ?? `${basename(path, ending)}.handler`,
      isSource: true,
    };
  const root = join(scratch, `unpacked-${basename(path)}`);
  await unpack(path, root);
  return { name, root, languages: languagesOf(root, known, handler), handler, isSource: false };
}

function languagesOf(root: string, known: Language | null, handler: string | null): Language[] {
  const found = new Set<Language>();
  const queue = [root];
  let entries = 0;
  for (let dir = queue.pop(); dir !== undefined && entries < ENTRIES_MAX && found.size < 3; dir = queue.pop()) {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      entries++;
      const language = entry.isFile() && !entry.name.endsWith(".d.ts") ? ENDINGS[extname(entry.name)] : undefined;
      if (language !== undefined) found.add(language);
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) queue.push(join(dir, entry.name));
    }
  }
  if (known !== null) {
    if (!found.has(known))
      throw new CommandError(
        `${root} has no ${known === "java" ? "class files; is the code built?" : `${known} code`}`,
      );
    return [known];
  }
  if (found.size === 0)
    throw new CommandError(adviceOnProgram(root) ?? `${root} has no class files, JavaScript, TypeScript or Python`);
  if (handler?.includes("::") === true) return found.has("java") ? ["java"] : [...found];
  return [...found];
}
