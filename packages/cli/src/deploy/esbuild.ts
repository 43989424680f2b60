/**
 * Bundles as `sam build` does with BuildMethod esbuild, by the esbuild of the user's own project: its version is the
 * project's choice, and it comes as a prebuilt program, which Thaw does not bring along.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";
import { CommandError } from "@thaw/installation/command-error";
import { isTemplateList, isTemplateMap, type TemplateMap, type TemplateValue } from "@thaw/template/value";
import { notThere } from "./not-there.ts";
import { packageCode } from "./package-code.ts";

export interface EsbuildOptions {
  /** Of esbuild's own command line. */
  readonly args: readonly string[];
}

const TIMEOUT_MS = 60_000;
/** As many files outside of a folder are watched. */
const INPUTS_MAX = 1000;
const OUTPUT_BYTES_MAX = 1024 * 1024;
/** Properties of SAM's by the option of esbuild's that each is. Lists repeat it. */
const OPTIONS: Readonly<Record<string, string>> = {
  Minify: "minify",
  Target: "target",
  Sourcemap: "sourcemap",
  Format: "format",
  Platform: "platform",
  Packages: "packages",
  KeepNames: "keep-names",
  SourcesContent: "sources-content",
  TreeShaking: "tree-shaking",
  External: "external",
  Loader: "loader",
  OutExtension: "out-extension",
  Define: "define",
  Banner: "banner",
  Footer: "footer",
  Alias: "alias",
  MainFields: "main-fields",
  Conditions: "conditions",
};
/** Lists of these are one value with commas; those of others repeat the option behind a colon. */
const JOINED = new Set(["MainFields", "Conditions", "Target"]);
/** Those of sam build. */
const DEFAULTS: TemplateMap = { Minify: true, Target: "es2020", Format: "cjs", Platform: "node" };

/** True for the metadata of a function that `sam build` has written: its code is as it goes into the function. */
export function isBuiltBySam(metadata: TemplateMap): boolean {
  return metadata["SamResourceId"] !== undefined;
}

/**
 * Null where the function is built in another way, or was built by `sam build`. Throws CommandError for a property that
 * is not known.
 */
export function readEsbuild(logicalId: string, metadata: TemplateMap): EsbuildOptions | null {
  if (metadata["BuildMethod"] !== "esbuild" || isBuiltBySam(metadata)) return null;
  const given = metadata["BuildProperties"] ?? {};
  const place = `Resources.${logicalId}.Metadata.BuildProperties`;
  if (!isTemplateMap(given)) throw new CommandError(`${place} must be a map`);
  const { EntryPoints: entries, ...rest } = given;
  if (!isTemplateList(entries) || entries.length === 0 || !entries.every((each) => typeof each === "string"))
    throw new CommandError(`${place}.EntryPoints must be a list of files`);
  const args = Object.entries({ ...DEFAULTS, ...rest }).flatMap(([name, value]) => {
    const option = OPTIONS[name];
    if (option === undefined)
      throw new CommandError(`${place}.${name} is not known: there are ${Object.keys(OPTIONS).join(", ")}`);
    return argumentsOf(option, value, JOINED.has(name));
  });
  return { args: [...(entries as readonly string[]), "--bundle", ...args] };
}

function argumentsOf(option: string, value: TemplateValue, isJoined: boolean): readonly string[] {
  if (isTemplateList(value))
    return isJoined ? [`--${option}=${value.join(",")}`] : value.map((each) => `--${option}:${String(each)}`);
  if (isTemplateMap(value)) return Object.entries(value).map(([key, each]) => `--${option}:${key}=${String(each)}`);
  if (value === true || value === "true") return [`--${option}`];
  return value === false || value === "false" ? [] : [`--${option}=${String(value)}`];
}

/**
 * Bundles into a folder, which is made anew; with `metafile`, esbuild writes there of what. Gives the text of the
 * errors; null: there were none. Throws CommandError where the project has no esbuild.
 */
export async function bundle(
  folder: string,
  options: EsbuildOptions,
  to: string,
  metafile: string | null = null,
): Promise<string | null> {
  // A program that is started in a folder which is not there seems to be missing itself.
  if (!existsSync(folder)) throw new CommandError(notThere(folder));
  const [program, ...before] = findEsbuild(folder);
  rmSync(to, { recursive: true, force: true });
  const args = [...before, ...options.args, `--outdir=${to}`, "--log-level=warning", "--color=false"];
  if (metafile !== null) args.push(`--metafile=${metafile}`);
  const limits = { cwd: folder, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
  return new Promise((done) => {
    execFile(program, args, limits, (error, _output, complaints) => {
      done(error === null ? null : complaints.trim() || error.message);
    });
  });
}

/**
 * The files outside of a folder that a bundle of it has taken in, as by an import of `../shared`; packages of others
 * are left out. `metafile`: what esbuild has written of the bundle.
 */
export function inputsOutside(folder: string, metafile: string): readonly string[] {
  const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as {
    readonly inputs: Readonly<Record<string, unknown>>;
  };
  return Object.keys(inputs)
    .map((name) => resolve(folder, name))
    .filter((path) => !path.startsWith(folder + sep) && !path.includes(`${sep}node_modules${sep}`) && existsSync(path))
    .slice(0, INPUTS_MAX);
}

/** Bundles a folder and packs what came out. Throws CommandError with esbuild's own words where the code is broken. */
export async function packageBundle(folder: string, options: EsbuildOptions, primes: string | null): Promise<Buffer> {
  const to = mkdtempSync(join(tmpdir(), "thaw-bundle-"));
  try {
    const problem = await bundle(folder, options, to);
    if (problem !== null) throw new CommandError(`esbuild can't bundle ${folder}:\n${problem}`);
    return await packageCode(to, ".", primes);
  } finally {
    rmSync(to, { recursive: true, force: true });
  }
}

/** The program and its first arguments. It is a script where npm was not allowed to run esbuild's own installation. */
function findEsbuild(folder: string): readonly [string, ...string[]] {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, "node_modules/esbuild/bin/esbuild");
    if (existsSync(path)) return isScript(path) ? [process.execPath, path] : [path];
    if (at === dirname(at))
      throw new CommandError(
        `${folder} needs esbuild, and no node_modules there or above has it. Run npm install in the folder of package.json; where that does not name esbuild: npm install esbuild`,
      );
  }
}

function isScript(path: string): boolean {
  return readFileSync(path).subarray(0, 2).toString() === "#!";
}
