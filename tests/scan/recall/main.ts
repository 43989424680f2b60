/**
 * node tests/scan/recall/main.ts DIR: the broken JavaScript functions (pairs and fixtures), as they are and as a single
 * file of each bundler that fetch.sh brought to DIR, scanned; prints for each form how many are found, which are not,
 * and how many of the fixed twins are wrongly found. The table of docs/reference/scan-recall.md is this.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { scan } from "@thaw/scan/scan";
import { REPOSITORY } from "../../../tools/thaw-server.ts";
import { FIXTURES, noServer } from "../compile.ts";

const [dir] = process.argv.slice(2);
if (dir === undefined) throw new Error("usage: main.ts DIR");
const load = createRequire(resolve(dir, "package.json"));
const EXTERNAL = [/^node:/, /^[a-z@][^.:]*$/];

/** From the folder's index to `out`/index.*; rejects where the bundler does. */
type Bundler = (entry: string, out: string) => Promise<unknown>;

function esbuild(options: object): Bundler {
  const { build } = load("esbuild") as { build: (options: object) => Promise<unknown> };
  return (entry, out) =>
    entry.endsWith(".js") && !("outExtension" in options)
      ? Promise.reject(new Error("its handler is CommonJS"))
      : build({
          entryPoints: [entry],
          outfile: join(out, "outExtension" in options ? "index.js" : "index.mjs"),
          bundle: true,
          platform: "node",
          packages: "external",
          logLevel: "silent",
          ...options,
        });
}

function webpack(mode: string): Bundler {
  const run = load("webpack") as (
    options: object,
    done: (error: Error | null, stats: { hasErrors(): boolean; toString(): string }) => void,
  ) => void;
  return (entry, out) =>
    new Promise((done, reject) => {
      const options = {
        mode,
        target: "node",
        entry,
        devtool: false,
        experiments: { outputModule: false, topLevelAwait: true },
        externalsPresets: { node: true },
      };
      const externals = ({ request }: { request: string }, next: (error?: null, external?: string) => void): void =>
        /^[a-z@]/.test(request) ? next(null, `commonjs ${request}`) : next();
      const output = { path: out, filename: "index.js", library: { type: "commonjs2" } };
      run({ ...options, externals, output }, (error, stats) =>
        error !== null || stats.hasErrors() ? reject(error ?? new Error(stats.toString())) : done(null),
      );
    });
}

function rollup(): Bundler {
  const { rollup: start } = load("rollup") as {
    rollup: (options: object) => Promise<{ write(options: object): Promise<unknown> }>;
  };
  const plugins = [
    (load("@rollup/plugin-node-resolve") as { nodeResolve(): unknown }).nodeResolve(),
    (load("@rollup/plugin-commonjs") as { default: () => unknown }).default(),
  ];
  return async (entry, out) =>
    (entry.endsWith(".js")
      ? await Promise.reject(new Error("its handler is CommonJS"))
      : await start({ input: entry, external: EXTERNAL, plugins, onwarn: () => undefined })
    ).write({ file: join(out, "index.mjs"), format: "es" });
}

const FORMS: Readonly<Record<string, Bundler | null>> = {
  "as it is": null,
  "esbuild, ES module": esbuild({ format: "esm" }),
  "esbuild, CommonJS": esbuild({ format: "cjs", outExtension: { ".js": ".js" } }),
  "esbuild, minified": esbuild({ format: "esm", minify: true }),
  rollup: rollup(),
  "webpack, development": webpack("development"),
  "webpack, production": webpack("production"),
};

interface Case {
  readonly name: string;
  readonly rule: string;
  readonly folder: string;
}

const cases = [FIXTURES, join(REPOSITORY, "tests/pairs")].flatMap((base) =>
  readdirSync(join(base, "javascript")).map(
    (rule): Case => ({
      name: `${base === FIXTURES ? "fixture" : "pair"} ${rule}`,
      rule,
      folder: join(base, "javascript", rule),
    }),
  ),
);

async function rulesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await scan(folder, {}, noServer)).findings.map((finding) => finding.rule);
  } catch {
    return [];
  }
}

async function inForm(
  bundler: Bundler | null,
  folder: string,
  scratch: string,
): Promise<readonly string[] | "impossible"> {
  if (bundler === null) return rulesIn(folder);
  const out = mkdtempSync(join(scratch, "bundle-"));
  // Away from this repository's package.json, by which all would be ES modules.
  const sources = mkdtempSync(join(scratch, "sources-"));
  cpSync(folder, sources, { recursive: true });
  writeFileSync(join(sources, "package.json"), '{"type":"commonjs"}');
  const entry =
    ["index.mjs", "index.js", "index.ts"].map((name) => join(sources, name)).find((path) => existsSync(path)) ?? "";
  try {
    await bundler(entry, out);
  } catch {
    return "impossible";
  }
  return rulesIn(out);
}

const scratch = mkdtempSync(join(tmpdir(), "thaw-recall-"));
for (const [form, bundler] of Object.entries(FORMS)) {
  const missed: string[] = [];
  const wrong: string[] = [];
  let count = 0;
  for (const { name, rule, folder } of cases) {
    const broken = await inForm(bundler, join(folder, "broken"), scratch);
    const fixed = await inForm(bundler, join(folder, "fixed"), scratch);
    if (broken === "impossible") continue;
    count++;
    if (!broken.includes(rule)) missed.push(name);
    if (fixed !== "impossible" && fixed.length > 0) wrong.push(name);
  }
  process.stdout.write(
    `| ${form} | ${count - missed.length} of ${count} | ${missed.join(", ")} | ${wrong.join(", ")} |\n`,
  );
}
rmSync(scratch, { recursive: true });
