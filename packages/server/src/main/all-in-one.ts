/** One process with the control plane and a worker: the only place that builds adapters. */
import { createHash, hkdfSync } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { ThawError } from "../base/errors.ts";
import { systemRandom } from "../base/random.ts";
import { createControlPlane, type ControlPlane } from "../control/control-plane.ts";
import { runtimeVersionArn } from "../control/present.ts";
import { createCriuEngine, type FarEvent } from "../engines/criu/criu-engine.ts";
import { createProcessEngine } from "../engines/process/process-engine.ts";
import type { HostedEngineOptions } from "../engines/hosted-engine.ts";
import { createHttpServer } from "../http/server.ts";
import { Keyring } from "../keys/keyring.ts";
import { createDiskLogStore } from "../logs/disk-log-store.ts";
import type { Engine } from "../ports/engine.ts";
import type { RuntimeCatalog } from "../ports/runtime-catalog.ts";
import type { SandboxHost } from "../ports/sandbox-host.ts";
import type { Worker } from "../ports/worker.ts";
import { createObjectDirectory } from "../objects/object-directory.ts";
import { createRuntimeCatalog } from "../runtimes/catalog.ts";
import { connectSandboxd } from "../sandboxd/client.ts";
import { openCodeDirectory } from "../store/code-directory.ts";
import { openSqliteStore } from "../store/sqlite-store.ts";
import { connectSupervisor } from "../supervisor/connect-supervisor.ts";
import { createWorker } from "../worker/create-worker.ts";
import { loadCredentials, loadSecret } from "./credentials.ts";
import { createCredentialSource } from "./function-credentials.ts";
import { createFar, createKeys, FarCounts } from "./far.ts";
import { log } from "./log.ts";
import type { ServeOptions } from "./options.ts";
import { UsageError } from "./usage-error.ts";

const SHUTDOWN_GRACE_MS = 5000;
/** How long the start waits for the snapshot store. */
const STORE_WAIT_MS = 5000;
const FATAL_AT_START = new Set(["STORE_FOREIGN", "STORE_REFUSED"]);
const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

export async function runServer(options: ServeOptions): Promise<void> {
  mkdirSync(options.dataDir, { recursive: true });
  const credentials = loadCredentials(options.dataDir, options.region, process.env);
  if (!LOOPBACK.has(options.listenHost) && process.env["THAW_ACCESS_KEY_ID"] === undefined) {
    throw new UsageError(
      `--listen ${options.listenHost} is reachable from outside: set THAW_ACCESS_KEY_ID and THAW_SECRET_ACCESS_KEY to credentials of your own`,
    );
  }
  const host = await connectHost();
  const clock = systemClock;
  const hosted = { host, connectSupervisor, clock };
  const secret = loadSecret(options.dataDir);
  const keyring = new Keyring(join(options.dataDir, "keyring.json"), systemRandom);
  const far = new FarCounts();
  const engine = options.engine === "criu" ? await createSnapshotting(options, hosted, secret, keyring, far) : createProcessEngine(hosted);
  const catalog = createCatalog(options);
  const logs = createDiskLogStore({ directory: join(options.dataDir, "logs"), clock });
  const worker = createWorker({
    engine,
    catalog,
    logs,
    credentials: createCredentialSource(clock, systemRandom),
    clock,
    secret,
    limits: { environmentsMax: options.environmentsMax, memoryMaxMib: options.memoryMaxMib, idleTimeoutMs: options.idleTimeoutS * 1000 },
    onRestore: (report) => log("restore", { ...report }),
    onProblem: (problem) => logProblem(problem.what, problem.error, { environmentId: problem.environmentId }),
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
    keys: keyring,
    clock,
    random: systemRandom,
    onFallback: () => void far.counts.fallbacks++,
    onProblem: logProblem,
  });
  await control.recover();
  const app = createHttpServer({
    control,
    secretOf: (id) => (id === credentials.accessKeyId ? credentials.secretAccessKey : null),
    describeHost: () => ({ ...describeHost(host, engine, catalog), snapshotStore: far.counts }),
  });
  const address = await app.listen({ host: options.listenHost, port: options.listenPort });
  process.stdout.write(`thaw listening on ${address}\n`);
  if (engine.snapshots === null) log("no snapshots", { reason: engine.snapshotsProblem });
  const reason = await Promise.race([untilSignal(), host.lost.then(() => "sandboxd is gone")]);
  log("stopping", { reason });
  await shutDown(app, control, worker);
  await engine.close();
  await logs.close();
  store.close();
}

