import { expect, it } from "vitest";
import type { EnvironmentId, SnapshotId } from "../base/ids.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import type { EngineImages, Sandbox } from "../ports/engine.ts";
import type { SnapshotDisk } from "../ports/snapshot-disk.ts";
import type { SnapshotKey } from "../ports/snapshots.ts";
import { SnapshotService } from "./snapshot-service.ts";

const SNAPSHOT = "snap-0000000000000001" as SnapshotId;

it("chunks that were being laid out when their snapshot was removed go when that has ended", async () => {
  const here = new Set([SNAPSHOT]);
  const repacked = Promise.withResolvers<undefined>();
  const begun = Promise.withResolvers<undefined>();
  const collected = Promise.withResolvers<undefined>();
  const calls: string[] = [];
  const disk: Partial<SnapshotDisk> = {
    listSnapshots: async () => [...here],
    recordWorkingSet: async () => ({ isMerged: true, pages: 1, recordings: 2, stats: {} }) as never,
    repack: () => {
      begun.resolve(undefined);
      return repacked.promise;
    },
    removeSnapshot: async (id) => void here.delete(id),
    collectChunks: async () => {
      calls.push("collect");
      if (calls.length > 1) collected.resolve(undefined);
    },
  };
  const snapshots = new SnapshotService({
    images: {} as EngineImages,
    disk: disk as SnapshotDisk,
    keys: { generate: () => Promise.reject(new Error("none")), unwrap: async () => Buffer.alloc(32) },
    dataKeysKeptMs: 0,
    chunkSecretOf: () => Buffer.alloc(32),
    far: null,
    clock: new FakeClock(),
    onProblem: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  const clone = { environmentId: "env-1" as EnvironmentId } as Sandbox;
  await snapshots.responded(clone, SNAPSHOT, {} as SnapshotKey, { accountId: "000000000000" });
  await begun.promise;
  await snapshots.remove(SNAPSHOT);
  expect(calls).toEqual(["collect"]);
  repacked.reject(new Error("no such snapshot"));
  await collected.promise;
  expect(calls).toEqual(["collect", "collect"]);
});
