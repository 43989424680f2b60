/** Engines on a sandboxd of their own, for the engine suite. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock, systemRandom } from "@thaw/server/testing/base";
import { createCriuEngine, createProcessEngine } from "@thaw/server/testing/engines";
import { Keyring } from "@thaw/server/testing/keys";
import type { Engine, SandboxHost } from "@thaw/server/testing/ports";
import { SnapshotService } from "@thaw/server/testing/snapshots";
import { connectSupervisor } from "@thaw/server/testing/supervisor";
import { listProcesses } from "../../tools/processes.ts";
import { REPOSITORY } from "../../tools/thaw-server.ts";
import { TestSandboxd } from "../support/sandboxd.ts";
import type { EngineBench } from "./suite.ts";

const PROGRAMS = join(REPOSITORY, "tests/engines");
/** Users beyond those of other tests, whose processes are not looked at. */
const UID_FIRST = 120_000;
const UIDS = 32_768;

export async function makeCriuBench(memory: "lazy" | "eager"): Promise<EngineBench> {
  const sandboxd = await TestSandboxd.start({ memory });
  const { host } = sandboxd;
  const keys = new Keyring(join(sandboxd.dir, "keyring.json"), systemRandom);
  const chunkSecret = randomBytes(32);
  const serve = (engine: Engine): SnapshotService => {
    if (engine.images === null) throw new Error(engine.snapshotsProblem ?? "no CRIU");
    const onProblem = (what: string, error: unknown): void => {
      throw new Error(what, { cause: error });
    };
    const common = {
      disk: host,
      keys,
      dataKeysKeptMs: 0,
      chunkSecretOf: () => chunkSecret,
      far: null,
      clock: systemClock,
      onProblem,
    };
    return new SnapshotService({ images: engine.images, ...common });
  };
  const engine = createCriuEngine(hosted(host));
  const otherFacts = { ...host.facts, cpuFingerprint: "another processor" };
  return {
    ...(await makeBench(sandboxd, engine)),
    snapshots: serve(engine),
    otherHost: serve(createCriuEngine(hosted({ ...host, facts: otherFacts }))),
    damage(snapshotId) {
      const path = sandboxd.snapshotFile(snapshotId, "manifest");
      const file = readFileSync(path);
      const last = file.length - 1;
      file[last] = (file[last] ?? 0) ^ 1;
      writeFileSync(path, file);
    },
    async untilBroughtAhead(environmentId) {
      while ((await host.recordWorkingSet(environmentId, 0)).prefetchEndMs === 0);
    },
    countStored: () =>
      [sandboxd.chunksDir(), join(sandboxd.dir, "data/snapshots")].reduce((sum, dir) => sum + countFiles(dir), 0),
  };
}

export async function makeProcessBench(): Promise<EngineBench> {
  const sandboxd = await TestSandboxd.start();
  return makeBench(sandboxd, createProcessEngine(hosted(sandboxd.host)));
}

function hosted(host: SandboxHost): Parameters<typeof createProcessEngine>[0] {
  return { host, connectSupervisor: (socket) => connectSupervisor(socket, systemClock), clock: systemClock };
}

async function makeBench(sandboxd: TestSandboxd, engine: Engine): Promise<EngineBench> {
  const task = "code-probe";
  mkdirSync(join(sandboxd.dir, "data/code", task), { mode: 0o755 });
  writeFileSync(join(sandboxd.dir, "data/code", task, "bootstrap"), probeProgram(), { mode: 0o755 });
  const uid = UID_FIRST + (randomBytes(2).readUInt16LE() % UIDS);
  return {
    engine,
    snapshots: null,
    otherHost: null,
    task,
    uid,
    damage: () => undefined,
    untilBroughtAhead: async () => undefined,
    countStored: () => 0,
    findLeftovers: () => findProcessesOf(uid),
    async close() {
      await engine.close();
      await sandboxd.remove();
    },
  };
}

function probeProgram(): string {
  const read = (name: string): string => readFileSync(join(PROGRAMS, name), "utf8");
  return `${read("programs/runtime.py")}\n${read("probe.py")}\nserve(handle, takes_event=True)\n`;
}

function findProcessesOf(uid: number): readonly string[] {
  return listProcesses()
    .filter(({ pid }) => readStatus(pid).includes(`\nUid:\t${uid}\t`))
    .map(({ pid, command }) => `${pid} ${command}`);
}

/** Empty for a process that has just ended. */
function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

function countFiles(dir: string): number {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}
