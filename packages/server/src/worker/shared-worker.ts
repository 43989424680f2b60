/**
 * One worker for several control planes, each of which sees of it what is its own scope's. What a list of the host
 * would mix is kept apart here, and nowhere else: environments, snapshots, what is provisioned.
 */
import type { SnapshotId } from "../base/ids.ts";
import { Slots } from "../base/slots.ts";
import { type AccountScope, isSameScope } from "../model/function-name.ts";
import type { ProvisionedTarget, Worker } from "../ports/worker.ts";

export class SharedWorker {
  readonly #worker: Worker;
  /** The scope whose control plane removes what belongs to nobody. */
  readonly #home: AccountScope;
  /** Scopes of the snapshots that a row names or that are being made. One that is not here is nobody's. */
  readonly #owners = new Map<SnapshotId, AccountScope>();
  readonly #snapshotSlots: Slots;
  readonly #targets = new Map<string, readonly ProvisionedTarget[]>();
  /** The last call of `provision`: an earlier one must not end after a later one. */
  #provisioning: Promise<void> = Promise.resolve();

  /** `snapshotsAtOnceMax`: of all scopes together. */
  constructor(worker: Worker, home: AccountScope, snapshotsAtOnceMax: number) {
    this.#worker = worker;
    this.#home = home;
    this.#snapshotSlots = new Slots(snapshotsAtOnceMax);
  }

  /** Learns what the rows of a scope name. Called for all scopes before any control plane looks after its snapshots. */
  noteNamed(scope: AccountScope, named: Iterable<SnapshotId>): void {
    for (const snapshotId of named) this.#owners.set(snapshotId, scope);
  }

  /** Gives the worker as the control plane of a scope sees it. */
  of(scope: AccountScope): Worker {
    const worker = this.#worker;
    const isHome = isSameScope(scope, this.#home);
    const isVisible = (snapshotId: SnapshotId): boolean => {
      const owner = this.#owners.get(snapshotId);
      return owner === undefined ? isHome : isSameScope(owner, scope);
    };
    return {
      invoke: (version, input) => worker.invoke(version, input),
      createSnapshot: (version, snapshotId, signal) =>
        this.#snapshotSlots.run(async () => {
          this.#owners.set(snapshotId, scope);
          const outcome = await worker.createSnapshot(version, snapshotId, signal);
          // What may be left of it is nobody's.
          if (outcome.kind !== "ready") this.#owners.delete(snapshotId);
          return outcome;
        }),
      removeSnapshot: async (snapshotId) => {
        // One that has been removed before, and so is nobody's.
        if (!isVisible(snapshotId)) return;
        await worker.removeSnapshot(snapshotId);
        this.#owners.delete(snapshotId);
      },
      listSnapshots: async () => (await worker.listSnapshots()).filter(({ snapshotId }) => isVisible(snapshotId)),
      // Once, by the home's control plane, which is the first to look: by then the rows of all scopes are known.
      sweepSnapshots: async (named) => {
        if (isHome) await worker.sweepSnapshots([...new Set([...named, ...this.#owners.keys()])]);
      },
      runtimeProblem: (runtime) => worker.runtimeProblem(runtime),
      installRuntime: (runtime) => worker.installRuntime(runtime),
      provision: (targets) => this.#provision(scope, targets),
      uidsInUse: () => worker.uidsInUse(),
      contentInUse: () => worker.contentInUse(),
      report: async () => {
        const report = await worker.report();
        return { ...report, environments: report.environments.filter((each) => isSameScope(each, scope)) };
      },
      observe: async (environmentId) => {
        const observed = await worker.observe(environmentId);
        return observed !== null && isSameScope(observed.summary, scope) ? observed : null;
      },
      inspectSnapshot: (version, needles) => worker.inspectSnapshot(version, needles),
      stopEnvironments: (filter) => worker.stopEnvironments({ ...filter, scope }),
      close: (graceMs) => worker.close(graceMs),
    };
  }

  #provision(scope: AccountScope, targets: readonly ProvisionedTarget[]): Promise<void> {
    this.#targets.set(`${scope.accountId}/${scope.region}`, targets);
    const set = (): Promise<void> => this.#worker.provision([...this.#targets.values()].flat());
    this.#provisioning = this.#provisioning.then(set, set);
    return this.#provisioning;
  }
}
