/**
 * The worker: owns the execution environments of this host. No HTTP, no child processes: engines and the log store are
 * ports.
 */
import { strict as assert } from "node:assert";
import type { Clock } from "../base/clock.ts";
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import { isSameScope } from "../model/function-name.ts";
import { PLATFORM_ERRORS } from "../model/platform-errors.ts";
import type { CredentialSource } from "../ports/credential-source.ts";
import type { PrimeSource } from "../ports/prime-source.ts";
import type { InvocationReport, RestoreReport } from "../ports/reports.ts";
import type { RuntimeCatalog } from "../ports/runtime-catalog.ts";
import type { RuntimeInstaller } from "../ports/runtime-installer.ts";
import type {
  EnvironmentFilter,
  EnvironmentObservation,
  InvokeInput,
  InvokeOutcome,
  InvokeRefusal,
  ProvisionedTarget,
  RunnableVersion,
  RuntimeProblem,
  RuntimeReleaseUse,
  RuntimeReport,
  SnapshotOutcome,
  Worker,
  WorkerReport,
} from "../ports/worker.ts";
import type { DebugSessions } from "./debug-sessions.ts";
import { EnvironmentPool } from "./placement/pool.ts";
import { initialiseForSnapshot } from "./placement/for-snapshot.ts";
import type { Environment } from "./environment/environment.ts";
import { CLOSED } from "./platform-failure.ts";
import { ProvisionedEnvironments } from "./placement/provisioned.ts";
import {
  DEFAULT_WORKER_LIMITS,
  type WorkerLimits,
  type WorkerProblem,
  type WorkerServices,
} from "./worker-services.ts";
import type { SnapshotFindings } from "../ports/snapshot-disk.ts";
import type { ListedSnapshot, Snapshots } from "../ports/snapshots.ts";

export interface WorkerOptions {
  readonly engine: WorkerServices["engine"];
  readonly snapshots: Snapshots | null;
  readonly catalog: RuntimeCatalog;
  /** Null, or left out: nothing is installed. */
  readonly installer?: RuntimeInstaller | null;
  readonly logs: WorkerServices["logs"];
  readonly credentials: CredentialSource;
  readonly primes: PrimeSource;
  readonly debugging?: DebugSessions;
  readonly clock: Clock;
  /** The installation's secret, at least 32 bytes: tokens inside snapshots are derived from it. */
  readonly secret: Buffer;
  readonly limits?: Partial<WorkerLimits>;
  readonly onRestore?: (report: RestoreReport) => void;
  readonly onInvocation?: (report: InvocationReport) => void;
  readonly onProblem?: (problem: WorkerProblem) => void;
}

export function createWorker(options: WorkerOptions): Worker {
  const { engine, snapshots, catalog, logs, credentials, primes, clock, secret } = options;
  const services: WorkerServices = {
    engine,
    snapshots,
    clock,
    logs,
    credentials,
    primes,
    debugging: options.debugging ?? null,
    secret,
    limits: { ...DEFAULT_WORKER_LIMITS, ...options.limits },
    onRestore: options.onRestore ?? (() => undefined),
    onInvocation: options.onInvocation ?? (() => undefined),
    onProblem: options.onProblem ?? (() => undefined),
  };
  return new LocalWorker(services, catalog, options.installer ?? null);
}

type PlatformRefusal = Extract<InvokeRefusal, { readonly kind: "platform-error" }>;

const UNFIT: PlatformRefusal = {
  kind: "platform-error",
  code: "WORKER_SNAPSHOT_UNFIT",
  message: PLATFORM_ERRORS.WORKER_SNAPSHOT_UNFIT.message,
};

/**
 * The age in milliseconds up to which an invoke believes the last look at the runtimes on the host. Most invokes find
 * an environment that runs, and need none of the fifteen files that a look reads.
 */
const LOOK_AGE_MS_MAX = 1000;

class LocalWorker implements Worker {
  readonly #services: WorkerServices;
  readonly #catalog: RuntimeCatalog;
  readonly #installer: RuntimeInstaller | null;
  readonly #pool: EnvironmentPool;
  readonly #provisioned: ProvisionedEnvironments;
  /** Invokes without an answer so far: one that waits for its place has no environment yet. */
  readonly #asked = new Map<InvokeInput, RunnableVersion>();
  #isClosing = false;

