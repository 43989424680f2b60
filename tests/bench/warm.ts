/**
 * The warm path: trivial functions at a raw client, one connection and several, a large event that comes back, and the
 * processors' time of it all, which other work on the machine hardly changes.
 */
import { readFileSync } from "node:fs";
import { childrenOf, type Process } from "../../tools/processes.ts";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";
import { RawClient } from "./raw-client.ts";
import type { Series } from "./series.ts";

const NODE = { FunctionName: "warm-node", Runtime: "nodejs24.x", Handler: "index.handler" } as const;
const PYTHON = { FunctionName: "warm-python", Runtime: "python3.13", Handler: "app.handler" } as const;
const NODE_FILES = { "index.mjs": "export const handler = async (event) => event;" };
const PYTHON_FILES = { "app.py": "def handler(event, context):\n    return event\n" };

const EVENT = Buffer.from('{"a":1}');
const LARGE_BYTES = 5_900_000;
const CONNECTIONS = 7;
/** The code of server and function is compiled by then. */
const FIRST = 1000;
const ONE = 3000;
const EACH = 500;
const LARGE_FIRST = 10;
const LARGE = 40;
const TICK_US = 10_000;

/** Whose processors' time: the sandbox is all of an environment, its runtime and function too. */
const PARTS = ["server", "sandboxd", "sandbox"] as const;
type Cpu = Readonly<Record<(typeof PARTS)[number], number>>;

interface Run {
  readonly ms: readonly number[];
  readonly perSecond: number;
  /** Of an invoke, µs. */
  readonly cpu: Cpu;
}

export async function* measureWarm(): AsyncGenerator<Series> {
  const server = await startThaw();
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    yield* measureRuntime(server, functions, "Node.js", NODE, NODE_FILES);
    yield* measureRuntime(server, functions, "Python", PYTHON, PYTHON_FILES);
  } finally {
    await server.remove();
  }
}

async function* measureRuntime(
  server: ThawServer,
  functions: TestFunctions,
  label: string,
  options: typeof NODE | typeof PYTHON,
  files: Readonly<Record<string, string>>,
): AsyncGenerator<Series> {
  await functions.createSnapStart(files, { ...options, MemorySize: 1769 });
  const version = await functions.publish(options.FunctionName);
  const name = options.FunctionName;
  await run(server, name, version, EVENT, 1, FIRST);
  yield* seriesOf(`${label}, 1 connection`, await run(server, name, version, EVENT, 1, ONE));
  await run(server, name, version, EVENT, CONNECTIONS, EACH);
  yield* seriesOf(`${label}, ${CONNECTIONS} connections`, await run(server, name, version, EVENT, CONNECTIONS, EACH));
  await functions.stopEnvironments(name);
  const large = Buffer.from(JSON.stringify({ text: "x".repeat(LARGE_BYTES - '{"text":""}'.length) }));
  await run(server, name, version, large, 1, LARGE_FIRST);
  yield* seriesOf(`${label}, 5.9 MB in and out`, await run(server, name, version, large, 1, LARGE));
  await functions.stopEnvironments(name);
}

function* seriesOf(label: string, { ms, perSecond, cpu }: Run): Generator<Series> {
  yield { name: `warm, ${label}`, unit: "ms", values: ms };
  yield { name: `warm, ${label}: invokes a second`, unit: "/s", values: [perSecond] };
  for (const part of PARTS)
    yield { name: `warm, ${label}: processors' time of an invoke, ${part}`, unit: "µs", values: [cpu[part]] };
}

/** Each connection sends its next invoke when it has the answer to the one before. */
export async function run(
  server: ThawServer,
  functionName: string,
  version: string,
  event: Buffer,
  connections: number,
  invokesEach: number,
): Promise<Run> {
  const open = (): Promise<RawClient> => RawClient.open(server, functionName, version, event);
  const clients = await Promise.all(Array.from({ length: connections }, open));
  // All environments that are to be measured are there before.
  await Promise.all(clients.map((client) => client.invoke()));
  const before = cpuOf(server);
  const startMs = performance.now();
  const ms = await Promise.all(
    clients.map(async (client) => {
      const own: number[] = [];
      for (let i = 0; i < invokesEach; i++) {
        const sentMs = performance.now();
        await client.invoke();
        own.push(performance.now() - sentMs);
      }
      return own;
    }),
  );
  const perSecond = (connections * invokesEach * 1000) / (performance.now() - startMs);
  const after = cpuOf(server);
  for (const client of clients) client.close();
  const ofInvoke = (part: (typeof PARTS)[number]): number => (after[part] - before[part]) / (connections * invokesEach);
  return {
    ms: ms.flat(),
    perSecond,
    cpu: { server: ofInvoke("server"), sandboxd: ofInvoke("sandboxd"), sandbox: ofInvoke("sandbox") },
  };
}

/** User and system time of all processes, µs; threads that have ended are counted, processes are not. */
function cpuOf(server: ThawServer): Cpu {
  const sums = { server: 0, sandboxd: 0, sandbox: 0 };
  for (const process of childrenOf(server.pid)) {
    const fields = statOf(process.pid);
    if (fields !== null) sums[partOf(process)] += (Number(fields[11]) + Number(fields[12])) * TICK_US;
  }
  return sums;
}

/** Null where the process has ended. */
function statOf(pid: number): readonly string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

function partOf({ command }: Process): (typeof PARTS)[number] {
  if (/serve\.(?:ts|mjs)\b/.test(command)) return "server";
  return /^\S*thaw-(?:sandboxd serve|pager)/.test(command) ? "sandboxd" : "sandbox";
}
