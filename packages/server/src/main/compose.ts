/**
 * Builds the server of one process, a control plane and a worker: the only place that knows which adapter stands behind
 * which port.
 */
import { join } from "node:path";
import { SETUP } from "@thaw/installation";
import { openAccounts } from "../accounts/account-file.ts";
import { openConsoleLogins } from "../accounts/console-logins.ts";
import { SessionCredentialSource } from "../accounts/session-credentials.ts";
import { systemClock as clock } from "../base/clock.ts";
import type { AccountScope } from "../model/function-name.ts";
import { ThawError } from "../model/platform-errors.ts";
import { systemRandom as random } from "../base/random.ts";
import { runtimeVersionArn } from "../control/records/present.ts";
import type { ControlServices } from "../control/services.ts";
import type { Health } from "../http/observability.ts";
import { createImageSource } from "../images/image-source.ts";
import { createHttpServer, type HttpServer } from "../http/server.ts";
import { Keyring } from "../keys/keyring.ts";
import { createAwsServices } from "../aws/create-services.ts";
import { createDiskLogStore } from "../logs/disk-log-store.ts";
import { collectHostFigures } from "../metrics/host-figures.ts";
import { measureWorker } from "../metrics/measure.ts";
import type { Accounts } from "../ports/accounts.ts";
import type { ConsoleLogins } from "../ports/console-logins.ts";
import type { Engine } from "../ports/engine.ts";
import type { LogStore } from "../ports/log-store.ts";
import type { RuntimeCatalog } from "../ports/runtime-catalog.ts";
import type { SandboxHost } from "../ports/sandbox-host.ts";
import type { SnapshotReader } from "../ports/snapshot-reader.ts";
import type { RunnableVersion, Worker } from "../ports/worker.ts";
import { createRuntimeCatalog } from "../runtimes/catalog.ts";
import { connectSandboxd } from "../sandboxd/client.ts";
import type { SnapshotService } from "../snapshots/snapshot-service.ts";
import { openCodeDirectory } from "../store/code-directory.ts";
import { createPrimeSource } from "../store/prime-file.ts";
import { createSamTransform } from "../transforms/sam-transform.ts";
import { createWorker } from "../worker/create-worker.ts";
import { DebugSessions } from "../worker/debug-sessions.ts";
import { SharedWorker } from "../worker/shared-worker.ts";
import { consoleOptions } from "./console.ts";
import { loadCredentials, loadSecret } from "./credentials.ts";
import { countSnapshots, describeHost } from "./describe-host.ts";
import { createDestinations } from "./destinations.ts";
import { createIssuers } from "./issuers.ts";
import { type Doors, openDoors } from "./door.ts";
import { createEngine } from "./engine.ts";
import { createEventSources } from "./event-sources.ts";
import { createKeys, FarCounts } from "./far.ts";
import { functionUrlOptions } from "./function-urls.ts";
import { hostLimits, workerLimits, roomWatches } from "./limits.ts";
import { Monitoring } from "./monitoring.ts";
import { syncFileSystem } from "./sync-file-system.ts";
import type { ServeOptions, ServerCredentials } from "./options/serve-options.ts";
import { isCaller } from "./options/service-callers.ts";
import { UsageError } from "./options/usage-error.ts";
import { connectInstaller } from "./runtime-installer.ts";
import { openMetadata } from "./metadata-database.ts";
import { InstalledScopes } from "./scopes.ts";
import { SERVICES_LIMITS } from "./services-door.ts";
import { createPassedServices } from "./passed-services.ts";
import { shownName } from "./shown-name.ts";
import { countingProblems, logProblem, reportFar } from "./problems.ts";

export interface ComposedServer {
  readonly app: HttpServer;
  readonly scopes: InstalledScopes;
  readonly worker: Worker;
  readonly engine: Engine;
  /** Snapshots of this host; null where the engine takes none. */
  readonly snapshots: SnapshotService | null;
  readonly monitoring: Monitoring;
  readonly health: Health;
  /** Id of the key that clients sign with. */
  readonly accessKeyId: string;
  /** Aborted when the server begins to stop: it is then no longer ready, and answers close their connection. */
  readonly draining: AbortController;
  /** Resolves when sandboxd is gone. */
  readonly hostLost: Promise<void>;
  /** Resolves when another server has taken the database. */
  readonly databaseTaken: Promise<void>;
  /** Closes what is left when the control plane and the worker have ended. */
  close(): Promise<void>;
}

/** The parts that hold the data directory, and the engine on this host. */
interface Foundation extends Doors {
  readonly host: SandboxHost;
  readonly secret: Buffer;
  readonly keyring: Keyring;
  readonly far: FarCounts;
  readonly engine: Engine;
  /** Snapshots of this host; null where the engine takes none. */
  readonly snapshots: SnapshotService | null;
  readonly snapshotReader: SnapshotReader | null;
  readonly debugging: DebugSessions;
}

