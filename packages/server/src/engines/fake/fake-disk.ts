/**
 * A disk of snapshots in memory, with the far store and the keys that go with it. Outlives the engine, as a disk does.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import type { SnapshotId } from "../../base/ids.ts";
import type { EngineImages } from "../../ports/engine.ts";
import { KeyError, type KeyProvider } from "../../ports/key-provider.ts";
import type { SnapshotDisk, SnapshotFindings, WorkingSetInfo } from "../../ports/snapshot-disk.ts";
import { SnapshotDamagedError } from "../../snapshots/format/envelope.ts";
import { type FarSide, SnapshotService } from "../../snapshots/snapshot-service.ts";
import type { FakeExtensionImage } from "./fake-extension.ts";
import type { FakeState, ParkedAt } from "./fake-process.ts";

export interface FakeSnapshot {
  readonly fingerprint: string;
  /** Root of the runtime that it was made with. */
  readonly root: string;
  readonly uid: number;
  readonly dataKey: Buffer;
  readonly state: FakeState;
  readonly env: Readonly<Record<string, string>>;
  readonly parkedAt: ParkedAt;
  readonly nextCallId: number;
  readonly extensions: readonly FakeExtensionImage[];
  readonly kept: string | null;
}

export type FakeSnapshots = Map<SnapshotId, FakeSnapshot>;

export interface FakeDiskHooks {
  onRemove?(snapshotId: SnapshotId): void | Promise<void>;
  /** Called while the working set of a clone is being recorded. */
  onResponded?(): Promise<void>;
}

/** Answer to every recording: there are no pages, so none is ever merged. */
const NOTHING_RECORDED: WorkingSetInfo = {
  isMerged: false,
  pages: 0,
  recordings: 0,
  faults: 0,
  prefetchedPages: 0,
  prefetchStartMs: 0,
  prefetchEndMs: 0,
  decryptMs: 0,
};

export class FakeDisk implements SnapshotDisk {
  readonly snapshots: FakeSnapshots;
  readonly #hooks: FakeDiskHooks;

  constructor(snapshots: FakeSnapshots, hooks: FakeDiskHooks) {
    this.snapshots = snapshots;
    this.#hooks = hooks;
  }

  async listSnapshots(): Promise<readonly SnapshotId[]> {
    return [...this.snapshots.keys()];
  }

  async removeSnapshot(snapshotId: SnapshotId): Promise<void> {
    await this.#hooks.onRemove?.(snapshotId);
    this.snapshots.delete(snapshotId);
  }

  async recordWorkingSet(): Promise<WorkingSetInfo> {
    await this.#hooks.onResponded?.();
    return NOTHING_RECORDED;
  }

  async search(snapshotId: SnapshotId, dataKey: Buffer, needles: readonly Buffer[]): Promise<SnapshotFindings> {
    const snapshot = this.snapshots.get(snapshotId);
    if (snapshot?.dataKey.equals(dataKey) !== true) throw new SnapshotDamagedError("another key, or no snapshot");
    const memory = JSON.stringify(snapshot.state);
    const counts = needles.map((needle) => memory.split(needle.toString("latin1")).length - 1);
    return { needles: counts, secrets: [], files: [], fileCount: 0, searchedBytes: memory.length };
  }

  /** Does nothing: there are no chunks. */
  async collectChunks(): Promise<void> {}
  async repack(): Promise<void> {}
  onChunkWanted(): void {}
}

/** Keys whose wrapped form names their snapshot. */
const FAKE_KEYS: KeyProvider = {
  generate: async (_keyArn, snapshotId) => ({ plaintext: dataKeyOf(snapshotId), wrapped: `key of ${snapshotId}` }),
  unwrap: async (keyArn, snapshotId, wrapped) => {
    if (wrapped !== `key of ${snapshotId}`) throw new KeyError("KMS_INVALID_STATE", keyArn);
    return dataKeyOf(snapshotId);
  },
};

function dataKeyOf(snapshotId: string): Buffer {
  return createHash("sha256").update(snapshotId).digest();
}

/** Builds the far store of several hosts: whole snapshots, there at once. */
function fakeFar(near: FakeSnapshots, afar: FakeSnapshots): FarSide {
  const copy = (from: FakeSnapshots, to: FakeSnapshots, id: SnapshotId): boolean => {
    const found = from.get(id);
    if (found !== undefined) to.set(id, found);
    return found !== undefined;
  };
  return {
    publish: async (id) => void copy(near, afar, id),
    changed: () => undefined,
    ensure: async (id) => {
      if (!near.has(id)) copy(afar, near, id);
    },
    refresh: async (id) => !near.has(id) && copy(afar, near, id),
    list: async () => [...afar.keys()],
    remove: async (id) => {
      afar.delete(id);
      return [];
    },
    collect: async () => undefined,
    begin: () => undefined,
    close: () => undefined,
    cache: { whileWriting: (write) => write(), added: async () => undefined, used: () => undefined },
    chunks: { fetch: async () => "nowhere" },
  };
}

export interface FakeSnapshotParts {
  readonly images: EngineImages;
  readonly disk: FakeDisk;
  readonly clock: Clock;
  /** Far store; null where snapshots are only on this host. */
  readonly afar: FakeSnapshots | null;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** Builds the snapshots of a worker on fake parts. */
export function createFakeSnapshots({ images, disk, clock, afar, onProblem }: FakeSnapshotParts): SnapshotService {
  return new SnapshotService({
    images,
    disk,
    keys: FAKE_KEYS,
    dataKeysKeptMs: 0,
    chunkSecretOf: () => Buffer.alloc(32),
    far: afar === null ? null : fakeFar(disk.snapshots, afar),
    clock,
    onProblem,
  });
}
