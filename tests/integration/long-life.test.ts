// matrix: 10,000 invokes
/**
 * One clone through 10,000 invokes: nothing grows, in it or around it. The processes are all below the launcher:
 * server, sandboxd and pager; the keeper, relay, supervisor and runtime of the clone; the pool's.
 */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { childrenOf } from "../../tools/processes.ts";
import { takeFigures } from "../soak/figures.ts";
import { TestFunctions } from "../support/functions.ts";
import { INSPECTED, liveHeaps } from "../support/inspector.ts";
import { withThaw } from "../support/with-thaw.ts";

const INVOKES = 10_000;
/** Heaps and caches have found their size by then. */
const SETTLED = 5000;
/** Of what is live in a heap: 5,000 invokes that leave 400 bytes each are more. */
const LIVE_GROWTH_MIB_MAX = 2;
/** Of a Node.js process after a collection. The log store's page cache is 16 MiB, which 5,000 invokes do not fill. */
const NODE_GROWTH_MIB_MAX = 24;
const GROWTH_MIB_MAX = 4;
/** Connections of clients come and go by a few. One that is left by one invoke in 500 is found. */
const DESCRIPTOR_GROWTH_MAX = 8;

let functions: TestFunctions;
withThaw(
  (made) => {
    functions = new TestFunctions(made.server, { keepAlive: true });
  },
  { args: ["--environments-max", "1"], env: INSPECTED },
);

interface Held {
  readonly command: string;
  readonly descriptors: number;
  readonly residentMiB: number;
}

interface Look {
  /** In MiB, by pid: the server's Node.js processes. */
  readonly heaps: ReadonlyMap<number, number>;
  readonly processes: ReadonlyMap<number, Held>;
  readonly cgroups: number;
  readonly mounts: number;
}

/** Null where the process has ended. */
function descriptorsOf(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return null;
  }
}

/**
 * Looks after a collection in the server; the function's is its own. What sandboxd starts for a moment, as it does to
 * look at its network rules, is no part of it: such a process is not there any more when the heaps were looked at.
 */
async function look(): Promise<Look> {
  // First, as the inspector's connections are descriptors of the server's until both sides have closed them.
  const descriptors = new Map(childrenOf(functions.server.pid).map(({ pid }) => [pid, descriptorsOf(pid)]));
  const heaps = await liveHeaps(functions.server);
  const all = childrenOf(functions.server.pid).filter(({ pid }) => (descriptors.get(pid) ?? null) !== null);
  const processes = all.map(({ pid, command }) => {
    const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return [pid, { command, descriptors: descriptors.get(pid) ?? 0, residentMiB: Number(resident) / 1024 }] as const;
  });
  const { cgroups, mounts } = takeFigures(functions.server, 0);
  return { heaps, processes: new Map(processes), cgroups, mounts };
}

const EVENT = '{"a":1}';
const COLLECT = '{"collect":true}';

async function invoke(FunctionName: string, Qualifier: string, count: number, event = EVENT): Promise<void> {
  const command = new InvokeCommand({ FunctionName, Qualifier, Payload: Buffer.from(event) });
  for (let answered = 0; answered < count; ) {
    const text = await functions.lambda.send(command).then(
      ({ Payload }) => Buffer.from(Payload ?? []).toString(),
      (error: Error) => error.name,
    );
    // The environment was not yet idle after the last one, and there may be no other.
    if (text === "TooManyRequestsException") continue;
    if (text !== event) throw new Error(`after ${answered} invokes: ${text}`);
    answered++;
  }
}

/** Looks when the environment is idle and its garbage collected. */
async function atRest(name: string, version: string): Promise<Look> {
  await invoke(name, version, 1, COLLECT);
  await functions.eventually("idle", async () => (await functions.environments(name))[0]?.state === "idle");
  return await look();
}

// The runtime exposes `gc`, as AWS's does.
const SOURCE = `export const handler = async (event) => {
  console.log("an invoke");
  if (event.collect) gc();
  return event;
};`;

test("10,000 invokes", async () => {
  const name = await functions.createSnapStart({ "index.mjs": SOURCE });
  const version = await functions.publish(name);
  await invoke(name, version, SETTLED);
  const before = await atRest(name, version);
  const environments = await functions.environments(name);
  await invoke(name, version, INVOKES - SETTLED);
  const after = await atRest(name, version);
  expect(await functions.environments(name)).toMatchObject(environments.map(({ logStream }) => ({ logStream })));
  expect([after.cgroups, after.mounts]).toEqual([before.cgroups, before.mounts]);
  expect([...after.processes.keys()]).toEqual([...before.processes.keys()]);
  expect(after.heaps.size).toBeGreaterThan(0);
  for (const [pid, heapMiB] of after.heaps) {
    expect(heapMiB - (before.heaps.get(pid) ?? 0), `live heap of ${pid}`).toBeLessThan(LIVE_GROWTH_MIB_MAX);
  }
  for (const [pid, { command, descriptors, residentMiB }] of after.processes) {
    const first = before.processes.get(pid);
    expect(descriptors - (first?.descriptors ?? 0), `descriptors of ${command}`).toBeLessThan(DESCRIPTOR_GROWTH_MAX);
    const growth = residentMiB - (first?.residentMiB ?? 0);
    expect(growth, command).toBeLessThan(command.includes("node") ? NODE_GROWTH_MIB_MAX : GROWTH_MIB_MAX);
  }
});