/** Throws a UsageError when the settings don't fit this host or its data directory. */
export async function composeServer(options: ServeOptions): Promise<ComposedServer> {
  const credentials = loadCredentials(options);
  const monitoring = new Monitoring(process.env, clock, random);
  const onProblem = countingProblems(monitoring);
  const home = { accountId: options.accountId, region: options.region };
  const { metadata, taken } = await openMetadata({ ...options, home });
  const { logs, opened: logsOpened } = openLogs(options, onProblem);
  const foundation = await createFoundation(options);
  const { host, engine, snapshots, far, door, servicesDoor } = foundation;
  const catalog = createCatalog(options);
  const tools = { clock, random, onProblem };
  const sessionKeys = new SessionCredentialSource(foundation.secret, clock, random);
  const accounts = composeAccounts(options, credentials, sessionKeys);
  const worker = composeWorker(options, foundation, { catalog, monitoring, logs, sessionKeys });
  const outside = composeOutside(options);
  const transform = createSamTransform({ thawHome: options.thawHome, clock });
  const { issuers } = outside.services;
  const scopes = await InstalledScopes.open({
    dataDir: options.dataDir,
    metadata,
    objectsBytesMax: options.objectsMaxMib * 2 ** 20,
    home,
    regions: options.regions,
    accounts,
    code: await openCodeDirectory(options.dataDir, syncFileSystem, roomWatches(options)),
    worker: new SharedWorker(worker, home, options.snapshotsAtOnceMax),
    logs,
    histories: monitoring.recent,
    createAwsServices: (scope, store, parts) =>
      createAwsServices({ scope, store, logs, sessions: sessionKeys, transform, issuers, clock, random, ...parts }),
    passed: outside.passed,
    forStacks: stackParts(options, foundation),
    common: {
      primes: createPrimeSource(options.dataDir),
      parity: options.parity,
      organizationId: options.organizationId,
      snapshotReader: foundation.snapshotReader,
      keys: foundation.keyring,
      ...outside.services,
      ...tools,
      ...hostLimits(options),
      ...reportsTo(monitoring, far),
    },
  });
  const draining = new AbortController();
  const health = healthOf(draining.signal);
  const listener = {
    scopes,
    accounts,
    ...tools,
    credentials,
    describeHost: () => describeHost({ host, engine, catalog, worker, options, far }),
    health,
    figures: monitoring.metrics,
    draining: draining.signal,
    functionUrls: functionUrlOptions(options),
    debugging: foundation.debugging,
    console: consoleOptions(options, composeLogins(options, foundation, accounts)),
  };
  const app = createHttpServer(listener);
  await servicesDoor?.serve(createHttpServer({ ...listener, isForFunctions: true, limits: SERVICES_LIMITS }));
  const close = closing([snapshots, ...outside.closed, transform, door, servicesDoor], [logs, monitoring], {
    engine,
    scopes,
  });
  await logsOpened;
  const parts = { app, scopes, worker, engine, snapshots, monitoring };
  const losses = { hostLost: host.lost, databaseTaken: taken };
  return { ...parts, health, accessKeyId: credentials.accessKeyId, draining, ...losses, close };
}

/** Closes first what ends at once, and the stores last. */
function closing(
  first: ReadonlyArray<{ close(): void } | null>,
  then: ReadonlyArray<{ close(): Promise<void> }>,
  { engine, scopes }: { readonly engine: Engine; readonly scopes: InstalledScopes },
): () => Promise<void> {
  return async () => {
    for (const each of first) each?.close();
    await engine.close();
    try {
      await Promise.all(then.map((each) => each.close()));
    } finally {
      await scopes.closeStores();
    }
  };
}

function healthOf(draining: AbortSignal): Health {
  return { notReady: () => (draining.aborted ? "the server is stopping" : null) };
}

/** What is asked over the network. */
function composeOutside(options: ServeOptions) {
  const destinations = createDestinations(options.destinations);
  const eventSources = createEventSources(options.destinations);
  const passed = createPassedServices(options.destinations);
  const scratchDir = join(options.dataDir, "images");
  const images = createImageSource({ ...options.images, scratchDir, watchRoom: roomWatches(options), clock });
  const services = { destinations, eventSources, images, issuers: createIssuers(options.httpIssuers, clock) };
  return { services, passed, closed: [destinations, eventSources, passed, images] };
}

/** What control planes report, for figures. */
function reportsTo(
  monitoring: Monitoring,
  far: FarCounts,
): Pick<ControlServices, "onFallback" | "onAsync" | "onEventSource"> {
  return {
    onFallback: () => void far.counts.fallbacks++,
    onAsync: (report) => monitoring.happened(report),
    onEventSource: (report) => monitoring.read(report),
  };
}

