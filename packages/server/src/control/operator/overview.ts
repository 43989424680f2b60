/** The first page of those who watch: all functions with their snapshots and counts in one answer. */
import { LATEST, type VersionRecord } from "../../model/function-record.ts";
import { IMAGE_RUNTIME } from "../../model/image.ts";
import type { FunctionActivity, InvocationRecord } from "../../ports/invocation-history.ts";
import type { ControlServices } from "../services.ts";

/** Minutes of the counts. */
const MINUTES = 15;
const CHART_MINUTES = 60;
const INVOCATIONS_MAX = 20;

/** Where the snapshot of a version stands. */
export interface SnapshotStand<S> {
  readonly functionName: string;
  readonly version: string;
  readonly status: S;
  readonly reason: string | null;
}

export interface OverviewFunction<S> extends FunctionActivity {
  readonly functionName: string;
  readonly description: string;
  /** Empty for a container image. */
  readonly runtime: string;
  readonly memorySizeMib: number;
  readonly lastModified: string;
  /** Null: none is published. */
  readonly newestVersion: string | null;
  readonly versions: number;
  readonly hasSnapStart: boolean;
  /** Of the newest version with SnapStart; null where none has it. */
  readonly snapshot: Pick<SnapshotStand<S>, "version" | "status" | "reason"> | null;
  readonly aliases: ReadonlyArray<{ readonly name: string; readonly version: string }>;
  readonly environments: number;
}

export interface Overview<S> {
  readonly atMs: number;
  readonly functions: ReadonlyArray<OverviewFunction<S>>;
  /** Newest first. */
  readonly invocations: readonly InvocationRecord[];
}

type Needs = Pick<ControlServices, "store" | "worker" | "history" | "clock">;

export class OverviewAdmin {
  readonly #services: Needs;

  constructor(services: Needs) {
    this.#services = services;
  }

  /** `snapshots`: those of all versions. */
  async describe<S>(snapshots: ReadonlyArray<SnapshotStand<S>>): Promise<Overview<S>> {
    const { store, worker, history, clock } = this.#services;
    const versions = Map.groupBy(await store.listAllVersions(), ({ functionName }) => functionName);
    const stands = new Map(snapshots.map((each) => [`${each.functionName}:${each.version}`, each]));
    const { environments } = await worker.report();
    const counts = new Map<string, number>();
    for (const { functionName } of environments) counts.set(functionName, (counts.get(functionName) ?? 0) + 1);
    const functions: Array<OverviewFunction<S>> = [];
    for (const [functionName, all] of versions) {
      const latest = all.find(({ version }) => version === LATEST);
      if (latest === undefined) continue;
      functions.push({
        ...history.activity(functionName, MINUTES, CHART_MINUTES),
        ...describeVersions(latest, all, stands),
        aliases: (await store.listAliases(functionName)).map((alias) => ({
          name: alias.name,
          version: alias.functionVersion,
        })),
        environments: counts.get(functionName) ?? 0,
      });
    }
    return {
      atMs: clock.nowMs(),
      functions,
      invocations: history.list({}, null, INVOCATIONS_MAX).invocations,
    };
  }
}

/** `all`: `$LATEST` first, then in the order of publication. */
function describeVersions<S>(
  { functionName, config, lastModifiedMs }: VersionRecord,
  all: readonly VersionRecord[],
  stands: ReadonlyMap<string, SnapshotStand<S>>,
) {
  const published = all.filter(({ version }) => version !== LATEST);
  const stand = published.map(({ version }) => stands.get(`${functionName}:${version}`)).findLast((each) => each);
  return {
    functionName,
    description: config.description,
    runtime: config.runtime === IMAGE_RUNTIME ? "" : config.runtime,
    memorySizeMib: config.memorySizeMib,
    lastModified: new Date(lastModifiedMs).toISOString(),
    newestVersion: published.at(-1)?.version ?? null,
    versions: published.length,
    hasSnapStart: config.snapStartApplyOn === "PublishedVersions",
    snapshot: stand === undefined ? null : { version: stand.version, status: stand.status, reason: stand.reason },
  };
}
