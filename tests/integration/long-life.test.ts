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
import { withThaw } from "../support/with-thaw.ts";

const INVOKES = 10_000;
/** Heaps and caches have found their size by then. */
const SETTLED = 5000;
/**
 * The heaps of V8, in the server and in the function, breathe by as much; 5,000 invokes that leave 6 KiB each are more.
 */
const HEAP_GROWTH_MIB_MAX = 30;
const GROWTH_MIB_MAX = 4;

let functions: TestFunctions;
withThaw(
  (made) => {
    functions = new TestFunctions(made.server, { keepAlive: true });
  },
  { args: ["--environments-max", "1"] },
);

interface Held {
  readonly command: string;
  readonly descriptors: number;
  readonly residentMiB: number;
}

interface Look {
  readonly processes: ReadonlyMap<number, Held>;
  readonly cgroups: number;
  readonly mounts: number;
}

function look(): Look {
  const { pid } = functions.server;
  const processes = childrenOf(pid).map(({ pid: each, command }) => {
    const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${each}/status`, "utf8"))?.[1];
    const descriptors = readdirSync(`/proc/${each}/fd`).length;
    return [each, { command, descriptors, residentMiB: Number(resident) / 1024 }] as const;
  });
  const { cgroups, mounts } = takeFigures(functions.server, 0);
  return { processes: new Map(processes), cgroups, mounts };
}

async function invoke(FunctionName: string, Qualifier: string, count: number): Promise<void> {
  const command = new InvokeCommand({ FunctionName, Qualifier, Payload: Buffer.from('{"a":1}') });
  for (let answered = 0; answered < count; ) {
    const text = await functions.lambda.send(command).then(
      ({ Payload }) => Buffer.from(Payload ?? []).toString(),
      (error: Error) => error.name,
    );
    // The environment was not yet idle after the last one, and there may be no other.
    if (text === "TooManyRequestsException") continue;
    if (text !== '{"a":1}') throw new Error(`after ${answered} invokes: ${text}`);
    answered++;
  }
}

/** Looks when the environment is idle. */
async function atRest(name: string): Promise<Look> {
  await functions.eventually("idle", async () => (await functions.environments(name))[0]?.state === "idle");
  return look();
}

const SOURCE = `export const handler = async (event) => { console.log("an invoke"); return event; };`;

test("10,000 invokes", { timeout: 300_000 }, async () => {
  const name = await functions.createSnapStart({ "index.mjs": SOURCE });
  const version = await functions.publish(name);
  await invoke(name, version, SETTLED);
  const before = await atRest(name);
  const environments = await functions.environments(name);
  await invoke(name, version, INVOKES - SETTLED);
  const after = await atRest(name);
  expect(await functions.environments(name)).toMatchObject(environments.map(({ logStream }) => ({ logStream })));
  expect([after.cgroups, after.mounts]).toEqual([before.cgroups, before.mounts]);
  const descriptors = ({ processes }: Look): unknown =>
    [...processes].map(([pid, held]) => [pid, held.command, held.descriptors]);
  expect(descriptors(after)).toEqual(descriptors(before));
  for (const [pid, { command, residentMiB }] of after.processes) {
    const growth = residentMiB - (before.processes.get(pid)?.residentMiB ?? 0);
    expect(growth, command).toBeLessThan(command.includes("node") ? HEAP_GROWTH_MIB_MAX : GROWTH_MIB_MAX);
  }
});
