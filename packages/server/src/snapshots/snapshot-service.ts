/**
 * The snapshots of this host, whatever engine makes them: their keys, their place here and afar, their working sets,
 * and their end.
 *
 * Order of a publish: the engine's image is durable here, then whole in the far store, then it counts. Order of a
 * restore: the key, the files (from afar where they are not here), the clone.
 */
import type { Clock } from "../base/clock.ts";
import type { SnapshotId } from "../base/ids.ts";
import type { Phase } from "../model/phases.ts";
import { type PlatformCode, ThawError } from "../model/platform-errors.ts";
import type { EngineImages, Sandbox, SandboxSpec } from "../ports/engine.ts";
import type { KeyProvider } from "../ports/key-provider.ts";
import type { SnapshotDisk, SnapshotFindings, WorkingSetInfo } from "../ports/snapshot-disk.ts";
import type { ListedSnapshot, SnapshotInfo, SnapshotKey, SnapshotOwner, Snapshots } from "../ports/snapshots.ts";
import { Clones } from "./clones.ts";
import { DataKeys } from "./data-keys.ts";
import type { FarSnapshots } from "./far/far-snapshots.ts";

/** First responses whose pages are merged into the working set. */
const RECORDINGS_MAX = 5;
/**
 * Numbers of recordings after which the chunks are laid out: early, for clones that come soon, and with the complete
 * working set.
 */
const REPACK_AT_RECORDINGS: ReadonlySet<number> = new Set([2, RECORDINGS_MAX]);
/** Failures of a restore that the manifest of the far store may cure. */
const CURABLE: ReadonlySet<PlatformCode> = new Set<PlatformCode>(["SANDBOX_SNAPSHOT_DAMAGED", "SANDBOX_UNKNOWN"]);

/** The far store, as far as the snapshots of one host need it. */
export interface FarSide
  extends Pick<
    FarSnapshots,
    "publish" | "changed" | "ensure" | "refresh" | "list" | "remove" | "collect" | "begin" | "close"
  > {
  readonly cache: Pick<FarSnapshots["cache"], "whileWriting" | "added" | "used">;
  readonly chunks: Pick<FarSnapshots["chunks"], "fetch">;
}

export interface SnapshotServiceOptions {
  readonly images: EngineImages;
  readonly disk: SnapshotDisk;
  readonly keys: KeyProvider;
  /** Time for which an unwrapped data key is used. */
  readonly dataKeysKeptMs: number;
  /** Gives the secret of an account, 32 bytes. Equal content is stored once under it. */
  readonly chunkSecretOf: (accountId: string) => Buffer;
  /** Place of snapshots besides this host; null: only here. */
  readonly far: FarSide | null;
  readonly clock: Clock;
  readonly onProblem: (what: string, error: unknown) => void;
}

export class SnapshotService implements Snapshots {
  readonly #options: SnapshotServiceOptions;
  readonly #dataKeys: DataKeys;
  readonly #clones = new Clones();

  constructor(options: SnapshotServiceOptions) {
    const { disk, far } = options;
    this.#options = options;
    this.#dataKeys = new DataKeys(options.keys, options.clock, options.dataKeysKeptMs);
    if (far !== null) disk.onChunkWanted((chunk, isDamaged) => far.chunks.fetch(chunk, isDamaged));
  }

  get fingerprint(): string {
    return this.#options.images.fingerprint;
  }

  async take(sandbox: Sandbox, snapshotId: SnapshotId, owner: SnapshotOwner): Promise<SnapshotInfo> {
    const { far, onProblem } = this.#options;
    const take = (): Promise<SnapshotInfo> => this.#take(sandbox, snapshotId, owner);
    const taken = await (far === null ? take() : far.cache.whileWriting(take));
    // In the background: passing the limit for a moment does no harm.
    far?.cache.added(taken.newBytes).catch((error: unknown) => onProblem("evict chunks", error));
    return taken;
  }

  async restore(spec: SandboxSpec, snapshotId: SnapshotId, key: SnapshotKey): Promise<Sandbox> {
    const { far } = this.#options;
    const dataKey = await this.#dataKeys.unwrap(snapshotId, key);
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

  async responded(
    sandbox: Sandbox,
    snapshotId: SnapshotId,
    key: SnapshotKey,
    { accountId }: Pick<SnapshotOwner, "accountId">,
  ): Promise<WorkingSetInfo> {
    const { disk, far } = this.#options;
    const recorded = await disk.recordWorkingSet(sandbox.environmentId, RECORDINGS_MAX);
    if (recorded.isMerged) far?.changed(snapshotId, Number.POSITIVE_INFINITY);
    if (recorded.isMerged && REPACK_AT_RECORDINGS.has(recorded.recordings)) {
      this.#background(
        snapshotId,
        `lay out ${snapshotId} by its working set`,
        this.#repack(snapshotId, key, accountId),
      );
    }
    return recorded;
  }

