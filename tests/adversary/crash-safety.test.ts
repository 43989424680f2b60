/**
 * kill -9 of server, sandboxd or pager at many moments of writing, restoring and collecting: every published snapshot stays readable,
 * no half one is seen, nothing is left. The moments come from a seed, which a failure names.
 */
import { DeleteFunctionCommand, GetFunctionConfigurationCommand, PublishVersionCommand } from "@aws-sdk/client-lambda";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findTraces } from "../../tools/leaks.ts";
import { childrenOf } from "../../tools/processes.ts";
import { pidOf, startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { CLI } from "../support/cli.ts";
import { TestFunctions } from "../support/functions.ts";
import { seededRandom } from "../support/random.ts";

const SEED = Number(process.env["THAW_CRASH_SEED"] ?? "20261124");
const ROUNDS = Number(process.env["THAW_CRASH_ROUNDS"] ?? "12");
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

it(`seed ${SEED}, ${ROUNDS} rounds`, { timeout: 420_000 }, async () => {
  const random = seededRandom(SEED);
  let server = await startThaw();
  let functions = new TestFunctions(server);
  const everStarted: number[] = [];
  try {
    const kept = await functions.createSnapStart({ "index.mjs": PROGRAM(0) }, { FunctionName: "kept" });
    const version = await functions.publish(kept);
    for (let round = 1; round <= ROUNDS; round++) {
      const what = `seed ${SEED}, round ${round}`;
      const name = `round-${round}`;
      await functions.createSnapStart({ "index.mjs": PROGRAM(round) }, { FunctionName: name });
      everStarted.push(server.pid, ...childrenOf(server.pid).map((each) => each.pid));
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
      await new Promise((next) => setTimeout(next, random() * 1500));
      const who = (["server", "sandboxd", "launcher", "pager"] as const)[Math.floor(random() * 4)] ?? "server";
      if (who === "pager") {
        const pager = pidOf(server.pid, "pager");
        if (pager !== undefined) process.kill(pager, "SIGKILL");
      } else {
        await server.kill(who);
        const left = await functions
          .eventually(`nothing left (${what}, ${who})`, async () =>
            tracesOf(server, everStarted).length === 0 ? [] : null,
          )
          .catch((error: unknown) => error);
        if (left instanceof Error)
          throw new Error(`${what}, ${who}: left behind: ${tracesOf(server, everStarted).join("; ")}`);
        server = await startThaw({ previous: server });
        functions = new TestFunctions(server);
      }
      // What was accepted is carried out by the next start.
      if ((await work)[0].status === "fulfilled") await untilActive(functions, name, `${what}, ${who}`);
      for (const each of await verifyAll(functions)) expect(each, what).toMatchObject({ isWhole: true, problems: [] });
      // What is listed is what is there: no half one.
      const dirs = readdirSync(join(server.dataDir, "snapshots"));
      expect(dirs.filter((dir) => dir.endsWith(".partial")).length, what).toBeLessThanOrEqual(2);
      const again = await functions.eventually(`the kept version answers (${what}, ${who})`, () =>
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
  }
});
