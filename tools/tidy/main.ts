/**
 * `node tools/tidy/main.ts`: the rules of rules.ts over every file that git knows, or would add. With `--wrap FOLDER…`
 * it wraps the comments there that are too wide.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { danglingPaths, longLines, type Problem, sleeps, strewnValues } from "./rules.ts";
import { wrapComments } from "./wrap.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** A checker that looks at the wrong place finds nothing wrong. */
const FILES_MIN = 500;
const CODE = /\.(?:ts|tsx|mjs|rs|py|java|sh|c|h|md)$/;
/** Generated, recorded, or shown to `thaw scan` line by line. */
const NOT_OURS = /(?:^|\/)generated\/|^tests\/(?:scan\/(?:fixtures|bundles)|pairs|recorded)\/|\/model\/.*\.json$/;
/** Neither a test nor waiting for one: measurements and load. */
const MAY_SLEEP = /^tests\/(?:bench|soak)\//;
/** Built by the set-up. */
const BUILT = [
  "dist",
  "runtimes/dist",
  "scanners/dist",
  "samples/spring/target",
  "packages/cli/bin",
  "packages/console/dist",
];

const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
const files = listed
  .toString()
  .split("\n")
  .filter((path) => CODE.test(path) && !NOT_OURS.test(path) && existsSync(join(ROOT, path)));
const exists = (path: string): boolean =>
  existsSync(join(ROOT, path)) || BUILT.some((built) => path === built || path.startsWith(`${built}/`));

function problemsOf(path: string): Problem[] {
  const text = readFileSync(join(ROOT, path), "utf8");
  return [
    ...longLines(path, text),
    ...(/^tests\/.*\.ts$|\.test\.ts$/.test(path) && !MAY_SLEEP.test(path) ? sleeps(text) : []),
    ...(path.endsWith(".ts") ? strewnValues(text) : []),
    ...(path.endsWith(".md") ? danglingPaths(path, text, exists) : []),
  ];
}

const [option, ...folders] = process.argv.slice(2);
for (const path of files) {
  if (option !== "--wrap" || path.endsWith(".md") || !folders.some((folder) => path.startsWith(folder))) continue;
  const text = readFileSync(join(ROOT, path), "utf8");
  const wrapped = wrapComments(text);
  if (wrapped !== text) writeFileSync(join(ROOT, path), wrapped);
}

let count = 0;
for (const path of files) {
  for (const { line, what } of problemsOf(path)) {
    count++;
    process.stderr.write(`${path}:${line}: ${what}\n`);
  }
}
process.stdout.write(`tidy: ${files.length} files, ${count} problems\n`);
if (files.length < FILES_MIN) process.stderr.write("tidy: too few files; is this the repository?\n");
process.exitCode = count > 0 || files.length < FILES_MIN ? 1 : 0;
