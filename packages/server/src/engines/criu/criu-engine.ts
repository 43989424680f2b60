/**
 * The engine that takes snapshots with CRIU: sandboxes and images are sandboxd's; here are the order of things and the keys.
 *
 * A snapshot's fingerprint is what its memory depends on: CRIU, the CPU's features, and whatever the worker adds for the runtime.
 */
import { createHash } from "node:crypto";
import type { SnapshotId } from "../../base/ids.ts";
import type {
  Engine,
  ListedSnapshot,
  Sandbox,
  SnapshotContents,
  SnapshotEngine,
  SnapshotInfo,
  SnapshotKey,
  WorkingSetInfo,
} from "../../ports/engine.ts";
import type { Phase } from "../../model/phases.ts";
import type { KeyProvider } from "../../ports/key-provider.ts";
import { type HostedEngineOptions, openSandbox } from "../hosted-engine.ts";
import type { Random } from "../../base/random.ts";
import { ThawError } from "../../base/errors.ts";
import { Clones } from "../../snapshots/clones.ts";
import { SNAPSHOT_FORMAT } from "../../snapshots/format/envelope.ts";
import { DataKeys } from "../../snapshots/data-keys.ts";
import { type FarOptions, FarSnapshots } from "../../snapshots/far/far-snapshots.ts";

export type { FarEvent } from "../../snapshots/far/far-snapshots.ts";

/** First responses whose pages are merged into the working set. */
const RECORDINGS_MAX = 5;
/** After so many the chunks are laid out by the working set: early for all who come soon, and when it is complete. */
const REPACK_AT_RECORDINGS: ReadonlySet<number> = new Set([2, RECORDINGS_MAX]);

export interface CriuEngineOptions extends HostedEngineOptions {
  readonly keys: KeyProvider;
  /** How long an unwrapped data key is used. */
  readonly dataKeysKeptMs: number;
  /** 32 bytes, the account's: equal content is stored once for it. */
  readonly chunkSecret: Buffer;
  /** Where snapshots are kept besides this host; null: only here. */
  readonly far: FarOptions | null;
  readonly random: Random;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** The manifest of the far store may cure these. */
const CURABLE = new Set(["SANDBOX_SNAPSHOT_DAMAGED", "SANDBOX_UNKNOWN"]);

export interface CriuEngine extends Engine {
  /** Rejects where the far store is another installation's, or can't be used. */
  claimStore(): Promise<void>;
}

export function createCriuEngine(options: CriuEngineOptions): CriuEngine {
  const { host } = options;
  const snapshots = host.facts.criuVersion === null ? null : new CriuSnapshots(options);
  return {
    name: "criu",
    snapshots,
    snapshotsProblem: host.facts.criuProblem,
    create: (spec) => openSandbox(options, spec, () => host.create(spec)),
    claimStore: async () => snapshots?.claimStore(),
    close: async () => {
      snapshots?.close();
      host.close();
    },
  };
}

class CriuSnapshots implements SnapshotEngine {
  readonly fingerprint: string;
  readonly #options: CriuEngineOptions;
  readonly #dataKeys: DataKeys;
  readonly #far: FarSnapshots | null;
  readonly #clones = new Clones();

  constructor(options: CriuEngineOptions) {
    const { host, far } = options;
    this.#options = options;
    this.#dataKeys = new DataKeys(options.keys, options.clock, options.dataKeysKeptMs);
    this.#far = far === null ? null : new FarSnapshots({ ...options, ...far });
    if (this.#far !== null) {
      const { chunks } = this.#far;
      host.onChunkWanted((chunk, isDamaged) => chunks.fetch(chunk, isDamaged));
    }
    this.fingerprint = createHash("sha256")
      .update(JSON.stringify(["criu", SNAPSHOT_FORMAT, host.facts.criuVersion, host.facts.cpuFingerprint]))
      .digest("hex")
      .slice(0, 32);
  }

