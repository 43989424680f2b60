/** The engine that saves and restores processes with CRIU; sandboxd does both. */
import type { Engine, EngineImages } from "../../ports/engine.ts";
import type { HostEngine } from "../../ports/sandbox-host.ts";
import { fingerprintOf } from "../../snapshots/format/fingerprint.ts";
import { type HostedEngineOptions, openSandbox } from "../hosted-engine.ts";

const NAME: HostEngine = "criu";
/** Rises when `patches/criu` gives another meaning to what CRIU's files hold. 2: timers of the wall clock. */
const PATCHES = "patches 2";

export function createCriuEngine(options: HostedEngineOptions): Engine {
  const { host } = options;
  return {
    name: NAME,
    images: host.facts.criuVersion === null ? null : createImages(options),
    snapshotsProblem: host.facts.criuProblem,
    create: (spec) => openSandbox(options, spec, () => host.create(NAME, spec)),
    close: async () => host.close(),
  };
}

function createImages(options: HostedEngineOptions): EngineImages {
  const { host } = options;
  // The memory of a process depends on what the CPU offered to its libraries.
  const { criuVersion, cpuFingerprint, supervisorBuild } = host.facts;
  const fingerprint = fingerprintOf(NAME, [criuVersion, PATCHES, cpuFingerprint, supervisorBuild]);
  return {
    fingerprint,
    capture: (sandbox, snapshotId, secrets) =>
      host.snapshot(NAME, sandbox.environmentId, { snapshotId, fingerprint, secrets }),
    restore: (spec, snapshotId, dataKey) =>
      openSandbox(options, spec, () => host.restore(NAME, spec, { snapshotId, fingerprint, dataKey })),
  };
}
