/**
 * npm run bench: what docs/SPECIFICATION.md promises of speed and size, in one run on one machine. Medians, quartiles, p99; a table on
 * standard output, all values as JSON in bench/out/. `npm run bench -- NAME…` runs only some parts.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { measureClones } from "./clones.ts";
import { measureFunctions } from "./functions.ts";
import { measurePublish } from "./publish.ts";
import { type Series, summarize } from "./series.ts";
import { measureServer } from "./server.ts";
import { measureStock } from "./stock.ts";

const PARTS: Readonly<Record<string, () => Promise<Series[]>>> = {
  server: measureServer,
  functions: measureFunctions,
  stock: measureStock,
  clones: measureClones,
  publish: measurePublish,
};

async function main(): Promise<void> {
  const chosen = process.argv.slice(2);
  const unknown = chosen.filter((name) => PARTS[name] === undefined);
  if (unknown.length > 0) throw new Error(`unknown parts: ${unknown.join(", ")}; there are ${Object.keys(PARTS).join(", ")}`);
  const series: Series[] = [];
  for (const [name, measure] of Object.entries(PARTS)) if (chosen.length === 0 || chosen.includes(name)) series.push(...(await measure()));
  report(series);
}

function report(series: readonly Series[]): void {
  const commit = spawnSync("git", ["rev-parse", "HEAD"], { cwd: REPOSITORY, encoding: "utf8" }).stdout.trim();
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, memoryGib: Math.round(totalmem() / 2 ** 30), kernel: release() };
  const rows = series.map(({ name, unit, values }) => ({ name, unit, ...summarize(values) }));
  const pad = (value: number): string => value.toFixed(1).padStart(9);
  process.stdout.write(`\n${"".padEnd(72)}${["median", "p25", "p75", "p99"].map((head) => head.padStart(9)).join("")}    n\n`);
  for (const row of rows)
    process.stdout.write(
      `${`${row.name} (${row.unit})`.padEnd(72)}${pad(row.median)}${pad(row.p25)}${pad(row.p75)}${pad(row.p99)}${String(row.count).padStart(5)}\n`,
    );
  mkdirSync(join(REPOSITORY, "bench/out"), { recursive: true });
  const path = join(REPOSITORY, "bench/out/bench.json");
  writeFileSync(path, `${JSON.stringify({ commit, time: new Date().toISOString(), machine, rows, series }, null, 1)}\n`);
  process.stdout.write(`\n${cpus().length} cores, Linux ${release()}; all values in bench/out/bench.json\n`);
}

await main();
