/** Releases of runtimes that are installed, for operators: which are needed, and by what. */
import type { RuntimeReleaseUse } from "../../ports/worker.ts";
import type { ControlServices } from "../services.ts";

export interface ReleaseSummary extends RuntimeReleaseUse {
  /** Snapshots that were made with it, and are restored with it until their successors are there. */
  readonly snapshots: number;
}

export class RuntimeAdmin {
  readonly #services: Pick<ControlServices, "store" | "worker">;

  constructor(services: Pick<ControlServices, "store" | "worker">) {
    this.#services = services;
  }

  /** Lists all releases that are installed, of all runtimes. */
  async releases(): Promise<readonly ReleaseSummary[]> {
    const versions = await this.#services.store.listAllVersions();
    const report = await this.#services.worker.report();
    return report.releases.map((release) => ({
      ...release,
      snapshots: versions.filter(
        ({ config, snapshotFacts }) =>
          config.runtime === release.runtime && snapshotFacts?.fingerprints.runtime === release.fingerprint,
      ).length,
    }));
  }
}
