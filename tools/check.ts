/**
 * npm run check: every check that needs no sandbox, for TypeScript, Rust, Python, Java, shell and documents. Two steps
 * at a time; each says what it saw, and all of them run, whatever the first ones say.
 *
 * With names (`npm run check -- rust java`) only the steps whose name contains one of them.
 */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const PATH = ["node_modules/.bin", ".thaw/checkers/bin"].map((folder) => join(ROOT, folder)).join(":");
const AT_ONCE = 2;

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

/** In their order, the long ones first, so that nothing long is left over for the end. */
const STEPS: readonly Step[] = [
  step("unit tests", "vitest run --project unit"),
  step("lint: rust", "cargo clippy --quiet --workspace --all-targets --locked --profile faults -- -D warnings"),
  step("lint: java", "sh tools/check-java.sh lint"),
  step("format: java", "sh tools/check-java.sh format"),
  step("lint: typescript", "oxlint --type-aware --deny-warnings"),
  step("dead code", "knip --no-progress"),
  ...readdirSync(join(ROOT, "packages")).map((name) => types(`packages/${name}`)),
  types("runtimes/nodejs"),
  types("tests/console"),
  types("."),
  step("format: typescript", "biome format ."),
  step("format: rust", "cargo fmt --all --check"),
  step("crates", "cargo-deny --log-level error check licenses bans sources"),
  step("format: python", "ruff format --check"),
  step("lint: python", "ruff check"),
  step("lint: shell", "sh tools/check-shell.sh"),
  step("console: size and same bytes", "node tools/build-console.ts --check"),
  step("text", "node tools/tidy/main.ts"),
  step("downloads", "node tools/downloads/main.ts"),
  step("architecture", "node tools/architecture/main.ts"),
  ...readdirSync(join(ROOT, "tools"))
    .filter((name) => name.startsWith("generate-"))
    .map((name) => step(name.replace(".ts", ""), `node tools/${name} --check`)),
];

function step(name: string, command: string): Step {
  return { name, command: command.split(" ") };
}

function types(project: string): Step {
  return step(`types: ${project === "." ? "tools and tests" : project}`, `tsc -p ${project}`);
}

/** Runs a command to its end; its output is both streams, as they came. */
async function run(command: readonly string[]): Promise<{ readonly isOk: boolean; readonly output: string }> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1", PATH: `${PATH}:${process.env["PATH"] ?? ""}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return new Promise((done) => {
    child.once("error", (error) => done({ isOk: false, output: `${program}: ${error.message}\n` }));
    child.once("close", (code) => done({ isOk: code === 0, output }));
  });
}

/** Runs a step and reports it; answers whether it passed. */
async function perform({ name, command }: Step): Promise<boolean> {
  const startMs = performance.now();
  const { isOk, output } = await run(command);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  if (!isOk) process.stdout.write(output);
  const said = isOk ? (output.trim().split("\n").at(-1) ?? "") : "";
  process.stdout.write(`${isOk ? "ok  " : "FAIL"} ${name} (${seconds} s) ${said}\n`);
  return isOk;
}

const wanted = process.argv.slice(2);
const queue = STEPS.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
if (queue.length === 0) throw new Error(`no step is called ${wanted.join(" or ")}`);
const failed: string[] = [];
const isReady = await perform(step("checkers", "sh tools/build-checkers.sh"));
if (!isReady) failed.push("checkers");
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      if (!(await perform(next))) failed.push(next.name);
  }),
);
if (failed.length > 0) process.stdout.write(`failed: ${failed.join(", ")}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
