/** npm run check: everything that needs no sandbox. Each step says what it saw; all of them run, whatever the first ones say. */
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const BIN = join(ROOT, "node_modules/.bin");

const STEPS: ReadonlyArray<readonly [string, readonly string[]]> = [
  ["format", ["biome", "format", "."]],
  ["lint", ["oxlint", "--type-aware", "--deny-warnings"]],
  ["types: installation", ["tsc", "-p", "packages/installation"]],
  ["types: aws-api", ["tsc", "-p", "packages/aws-api"]],
  ["types: template", ["tsc", "-p", "packages/template"]],
  ["types: scan", ["tsc", "-p", "packages/scan"]],
  ["types: server", ["tsc", "-p", "packages/server"]],
  ["types: cli", ["tsc", "-p", "packages/cli"]],
  ["types: runtimes", ["tsc", "-p", "runtimes/nodejs"]],
  ["types: tools and tests", ["tsc", "-p", "."]],
  ["architecture", ["node", "tools/architecture.ts"]],
  ["dead code", ["knip", "--no-progress"]],
  ["generated code", ["node", "tools/generate-api.ts", "--check"]],
  ["generated documents", ["node", "tools/generate-metrics.ts", "--check"]],
  ["generated documents: errors", ["node", "tools/generate-errors.ts", "--check"]],
  ["generated reference of Thaw's own API", ["node", "tools/generate-admin-api.ts", "--check"]],
  ["generated configuration", ["node", "tools/generate-configuration.ts", "--check"]],
  ["unit tests", ["vitest", "run", "--project", "unit"]],
];

let failed = 0;
for (const [name, [program = "", ...args]] of STEPS) {
  const startMs = performance.now();
  const done = spawnSync(join(BIN, program), args, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const isOk = done.status === 0;
  if (!isOk) {
    failed++;
    process.stdout.write(`${done.stdout}${done.stderr}`);
  }
  process.stdout.write(
    `${isOk ? "ok  " : "FAIL"} ${name} (${seconds} s) ${isOk ? (done.stdout.trim().split("\n").at(-1) ?? "") : ""}\n`,
  );
}
process.exitCode = failed === 0 ? 0 : 1;