  async take(sandbox: Sandbox, snapshotId: SnapshotId, keyArn: string | null): Promise<SnapshotInfo> {
    const take = (): Promise<SnapshotInfo> => this.#take(sandbox, snapshotId, keyArn);
    const taken = await (this.#far === null ? take() : this.#far.cache.whileWriting(take));
    // In the background: a limit that is passed for a moment harms nobody.
    this.#far?.cache.added(taken.newBytes).catch((error: unknown) => this.#options.onProblem("evict chunks", error));
    return taken;
  }

  async restore(
    spec: Parameters<SnapshotEngine["restore"]>[0],
    snapshotId: SnapshotId,
    key: SnapshotKey,
  ): Promise<Sandbox> {
    const dataKey = await this.#dataKeys.unwrap(snapshotId, key);
    const far = this.#far;
    if (far === null) return this.#restore(spec, snapshotId, dataKey);
    await far.ensure(snapshotId, dataKey);
    far.cache.used(snapshotId);
    try {
      return await this.#restore(spec, snapshotId, dataKey);
    } catch (error) {
      const isCurable = error instanceof ThawError && CURABLE.has(error.code);
      if (!isCurable || !(await far.refresh(snapshotId, dataKey))) throw error;
      return this.#restore(spec, snapshotId, dataKey);
    }
  }

  async responded(sandbox: Sandbox, snapshotId: SnapshotId, key: SnapshotKey): Promise<WorkingSetInfo> {
    const recorded = await this.#options.host.recordWorkingSet(sandbox.environmentId, RECORDINGS_MAX);
    if (recorded.isMerged) this.#far?.changed(snapshotId, Number.POSITIVE_INFINITY);
    if (recorded.isMerged && REPACK_AT_RECORDINGS.has(recorded.recordings)) {
      this.#background(snapshotId, `lay out ${snapshotId} by its working set`, this.#repack(snapshotId, key));
    }
    return recorded;
  }

  async inspect(snapshotId: SnapshotId, key: SnapshotKey, needles: readonly Buffer[]): Promise<SnapshotContents> {
    return this.#options.host.inspect(snapshotId, await this.#dataKeys.unwrap(snapshotId, key), needles);
  }

  async remove(snapshotId: SnapshotId): Promise<void> {
    this.#dataKeys.forget(snapshotId);
    const names = (await this.#far?.remove(snapshotId)) ?? [];
    await this.#options.host.removeSnapshot(snapshotId);
    this.#clones.retire(snapshotId);
    const collecting = this.#clones.retiredGone().then(() => this.#collect(names));
    // A clone in the middle of its invoke still needs its chunks: nobody waits for that.
    if (this.#clones.hasRetired) collecting.catch((error: unknown) => this.#options.onProblem("collect chunks", error));
    else await collecting;
  }

  async list(): Promise<readonly ListedSnapshot[]> {
    const here = new Set(await this.#options.host.listSnapshots());
    const afar = (await this.#far?.list()) ?? [];
    return [...new Set([...here, ...afar])].map((snapshotId) => ({ snapshotId, isHere: here.has(snapshotId) }));
  }

  /** sandboxd removes half-written snapshots itself when it starts; their chunks are nobody's. */
  async sweep(named: ReadonlySet<SnapshotId>): Promise<void> {
    const { host, onProblem } = this.#options;
    for (const snapshotId of await host.listSnapshots()) {
      if (named.has(snapshotId)) continue;
      const removed = this.remove(snapshotId);
      // A store that is away does not hold the start up.
      if (this.#far === null) await removed;
      else removed.catch((error: unknown) => onProblem(`remove ${snapshotId}`, error));
    }
    await host.collectChunks();
    this.#far?.begin(named);
  }

  async claimStore(): Promise<void> {
    await this.#far?.claim();
  }

  close(): void {
    this.#far?.close();
  }

  async #take(sandbox: Sandbox, snapshotId: SnapshotId, keyArn: string | null): Promise<SnapshotInfo> {
    const { host, clock, chunkSecret } = this.#options;
    const startMs = clock.nowMs();
    const calledMs = clock.monotonicMs();
    let taken;
    let hostMs = 0;
    let key;
    try {
      const generated = await this.#dataKeys.generate(keyArn, snapshotId);
      key = generated.key;
      await sandbox.link.park();
      hostMs = clock.monotonicMs() - calledMs;
      taken = await host.snapshot(sandbox.environmentId, snapshotId, this.fingerprint, {
        dataKey: generated.plaintext,
        chunkSecret,
      });
    } finally {
      await sandbox.destroy();
    }
    const phases = taken.phases.map((phase) => ({ ...phase, startMs: phase.startMs + hostMs }));
    if (this.#far === null) return { snapshotId, key, ...taken, phases };
    const uploadMs = clock.monotonicMs();
    try {
      await this.#far.publish(snapshotId, startMs);
    } catch (error) {
      await this.remove(snapshotId);
      throw error;
    }
    const upload: Phase = {
      name: "upload",
      startMs: uploadMs - calledMs,
      durationMs: clock.monotonicMs() - uploadMs,
    };
    return { snapshotId, key, ...taken, phases: [...phases, upload] };
  }

  #restore(spec: Parameters<SnapshotEngine["restore"]>[0], snapshotId: SnapshotId, dataKey: Buffer): Promise<Sandbox> {
    const gone = this.#clones.opened(snapshotId);
    const restored = openSandbox(
      this.#options,
      spec,
      () => this.#options.host.restore(spec, snapshotId, this.fingerprint, dataKey),
      gone,
    );
    restored.catch(gone);
    return restored;
  }

  async #collect(names: readonly string[]): Promise<void> {
    await this.#options.host.collectChunks();
    await this.#far?.collect(names);
  }

  /** What fails because the snapshot was removed meanwhile is no problem. */
  #background(snapshotId: SnapshotId, what: string, work: Promise<void>): void {
    const { host, onProblem } = this.#options;
    const tell = async (error: unknown): Promise<void> => {
      if ((await host.listSnapshots()).includes(snapshotId)) onProblem(what, error);
    };
    work.catch(tell).catch((error: unknown) => onProblem(what, error));
  }

  async #repack(snapshotId: SnapshotId, key: SnapshotKey): Promise<void> {
    const { host, clock, chunkSecret } = this.#options;
    const dataKey = await this.#dataKeys.unwrap(snapshotId, key);
    const startMs = clock.nowMs();
    const repack = (): Promise<void> => host.repack(snapshotId, { dataKey, chunkSecret });
    await (this.#far === null ? repack() : this.#far.cache.whileWriting(repack));
    this.#clones.retire(snapshotId);
    this.#far?.changed(snapshotId, startMs);
  }
}
