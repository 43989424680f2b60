/** One process with the control plane and a worker: the only place that builds adapters. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, statfsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { systemClock as clock } from "../base/clock.ts";
import { ThawError } from "../model/platform-errors.ts";
import { systemRandom } from "../base/random.ts";
import { createControlPlane } from "../control/control-plane.ts";
import type { ControlServices } from "../control/services.ts";
import { type ControlLimits, DEFAULT_CONTROL_LIMITS } from "../control/limits.ts";
import { runtimeVersionArn } from "../control/records/present.ts";
import type { FarEvent } from "../snapshots/far/far-snapshots.ts";
import { createHttpServer, type HttpServer } from "../http/server.ts";
import { Keyring } from "../keys/keyring.ts";
import { createDiskLogStore } from "../logs/disk-log-store.ts";
import { collectHostFigures } from "../metrics/host-figures.ts";
import { measureWorker } from "../metrics/measure.ts";
import type { Engine } from "../ports/engine.ts";
import type { RuntimeCatalog } from "../ports/runtime-catalog.ts";
import type { SandboxHost } from "../ports/sandbox-host.ts";
import type { Worker } from "../ports/worker.ts";
import { createObjectDirectory } from "../objects/object-directory.ts";
import { createRuntimeCatalog } from "../runtimes/catalog.ts";
import { connectSandboxd } from "../sandboxd/client.ts";
import { openCodeDirectory } from "../store/code-directory.ts";
import { createPrimeSource } from "../store/prime-file.ts";
import { openSqliteStore } from "../store/sqlite-store.ts";
import { createWorker } from "../worker/create-worker.ts";
import type { WorkerLimits } from "../worker/worker-services.ts";
import { loadCredentials, loadSecret } from "./credentials.ts";
import { createCredentialSource } from "./function-credentials.ts";
import { createKeys, FarCounts } from "./far.ts";
import { createEngine } from "./engine.ts";
import { log, type LogFields } from "./log.ts";
import { Monitoring } from "./monitoring.ts";
import type { ServeOptions } from "./options.ts";
import { Orders, runUntilStopped } from "./shut-down.ts";
import { SilentConnections } from "./silent-connections.ts";
import { UsageError } from "./usage-error.ts";

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use; another thaw serve? (--listen HOST:PORT, port 0 picks a free one)",
  EADDRNOTAVAIL: "the host has no such address",
  EACCES: "the server's user may not use ports below 1024",
};
const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

export async function runServer(options: ServeOptions): Promise<void> {
  const orders = new Orders();
  mkdirSync(options.dataDir, { recursive: true });
  const credentials = loadCredentials(options.dataDir, options.region, process.env);
  checkListener(options);
  const host = await connectHost();
  const secret = loadSecret(options.dataDir);
  const keyring = new Keyring(join(options.dataDir, "keyring.json"), systemRandom);
  const keys = await createKeys(options, keyring);
  const far = new FarCounts();
  const { engine, snapshots, snapshotReader } = await createEngine({
    options,
    host,
    secret,
    keys,
    onEvent: (event) => reportFar(far, event),
    onProblem: logProblem,
  });
  const catalog = createCatalog(options);
  const monitoring = new Monitoring(process.env, clock, systemRandom);
  const onProblem = countingProblems(monitoring);
  const logs = createDiskLogStore({ directory: join(options.dataDir, "logs"), clock });
  const inner = createWorker({
    engine,
    snapshots,
    catalog,
    logs,
    credentials: createCredentialSource(clock, systemRandom),
    primes: createPrimeSource(options.dataDir),
    clock,
    secret,
    limits: workerLimits(options),
    onRestore: (report) => monitoring.restored(report),
    onInvocation: (report) => monitoring.invoked(report),
    onProblem: (problem) => onProblem(problem.what, problem.error, { environmentId: problem.environmentId }),
  });
  const worker = measureWorker(inner, monitoring.metrics);
  collectHostFigures(monitoring.metrics, worker, {
    dataDir: options.dataDir,
    countSnapshots: () => countSnapshots(engine, host),
  });
  const store = openSqliteStore(join(options.dataDir, "thaw.db"));
  const control = createControlPlane({
    scope: { accountId: options.accountId, region: options.region },
    parity: options.parity,
    store,
    code: await openCodeDirectory(options.dataDir),
    objects: createObjectDirectory(options.dataDir),
    logs,
    worker,
    snapshotReader,
    keys: keyring,
    clock,
    random: systemRandom,
    ...hostLimits(options),
    onFallback: () => void far.counts.fallbacks++,
    onProblem,
  });
  await control.recover();
  const draining = new AbortController();
  const health = { notReady: () => (draining.signal.aborted ? "the server is stopping" : null) };
  const app = createHttpServer({
    control,
    credentials,
    secretOf: (id) => (id === credentials.accessKeyId ? credentials.secretAccessKey : null),
    describeHost: () => describeHost({ host, engine, catalog, worker, options, far }),
    health,
    figures: monitoring.metrics,
    draining: draining.signal,
  });
  const silent = new SilentConnections(app.server, clock);
  const parts = {
    app,
    silent,
    control,
    worker,
    clock,
    draining,
    drainTimeoutMs: options.drainTimeoutS * 1000,
    hostLost: host.lost,
  };
  await monitoring.listen(options.metricsListen, health);
  process.stdout.write(`thaw listening on ${await listen(app, options)}\n`);
  if (snapshots === null) log("no snapshots", { reason: engine.snapshotsProblem });
  const isDone = await runUntilStopped(parts, orders);
  snapshots?.close();
  await engine.close();
  await Promise.all([logs.close(), monitoring.close()]).finally(() => store.close());
  // What did not end holds the process; sandboxd, which ends with it, holds what is left of the sandboxes.
  if (!isDone) process.exit(1);
}

/** The launcher's socket, which outlives this process, or one of its own. */
async function listen(app: HttpServer, options: ServeOptions): Promise<string> {
  const { listenHost: host, listenPort: port } = options;
  await app.ready();
  const listening = once(app.server, "listening");
  app.server.listen(process.env["THAW_LISTEN_FD"] === "0" ? { fd: 0 } : { host, port });
  await listening.catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`can't listen on ${host}:${port}: ${LISTEN_PROBLEMS[error.code ?? ""] ?? error.message}`);
  });
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new UsageError("THAW_LISTEN_FD is no TCP socket");
  return `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}

/** A listener that others can reach never serves with credentials that were made for this machine alone. */
function checkListener(options: ServeOptions): void {
  if (!LOOPBACK.has(options.listenHost) && process.env["THAW_ACCESS_KEY_ID"] === undefined) {
    throw new UsageError(
      `--listen ${options.listenHost} is reachable from outside: set THAW_ACCESS_KEY_ID and THAW_SECRET_ACCESS_KEY to credentials of your own`,
    );
  }
}

function reportFar(far: FarCounts, event: FarEvent): void {
  far.add(event);
  if (event.kind === "chunk-failed") logProblem(`fetch chunk ${event.chunk}`, event.error, { answer: event.answer });
  else if (event.kind !== "chunk-fetched") log(event.kind, { ...event });
}

function countingProblems(monitoring: Monitoring): typeof logProblem {
  return (what, error, fields) => {
    monitoring.metrics.count("thaw_problems_total");
    logProblem(what, error, fields);
  };
}

function workerLimits(options: ServeOptions): Partial<WorkerLimits> {
  const { environmentsMax, memoryMaxMib, restoresAtOnceMax, functionShareMax, parkedPerVersionMax, parkedMax } =
    options;
  const shares = { restoresAtOnceMax, functionShareMax, parkedPerVersionMax, parkedMax };
  return { environmentsMax, memoryMaxMib, idleTimeoutMs: options.idleTimeoutS * 1000, ...shares };
}

function hostLimits(options: ServeOptions): Pick<ControlServices, "limits" | "accessPoints" | "freeDiskBytes"> {
  return {
    limits: controlLimits(options),
    accessPoints: new Set(options.fileSystems.keys()),
    freeDiskBytes: () => freeBytes(options.dataDir),
  };
}

function controlLimits(options: ServeOptions): ControlLimits {
  const { snapshotIdleMs, snapshotsAtOnceMax, snapshotsPendingMax, concurrencyMax } = options;
  const diskFreeMinBytes = options.diskFreeMinMib * 2 ** 20;
  return {
    ...DEFAULT_CONTROL_LIMITS,
    snapshotIdleMs,
    snapshotsAtOnceMax,
    snapshotsPendingMax,
    concurrencyMax,
    diskFreeMinBytes,
  };
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

async function connectHost(): Promise<SandboxHost> {
  const socket = process.env["THAW_SANDBOXD"] ?? "/run/thaw/sandboxd.sock";
  try {
    return await connectSandboxd(socket);
  } catch (error) {
    if (error instanceof ThawError)
      throw new UsageError(
        `sandboxd can't be reached at ${socket}. Start thaw serve as root, or have root start thaw-sandboxd for this user.`,
      );
    throw error;
  }
}

