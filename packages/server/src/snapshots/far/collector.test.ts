/**
 * Uploads, removals and rounds of the collector at the same time, in any order, each dying at any call: no manifest
 * without its chunks.
 */
import { it } from "vitest";
import type { Clock } from "../../base/clock.ts";
import type { SnapshotId } from "../../base/ids.ts";
import { systemRandom } from "../../base/random.ts";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { SnapshotStoreError } from "../../ports/snapshot-store.ts";
import { Collector } from "./collector.ts";
import { chunkKey, FarStore, manifestKey } from "./far-store.ts";
import { LocalFiles } from "./local-files.ts";
import { Uploader } from "./uploader.ts";
import { chunkNamesOf, readClear } from "../format/envelope.ts";
import { chunkOf, manifestOf } from "../testing/envelopes.ts";
import { MemoryObjects } from "../testing/memory-objects.ts";

const OLD = "snap-0000000000000001" as SnapshotId;
const NEW = "snap-0000000000000002" as SnapshotId;
const CHUNKS = Array.from({ length: 8 }, (_, index) => chunkOf(`chunk ${index}`));
const namesOf = (from: number, to: number): string[] => CHUNKS.slice(from, to).map(({ name }) => name);
const STEP_MS = 200;
const SEEDS = 400;
/** It shares chunks 2 and 3 with the old snapshot, and 6 was left behind by another one. */
const NEW_MANIFEST = manifestOf(NEW, namesOf(2, 7));

/**
 * What an upload reads of this host, at once. Real files would take turns of their own: a seed would no longer tell the
 * whole run, and time would go on while a busy machine reads.
 */
class FilesAtHand extends LocalFiles {
  readonly #chunks = new Map(CHUNKS.map(({ name, file }) => [name, file]));

  constructor() {
    super("/nowhere", systemRandom);
  }

  override readChunk(name: string): Promise<Buffer | null> {
    return Promise.resolve(this.#chunks.get(name) ?? null);
  }

  override statChunk(name: string): ReturnType<LocalFiles["statChunk"]> {
    const file = this.#chunks.get(name);
    return Promise.resolve(file === undefined ? null : { name, sizeBytes: file.length, modifiedMs: 0 });
  }

  override readManifest(id: SnapshotId): Promise<Buffer | null> {
    return Promise.resolve(id === NEW ? NEW_MANIFEST : null);
  }

  override readWorkingSet(): Promise<Buffer | null> {
    return Promise.resolve(null);
  }

  override markUploaded(): Promise<void> {
    return Promise.resolve();
  }
}

interface Host {
  readonly far: FarStore;
  readonly collector: Collector;
  readonly uploader: Uploader;
}

function hostOf(objects: MemoryObjects, user: string, clock: Clock): Host {
  const far = new FarStore({ store: objects.storeOf(user), installation: "test", clock, random: systemRandom });
  const collector = new Collector({ far, clock, random: systemRandom, graceMs: 0 });
  return {
    far,
    collector,
    uploader: new Uploader(far, new FilesAtHand(), collector, systemRandom),
  };
}

/** A small generator of its own: a seed tells the whole run. */
function chooserOf(seed: number): (count: number) => number {
  let state = seed + 1;
  return (count) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * count);
  };
}

function missingChunks(objects: MemoryObjects): string[] {
  return [...objects.objects]
    .filter(([key]) => key.endsWith("/manifest"))
    .flatMap(([key, { content }]) =>
      chunkNamesOf(readClear(content))
        .filter((name) => !objects.objects.has(chunkKey(name)))
        .map((name) => `${key}: ${name}`),
    );
}

async function finish(
  objects: MemoryObjects,
  clock: FakeClock,
  choose: (count: number) => number,
  work: Promise<unknown>,
  onStep: () => void,
): Promise<void> {
  let isDone = false;
  void work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    onStep();
    if (!objects.step(choose)) await clock.advance(STEP_MS);
    await new Promise((next) => setImmediate(next));
  }
}

/** A host that dies never ends; who waits for all of them waits for the others. */
async function run(seed: number): Promise<{
  readonly objects: MemoryObjects;
  readonly clock: FakeClock;
  readonly missing: string[];
  readonly dead: string | undefined;
}> {
  const clock = new FakeClock();
  const objects = new MemoryObjects(() => clock.nowMs());
  const choose = chooserOf(seed);
  const set = (key: string, content: Buffer): unknown =>
    objects.objects.set(key, { content, modifiedMs: clock.nowMs(), tag: key });
  for (const index of [0, 1, 2, 3, 6, 7])
    set(chunkKey(CHUNKS[index]?.name ?? ""), CHUNKS[index]?.file ?? Buffer.alloc(0));
  set(manifestKey(OLD), manifestOf(OLD, namesOf(0, 4)));
  const [a, b, c] = [
    hostOf(objects, "uploader", clock),
    hostOf(objects, "remover", clock),
    hostOf(objects, "round", clock),
  ];
  const work: Readonly<Record<string, Promise<unknown>>> = {
    uploader: a.uploader.upload(NEW, Number.POSITIVE_INFINITY, () => true),
    remover: (async () => {
      await b.far.claim();
      const names = await b.collector.namesOf(OLD);
      await b.far.remove(manifestKey(OLD));
      await b.collector.collect(names ?? []);
    })(),
    round: c.collector.collectAll(),
  };
  // What the dead one waits for ends for it only.
  for (const each of Object.values(work)) each.catch(() => undefined);
  const dead = [undefined, "uploader", "remover", "round"][choose(4)];
  let stepsLeft = choose(25);
  const missing: string[] = [];
  const living = Promise.all(
    Object.entries(work)
      .filter(([user]) => user !== dead)
      .map(([, each]) => each),
  );
  await finish(objects, clock, choose, living, () => {
    if (dead !== undefined && stepsLeft-- === 0) objects.dead.add(dead);
    missing.push(...missingChunks(objects));
  });
  missing.push(...missingChunks(objects));
  return { objects, clock, missing, dead };
}

