/**
 * Builds the server of one process, a control plane and a worker: the only place that knows which adapter stands behind
 * which port.
 */
import { join } from "node:path";
import { SETUP } from "@thaw/installation";
import { openAccounts } from "../accounts/account-file.ts";
import { FunctionCredentialSource } from "../accounts/function-credentials.ts";
import { systemClock as clock } from "../base/clock.ts";
import { ThawError } from "../model/platform-errors.ts";
import { systemRandom as random } from "../base/random.ts";
import { runtimeVersionArn } from "../control/records/present.ts";
import type { Health } from "../http/observability.ts";
import { createImageSource } from "../images/image-source.ts";
import { createHttpServer, type HttpServer } from "../http/server.ts";
import { Keyring } from "../keys/keyring.ts";
import { createAwsServices } from "../aws/create-services.ts";
import { openDiskLogStore } from "../logs/disk-log-store.ts";
import { collectHostFigures } from "../metrics/host-figures.ts";
import { measureWorker } from "../metrics/measure.ts";
import type { Accounts } from "../ports/accounts.ts";
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
import { createWorker } from "../worker/create-worker.ts";
import { SharedWorker } from "../worker/shared-worker.ts";
import { loadCredentials, loadSecret } from "./credentials.ts";
import { countSnapshots, describeHost } from "./describe-host.ts";
import { createDestinations } from "./destinations.ts";
import { createEngine } from "./engine.ts";
import { createKeys, FarCounts } from "./far.ts";
import { functionUrlOptions } from "./function-urls.ts";
import { hostLimits, workerLimits } from "./limits.ts";
import { Monitoring } from "./monitoring.ts";
import { syncFileSystem } from "./sync-file-system.ts";
import type { ServeOptions, ServerCredentials } from "./options/serve-options.ts";
import { UsageError } from "./options/usage-error.ts";
import { InstalledScopes } from "./scopes.ts";
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
  /** Closes what is left when the control plane and the worker have ended. */
  close(): Promise<void>;
}

/** The parts that hold the data directory, and the engine on this host. */
interface Foundation {
  readonly host: SandboxHost;
  readonly secret: Buffer;
  readonly keyring: Keyring;
  readonly far: FarCounts;
  readonly engine: Engine;
  /** Snapshots of this host; null where the engine takes none. */
  readonly snapshots: SnapshotService | null;
  readonly snapshotReader: SnapshotReader | null;
}

/** Throws a UsageError when the settings don't fit this host or its data directory. */
export async function composeServer(options: ServeOptions): Promise<ComposedServer> {
  const credentials = loadCredentials(options);
  const foundation = await createFoundation(options);
  const { host, engine, snapshots, far } = foundation;
  const catalog = createCatalog(options);
  const monitoring = new Monitoring(process.env, clock, random);
  const onProblem = countingProblems(monitoring);
  const home = { accountId: options.accountId, region: options.region };
  const { dataDir } = options;
  const logs = await openLogs(options, onProblem);
  const functionKeys = new FunctionCredentialSource(foundation.secret, clock, random);
  const accounts = composeAccounts(options, credentials, functionKeys);
  const worker = composeWorker(options, foundation, { catalog, monitoring, logs, functionKeys });
  const destinations = createDestinations(options.destinations);
  const scopes = new InstalledScopes({
    dataDir,
    objectsBytesMax: options.objectsMaxMib * 2 ** 20,
    home,
    regions: options.regions,
    accounts,
    code: await openCodeDirectory(dataDir, syncFileSystem),
    worker: new SharedWorker(worker, home, options.snapshotsAtOnceMax),
    logs,
    createAwsServices: (scope, store) => createAwsServices({ scope, store, logs, clock, random }),
    common: {
      parity: options.parity,
      images: createImageSource({ ...options.images, scratchDir: join(dataDir, "images") }),
      snapshotReader: foundation.snapshotReader,
      keys: foundation.keyring,
      destinations,
      clock,
      random,
      ...hostLimits(options),
      onFallback: () => void far.counts.fallbacks++,
      onAsync: (report) => monitoring.happened(report),
      onProblem,
    },
  });
  const draining = new AbortController();
  const health = { notReady: () => (draining.signal.aborted ? "the server is stopping" : null) };
  const app = createHttpServer({
    scopes,
    accounts,
    clock,
    random,
    onProblem,
    credentials,
    describeHost: () => describeHost({ host, engine, catalog, worker, options, far }),
    health,
    figures: monitoring.metrics,
    draining: draining.signal,
    functionUrls: functionUrlOptions(options),
  });
  const close = async (): Promise<void> => {
    snapshots?.close();
    destinations.close();
    await engine.close();
    try {
      await Promise.all([logs.close(), monitoring.close()]);
    } finally {
      await scopes.closeStores();
    }
  };
  const { accessKeyId } = credentials;
  const parts = { app, scopes, worker, engine, snapshots, monitoring };
  return { ...parts, health, accessKeyId, draining, hostLost: host.lost, close };
}

/** Throws a UsageError where the file of accounts can't be read. */
function composeAccounts(
  { dataDir, accountId }: ServeOptions,
  credentials: ServerCredentials,
  functionKeys: FunctionCredentialSource,
): Accounts {
  try {
    return openAccounts({ dataDir, home: { accountId, ...credentials }, functionKeys, clock, random });
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
  return { host, secret, keyring, far, ...made };
}

interface WorkerParts {
  readonly catalog: RuntimeCatalog;
  readonly monitoring: Monitoring;
  readonly logs: LogStore;
  readonly functionKeys: FunctionCredentialSource;
}

/** The largest group may have a quarter of the room, so that one function does not drive out the logs of all others. */
async function openLogs(
  { dataDir, logsMaxMib }: ServeOptions,
  onProblem: typeof logProblem,
): ReturnType<typeof openDiskLogStore> {
  const totalBytesMax = logsMaxMib * 1024 * 1024;
  try {
    return await openDiskLogStore({
      path: join(dataDir, "logs.db"),
      clock,
      limits: { totalBytesMax, groupBytesMax: totalBytesMax / 4 },
      onProblem: (error) => onProblem("logs", error),
    });
  } catch (error) {
    throw new UsageError(`The logs in ${join(dataDir, "logs.db")} can't be opened: ${(error as Error).message}`);
  }
}

/** The worker with its figures. */
function composeWorker(
  options: ServeOptions,
  { engine, snapshots, host, secret }: Foundation,
  { catalog, monitoring, logs, functionKeys }: WorkerParts,
): Worker {
  const onProblem = countingProblems(monitoring);
  const nameOf = (of: Pick<RunnableVersion, "accountId" | "region" | "functionName">): string =>
    shownName(options, of, of.functionName);
  const inner = createWorker({
    engine,
    snapshots,
    catalog,
    logs,
    credentials: functionKeys,
    primes: createPrimeSource(options.dataDir),
    clock,
    secret,
    limits: workerLimits(options),
    onRestore: (report) => monitoring.restored({ ...report, functionName: nameOf(report) }),
    onInvocation: (report) => monitoring.invoked({ ...report, functionName: nameOf(report) }),
    onProblem: (problem) => onProblem(problem.what, problem.error, { environmentId: problem.environmentId }),
  });
  const worker = measureWorker(inner, monitoring.metrics, nameOf);
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
