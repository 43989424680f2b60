/** What the cache of chunks evicts, and when it looks again. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, it } from "vitest";
import type { SnapshotId } from "../../base/ids.ts";
import { systemRandom } from "../../base/random.ts";
import { FakeClock } from "../../base/testing/fake-clock.ts";
import { ChunkCache } from "./chunk-cache.ts";
import { LocalFiles } from "./local-files.ts";
import { chunkOf, manifestOf } from "../testing/envelopes.ts";

const ID = "snap-0000000000000001" as SnapshotId;
const [HERE, AFAR, UNPUBLISHED] = [chunkOf("here and afar"), chunkOf("only afar"), chunkOf("only here")];
const MINUTE_MS = 60_000;

let dataDir: string;
let clock: FakeClock;
let cache: ChunkCache;

const pathOf = (name: string): string => join(dataDir, "chunks", name.slice(0, 2), name);

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "thaw-cache-"));
  clock = new FakeClock();
  for (const dir of ["chunks", "snapshots"]) mkdirSync(join(dataDir, dir));
  const files = new LocalFiles(dataDir, systemRandom);
  await files.addSnapshot(ID, manifestOf(ID, [HERE.name, AFAR.name]), null);
  cache = new ChunkCache({
    files,
    clock,
    sizeBytesMax: 1,
    onEvicted: () => undefined,
    onProblem: (what) => {
      throw new Error(what);
    },
  });
});
afterEach(() => {
  cache.close();
  rmSync(dataDir, { recursive: true });
});

function put({ name, file }: { readonly name: string; readonly file: Buffer }, ageMs: number): void {
  mkdirSync(join(pathOf(name), ".."), { recursive: true });
  writeFileSync(pathOf(name), file);
  const seconds = (clock.nowMs() - ageMs) / 1000;
  utimesSync(pathOf(name), seconds, seconds);
}

it("over the limit with nothing that could go, it does not look again by itself", async ({ expect }) => {
  put(UNPUBLISHED, MINUTE_MS);
  await cache.evict();
  expect(clock.timerCount).toBe(0);
  expect(existsSync(pathOf(UNPUBLISHED.name))).toBe(true);
});

it("a chunk that has just come goes a little later, and nobody looks before that", async ({ expect }) => {
  put(UNPUBLISHED, MINUTE_MS);
  put(HERE, 0);
  await cache.evict();
  expect(clock.timerCount).toBe(1);
  await cache.added(1);
  expect(clock.timerCount).toBe(1);
  await clock.advance(5001);
  await cache.evict();
  expect([HERE, UNPUBLISHED].map(({ name }) => existsSync(pathOf(name)))).toEqual([false, true]);
  expect(clock.timerCount).toBe(0);
});
