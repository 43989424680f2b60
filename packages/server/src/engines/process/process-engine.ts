/**
 * The engine without snapshots: the same sandboxes, a plain Init each time. For hosts where CRIU can't run.
 */
import type { Engine } from "../../ports/engine.ts";
import type { HostEngine } from "../../ports/sandbox-host.ts";
import { type HostedEngineOptions, openSandbox } from "../hosted-engine.ts";

/** Its sandboxes are those of this engine of sandboxd, which needs CRIU for snapshots only. */
const SANDBOXES: HostEngine = "criu";

export function createProcessEngine(options: HostedEngineOptions): Engine {
  const { host } = options;
  return {
    name: "process",
    images: null,
    snapshotsProblem: "The process engine takes no snapshots. Start the server with --engine criu.",
    create: (spec) => openSandbox(options, spec, () => host.create(SANDBOXES, spec)),
    close: async () => host.close(),
  };
}
