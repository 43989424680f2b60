/** The description of the host, its engine and its limits. */
import { createHash } from "node:crypto";
import { statfs } from "node:fs/promises";
import type { HostDescription } from "@thaw/thaw-api";
import type { Engine } from "../ports/engine.ts";
import type { RuntimeCatalog } from "../ports/runtime-catalog.ts";
import type { SandboxHost } from "../ports/sandbox-host.ts";
import type { Worker } from "../ports/worker.ts";
import type { FarCounts } from "./far.ts";
import { countsUsedMemory } from "./limits.ts";
import type { Companion } from "./options/companion-options.ts";
import { listPorts } from "./options/host-ports.ts";
import { listCallers } from "./options/service-callers.ts";
import type { ServeOptions } from "./options/serve-options.ts";

export interface Described {
  readonly host: SandboxHost;
  readonly engine: Engine;
  readonly catalog: RuntimeCatalog;
  readonly worker: Worker;
  readonly options: ServeOptions;
  readonly far: FarCounts;
}

/** Number of snapshots on this host; 0 where the engine takes none. */
export async function countSnapshots(engine: Engine, host: SandboxHost): Promise<number> {
  return engine.images === null ? 0 : (await host.listSnapshots()).length;
}

const COMPANION_MS_MAX = 2000;

/** Asks the companion itself: the launcher, which started it, is another process. */
async function describeCompanion({ name, port, services }: Companion): Promise<HostDescription["companion"]> {
  const address = `127.0.0.1:${port}`;
  const uptimeS = await fetch(`http://${address}/_thaw`, { signal: AbortSignal.timeout(COMPANION_MS_MAX) })
    .then(async (answer) => Number(((await answer.json()) as { uptimeS?: unknown }).uptimeS))
    .catch(() => Number.NaN);
  return { name, address, services: [...services], uptimeS: Number.isFinite(uptimeS) ? uptimeS : null };
}

/** Describes the host to signed requests of Thaw's own API (`thaw doctor` shows it). */
export async function describeHost({
  host,
  engine,
  catalog,
  worker,
  options,
  far,
}: Described): Promise<HostDescription> {
  const { environments, room } = await worker.report();
  const disk = await statfs(options.dataDir);
  const { supervisorBuild: _, ...facts } = host.facts;
  return {
    ...facts,
    cpuFingerprint: createHash("sha256").update(host.facts.cpuFingerprint).digest("hex").slice(0, 16),
    engine: engine.name,
    snapshotsProblem: engine.snapshotsProblem,
    network: {
      ...(await host.network()),
      denied: [...options.networkDenied],
      hostPorts: [...listPorts(options.hostPorts)],
      serviceCallers: [...listCallers(options.serviceCallers)],
    },
    companion: options.companion === null ? null : await describeCompanion(options.companion),
    runtimes: catalog.list().map((recipe) => recipe.runtime),
    installsRuntimes: options.installRuntimes === "on-use",
    limits: {
      environmentsMax: options.environmentsMax,
      memoryMaxMib: options.memoryMaxMib,
      memoryCount: countsUsedMemory(options) ? "used" : "configured",
      tmpMaxMib: room.tmpMaxMib,
      preparedMemoryMib: options.preparedMemoryMib,
      poolSize: options.poolSize,
    },
    inUse: {
      environments: environments.length,
      memoryMib: room.memoryMib,
      tmpMib: room.tmpMib,
      snapshots: await countSnapshots(engine, host),
    },
    disk: { freeBytes: disk.bavail * disk.bsize, sizeBytes: disk.blocks * disk.bsize },
    snapshotStore: far.counts,
    server: { node: process.version, residentBytes: process.memoryUsage.rss(), uptimeS: process.uptime() },
  };
}