function createCatalog(options: ServeOptions): RuntimeCatalog {
  const clientsDir = process.env["THAW_CLIENTS"];
  if (clientsDir === undefined)
    throw new UsageError("THAW_CLIENTS is not set; it names the directory of runtime clients (runtimes/dist)");
  const scope = { accountId: options.accountId, region: options.region };
  return createRuntimeCatalog({
    thawHome: options.thawHome,
    clientsDir,
    arnOf: (runtime) => runtimeVersionArn(scope, runtime),
    clock,
  });
}

interface Described {
  readonly host: SandboxHost;
  readonly engine: Engine;
  readonly catalog: RuntimeCatalog;
  readonly worker: Worker;
  readonly options: ServeOptions;
  readonly far: FarCounts;
}

async function countSnapshots(engine: Engine, host: SandboxHost): Promise<number> {
  return engine.images === null ? 0 : (await host.listSnapshots()).length;
}

async function describeHost({
  host,
  engine,
  catalog,
  worker,
  options,
  far,
}: Described): Promise<Record<string, unknown>> {
  const disk = await statfs(options.dataDir);
  return {
    ...host.facts,
    cpuFingerprint: createHash("sha256").update(host.facts.cpuFingerprint).digest("hex").slice(0, 16),
    engine: engine.name,
    snapshotsProblem: engine.snapshotsProblem,
    runtimes: catalog.list().map((recipe) => recipe.runtime),
    limits: {
      environmentsMax: options.environmentsMax,
      memoryMaxMib: options.memoryMaxMib,
      poolSize: options.poolSize,
    },
    inUse: { environments: worker.listEnvironments().length, snapshots: await countSnapshots(engine, host) },
    disk: { freeBytes: disk.bavail * disk.bsize, sizeBytes: disk.blocks * disk.bsize },
    snapshotStore: far.counts,
    server: { node: process.version, residentBytes: process.memoryUsage.rss(), uptimeS: process.uptime() },
  };
}

function logProblem(what: string, error: unknown, fields: LogFields = {}): void {
  const cause = error instanceof Error && error.cause !== undefined ? { cause: String(error.cause) } : {};
  const shown =
    error instanceof ThawError
      ? { code: error.code, message: error.message, ...error.detail, ...cause }
      : { message: error instanceof Error ? error.stack : String(error) };
  log("problem", { what, ...fields, ...shown });
}