/** Throws a UsageError where the file of accounts can't be read. */
function composeAccounts(
  { dataDir, accountId }: ServeOptions,
  credentials: ServerCredentials,
  sessionKeys: SessionCredentialSource,
): Accounts {
  try {
    return openAccounts({ dataDir, home: { accountId, ...credentials }, sessionKeys, clock, random });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Throws a UsageError where the file of revoked logins can't be read. */
function composeLogins({ dataDir }: ServeOptions, { secret }: Foundation, keys: Accounts): ConsoleLogins {
  try {
    return openConsoleLogins({ dataDir, secret, keys, clock, random });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function createFoundation(options: ServeOptions): Promise<Foundation> {
  const host = await connectHost();
  const secret = loadSecret(options.dataDir);
  const keyring = new Keyring(join(options.dataDir, "keyring.json"), random);
  const keys = await createKeys(options, keyring);
  const far = new FarCounts();
  const made = await createEngine({
    options,
    host,
    secret,
    keys,
    onEvent: (event) => reportFar(far, event),
    onProblem: logProblem,
  });
  const hasCallers = options.serviceCallers.length > 0;
  const doors = await openDoors({
    dataDir: options.dataDir,
    secret,
    host,
    clock,
    onProblem: logProblem,
    hasCallers,
  });
  return { host, secret, keyring, far, debugging: new DebugSessions(clock), ...doors, ...made };
}

/** What stacks have of the installation. */
function stackParts(options: ServeOptions, { keyring: keys, secret, door, servicesDoor }: Foundation) {
  const callsServices = (scope: AccountScope, functionName: string): boolean =>
    servicesDoor !== null && isCaller(options.serviceCallers, options.accountId, scope, functionName);
  return { keys, secret, door, callsServices };
}

interface WorkerParts {
  readonly catalog: RuntimeCatalog;
  readonly monitoring: Monitoring;
  readonly logs: LogStore;
  readonly sessionKeys: SessionCredentialSource;
}

/**
 * Begins to open the logs, whose thread starts while the rest is composed. `opened` rejects with a UsageError where
 * they can't be. The largest group may have a quarter of the room, so that one function does not drive out the logs of
 * all others.
 */
function openLogs({ dataDir, logsMaxMib }: ServeOptions, onProblem: typeof logProblem) {
  const totalBytesMax = logsMaxMib * 1024 * 1024;
  const path = join(dataDir, "logs.db");
  const logs = createDiskLogStore({
    path,
    clock,
    limits: { totalBytesMax, groupBytesMax: totalBytesMax / 4 },
    onProblem: (error) => onProblem("logs", error),
  });
  const opened = logs.findGroup("").then(
    () => undefined,
    (error: unknown) => {
      throw new UsageError(`The logs in ${path} can't be opened: ${(error as Error).message}`);
    },
  );
  // Whatever else fails first is told; this is told where it is awaited.
  opened.catch(() => undefined);
  return { logs, opened };
}

/** The worker with its figures. */
function composeWorker(
  options: ServeOptions,
  { engine, snapshots, host, secret, servicesDoor, debugging }: Foundation,
  { catalog, monitoring, logs, sessionKeys }: WorkerParts,
): Worker {
  const onProblem = countingProblems(monitoring);
  const nameOf = (of: Pick<RunnableVersion, "accountId" | "region" | "functionName">): string =>
    shownName(options, of, of.functionName);
  const inner = createWorker({
    engine,
    snapshots,
    catalog,
    installer: connectInstaller(options.installRuntimes, process.env),
    logs,
    credentials: sessionKeys,
    primes: createPrimeSource(options.dataDir),
    debugging,
    clock,
    secret,
    limits: workerLimits(options, servicesDoor !== null),
    onRestore: (report) => {
      monitoring.recent.restored(report);
      monitoring.restored({ ...report, functionName: nameOf(report) });
    },
    onInvocation: (report) => {
      monitoring.recent.reported(report);
      monitoring.invoked(nameOf(report), report);
    },
    onProblem: (problem) => onProblem(problem.what, problem.error, { environmentId: problem.environmentId }),
  });
  const worker = measureWorker(inner, monitoring.metrics, monitoring.recent, nameOf);
  collectHostFigures(monitoring.metrics, worker, {
    dataDir: options.dataDir,
    countSnapshots: () => countSnapshots(engine, host),
  });
  return worker;
}

async function connectHost(): Promise<SandboxHost> {
  const socket = process.env["THAW_SANDBOXD"] ?? "/run/thaw/sandboxd.sock";
  try {
    return await connectSandboxd(socket);
  } catch (error) {
    if (!(error instanceof ThawError)) throw error;
    if (error.code !== "SANDBOX_LOST")
      throw new UsageError(
        `sandboxd at ${socket} refuses this server: ${String(error.detail["hostMessage"])}. ` +
          `Both must be of one version. Run: ${SETUP}`,
      );
    throw new UsageError(
      `sandboxd can't be reached at ${socket}. ` +
        "Start thaw serve as root, or have root start thaw-sandboxd for this user.",
    );
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
