/** A worker on another host, as the control plane has it: each call goes to `WorkerListener` there. */
import type { Clock } from "../base/clock.ts";
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import type { PackageSource } from "../ports/worker-contents.ts";
import type { ListedSnapshot } from "../ports/snapshots.ts";
import type { SnapshotFindings } from "../ports/snapshot-disk.ts";
import type {
  EnvironmentFilter,
  EnvironmentObservation,
  InvokeInput,
  InvokeOutcome,
  ProvisionedTarget,
  RunnableVersion,
  RuntimeProblem,
  SnapshotOutcome,
  Worker,
  WorkerReport,
} from "../ports/worker.ts";
import { Connections, RemoteError, toRefusal, type WorkerAddress } from "./connections.ts";
import { InvokeAnswer } from "./invoke-answer.ts";
import { NewsReader, type NewsTaker } from "./news-reader.ts";
import type { PlainCall } from "./protocol.ts";
import { WorkerWatch } from "./worker-watch.ts";

export interface RemoteWorkerParts {
  readonly clock: Clock;
  /** Who is told what happens there; null: nobody. */
  readonly taker: NewsTaker | null;
  /** What is sent there when it is missing; null: nothing. */
  readonly packages: PackageSource | null;
}

export class RemoteWorker implements Worker {
  readonly #connections: Connections;
  readonly #watch: WorkerWatch;
  readonly #packages: PackageSource | null;
  /** Packages that are on their way. */
  readonly #bringing = new Map<string, Promise<void>>();
  readonly #news: NewsReader | null;

  constructor(address: WorkerAddress, { clock, taker, packages }: RemoteWorkerParts) {
    this.#connections = new Connections(address);
    this.#packages = packages;
    this.#news = taker === null ? null : new NewsReader(this.#connections, taker, clock);
    this.#watch = new WorkerWatch(this.#connections, clock);
  }

  /** Hangs up. The worker itself goes on. */
  hangUp(): void {
    this.#watch.end();
    this.#news?.end();
    this.#connections.cut();
  }

  /** Rejects with a RemoteError where the worker is not there, or is one that can't be talked to. */
  async hello(): Promise<void> {
    await this.#connections.ask("hello", []);
  }

  async invoke(version: RunnableVersion, input: InvokeInput): Promise<InvokeOutcome> {
    try {
      return await this.#withContents(() => this.#invokeOnce(version, input));
    } catch (error) {
      return toRefusal(error);
    }
  }

  #invokeOnce(version: RunnableVersion, { payload, ...input }: InvokeInput): Promise<InvokeOutcome> {
    const silence = this.#watch.silence;
    if (silence !== null) return Promise.reject(silence);
    return new Promise((resolve, reject) => {
      const answer = new InvokeAnswer(resolve, reject);
      answer.comesFrom(this.#connections.begin({ name: "invoke", head: { version, input }, payload }, answer));
    });
  }

  async createSnapshot(
    version: RunnableVersion,
    snapshotId: SnapshotId,
    signal: AbortSignal,
  ): Promise<SnapshotOutcome> {
    try {
      const make = (): Promise<unknown> => this.#ask("createSnapshot", [version, snapshotId], { signal });
      return (await this.#withContents(make)) as SnapshotOutcome;
    } catch (error) {
      return toRefusal(error);
    }
  }

  async removeSnapshot(snapshotId: SnapshotId): Promise<void> {
    await this.#plain("removeSnapshot", snapshotId);
  }

  async listSnapshots(): Promise<readonly ListedSnapshot[]> {
    return (await this.#plain("listSnapshots")) as readonly ListedSnapshot[];
  }

  async sweepSnapshots(named: readonly SnapshotId[]): Promise<void> {
    await this.#plain("sweepSnapshots", named);
  }

  async runtimeProblem(runtime: string): Promise<RuntimeProblem | null> {
    return (await this.#plain("runtimeProblem", runtime)) as RuntimeProblem | null;
  }

  async installRuntime(runtime: string): Promise<string | null> {
    return (await this.#plain("installRuntime", runtime)) as string | null;
  }

  async provision(targets: readonly ProvisionedTarget[]): Promise<void> {
    await this.#withContents(() => this.#plain("provision", targets));
  }

  async uidsInUse(): Promise<ReadonlySet<number>> {
    return new Set((await this.#ask("uidsInUse", [])) as readonly number[]);
  }

  async contentInUse(): Promise<ReadonlySet<string>> {
    return new Set((await this.#ask("contentInUse", [])) as readonly string[]);
  }

  async report(): Promise<WorkerReport> {
    return (await this.#plain("report")) as WorkerReport;
  }

  async observe(environmentId: EnvironmentId): Promise<EnvironmentObservation | null> {
    return (await this.#plain("observe", environmentId)) as EnvironmentObservation | null;
  }

  async inspectSnapshot(version: RunnableVersion, needles: readonly Buffer[]): Promise<SnapshotFindings> {
    const sent = needles.map((each) => each.toString("base64"));
    return (await this.#ask("inspectSnapshot", [version, sent])) as SnapshotFindings;
  }

  async stopEnvironments(filter: EnvironmentFilter): Promise<number> {
    return (await this.#plain("stopEnvironments", filter)) as number;
  }

  async close(graceMs: number): Promise<void> {
    await this.#plain("close", graceMs);
  }

  #plain(name: PlainCall, ...parameters: readonly unknown[]): Promise<unknown> {
    return this.#ask(name, parameters);
  }

  async #ask(
    name: Parameters<Connections["ask"]>[0],
    parameters: readonly unknown[],
    options: Parameters<Connections["ask"]>[2] = {},
  ): Promise<unknown> {
    const silence = this.#watch.silence;
    if (silence !== null) throw silence;
    return this.#connections.ask(name, parameters, options);
  }

  /** Makes a call again that has done nothing, because packages are missing there: once they have been brought. */
  async #withContents<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const packages = this.#packages;
      if (!(error instanceof RemoteError) || error.missing.length === 0 || packages === null) throw error;
      for (const name of error.missing) await this.#bring(name, packages);
      return call();
    }
  }

  #bring(name: string, packages: PackageSource): Promise<void> {
    const under = this.#bringing.get(name);
    if (under !== undefined) return under;
    const brought = this.#send(name, packages).finally(() => this.#bringing.delete(name));
    this.#bringing.set(name, brought);
    return brought;
  }

  async #send(name: string, packages: PackageSource): Promise<void> {
    const payload = await packages.readZip(name);
    if (payload === null) {
      const message = `The worker on another host lacks the function's code ${name}, and there is no package of it to send: container images run on the server's own host.`;
      throw new RemoteError("WORKER_CONTENT_MISSING", message, { name });
    }
    await this.#ask("content", [name], { payload });
  }
}
