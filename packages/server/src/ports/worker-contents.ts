/**
 * The contents that a worker on another host has of its control plane: packages by their names. Owned by
 * remote-worker/, implemented in store/.
 */
import type { RunnableVersion } from "./worker.ts";

export interface WorkerContents {
  /**
   * Makes what an environment of the version mounts, out of what is here. Returns the names of those that must be
   * brought first; nothing is made then.
   */
  prepare(version: Pick<RunnableVersion, "codeName" | "optName" | "layerNames">): Promise<readonly string[]>;
  /** Durable when it resolves. Rejects where the package is broken, or can't have that name. */
  bring(codeName: string, zip: Buffer): Promise<void>;
}

/** Where a control plane has packages from. */
export interface PackageSource {
  /** Null where there is none of this name. */
  readZip(codeName: string): Promise<Buffer | null>;
}
