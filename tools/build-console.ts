/**
 * Builds the web console into packages/console/dist: files with digests in their names, each also compressed, and
 * `assets.json`, from which the server reads them into memory. The same sources give the same bytes.
 *
 *   build-console.ts           writes it
 *   build-console.ts --check   builds it twice in memory, and fails where the two differ or a budget is exceeded
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const PACKAGE = resolve(import.meta.dirname, "../packages/console");
const SOURCES = join(PACKAGE, "src");
const DIST = join(PACKAGE, "dist");
/** Where the server has them: the page is loaded at paths of any depth, so its links begin at the root. */
const PREFIX = "/_thaw/console/";
const KIB = 1024;
/** Largest sizes, compressed with gzip: what a browser loads before it shows anything, and later. */
const BUDGETS = {
  "first load JS": 40 * KIB,
  CSS: 8 * KIB,
  "index.html": 2 * KIB,
  "largest later chunk": 40 * KIB,
  "all later chunks": 120 * KIB,
  "all, as the server holds them": 250 * KIB,
} as const;
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

interface File {
  readonly path: string;
  readonly bytes: Buffer;
}

interface Bundle {
  readonly files: readonly File[];
  /** Paths of what the page loads at once. */
  readonly first: readonly string[];
}

async function bundle(): Promise<Bundle> {
  const result = await build({
    absWorkingDir: PACKAGE,
    entryPoints: [join(SOURCES, "main.tsx"), join(SOURCES, "style.css"), join(SOURCES, "icon.svg")],
    loader: { ".svg": "copy" },
    entryNames: "assets/[name]-[hash]",
    chunkNames: "assets/[name]-[hash]",
    assetNames: "assets/[name]-[hash]",
    outdir: DIST,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: ["es2023", "chrome120", "firefox121", "safari17"],
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    metafile: true,
    write: false,
  });
  const files = result.outputFiles.map(({ path, contents }) => ({
    path: relative(DIST, path),
    bytes: Buffer.from(contents),
  }));
  const find = (start: string, end: string): string => {
    const found = files.find(({ path }) => path.startsWith(`assets/${start}-`) && path.endsWith(end));
    if (found === undefined) throw new Error(`the bundle has no ${start}${end}`);
    return found.path;
  };
  const script = find("main", ".js");
  const html = readFileSync(join(SOURCES, "index.html"), "utf8")
    .replace("{{icon}}", PREFIX + find("icon", ".svg"))
    .replace("{{style}}", PREFIX + find("style", ".css"))
    .replace("{{script}}", PREFIX + script);
  const imports = firstImports(result.metafile.outputs, script);
  return { files: [...files, { path: "index.html", bytes: Buffer.from(html) }], first: imports };
}

type Outputs = Awaited<ReturnType<typeof build<{ metafile: true; write: false }>>>["metafile"]["outputs"];

/** The script and all that it imports at once. */
function firstImports(outputs: Outputs, script: string): readonly string[] {
  const found = new Set<string>();
  const add = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const { path: next, kind } of outputs[`dist/${path}`]?.imports ?? [])
      if (kind === "import-statement") add(relative("dist", next));
  };
  add(script);
  return [...found];
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function digestOf({ files }: Bundle): string {
  const lines = files.map(({ path, bytes }) => `${path} ${sha256(bytes)}`).sort();
  return sha256(Buffer.from(lines.join("\n")));
}

function packed(bytes: Buffer): { readonly br: Buffer; readonly gz: Buffer } {
  const br = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
  return { br, gz: gzipSync(bytes, { level: 9 }) };
}

/** Written beside, and then put in the place of the old one: a server that starts meanwhile reads a whole one. */
function write(made: Bundle): void {
  const partial = `${DIST}.new`;
  rmSync(partial, { recursive: true, force: true });
  const files = made.files.map(({ path, bytes }) => {
    const { br, gz } = packed(bytes);
    mkdirSync(dirname(join(partial, path)), { recursive: true });
    writeFileSync(join(partial, path), bytes);
    if (br.length < bytes.length) writeFileSync(join(partial, `${path}.br`), br);
    if (gz.length < bytes.length) writeFileSync(join(partial, `${path}.gz`), gz);
    const contentType = TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
    return { path, contentType, sha256: sha256(bytes) };
  });
  const list = { build: digestOf(made).slice(0, 16), files };
  writeFileSync(join(partial, "assets.json"), `${JSON.stringify(list, null, 1)}\n`);
  rmSync(DIST, { recursive: true, force: true });
  renameSync(partial, DIST);
}

function sizesOf({ files, first }: Bundle): Readonly<Record<keyof typeof BUDGETS, number>> {
  const size = ({ bytes }: File): number => packed(bytes).gz.length;
  const sum = (some: readonly File[]): number => some.reduce((total, file) => total + size(file), 0);
  const scripts = files.filter(({ path }) => path.endsWith(".js"));
  const later = scripts.filter(({ path }) => !first.includes(path));
  return {
    "first load JS": sum(scripts.filter(({ path }) => first.includes(path))),
    CSS: sum(files.filter(({ path }) => path.endsWith(".css"))),
    "index.html": sum(files.filter(({ path }) => path === "index.html")),
    "largest later chunk": Math.max(0, ...later.map(size)),
    "all later chunks": sum(later),
    "all, as the server holds them": files.reduce((total, { bytes }) => {
      const { br, gz } = packed(bytes);
      return total + bytes.length + br.length + gz.length;
    }, 0),
  };
}

/** Packages that become part of the bundle: each is the person's who opens the console to trust. */
function checkDependencies(): void {
  const { dependencies } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const bundled = Object.keys(dependencies).filter((name) => !name.startsWith("@thaw/"));
  if (bundled.length > 4) throw new Error(`the console has ${bundled.length} packages; 4 are allowed`);
}

const made = await bundle();
if (process.argv.includes("--check")) {
  checkDependencies();
  if (digestOf(await bundle()) !== digestOf(made)) throw new Error("two builds of the console differ");
  const sizes = Object.entries(sizesOf(made)) as ReadonlyArray<readonly [keyof typeof BUDGETS, number]>;
  const over = sizes.filter(([name, bytes]) => bytes > BUDGETS[name]);
  for (const [name, bytes] of over)
    process.stderr.write(`console: ${name}: ${bytes} bytes, ${BUDGETS[name]} are allowed\n`);
  process.stdout.write(
    `console: ${sizes.map(([name, bytes]) => `${name} ${(bytes / KIB).toFixed(1)} KiB`).join(", ")}\n`,
  );
  process.exitCode = over.length === 0 ? 0 : 1;
} else {
  write(made);
  process.stdout.write(`console: ${made.files.length} files in packages/console/dist\n`);
}