it("never removes a chunk that a manifest names, and leaves nothing in the end", { timeout: 60_000 }, async ({
  expect,
}) => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const { objects, clock, missing, dead } = await run(seed);
    expect(missing, `seed ${seed}`).toEqual([]);
    if (dead !== "uploader") expect(objects.objects.has(manifestKey(NEW)), `seed ${seed}`).toBe(true);
    outcomes.add(`${dead} ${objects.objects.has(manifestKey(NEW))} ${objects.objects.has(manifestKey(OLD))}`);
    // Hours later: promises of the dead have ended.
    await clock.advance(3 * 3_600_000);
    const after = hostOf(objects, "later", clock);
    const choose = chooserOf(seed);
    await finish(
      objects,
      clock,
      choose,
      after.collector.collectAll().then(() => after.collector.collectAll()),
      () => undefined,
    );
    const named = [...objects.objects]
      .filter(([key]) => key.endsWith("/manifest"))
      .flatMap(([, { content }]) => chunkNamesOf(readClear(content)));
    const left = [...objects.objects.keys()].filter((key) => !/^(installation|orphans|snapshots\/)/.test(key));
    expect(left.toSorted(), `seed ${seed}`).toEqual([...new Set(named)].map(chunkKey).toSorted());
  }
  // The runs did differ.
  expect(outcomes.size).toBeGreaterThan(4);
});

it("asks a slow store again for what it did not remove in time, as long as it removes some", async ({ expect }) => {
  const clock = new FakeClock();
  const objects = new MemoryObjects(() => clock.nowMs());
  for (const { name, file } of CHUNKS)
    objects.objects.set(chunkKey(name), { content: file, modifiedMs: clock.nowMs(), tag: name });
  const { collector, far } = hostOf(objects, "host", clock);
  const { put, removeNow } = { put: far.put.bind(far), removeNow: far.removeNow.bind(far) };
  let [perGo, left] = [1, 0];
  // Each go begins with a promise.
  far.put = (...parameters) => {
    left = perGo;
    return put(...parameters);
  };
  far.removeNow = async (key) => {
    if (left-- <= 0) throw new SnapshotStoreError("STORE_UNAVAILABLE", { why: "it is late" });
    return removeNow(key);
  };
  const collect = async (names: readonly string[]): Promise<unknown> => {
    const collected = collector.collect(names).catch((error: Error) => error.message);
    await finish(
      objects,
      clock,
      () => 0,
      collected,
      () => undefined,
    );
    return collected;
  };
  expect(await collect(namesOf(0, 6))).toBe(6);
  perGo = 0;
  expect(await collect(namesOf(6, 8))).toBe("The snapshot store can't be reached. Try again.");
  expect([...objects.objects.keys()].toSorted()).toEqual(["installation", ...namesOf(6, 8).map(chunkKey)].toSorted());
});

it("a promise that says more than a collector may is not believed for longer than a collector's", async ({
  expect,
}) => {
  const clock = new FakeClock();
  const objects = new MemoryObjects(() => clock.nowMs());
  const { collector } = hostOf(objects, "host", clock);
  const steps = (): number => 0;
  const write = (key: string): unknown =>
    objects.objects.set(`collecting/${key}`, {
      content: Buffer.from(JSON.stringify({ format: 1, untilMs: 1e15, names: namesOf(0, 1) })),
      modifiedMs: clock.nowMs(),
      tag: key,
    });
  write("far");
  const startMs = clock.monotonicMs();
  await finish(objects, clock, steps, collector.waitFor(new Set(namesOf(0, 2))), () => undefined);
  expect(clock.monotonicMs() - startMs).toBeGreaterThan(60_000);
  expect(clock.monotonicMs() - startMs).toBeLessThan(120_000);
  // New ones again and again: the upload fails in the end.
  let count = 0;
  const refused = collector.waitFor(new Set(namesOf(0, 2))).catch((error: Error) => error.message);
  await finish(objects, clock, steps, refused, () => {
    if (clock.monotonicMs() > count * 30_000) write(`again-${count++}`);
  });
  expect(await refused).toBe("The snapshot store can't be reached. Try again.");
});
