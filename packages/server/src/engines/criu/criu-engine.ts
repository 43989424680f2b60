/**
 * The engine that takes snapshots with CRIU: sandboxes and images are sandboxd's; here are the order of things and the keys.
 *
 * A snapshot's fingerprint is what its memory depends on: CRIU, the CPU's features, and whatever the worker adds for the runtime.
 */
import { createHash } from "node:crypto";
import type { SnapshotId } from "../../base/ids.ts";
import type { Engine, Sandbox, SnapshotContents, SnapshotEngine, SnapshotInfo, SnapshotKey, WorkingSetInfo } from "../../ports/engine.ts";
import type { KeyProvider } from "../../ports/key-provider.ts";
import { type HostedEngineOptions, openSandbox } from "../hosted-engine.ts";
import { DataKeys } from "./data-keys.ts";

/** Raised whenever what a snapshot holds changes in a way that an older one can't be restored. */
const FORMAT = 2;
/** First responses whose pages are merged into the working set. */
const RECORDINGS_MAX = 5;
/** After so many the chunks are laid out by the working set, once. */
const REPACK_AT_RECORDINGS = 2;

export interface CriuEngineOptions extends HostedEngineOptions {
  readonly keys: KeyProvider;
  /** 32 bytes, the account's: equal content is stored once for it. */
  readonly chunkSecret: Buffer;
  readonly onProblem: (what: string, error: unknown) => void;
}

export function createCriuEngine(options: CriuEngineOptions): Engine {
  const { host } = options;
  return {
    name: "criu",
    snapshots: host.facts.criuVersion === null ? null : new CriuSnapshots(options),
    snapshotsProblem: host.facts.criuProblem,
    create: (spec) => openSandbox(options, spec, () => host.create(spec)),
    close: async () => host.close(),
  };
}

class CriuSnapshots implements SnapshotEngine {
  readonly fingerprint: string;
  readonly #options: CriuEngineOptions;
  readonly #dataKeys: DataKeys;
  readonly #recordings = new Map<SnapshotId, number>();

  constructor(options: CriuEngineOptions) {
    const { facts } = options.host;
    this.#options = options;
    this.#dataKeys = new DataKeys(options.keys, options.clock);
    this.fingerprint = createHash("sha256")
      .update(JSON.stringify([FORMAT, facts.criuVersion, facts.cpuFingerprint]))
      .digest("hex")
      .slice(0, 32);
  }

  async take(sandbox: Sandbox, snapshotId: SnapshotId, keyArn: string | null): Promise<SnapshotInfo> {
    try {
      const { plaintext, key } = await this.#dataKeys.generate(keyArn, snapshotId);
      await sandbox.link.park();
      const secrets = { dataKey: plaintext, chunkSecret: this.#options.chunkSecret };
      const taken = await this.#options.host.snapshot(sandbox.environmentId, snapshotId, this.fingerprint, secrets);
      return { snapshotId, key, ...taken };
    } finally {
      await sandbox.destroy();
    }
  }

  async restore(spec: Parameters<SnapshotEngine["restore"]>[0], snapshotId: SnapshotId, key: SnapshotKey): Promise<Sandbox> {
    const dataKey = await this.#dataKeys.unwrap(snapshotId, key);
    return openSandbox(this.#options, spec, () => this.#options.host.restore(spec, snapshotId, this.fingerprint, dataKey));
  }

  async responded(sandbox: Sandbox, snapshotId: SnapshotId, key: SnapshotKey): Promise<WorkingSetInfo> {
    const { host } = this.#options;
    const known = this.#recordings.get(snapshotId) ?? 0;
    const recorded = await host.recordWorkingSet(sandbox.environmentId, known < RECORDINGS_MAX);
    this.#recordings.set(snapshotId, recorded.recordings);
    if (known < REPACK_AT_RECORDINGS && recorded.recordings === REPACK_AT_RECORDINGS) {
      this.#repack(snapshotId, key).catch((error: unknown) => this.#options.onProblem(`lay out ${snapshotId} by its working set`, error));
    }
    return recorded;
  }

  async inspect(snapshotId: SnapshotId, key: SnapshotKey, needles: readonly Buffer[]): Promise<SnapshotContents> {
    return this.#options.host.inspect(snapshotId, await this.#dataKeys.unwrap(snapshotId, key), needles);
  }

  async remove(snapshotId: SnapshotId): Promise<void> {
    this.#dataKeys.forget(snapshotId);
    this.#recordings.delete(snapshotId);
    await this.#options.host.removeSnapshot(snapshotId);
    await this.#options.host.collectChunks();
  }

  list(): Promise<readonly SnapshotId[]> {
    return this.#options.host.listSnapshots();
  }

  /** sandboxd removes half-written snapshots itself when it starts; their chunks are nobody's. */
  async sweep(): Promise<void> {
    await this.#options.host.collectChunks();
  }

  async #repack(snapshotId: SnapshotId, key: SnapshotKey): Promise<void> {
    const dataKey = await this.#dataKeys.unwrap(snapshotId, key);
    await this.#options.host.repack(snapshotId, { dataKey, chunkSecret: this.#options.chunkSecret });
  }
}
