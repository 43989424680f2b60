/** The releases of runtimes that are installed, for operators: which are needed, and by what. */
import type { RuntimeReleaseUse } from "../../ports/worker.ts";
import { listAllVersions } from "../records/lookup.ts";
import type { ControlServices } from "../services.ts";

export interface ReleaseSummary extends RuntimeReleaseUse {
  /** Made with it, and restored with it until their successors are there. */
  readonly snapshots: number;
}

export function listReleases(services: Pick<ControlServices, "store" | "worker">): readonly ReleaseSummary[] {
  const versions = listAllVersions(services);
  return services.worker.runtimeReleases().map((release) => ({
    ...release,
    snapshots: versions.filter(
      ({ config, snapshotFacts }) =>
        config.runtime === release.runtime && snapshotFacts?.fingerprints.runtime === release.fingerprint,
    ).length,
  }));
}
