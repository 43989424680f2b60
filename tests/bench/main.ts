/**
 * npm run bench: cold invokes with and without SnapStart (Spring Boot, Python, Node.js), warm invokes, publish → Active, the server's start
 * and memory; beside the part of stock CRIU (eager, exec to exit, from each restore's own trace) in the same restores. Medians, quartiles, p99.
 * A table on standard output, JSON in bench/out/.
 */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { TestFunctions } from "../support/functions.ts";
import { childrenOf } from "../../tools/processes.ts";
import { REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { type Series, summarize } from "./series.ts";

const COLD = 30;
const INIT = 8;
const WARM = 500;
const DURATIONS = 50;
const PUBLISH = 5;

interface Subject {
  readonly name: string;
  readonly template: string;
  readonly event: unknown;
}

const SUBJECTS: readonly Subject[] = [
  { name: "orders", template: "samples/spring/template.yml", event: JSON.parse(readFileSync(join(REPOSITORY, "samples/spring/event.json"), "utf8")) },
  { name: "search", template: "samples/python/template.yml", event: { prefix: "ab" } },
  { name: "primes", template: "samples/nodejs/template.yml", event: { below: 100 } },
];

const LABELS: Readonly<Record<string, string>> = { orders: "Spring Boot", search: "Python", primes: "Node.js" };

async function main(): Promise<void> {
  const series: Series[] = [];
  const startMs = performance.now();
  const server = await startThaw();
  series.push({ name: "server: start until it listens", unit: "ms", values: [performance.now() - startMs] });
  try {
    series.push({ name: "server: resident when idle", unit: "MB", values: [residentMb(server)] });
    for (const subject of SUBJECTS) series.push(...(await measure(server, subject)));
  } finally {
    await server.remove();
  }
  report(series);
}

async function measure(server: ThawServer, subject: Subject): Promise<Series[]> {
  const label = LABELS[subject.name] ?? subject.name;
  const functions = new TestFunctions(server);
  execFileSync(process.execPath, [join(REPOSITORY, "packages/cli/bin/thaw.mjs"), "deploy", join(REPOSITORY, subject.template)], {
    env: { ...process.env, ...server.env },
    stdio: "inherit",
  });
  const init = await cold(functions, subject, "$LATEST", INIT);
  const from = server.output().length;
  const restored = await cold(functions, subject, "live", COLD);
  const criu = phasesOf(server.output().slice(from), "criu");
  const warm: number[] = [];
  const durations: number[] = [];
  for (let i = 0; i < DURATIONS; i++) durations.push((await timedInvoke(functions, subject, "live")).durationMs);
  // Without LogType: an answer with its log has to wait for the REPORT line, which AWS writes after the answer too.
  const command = { FunctionName: subject.name, Qualifier: "live", Payload: Buffer.from(JSON.stringify(subject.event)) };
  for (let i = 0; i < WARM; i++) {
    const startMs = performance.now();
    await functions.lambda.send(new InvokeCommand(command));
    warm.push(performance.now() - startMs);
  }
  const platform = warm.map((value) => value - summarize(durations).median);
  const published = await publishTimes(functions, subject, init.duration);
  await functions.stopEnvironments(subject.name);
  return [
    { name: `${label}: cold, whole Init, at the client`, unit: "ms", values: init.client },
    { name: `${label}: cold, SnapStart, at the client`, unit: "ms", values: restored.client },
    { name: `${label}: Restore Duration`, unit: "ms", values: restored.duration },
    { name: `${label}: of it stock CRIU, eager`, unit: "ms", values: criu },
    { name: `${label}: all but CRIU, at the client`, unit: "ms", values: restored.client.map((value, index) => value - (criu[index] ?? Number.NaN)) },
    { name: `${label}: warm, at the client`, unit: "ms", values: warm },
    { name: `${label}: warm, beyond the median Duration`, unit: "ms", values: platform },
    { name: `${label}: publish → Active`, unit: "ms", values: published.total },
    { name: `${label}: publish → Active, without Init`, unit: "ms", values: published.beyondInit },
  ];
}

/** Of the server's trace lines, in order. */
function phasesOf(output: string, phase: string): number[] {
  return output
    .split("\n")
    .filter((line) => line.includes('"event":"restore"'))
    .map((line) => (JSON.parse(line) as { phases: Record<string, number> }).phases[phase] ?? Number.NaN);
}

async function cold(functions: TestFunctions, subject: Subject, qualifier: string, count: number): Promise<{ client: number[]; duration: number[] }> {
  const client: number[] = [];
  const duration: number[] = [];
  for (let i = 0; i < count; i++) {
    await functions.stopEnvironments(subject.name);
    // The pool refills once the host is quiet; a cold start that finds it empty is another measure.
    await new Promise((next) => setTimeout(next, 600));
    const { clientMs, log } = await timedInvoke(functions, subject, qualifier, true);
    client.push(clientMs);
    duration.push(Number(/\t(?:Init|Restore) Duration: ([\d.]+)/.exec(log)?.[1]));
  }
  return { client, duration };
}

async function timedInvoke(
  functions: TestFunctions,
  subject: Subject,
  qualifier: string,
  mustBeCold = false,
): Promise<{ clientMs: number; durationMs: number; log: string }> {
  const startMs = performance.now();
  const answer = await functions.invoke(subject.name, subject.event, qualifier);
  const clientMs = performance.now() - startMs;
  if (answer.functionError !== undefined) throw new Error(`${subject.name}: ${JSON.stringify(answer.payload)}`);
  if (mustBeCold && !/\t(Init|Restore) Duration/.test(answer.log)) throw new Error(`not cold: ${answer.log}`);
  return { clientMs, durationMs: Number(/\tDuration: ([\d.]+)/.exec(answer.log)?.[1]), log: answer.log };
}

async function publishTimes(functions: TestFunctions, subject: Subject, initDurations: readonly number[]): Promise<{ total: number[]; beyondInit: number[] }> {
  const { UpdateFunctionConfigurationCommand, PublishVersionCommand, GetFunctionConfigurationCommand } = await import("@aws-sdk/client-lambda");
  const init = summarize(initDurations).median;
  const total: number[] = [];
  for (let i = 0; i < PUBLISH; i++) {
    await functions.lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: subject.name, Environment: { Variables: { BENCH: String(i) } } }));
    await functions.eventually(
      "updated",
      async () => (await functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: subject.name }))).LastUpdateStatus === "Successful",
    );
    const startMs = performance.now();
    const { Version } = await functions.lambda.send(new PublishVersionCommand({ FunctionName: subject.name }));
    await functions.eventually("Active", async () => {
      await new Promise((next) => setTimeout(next, 10));
      return (await functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: subject.name, Qualifier: Version }))).State === "Active";
    });
    total.push(performance.now() - startMs);
  }
  return { total, beyondInit: total.map((value) => value - init) };
}

