/** Two hosts of one installation on one far store: neither removes what the other one has just published. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, it } from "vitest";
import type { SnapshotId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import type { EngineImages } from "../ports/engine.ts";
import type { SnapshotDisk } from "../ports/snapshot-disk.ts";
import type { SnapshotStore } from "../ports/snapshot-store.ts";
import type { Snapshots } from "../ports/snapshots.ts";
import { FarSnapshots } from "./far/far-snapshots.ts";
import { chunkKey, CHUNKS, manifestKey } from "./far/far-store.ts";
import { SnapshotService } from "./snapshot-service.ts";
import { chunkOf, manifestOf } from "./testing/envelopes.ts";
import { MemoryObjects } from "./testing/memory-objects.ts";

const GRACE_MS = 6 * 3_600_000;
const THEIRS = "snap-0000000000000001" as SnapshotId;
const OURS = "snap-0000000000000002" as SnapshotId;
const CHUNK = chunkOf("a chunk");
const dirs: string[] = [];
const hosts: SnapshotService[] = [];

let clock: FakeClock;
let objects: MemoryObjects;
let rounds: number;

beforeEach(() => {
  rounds = 0;
  clock = new FakeClock();
  objects = new MemoryObjects(() => clock.nowMs());
});
afterEach(() => {
  for (const host of hosts.splice(0)) host.close();
});
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true });
});

/**
 * The start's round of the collector is over: nothing waits but the next one. A disk may take its time; the test's own
 * limit ends a wait in vain.
 */
async function started(count: number): Promise<void> {
  while (rounds !== count || clock.timerCount !== 1) await clock.advance(1);
}

/** Answers at once; counts the rounds of the collector, which are the last step of a start. */
function storeOf(user: string): SnapshotStore {
  const store = objects.storeOf(user);
  return new Proxy(store, {
    get: (_target, name: keyof SnapshotStore) => {
      const method = store[name];
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        if (name === "list" && args[0] === CHUNKS) rounds++;
        const answer: unknown = (method as (...given: unknown[]) => unknown)(...args);
        while (objects.step(() => 0));
        return answer;
      };
    },
  });
}

/** A host with a snapshot of its own on its disk. */
function hostWith(snapshot: SnapshotId): Snapshots {
  const dataDir = mkdtempSync(join(tmpdir(), "thaw-two-hosts-"));
  dirs.push(dataDir);
  mkdirSync(join(dataDir, "snapshots", snapshot), { recursive: true });
  mkdirSync(join(dataDir, "chunks", CHUNK.name.slice(0, 2)), { recursive: true });
  writeFileSync(join(dataDir, "snapshots", snapshot, "manifest"), manifestOf(snapshot, [CHUNK.name]));
  const near = new Set([snapshot]);
  const disk = {
    listSnapshots: async () => [...near],
    removeSnapshot: async (id: SnapshotId) => void near.delete(id),
    collectChunks: async () => undefined,
    onChunkWanted: () => undefined,
  } as Partial<SnapshotDisk> as SnapshotDisk;
  const keys = {
    generate: () => Promise.reject(new Error("no key")),
    unwrap: () => Promise.reject(new Error("no key")),
  };
  const images: EngineImages = {
    fingerprint: "f",
    capture: () => Promise.reject(new Error("no sandbox")),
    restore: () => Promise.reject(new Error("no sandbox")),
  };
  const onProblem = (what: string, error: unknown): void => {
    throw new Error(what, { cause: error });
  };
  const far = new FarSnapshots({
    store: storeOf(snapshot),
    dataDir,
    installation: "i",
    cacheSizeBytesMax: Infinity,
    graceMs: GRACE_MS,
    clock,
    random: systemRandom,
    onEvent: () => undefined,
    onProblem,
  });
  const snapshots = new SnapshotService({
    images,
    disk,
    keys,
    dataKeysKeptMs: 0,
    chunkSecretOf: () => Buffer.alloc(32),
    far,
    clock,
    onProblem,
  });
  hosts.push(snapshots);
  return snapshots;
}

function publishedAfar(id: SnapshotId): void {
  const set = (key: string, content: Buffer): unknown =>
    objects.objects.set(key, { content, modifiedMs: clock.nowMs(), tag: key });
  set(chunkKey(CHUNK.name), CHUNK.file);
  set(manifestKey(id), manifestOf(id, [CHUNK.name]));
}

describe("a host on a far store that others use, too", () => {
  it("tells what is its own from what is only afar", async ({ expect }) => {
    const ours = hostWith(OURS);
    publishedAfar(OURS);
    publishedAfar(THEIRS);
    expect(await ours.list()).toEqual([
      { snapshotId: OURS, isHere: true },
      { snapshotId: THEIRS, isHere: false },
    ]);
  });

  it("removes another host's snapshot that nobody names only when it is old, and its own at once", async ({
    expect,
  }) => {
    const manifests = (): string[] => [...objects.objects.keys()].filter((key) => key.endsWith("/manifest"));
    publishedAfar(OURS);
    publishedAfar(THEIRS);
    await hostWith(OURS).sweep(new Set());
    await started(1);
    expect(manifests()).toEqual([manifestKey(THEIRS)]);
    hosts[0]?.close();
    await clock.advance(GRACE_MS);
    await hostWith(OURS).sweep(new Set());
    await started(2);
    expect(manifests()).toEqual([]);
    // The chunk that it alone named went with it.
    expect(objects.objects.has(chunkKey(CHUNK.name))).toBe(false);
  });
});
