/** The worker: owns the execution environments of this host. No HTTP, no child processes: engines and the log store are ports. */
import type { Clock } from "../base/clock.ts";
import type { SnapshotId } from "../base/ids.ts";
import type { CredentialSource } from "../ports/credential-source.ts";
import type { Engine } from "../ports/engine.ts";
import type { LogStore } from "../ports/log-store.ts";
import type { RuntimeCatalog } from "../ports/runtime-catalog.ts";
import type { EnvironmentFilter, EnvironmentSummary, InvokeInput, InvokeOutcome, RunnableVersion, SnapshotOutcome, Worker } from "../ports/worker.ts";
import { EnvironmentPool } from "./environment-pool.ts";
import type { Environment } from "./environment.ts";
import { CLOSING } from "./platform-failure.ts";
import { Semaphore } from "./semaphore.ts";
import { initialiseAndSnapshot } from "./take-snapshot.ts";
import { DEFAULT_WORKER_LIMITS, type RestoreReport, type WorkerLimits, type WorkerProblem, type WorkerServices } from "./worker-services.ts";

export interface WorkerOptions {
  readonly engine: Engine;
  readonly catalog: RuntimeCatalog;
  readonly logs: LogStore;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  /** At least 32 bytes, the same at every start of this installation: tokens inside snapshots are derived from it. */
  readonly secret: Buffer;
  readonly limits?: Partial<WorkerLimits>;
  readonly onRestore?: (report: RestoreReport) => void;
  readonly onProblem?: (problem: WorkerProblem) => void;
}

export function createWorker(options: WorkerOptions): Worker {
  const { engine, catalog, logs, credentials, clock, secret } = options;
  const services: WorkerServices = {
    engine,
    clock,
    logs,
    credentials,
    secret,
    limits: { ...DEFAULT_WORKER_LIMITS, ...options.limits },
    onRestore: options.onRestore ?? (() => undefined),
    onProblem: options.onProblem ?? (() => undefined),
  };
  return new LocalWorker(services, catalog);
}

class LocalWorker implements Worker {
  readonly #services: WorkerServices;
  readonly #catalog: RuntimeCatalog;
  readonly #pool: EnvironmentPool;
  readonly #snapshotSlots: Semaphore;
  #isClosing = false;

  constructor(services: WorkerServices, catalog: RuntimeCatalog) {
    this.#services = services;
    this.#catalog = catalog;
    this.#pool = new EnvironmentPool(services);
    this.#snapshotSlots = new Semaphore(services.limits.snapshotsAtOnceMax);
  }

  async invoke(version: RunnableVersion, input: InvokeInput): Promise<InvokeOutcome> {
    if (this.#isClosing) return { kind: "platform-error", code: CLOSING.code, message: CLOSING.message };
    const recipe = this.#catalog.find(version.runtime);
    if (recipe === null) return this.#runtimeMissing(version);
    return this.#pool.invoke(version, recipe, input);
  }

  async createSnapshot(version: RunnableVersion, snapshotId: SnapshotId, signal: AbortSignal): Promise<SnapshotOutcome> {
    const problem = this.snapshotsProblem();
    if (problem !== null) return { kind: "platform-error", code: "WORKER_NO_SNAPSHOTS", message: problem };
    if (!(await this.#snapshotSlots.acquire(signal))) return { kind: "cancelled" };
    try {
      if (this.#isClosing) return { kind: "platform-error", code: CLOSING.code, message: CLOSING.message };
      await this.#pool.makeRoom(version.memorySizeMib);
      if (signal.aborted) return { kind: "cancelled" };
      return await this.#runSnapshotEnvironment(version, snapshotId, signal);
    } finally {
      this.#snapshotSlots.release();
    }
  }

  async removeSnapshot(snapshotId: SnapshotId): Promise<void> {
    await this.#services.engine.snapshots?.remove(snapshotId);
  }

  async listSnapshots(): Promise<readonly SnapshotId[]> {
    return (await this.#services.engine.snapshots?.list()) ?? [];
  }

  async sweepSnapshots(named: ReadonlySet<SnapshotId>): Promise<void> {
    await this.#services.engine.snapshots?.sweep(named);
  }

  snapshotsProblem(): string | null {
    const { engine } = this.#services;
    if (engine.snapshots !== null) return null;
    return engine.snapshotsProblem ?? `The engine ${engine.name} takes no snapshots.`;
  }

  runtimeProblem(runtime: string): string | null {
    if (this.#catalog.find(runtime) !== null) return null;
    return `The runtime ${runtime} is not installed on this host. ${this.#catalog.remedy(runtime)}`;
  }

  listEnvironments(): readonly EnvironmentSummary[] {
    return this.#pool.all.map((environment) => environment.summary);
  }

  async stopEnvironments(filter: EnvironmentFilter): Promise<number> {
    const chosen = this.#pool.all.filter((environment) => isChosen(environment, filter));
    // Idle ones are gone when this resolves; busy ones go after their invoke.
    const idle = chosen.filter((environment) => environment.state === "idle");
    for (const environment of chosen) environment.stop();
    await Promise.all(idle.map((environment) => environment.stopped));
    return chosen.length;
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    const environments = this.#pool.all;
    for (const environment of environments) {
      // A snapshot that is being made is begun again at the next start.
      if (environment.core.mode.kind === "snapshot") environment.kill();
      else environment.stop();
    }
    const cancel = this.#services.clock.after(graceMs, () => {
      for (const environment of environments) environment.kill();
    });
    await Promise.all(environments.map((environment) => environment.stopped));
    cancel();
  }

  async #runSnapshotEnvironment(version: RunnableVersion, snapshotId: SnapshotId, signal: AbortSignal): Promise<SnapshotOutcome> {
    const snapshots = this.#services.engine.snapshots;
    const recipe = this.#catalog.find(version.runtime);
    if (recipe === null) return this.#runtimeMissing(version);
    if (snapshots === null) return { kind: "platform-error", code: "WORKER_NO_SNAPSHOTS", message: this.snapshotsProblem() ?? "" };
    let outcome: SnapshotOutcome | null = null;
    const environment = this.#pool.start(version, recipe, { kind: "snapshot", snapshotId }, async (started) => {
      outcome = await initialiseAndSnapshot(started, snapshots, snapshotId, signal);
    });
    const onAbort = (): void => environment.kill({ kind: "cancelled" });
    signal.addEventListener("abort", onAbort, { once: true });
    await environment.stopped;
    signal.removeEventListener("abort", onAbort);
    return outcome ?? { kind: "platform-error", code: "WORKER_ENVIRONMENT_LOST", message: "The snapshot could not be made. The server's log has the details." };
  }

  #runtimeMissing(version: RunnableVersion): { readonly kind: "platform-error"; readonly code: string; readonly message: string } {
    return { kind: "platform-error", code: "WORKER_RUNTIME_MISSING", message: this.runtimeProblem(version.runtime) ?? "" };
  }
}

function isChosen(environment: Environment, filter: EnvironmentFilter): boolean {
  const { version, mode } = environment.core;
  if (mode.kind === "snapshot" || environment.isStopping) return false;
  if (filter.functionName !== undefined && filter.functionName !== version.functionName) return false;
  return filter.version === undefined || filter.version === version.version;
}
