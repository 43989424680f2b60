/**
 * Provisioned concurrency: environments that are initialised ahead and kept until they are not wanted any more. The
 * wanted state is given as a whole; what is missing is started, what is too much is stopped, what ended is replaced.
 */
import type { ProvisionedStatus, ProvisionedTarget, RunnableVersion } from "../../ports/worker.ts";
import type { RuntimeCatalog } from "../../ports/runtime-catalog.ts";
import type { EnvironmentPool } from "./pool.ts";
import type { Environment } from "../environment/environment.ts";
import { serveProvisioned } from "../lives/provisioned.ts";
import type { WorkerServices } from "../worker-services.ts";

/** Init on many environments at once would only be slower. */
const STARTS_AT_ONCE_MAX = 4;
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 60_000;

interface Entry {
  version: RunnableVersion;
  count: number;
  readonly abort: AbortController;
  starting: number;
  failures: number;
  cancelRetry: (() => void) | null;
  invocations: number;
  spillovers: number;
}

export class ProvisionedEnvironments {
  readonly #services: WorkerServices;
  readonly #catalog: RuntimeCatalog;
  readonly #pool: EnvironmentPool;
  readonly #entries = new Map<string, Entry>();

  constructor(services: WorkerServices, catalog: RuntimeCatalog, pool: EnvironmentPool) {
    this.#services = services;
    this.#catalog = catalog;
    this.#pool = pool;
  }

  set(targets: readonly ProvisionedTarget[]): void {
    const wanted = new Map(targets.map((target) => [target.version.runKey, target]));
    for (const runKey of this.#entries.keys()) if (!wanted.has(runKey)) this.#drop(runKey);
    for (const { version, count } of targets) {
      const entry = this.#entries.get(version.runKey) ?? newEntry(version);
      entry.version = version;
      entry.count = count;
      this.#entries.set(version.runKey, entry);
      this.#fill(entry);
    }
  }

  /** Counts an invoke that found its place. */
  count(runKey: string, isProvisioned: boolean): void {
    const entry = this.#entries.get(runKey);
    if (entry === undefined) return;
    if (isProvisioned) entry.invocations++;
    else entry.spillovers++;
  }

  statuses(): ReadonlyArray<ProvisionedStatus & { readonly runKey: string }> {
    return [...this.#entries.keys()].map((runKey) => ({ runKey, ...this.#statusOf(runKey) }));
  }

  #statusOf(runKey: string): ProvisionedStatus {
    const entry = this.#entries.get(runKey);
    const own = this.#environmentsOf(runKey);
    const available = own.filter(
      (environment) => environment.state === "idle" || environment.state === "invoking",
    ).length;
    return {
      allocated: own.length,
      available,
      inUse: own.filter((environment) => environment.state === "invoking").length,
      hasFailed: (entry?.failures ?? 0) > 0,
      invocations: entry?.invocations ?? 0,
      spilloverInvocations: entry?.spillovers ?? 0,
    };
  }

  close(): void {
    for (const runKey of this.#entries.keys()) this.#drop(runKey);
  }

  #drop(runKey: string): void {
    const entry = this.#entries.get(runKey);
    this.#entries.delete(runKey);
    entry?.abort.abort();
    entry?.cancelRetry?.();
    for (const environment of this.#environmentsOf(runKey)) environment.stop();
  }

  #fill(entry: Entry): void {
    if (entry.abort.signal.aborted) return;
    const own = this.#environmentsOf(entry.version.runKey);
    const surplus = own.length + entry.starting - entry.count;
    for (const environment of own.slice(0, Math.max(0, surplus))) environment.stop();
    if (entry.cancelRetry !== null) return;
    const initialising = own.filter(
      (environment) => environment.state === "starting" || environment.state === "initialising",
    ).length;
    for (let more = Math.min(-surplus, STARTS_AT_ONCE_MAX - initialising - entry.starting); more > 0; more--)
      void this.#start(entry);
  }

  async #start(entry: Entry): Promise<void> {
    const recipe = this.#catalog.find(entry.version.runtime);
    if (recipe === null) return this.#failed(entry);
    entry.starting++;
    let isReady = false;
    const environment = await this.#pool.startInRoom(
      entry.version,
      recipe,
      { kind: "provisioned" },
      entry.abort.signal,
      (driver) =>
        serveProvisioned(driver, () => {
          isReady = true;
          entry.failures = 0;
          this.#fill(entry);
        }),
    );
    entry.starting--;
    if (environment === null) return;
    await environment.stopped;
    if (isReady) this.#fill(entry);
    else this.#failed(entry);
  }

  #failed(entry: Entry): void {
    entry.failures++;
    if (entry.abort.signal.aborted || entry.cancelRetry !== null) return;
    const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (entry.failures - 1));
    entry.cancelRetry = this.#services.clock.after(delayMs, () => {
      entry.cancelRetry = null;
      this.#fill(entry);
    });
  }

  #environmentsOf(runKey: string): readonly Environment[] {
    return this.#pool.all.filter(
      ({ mode, version, isStopping }) => mode.kind === "provisioned" && version.runKey === runKey && !isStopping,
    );
  }
}

function newEntry(version: RunnableVersion): Entry {
  return {
    version,
    count: 0,
    abort: new AbortController(),
    starting: 0,
    failures: 0,
    cancelRetry: null,
    invocations: 0,
    spillovers: 0,
  };
}
