/**
 * npm run bench:against -- CHECKOUT [ROUNDS]: what a user feels most of, measured with the server of this checkout
 * and with that of another one in turns. CHECKOUT is built: `git worktree add`, and `npm run setup` in it.
 *
 * A figure is worse where it is worse in each round, and by more than 5 % in the median round: a machine that is busy
 * for a while spoils a round, not all of them. Exit status 1 where one is.
 */
import {
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { childrenOf } from "../../tools/processes.ts";
import { pidOf, REPOSITORY, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { coldInvokes, type Subject, timedInvoke } from "./subjects.ts";
import { summarize } from "./series.ts";
import { run } from "./warm.ts";

const ROUNDS = 6;
const PUBLISHES = 6;
const WARM = 600;
/** The code of server and function is compiled by then. */
const WARM_FIRST = 300;
const COLD = 8;
const WORSE_RATIO = 1.05;
const TICK_US = 10_000;

const NODE: Subject = { label: "Node.js", name: "echo", event: { a: 1 } };
const SOURCE = "export const handler = async (event) => event;";

/** Medians of one round; names with their units. */
type Figures = Readonly<Record<string, number>>;

async function measure(repository: string): Promise<Figures> {
  const startMs = performance.now();
  const server = await startThaw({ repository });
  const startedMs = performance.now() - startMs;
  try {
    const residentMib = residentOf(pidOf(server.pid, "server") ?? server.pid);
    const functions = new TestFunctions(server, { keepAlive: true });
    await functions.createSnapStart({ "index.mjs": SOURCE }, { FunctionName: NODE.name, MemorySize: 512 });
    const { version, publishes } = await publish(functions);
    const warm = await measureWarm(server, functions, version);
    const cold = (await coldInvokes(functions, NODE, version, COLD)).map(({ clientMs }) => clientMs);
    return {
      "start until it listens (ms)": startedMs,
      "server, resident when idle (MiB)": residentMib,
      "publish until Active (ms)": summarize(publishes).median,
      ...warm,
      "cold invoke, restored (ms)": summarize(cold).median,
    };
  } finally {
    await server.remove();
  }
}

async function publish(functions: TestFunctions): Promise<{ version: string; publishes: number[] }> {
  const publishes: number[] = [];
  let version = "";
  for (let i = 0; i < PUBLISHES; i++) {
    const Environment = { Variables: { ROUND: String(i) } };
    await functions.lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: NODE.name, Environment }));
    await untilSettled(functions, undefined);
    const startMs = performance.now();
    version = (await functions.lambda.send(new PublishVersionCommand({ FunctionName: NODE.name }))).Version ?? "";
    await untilSettled(functions, version);
    publishes.push(performance.now() - startMs);
  }
  return { version, publishes };
}

/** Asks often: the SDK's waiter pauses for a second. */
async function untilSettled(functions: TestFunctions, Qualifier: string | undefined): Promise<void> {
  const asked = new GetFunctionConfigurationCommand({ FunctionName: NODE.name, Qualifier });
  for (;;) {
    const { State, LastUpdateStatus, StateReason } = await functions.lambda.send(asked);
    if (State === "Failed") throw new Error(StateReason);
    if (State === "Active" && LastUpdateStatus !== "InProgress") return;
    await pause(5);
  }
}

async function measureWarm(server: ThawServer, functions: TestFunctions, version: string): Promise<Figures> {
  for (let i = 0; i < WARM_FIRST; i++) await timedInvoke(functions, NODE, version);
  const before = cpuUs(server);
  const beyond: number[] = [];
  for (let i = 0; i < WARM; i++) {
    const { clientMs, durationMs } = await timedInvoke(functions, NODE, version);
    beyond.push(clientMs - durationMs);
  }
  const cpu = (cpuUs(server) - before) / WARM;
  const raw = await run(server, NODE.name, version, Buffer.from(JSON.stringify(NODE.event)), 1, WARM);
  return {
    "warm invoke beyond its Duration (ms)": summarize(beyond).median,
    "warm invoke, CPU of all processes (µs)": cpu,
    "warm invoke at a raw client (ms)": summarize(raw.ms).median,
    "the same, CPU of sandboxd (µs)": raw.cpu.sandboxd,
  };
}

/** User and system time of the server and all below it; a process that has ended is not counted. */
function cpuUs(server: ThawServer): number {
  const ticks = childrenOf(server.pid).map(({ pid }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) * TICK_US;
}

function residentOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

function isWorse(here: readonly number[], there: readonly number[]): boolean {
  const ratios = here.map((value, round) => value / (there[round] ?? Number.NaN));
  return ratios.every((ratio) => ratio > 1) && summarize(ratios).median > WORSE_RATIO;
}

function cell(values: readonly number[]): string {
  const { median, p25, p75 } = summarize(values);
  return `${median.toFixed(2)} (${p25.toFixed(2)} to ${p75.toFixed(2)})`.padStart(30);
}

async function main(): Promise<void> {
  const [checkout, rounds = String(ROUNDS)] = process.argv.slice(2);
  if (checkout === undefined) throw new Error("usage: npm run bench:against -- CHECKOUT [ROUNDS]");
  const sides = { there: resolve(checkout), here: REPOSITORY };
  const measured = { there: [] as Figures[], here: [] as Figures[] };
  // The first start of a checkout compiles its modules, and keeps them.
  for (const repository of Object.values(sides)) await (await startThaw({ repository })).remove();
  for (let round = 0; round < Number(rounds); round++) {
    // Who is first changes: a machine that warms up, or tires, is fair to both.
    const order = round % 2 === 0 ? (["there", "here"] as const) : (["here", "there"] as const);
    for (const side of order) measured[side].push(await measure(sides[side]));
  }
  let worse = 0;
  process.stdout.write(`${"".padEnd(42)}${"there".padStart(30)}${"here".padStart(30)}\n`);
  for (const name of Object.keys(measured.here[0] ?? {})) {
    const [there, here] = [measured.there, measured.here].map((all) => all.map((figures) => figures[name] ?? NaN));
    const verdict = isWorse(here ?? [], there ?? []) ? "  WORSE" : "";
    if (verdict !== "") worse++;
    process.stdout.write(`${name.padEnd(42)}${cell(there ?? [])}${cell(here ?? [])}${verdict}\n`);
  }
  process.stdout.write(`\nmedians of ${rounds} rounds in turns, with their quartiles\n`);
  process.exitCode = worse === 0 ? 0 : 1;
}

await main();