  async search(snapshotId: SnapshotId, key: SnapshotKey, needles: readonly Buffer[]): Promise<SnapshotFindings> {
    return this.#options.disk.search(snapshotId, await this.#dataKeys.unwrap(snapshotId, key), needles);
  }

  async remove(snapshotId: SnapshotId): Promise<void> {
    const { disk, far, onProblem } = this.#options;
    this.#dataKeys.forget(snapshotId);
    const names = (await far?.remove(snapshotId)) ?? [];
    await disk.removeSnapshot(snapshotId);
    this.#clones.retire(snapshotId);
    const collecting = this.#clones.retiredGone().then(() => this.#collect(names));
    // A clone in the middle of its invoke still needs its chunks; the removal does not wait for it.
    if (this.#clones.hasRetired) collecting.catch((error: unknown) => onProblem("collect chunks", error));
    else await collecting;
  }

  async list(): Promise<readonly ListedSnapshot[]> {
    const here = new Set(await this.#options.disk.listSnapshots());
    const afar = (await this.#options.far?.list()) ?? [];
    return [...new Set([...here, ...afar])].map((snapshotId) => ({ snapshotId, isHere: here.has(snapshotId) }));
  }

  /**
   * Removes what nobody names. Half-written snapshots went when sandboxd started; `collectChunks` takes their chunks.
   */
  async sweep(named: ReadonlySet<SnapshotId>): Promise<void> {
    const { disk, far, onProblem } = this.#options;
    for (const snapshotId of await disk.listSnapshots()) {
      if (named.has(snapshotId)) continue;
      const removed = this.remove(snapshotId);
      // A store that is away does not hold the start up.
      if (far === null) await removed;
      else removed.catch((error: unknown) => onProblem(`remove ${snapshotId}`, error));
    }
    await disk.collectChunks();
    far?.begin(named);
  }

  /** Ends what goes on in the background; the next start takes it up. */
  close(): void {
    this.#options.far?.close();
  }

  async #take(
    sandbox: Sandbox,
    snapshotId: SnapshotId,
    { accountId, kmsKeyArn }: SnapshotOwner,
  ): Promise<SnapshotInfo> {
    const { images, far, clock, chunkSecretOf } = this.#options;
    const startMs = clock.nowMs();
    const calledMs = clock.monotonicMs();
    let taken;
    let captureMs = 0;
    let key;
    try {
      const generated = await this.#dataKeys.generate(kmsKeyArn, snapshotId);
      key = generated.key;
      await sandbox.link.park();
      captureMs = clock.monotonicMs() - calledMs;
      taken = await images.capture(sandbox, snapshotId, {
        dataKey: generated.plaintext,
        chunkSecret: chunkSecretOf(accountId),
      });
    } finally {
      await sandbox.destroy();
    }
    const phases = taken.phases.map((phase) => ({ ...phase, startMs: phase.startMs + captureMs }));
    if (far === null) return { snapshotId, key, ...taken, phases };
    const uploadMs = clock.monotonicMs();
    try {
      await far.publish(snapshotId, startMs);
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

  #restore(spec: SandboxSpec, snapshotId: SnapshotId, dataKey: Buffer): Promise<Sandbox> {
    const gone = this.#clones.opened(snapshotId);
    const restored = this.#options.images.restore(spec, snapshotId, dataKey);
    restored.then((clone) => clone.gone).then(gone, gone);
    return restored;
  }

  async #collect(names: readonly string[]): Promise<void> {
    await this.#options.disk.collectChunks();
    await this.#options.far?.collect(names);
  }

  /**
   * Reports failures of background work. Where the snapshot has since been removed there is nothing to report, but the
   * work had chunks in use then, which that removal has left.
   */
  #background(snapshotId: SnapshotId, what: string, work: Promise<void>): void {
    const { disk, onProblem } = this.#options;
    const failed = async (error: unknown): Promise<void> => {
      if ((await disk.listSnapshots()).includes(snapshotId)) onProblem(what, error);
      else await disk.collectChunks();
    };
    work.catch(failed).catch((error: unknown) => onProblem(what, error));
  }

  async #repack(snapshotId: SnapshotId, key: SnapshotKey, accountId: string): Promise<void> {
    const { disk, far, clock, chunkSecretOf } = this.#options;
    const dataKey = await this.#dataKeys.unwrap(snapshotId, key);
    const chunkSecret = chunkSecretOf(accountId);
    const startMs = clock.nowMs();
    const repack = (): Promise<void> => disk.repack(snapshotId, { dataKey, chunkSecret });
    await (far === null ? repack() : far.cache.whileWriting(repack));
    this.#clones.retire(snapshotId);
    far?.changed(snapshotId, startMs);
  }
}
