// matrix: a restart of the server for each round
/**
 * kill -9 of server, sandboxd, launcher or pager at many moments of writing, restoring and collecting, which go on at
 * the same time: every published snapshot stays readable, no half one is seen, nothing is left. The moments are fault
 * points, at which the process that comes by waits until the kill. A seed chooses moment and victim; a failure names
 * it.
 */
import { DeleteFunctionCommand, GetFunctionConfigurationCommand, PublishVersionCommand } from "@aws-sdk/client-lambda";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { findTraces } from "../../tools/leaks.ts";
import { childrenOf } from "../../tools/processes.ts";
import { pidOf, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { BUILD_TIMEOUT_MS, buildFaultBinaries, faultyServer } from "../faults/fault-build.ts";
import { FaultControl } from "../faults/fault-control.ts";
import { CLI } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";
import { seededRandom } from "../support/random.ts";

const SEED = Number(process.env["THAW_CRASH_SEED"] ?? "20261124");
const ROUNDS = Number(process.env["THAW_CRASH_ROUNDS"] ?? "12");
/** Each is passed in every round. */
const WRITING = [
  "row.pending.committed",
  "create.sandbox-taken",
  "create.started",
  "supervisor.connecting",
  "key.generating",
  "supervisor.parked",
  "take.stopped",
  "take.dumped",
  "take.chunks-synced",
  "take.manifest-synced",
  "take.committed",
  "host.snapshotted",
  "row.active",
  "row.active.committed",
];
const RESTORING = [
  "key.unwrapping",
  "restore.opened",
  "restore.prepared",
  "restore.sandbox-taken",
  "restore.session-begun",
  "pager.opened",
  "pager.fault",
  "pager.restored",
  "restore.criu-done",
  "host.restored",
];
/** Only where the round before has left a snapshot. */
const COLLECTING = ["remove.asked", "remove.renamed", "host.removed", "collect.marked"];
const VICTIMS = ["server", "sandboxd", "launcher", "pager"] as const;
const PROGRAM = (n: number): string =>
  `export const handler = async () => "answer ${n}";\nglobalThis.held = Buffer.alloc(4e6, ${n + 1});\n`;

interface Verified {
  readonly snapshotId: string;
  readonly isWhole: boolean;
  readonly problems: readonly string[];
}

async function verifyAll(functions: TestFunctions): Promise<Verified[]> {
  const { snapshots } = (await (await functions.admin("GET", "snapshots")).json()) as {
    snapshots: ReadonlyArray<{ readonly snapshotId: string | null }>;
  };
  const found: Verified[] = [];
  for (const { snapshotId } of snapshots)
    if (snapshotId !== null)
      found.push((await (await functions.admin("GET", `snapshots/${snapshotId}/verify`)).json()) as Verified);
  return found;
}

function one<T>(of: readonly T[], chance: number): T {
  const chosen = of[Math.floor(chance * of.length)];
  if (chosen === undefined) throw new Error("there is nothing to choose from");
  return chosen;
}

function untilActive(functions: TestFunctions, FunctionName: string, what: string): Promise<true> {
  return functions.eventually(`Active (${what})`, async () => {
    const now = await functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName, Qualifier: "1" }));
    if (now.State === "Failed")
      throw new Error(`${what}: Failed: ${now.StateReason}\n${functions.server.output().slice(-2000)}`);
    return now.State === "Active" || null;
  });
}

/** What of this server's is on the machine: others may run beside. */
function tracesOf(server: ThawServer, pids: readonly number[]): string[] {
  const { mounts = [], loops = [], processes = [] } = findTraces();
  const own = [...mounts, ...loops].filter((line) => line.includes(server.dataDir));
  return [...own, ...processes.filter((line) => pids.some((pid) => line.startsWith(`${pid} `)))];
}

beforeAll(buildFaultBinaries, BUILD_TIMEOUT_MS);

it(`seed ${SEED}, ${ROUNDS} rounds`, async () => {
  const random = seededRandom(SEED);
  const control = new FaultControl();
  const env = { ...faultyServer(control), THAW_DATA_KEY_CACHE_S: "0", THAW_CHUNK_GRACE_S: "0" };
  let server = await startThaw({ env });
  let functions = new TestFunctions(server);
  let hasLeft = false;
  try {
    const kept = await functions.createSnapStart({ "index.mjs": PROGRAM(0) }, { FunctionName: "kept" });
    const version = await functions.publish(kept);
    for (let round = 1; round <= ROUNDS; round++) {
      const name = `round-${round}`;
      await functions.createSnapStart({ "index.mjs": PROGRAM(round) }, { FunctionName: name });
      const moments = hasLeft ? [WRITING, RESTORING, COLLECTING] : [WRITING, RESTORING];
      const who = one(VICTIMS, random());
      const moment = one(one(moments, random()), random());
      const what = `seed ${SEED}, round ${round}, ${who} at ${moment}`;
      control.arm(moment, "delay");
      // Of this round alone: the kernel gives the numbers of those that have gone to others.
      const started = [server.pid, ...childrenOf(server.pid).map((each) => each.pid)];
      // At once: a publish, restores, and a removal with its collection.
      const work = Promise.allSettled([
        functions.lambda.send(new PublishVersionCommand({ FunctionName: name })),
        functions
          .stopEnvironments(kept)
          .then(() => Promise.all([functions.invoke(kept, {}, version), functions.invoke(kept, {}, version)])),
        ...(round > 1
          ? [functions.lambda.send(new DeleteFunctionCommand({ FunctionName: `round-${round - 1}` }))]
          : []),
      ]);
      await control.reached(moment);
      if (who === "pager") {
        const pager = pidOf(server.pid, "pager");
        if (pager !== undefined) process.kill(pager, "SIGKILL");
        if (!moment.startsWith("pager.")) await control.release(moment);
      } else {
        const gone = server
          .kill(who)
          .then(() =>
            functions.eventually(`nothing left (${what})`, async () =>
              tracesOf(server, started).length === 0 ? [] : null,
            ),
          )
          .catch((error: unknown) => error);
        await control.letGo(moment, gone);
        const left = await gone;
        if (left instanceof Error) throw new Error(`${what}: left behind: ${tracesOf(server, started).join("; ")}`);
        server = await startThaw({ env, previous: server });
        functions = new TestFunctions(server);
      }
      // What was accepted is carried out by the next start.
      if ((await work)[0].status === "fulfilled") await untilActive(functions, name, what);
      hasLeft = (await work)[0].status === "fulfilled";
      for (const each of await verifyAll(functions)) expect(each, what).toMatchObject({ isWhole: true, problems: [] });
      // What is listed is what is there: no half one.
      const dirs = readdirSync(join(server.dataDir, "snapshots"));
      expect(dirs.filter((dir) => dir.endsWith(".partial")).length, what).toBeLessThanOrEqual(2);
      const again = await functions.eventually(`the kept version answers (${what})`, () =>
        functions
          .invoke(kept, {}, version)
          .catch((error: Error) =>
            who === "pager" && error.name === "ServiceException" ? null : Promise.reject(error),
          ),
      );
      expect(again.payload, what).toBe("answer 0");
    }
    const list = execFileSync(process.execPath, [CLI, "snapshots", "verify"], {
      env: { ...process.env, ...server.env },
      encoding: "utf8",
    });
    expect(list).toContain("kept:1");
    expect(list).not.toContain("DAMAGED");
  } finally {
    await server.remove();
    control.remove();
  }
});