function residentMb(server: ThawServer): number {
  const process_ = childrenOf(server.pid).find((child) => child.command.includes("serve.ts"));
  const status = readFileSync(`/proc/${process_?.pid ?? 0}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

function report(series: readonly Series[]): void {
  const commit = spawnSync("git", ["rev-parse", "HEAD"], { cwd: REPOSITORY, encoding: "utf8" }).stdout.trim();
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, memoryGib: Math.round(totalmem() / 2 ** 30), kernel: release() };
  const rows = series.map(({ name, unit, values }) => ({ name, unit, ...summarize(values) }));
  const pad = (value: number): string => value.toFixed(1).padStart(9);
  process.stdout.write(`\n${"".padEnd(48)}${["median", "p25", "p75", "p99"].map((head) => head.padStart(9)).join("")}    n\n`);
  for (const row of rows)
    process.stdout.write(
      `${`${row.name} (${row.unit})`.padEnd(48)}${pad(row.median)}${pad(row.p25)}${pad(row.p75)}${pad(row.p99)}${String(row.count).padStart(5)}\n`,
    );
  mkdirSync(join(REPOSITORY, "bench/out"), { recursive: true });
  const path = join(REPOSITORY, "bench/out/bench.json");
  writeFileSync(path, `${JSON.stringify({ commit, time: new Date().toISOString(), machine, rows, series }, null, 1)}\n`);
  process.stdout.write(`\n${cpus().length} cores, Linux ${release()}; all values in bench/out/bench.json\n`);
}

await main();
