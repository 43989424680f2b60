/**
 * npm run bench: what docs/SPECIFICATION.md promises of speed and size, in one run on one machine. Medians, quartiles,
 * p99; a table on standard output, all values as JSON in bench/out/. `npm run bench -- NAME…` runs only some parts.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { measureClones } from "./clones.ts";
import { measureColdHost } from "./cold-host.ts";
import { measureConsole } from "./console.ts";
import { measureDev } from "./dev.ts";
import { measureEncryption } from "./encryption.ts";
import { measureExtensions } from "./extensions.ts";
import { measureFrameworks } from "./frameworks.ts";
import { measureFunctions } from "./functions.ts";
import { measureLogs } from "./logs.ts";
import { measureImages } from "./images.ts";
import { measurePublish } from "./publish.ts";
import { measureRecording } from "./recording.ts";
import { measureScale } from "./scale.ts";
import { type Series, summarize } from "./series.ts";
import { measureServer } from "./server.ts";
import { measureStock } from "./stock.ts";
import { measureStreaming } from "./streaming.ts";
import { measureTmp } from "./tmp.ts";
import { measureTurns } from "./turns.ts";
import { measureUrls } from "./urls.ts";
import { measureWarm } from "./warm.ts";

/** A part that takes minutes hands its series on as they are measured. */
type Measure = () => AsyncIterable<Series> | Promise<Series[]>;

const PARTS: Readonly<Record<string, Measure>> = {
  server: measureServer,
  scale: measureScale,
  functions: measureFunctions,
  warm: measureWarm,
  frameworks: measureFrameworks,
  stock: measureStock,
  clones: measureClones,
  streaming: measureStreaming,
  extensions: measureExtensions,
  urls: measureUrls,
  logs: measureLogs,
  console: measureConsole,
  recording: measureRecording,
  images: measureImages,
  publish: measurePublish,
  dev: measureDev,
  encryption: measureEncryption,
  tmp: measureTmp,
  turns: measureTurns,
  "cold-host": measureColdHost,
};

async function main(): Promise<void> {
  const chosen = process.argv.slice(2);
  const unknown = chosen.filter((name) => PARTS[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`unknown parts: ${unknown.join(", ")}; there are ${Object.keys(PARTS).join(", ")}`);
  process.stdout.write(
    `${"".padEnd(NAME_WIDTH)}${["median", "p25", "p75", "p99"].map((head) => head.padStart(9)).join("")}    n\n`,
  );
  const series: Series[] = [];
  for (const [name, measure] of Object.entries(PARTS)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    for await (const each of await measure()) {
      process.stdout.write(`${toRow(each)}\n`);
      series.push(each);
      // After each: one that fails does not take the others with it.
      write(series);
    }
  }
  process.stdout.write(`\n${cpus().length} cores, Linux ${release()}; all values in ${OUT}\n`);
}

const NAME_WIDTH = 78;
const OUT = "bench/out/bench.json";

function toRow({ name, unit, values }: Series): string {
  const { median, p25, p75, p99, count } = summarize(values);
  const figures = [median, p25, p75, p99].map((value) => value.toFixed(1).padStart(9)).join("");
  return `${`${name} (${unit})`.padEnd(NAME_WIDTH)}${figures}${String(count).padStart(5)}`;
}

function write(series: readonly Series[]): void {
  const commit = spawnSync("git", ["rev-parse", "HEAD"], { cwd: REPOSITORY, encoding: "utf8" }).stdout.trim();
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
  };
  const rows = series.map(({ name, unit, values }) => ({ name, unit, ...summarize(values) }));
  const path = join(REPOSITORY, OUT);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    `${JSON.stringify({ commit, time: new Date().toISOString(), machine, rows, series }, null, 1)}\n`,
  );
}

await main();
