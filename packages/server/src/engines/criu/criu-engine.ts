/**
 * The engine that takes snapshots with CRIU: sandboxes and images are sandboxd's; here is only the order of things.
 *
 * A snapshot's fingerprint is what its memory depends on: CRIU, the CPU's features, and whatever the worker adds for the runtime.
 */
import { createHash } from "node:crypto";
import type { SnapshotId } from "../../base/ids.ts";
import type { Engine, Sandbox, SnapshotEngine, SnapshotInfo } from "../../ports/engine.ts";
import { type HostedEngineOptions, openSandbox } from "../hosted-engine.ts";

/** Raised whenever what a snapshot holds changes in a way that an older one can't be restored. */
const FORMAT = 1;

export function createCriuEngine(options: HostedEngineOptions): Engine {
  const { host } = options;
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([FORMAT, host.facts.criuVersion, host.facts.cpuFingerprint]))
    .digest("hex")
    .slice(0, 32);

  const snapshots: SnapshotEngine = {
    fingerprint,
    async take(sandbox: Sandbox, snapshotId: SnapshotId): Promise<SnapshotInfo> {
      try {
        await sandbox.link.park();
        const taken = await host.snapshot(sandbox.environmentId, snapshotId, fingerprint);
        return { snapshotId, memoryBytes: taken.imagesBytes, diskBytes: taken.tmpBytes, phases: taken.phases };
      } finally {
        await sandbox.destroy();
      }
    },
    restore: (spec, snapshotId) => openSandbox(options, spec, () => host.restore(spec, snapshotId, fingerprint)),
    remove: (snapshotId) => host.removeSnapshot(snapshotId),
    list: () => host.listSnapshots(),
    // sandboxd removes half-written snapshots itself when it starts.
    sweep: async () => {},
  };

  return {
    name: "criu",
    snapshots: host.facts.criuVersion === null ? null : snapshots,
    snapshotsProblem: host.facts.criuProblem,
    create: (spec) => openSandbox(options, spec, () => host.create(spec)),
    close: async () => host.close(),
  };
}
