/**
 * Bundles the programs that are started often into a folder of `dist`: the command line and the server. Own sources and
 * the packages that they use become few files, which a start reads while they are made of the sources as they are
 * (packages/installation/src/bundled.mjs). Nothing is made small: a stack trace can be read.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { BUNDLES, bundled, DIST } from "@thaw/installation/bundled";
import { type Plugin, rolldown } from "rolldown";

const ROOT = resolve(import.meta.dirname, "..");
const PROGRAMS = {
  backup: "packages/server/src/main/backup.ts",
  command: "packages/cli/src/main.ts",
  serve: "packages/server/src/main/serve.ts",
  "log-thread": "packages/server/src/logs/log-thread.ts",
  "template-thread": "packages/server/src/aws/cloudformation/template-thread.ts",
} as const;
/** Has a part in machine code, which it finds from its own place. */
const EXTERNAL = ["oxc-parser"];
/** Packages that look for files of their own, which are not in a bundle, and why that does not matter here. */
const LOOKS_FOR_FILES: Readonly<Record<string, string>> = {
  pino: "fastify loads it; the files are those of its transports, and the server has no logger of fastify's",
  "thread-stream": "as pino, whose transports it carries",
};
const LENT_PROCESS = "\0process";
/** With the members that are imported by name: the bundler fails where one is missing. */
const LENT_PROCESS_CODE = "export default globalThis.process; export const { env, versions } = globalThis.process;";
const OWN_FILES = /\b(?:__dirname|__filename|import\.meta\.(?:url|dirname|filename|resolve)|require\.resolve)\b/;
/** Folders of bundles besides the newest. */
const KEPT = 1;
const COMMENTS = /\/\*[^]*?\*\/|^\s*\/\/.*$/gm;

/**
 * Gives own sources the places that they have, not those of the bundle; their threads are bundles, too. Notes all that
 * is read, also what leaves nothing in a bundle, as modules that only export others.
 */
function keepPlaces(read: Set<string>): Plugin {
  return {
    name: "places",
    transform(code, id) {
      const path = relative(ROOT, id);
      if (path.startsWith("packages/") || path.startsWith("node_modules/")) read.add(path);
      if (!path.startsWith("packages/") || !code.includes("import.meta.")) return null;
      return withPlaces(code, path);
    },
  };
}

/**
 * Gives `process` to modules that import it, without Node.js's own: to import that looks at all its members, also at
 * `stdin`, which would take the server's listening socket for a stream.
 */
const lendProcess: Plugin = {
  name: "process",
  resolveId: (source, _importer, { kind }) =>
    kind === "import-statement" && /^(?:node:)?process$/.test(source) ? LENT_PROCESS : null,
  load: (id) => (id === LENT_PROCESS ? LENT_PROCESS_CODE : null),
};

function withPlaces(code: string, path: string): string {
  const placed = code
    .replaceAll(/new URL\("\.\/([a-z-]+)\.ts", import\.meta\.url\)/g, (_all, name: string) => {
      if (!(name in PROGRAMS)) throw new Error(`${path}: ${name} is no program of tools/build-programs.ts`);
      return `new URL("./${name}.mjs", IMPORT_META_URL)`;
    })
    .replaceAll("createRequire(import.meta.url)", "createRequire(IMPORT_META_URL)")
    .replaceAll("import.meta.dirname", `(IMPORT_META_DIRNAME + "/../../${path.replace(/\/[^/]*$/, "")}")`);
  const left = /import\.meta\.(?:url|filename|resolve)/.exec(placed);
  if (left !== null) throw new Error(`${path}: ${left[0]} would be the bundle's. Use import.meta.dirname`);
  return placed
    .replaceAll("IMPORT_META_URL", "import.meta.url")
    .replaceAll("IMPORT_META_DIRNAME", "import.meta.dirname");
}

/** Throws where a package looks for files of its own: they are not there. */
function checkPackage(path: string): void {
  const name = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  if (name === undefined || name in LOOKS_FOR_FILES) return;
  const found = OWN_FILES.exec(readFileSync(join(ROOT, path), "utf8").replaceAll(COMMENTS, ""));
  if (found !== null) throw new Error(`${path} uses ${found[0]}: name ${name} in tools/build-programs.ts`);
}

/** Lists own sources one by one, and what npm has installed as a whole. */
function inputsOf(modules: readonly string[]): readonly (readonly [string, number, number])[] {
  const own = modules.filter((path) => path.startsWith("packages/"));
  const packages = readdirSync(join(ROOT, "packages")).map((name) => `packages/${name}/package.json`);
  return ["node_modules/.package-lock.json", "tools/build-programs.ts", ...packages, ...own].map((path) => {
    const { size, mtimeMs } = statSync(join(ROOT, path));
    return [path, size, mtimeMs] as const;
  });
}

/** Writes the bundles, and gives the paths of what they were made of. */
async function bundle(out: string): Promise<readonly string[]> {
  const read = new Set<string>();
  const programs = await rolldown({
    cwd: ROOT,
    input: PROGRAMS,
    platform: "node",
    external: EXTERNAL,
    // As Node.js resolves them: a package that was bundled in two of its forms would have two of each class.
    resolve: { conditionNames: ["node"], mainFields: ["main"] },
    plugins: [keepPlaces(read), lendProcess],
    logLevel: "warn",
  });
  await programs.write({
    dir: out,
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs",
  });
  await programs.close();
  for (const path of read) checkPackage(path);
  return [...read].sort();
}

/** A server that runs loads some of its parts late: the bundles before the new ones stay. */
function removeOld(newest: string): void {
  const folders = readdirSync(join(ROOT, DIST), { withFileTypes: true }).filter((each) => each.isDirectory());
  const others = folders.map(({ name }) => name).filter((name) => name !== newest);
  const byAge = others.sort((one, other) => changedMs(other) - changedMs(one));
  for (const name of byAge.slice(KEPT)) rmSync(join(ROOT, DIST, name), { recursive: true });
}

function changedMs(name: string): number {
  return statSync(join(ROOT, DIST, name)).mtimeMs;
}

async function main(): Promise<void> {
  if (bundled(ROOT, "serve") !== null) return;
  mkdirSync(join(ROOT, DIST), { recursive: true });
  const startedMs = Date.now();
  const folder = startedMs.toString(36);
  const inputs = inputsOf(await bundle(join(ROOT, DIST, folder)));
  const edited = inputs.find(([, , changed]) => changed >= startedMs);
  if (edited !== undefined) throw new Error(`${edited[0]} has changed meanwhile: run this again`);
  const list = join(ROOT, DIST, BUNDLES);
  writeFileSync(`${list}.new`, JSON.stringify({ folder, inputs }));
  renameSync(`${list}.new`, list);
  removeOld(folder);
}

await main();