  constructor(services: WorkerServices, catalog: RuntimeCatalog, installer: RuntimeInstaller | null) {
    this.#installer = installer;
    this.#services = services;
    this.#catalog = catalog;
    this.#pool = new EnvironmentPool(services, ({ version, mode }) =>
      this.#provisioned.count(version.runKey, mode.kind === "provisioned"),
    );
    this.#provisioned = new ProvisionedEnvironments(services, catalog, this.#pool);
  }

  async invoke(version: RunnableVersion, input: InvokeInput): Promise<InvokeOutcome> {
    if (this.#isClosing) return CLOSED;
    const made = version.snapshotFingerprints;
    const recipe =
      this.#catalog.find(version.runtime, made?.runtime, LOOK_AGE_MS_MAX) ??
      this.#catalog.find(version.runtime, made?.runtime);
    if (recipe === null && (made === null || this.#catalog.find(version.runtime) === null))
      return this.#runtimeMissing(version);
    const isOtherEngine =
      made !== null && this.#snapshotsProblem() === null && this.#services.snapshots?.fingerprint !== made.engine;
    if (recipe === null || isOtherEngine) return UNFIT;
    if (version.memorySizeMib > this.#services.limits.memoryMaxMib) return this.#tooLarge(version);
    this.#asked.set(input, version);
    try {
      return await this.#pool.invoke(version, recipe, input);
    } finally {
      this.#asked.delete(input);
    }
  }

  async createSnapshot(
    version: RunnableVersion,
    snapshotId: SnapshotId,
    signal: AbortSignal,
  ): Promise<SnapshotOutcome> {
    const { snapshots } = this.#services;
    if (snapshots === null)
      return { kind: "platform-error", code: "WORKER_NO_SNAPSHOTS", message: this.#snapshotsProblem() ?? "" };
    if (version.memorySizeMib > this.#services.limits.memoryMaxMib) return this.#tooLarge(version);
    if (signal.aborted) return { kind: "cancelled" };
    if (this.#isClosing) return CLOSED;
    const recipe = this.#catalog.find(version.runtime);
    if (recipe === null) return this.#runtimeMissing(version);
    const isInstalled = (): boolean => this.#catalog.find(version.runtime, recipe.fingerprint) !== null;
    return initialiseForSnapshot(this.#pool, { version, recipe, isInstalled, snapshots, snapshotId, signal });
  }

  async removeSnapshot(snapshotId: SnapshotId): Promise<void> {
    const users = this.#pool.all.filter(({ mode }) => mode.kind === "restore" && mode.snapshotId === snapshotId);
    for (const environment of users) if (environment.isParking) environment.stop();
    await Promise.all(users.map((environment) => environment.restored));
    await this.#services.snapshots?.remove(snapshotId);
  }

  async listSnapshots(): Promise<readonly ListedSnapshot[]> {
    return (await this.#services.snapshots?.list()) ?? [];
  }

  async sweepSnapshots(named: readonly SnapshotId[]): Promise<void> {
    await this.#services.snapshots?.sweep(new Set(named));
  }

  async runtimeProblem(runtime: string): Promise<RuntimeProblem | null> {
    if (this.#catalog.find(runtime) !== null) return null;
    return { message: this.#remedyOf(runtime), isInstallable: this.#installer?.canInstall(runtime) ?? false };
  }

  async installRuntime(runtime: string): Promise<string | null> {
    if (this.#catalog.find(runtime) !== null) return null;
    if (this.#installer === null || !this.#installer.canInstall(runtime)) return this.#remedyOf(runtime);
    const problem = await this.#installer.install(runtime);
    if (this.#catalog.find(runtime) !== null) return null;
    const reason = problem ?? "it is not where it should be";
    return `The runtime ${runtime} could not be installed on this host: ${reason}. ${this.#catalog.remedy(runtime)}`;
  }

  async uidsInUse(): Promise<ReadonlySet<number>> {
    return new Set(this.#pool.all.map(({ version }) => version.uid));
  }

  async contentInUse(): Promise<ReadonlySet<string>> {
    const versions = [...this.#pool.all.map(({ version }) => version), ...this.#asked.values()];
    return new Set(versions.flatMap(({ codeName, optName }) => (optName === null ? [codeName] : [codeName, optName])));
  }

  async report(): Promise<WorkerReport> {
    return {
      snapshotsProblem: this.#snapshotsProblem(),
      engineFingerprint: this.#services.snapshots?.fingerprint ?? null,
      runtimes: this.#runtimes(),
      releases: this.#releases(),
      environments: this.#pool.all.map((environment) => environment.summary),
      room: this.#pool.room(),
      provisioned: this.#provisioned.statuses(),
    };
  }

  #snapshotsProblem(): string | null {
    const { engine, snapshots } = this.#services;
    if (snapshots !== null) return null;
    return engine.snapshotsProblem ?? `The engine ${engine.name} takes no snapshots.`;
  }

  #remedyOf(runtime: string): string {
    return `The runtime ${runtime} is not installed on this host. ${this.#catalog.remedy(runtime)}`;
  }

  #runtimes(): readonly RuntimeReport[] {
    const fingerprints = new Map<string, string[]>();
    for (const { runtime, fingerprint } of this.#catalog.all())
      fingerprints.set(runtime, [...(fingerprints.get(runtime) ?? []), fingerprint]);
    return [...fingerprints].map(([runtime, all]) => ({ runtime, fingerprints: all }));
  }

  #releases(): readonly RuntimeReleaseUse[] {
    const environments = this.#pool.all;
    return this.#catalog.releases().map((release) => ({
      ...release,
      environments: environments.filter(
        ({ recipe }) => recipe.runtime === release.runtime && recipe.fingerprint === release.fingerprint,
      ).length,
    }));
  }

  async provision(targets: readonly ProvisionedTarget[]): Promise<void> {
    if (!this.#isClosing) this.#provisioned.set(targets);
  }

  async observe(environmentId: EnvironmentId): Promise<EnvironmentObservation | null> {
    const environment = await this.#pool.untilIdle(environmentId);
    return environment === null ? null : environment.observe();
  }

  async inspectSnapshot(version: RunnableVersion, needles: readonly Buffer[]): Promise<SnapshotFindings> {
    const { snapshots } = this.#services;
    assert(
      snapshots !== null && version.snapshotId !== null && version.snapshotKey !== null,
      "a version without a snapshot was to be inspected",
    );
    return snapshots.search(version.snapshotId, version.snapshotKey, needles);
  }

  async stopEnvironments(filter: EnvironmentFilter): Promise<number> {
    const chosen = this.#pool.all.filter((environment) => isChosen(environment, filter));
    // Idle environments are gone when this resolves; busy ones go after their invoke.
    const idle = chosen.filter((environment) => environment.state === "idle" || environment.state === "parked");
    // A parked clone has never been invoked, and so is not counted.
    const count = chosen.filter((environment) => !environment.isParking).length;
    for (const environment of chosen) {
      if (filter.whenIdle === true && !idle.includes(environment) && !environment.isParking) environment.retire();
      else environment.stop();
    }
    if (filter.keepParked !== true) this.#pool.forgetParking(chosen);
    await Promise.all(idle.map((environment) => environment.stopped));
    return count;
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    this.#provisioned.close();
    this.#pool.close();
    const environments = this.#pool.all;
    for (const environment of environments) {
      // A snapshot that is being made is begun again at the next start.
      if (environment.mode.kind === "snapshot") environment.kill();
      else environment.stop();
    }
    const cancel = this.#services.clock.after(graceMs, () => {
      for (const environment of environments) environment.kill();
    });
    await Promise.all(environments.map((environment) => environment.stopped));
    cancel();
  }

  #tooLarge(version: RunnableVersion): PlatformRefusal {
    const message = `The function has ${version.memorySizeMib} MiB of memory, this host gives ${this.#services.limits.memoryMaxMib} MiB to all functions together (--memory-max-mib).`;
    return { kind: "platform-error", code: "WORKER_TOO_LARGE", message };
  }

  #runtimeMissing(version: RunnableVersion): PlatformRefusal {
    return {
      kind: "platform-error",
      code: "WORKER_RUNTIME_MISSING",
      message: this.#remedyOf(version.runtime),
    };
  }
}

function isChosen(environment: Environment, filter: EnvironmentFilter): boolean {
  const { version, mode } = environment;
  if (mode.kind === "snapshot" || environment.isStopping) return false;
  if (filter.keepParked === true && environment.isParking) return false;
  if (filter.runKey !== undefined && filter.runKey !== version.runKey) return false;
  if (filter.scope !== undefined && !isSameScope(filter.scope, version)) return false;
  if (filter.functionName !== undefined && filter.functionName !== version.functionName) return false;
  return filter.version === undefined || filter.version === version.version;
}