async function createSnapshotting(options: ServeOptions, hosted: HostedEngineOptions, secret: Buffer, keyring: Keyring, far: FarCounts): Promise<Engine> {
  const onEvent = (event: FarEvent): void => {
    far.add(event);
    if (event.kind === "chunk-failed") logProblem(`fetch chunk ${event.chunk}`, event.error, { answer: event.answer });
    else if (event.kind !== "chunk-fetched") log(event.kind, { ...event });
  };
  const engine = createCriuEngine({
    ...hosted,
    keys: await createKeys(options, keyring),
    dataKeysKeptMs: options.dataKeyCacheS * 1000,
    chunkSecret: deriveChunkSecret(secret, options.accountId),
    far: await createFar(options, secret, onEvent),
    random: systemRandom,
    onProblem: logProblem,
  });
  await claimStore(engine.claimStore()).catch(async (error: unknown) => {
    await engine.close();
    throw error;
  });
  return engine;
}

/** Another installation's store, or one that refuses, ends the start. One that is away does not: what is here can be restored. */
async function claimStore(claim: Promise<void>): Promise<void> {
  const tooLong = new Promise<void>((resolve) => void systemClock.after(STORE_WAIT_MS, resolve));
  const claimed = claim.catch((error: unknown) => {
    if (error instanceof ThawError && FATAL_AT_START.has(error.code)) throw new UsageError(`${error.publicMessage} ${JSON.stringify(error.detail)}`);
    logProblem("claim the snapshot store", error);
  });
  await Promise.race([claimed, tooLong]);
  claimed.catch((error: unknown) => logProblem("claim the snapshot store", error));
}

/** Content is shared within an account, never beyond it. */
function deriveChunkSecret(secret: Buffer, accountId: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, accountId, "thaw chunks", 32));
}

async function connectHost(): Promise<SandboxHost> {
  const socket = process.env["THAW_SANDBOXD"] ?? "/run/thaw/sandboxd.sock";
  try {
    return await connectSandboxd(socket);
  } catch (error) {
    if (error instanceof ThawError)
      throw new UsageError(`sandboxd can't be reached at ${socket}. Start thaw serve as root, or have root start thaw-sandboxd for this user.`);
    throw error;
  }
}

function createCatalog(options: ServeOptions): RuntimeCatalog {
  const clientsDir = process.env["THAW_CLIENTS"];
  if (clientsDir === undefined) throw new UsageError("THAW_CLIENTS is not set; it names the directory of runtime clients (runtimes/dist)");
  const scope = { accountId: options.accountId, region: options.region };
  return createRuntimeCatalog({ thawHome: options.thawHome, clientsDir, arnOf: (runtime) => runtimeVersionArn(scope, runtime) });
}

function describeHost(host: SandboxHost, engine: Engine, catalog: RuntimeCatalog): Record<string, unknown> {
  return {
    ...host.facts,
    cpuFingerprint: createHash("sha256").update(host.facts.cpuFingerprint).digest("hex").slice(0, 16),
    engine: engine.name,
    snapshotsProblem: engine.snapshotsProblem,
    runtimes: catalog.list().map((recipe) => recipe.runtime),
    server: { node: process.version, residentBytes: process.memoryUsage.rss(), uptimeS: process.uptime() },
  };
}

async function shutDown(app: ReturnType<typeof createHttpServer>, control: ControlPlane, worker: Worker): Promise<void> {
  const closed = app.close();
  await control.close();
  await worker.close(SHUTDOWN_GRACE_MS);
  await closed;
}

function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}

function logProblem(what: string, error: unknown, fields: Readonly<Record<string, unknown>> = {}): void {
  const cause = error instanceof Error && error.cause !== undefined ? { cause: String(error.cause) } : {};
  const shown =
    error instanceof ThawError
      ? { code: error.code, message: error.message, ...error.detail, ...cause }
      : { message: error instanceof Error ? error.stack : String(error) };
  log("problem", { what, ...fields, ...shown });
}
