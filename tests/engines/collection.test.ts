/**
 * Chunks are collected while a clone is being made whose chunks come slowly from afar: neither waits for the other, and
 * nothing is lost.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import type { SnapshotId } from "@thaw/server/testing/base";
import { chunkNamesOf, readClear } from "@thaw/server/testing/snapshots";
import { SELF_CHECKING } from "../adversary/program.ts";
import { type TestClone, TestSandboxd } from "../support/sandboxd.ts";

let sandboxd: TestSandboxd;

beforeAll(async () => {
  sandboxd = await TestSandboxd.start();
});
afterAll(() => sandboxd?.remove());

const namesOf = (id: SnapshotId): string[] =>
  chunkNamesOf(readClear(readFileSync(sandboxd.snapshotFile(id, "manifest"))));
const present = (): Set<string> =>
  new Set(readdirSync(sandboxd.chunksDir(), { recursive: true, encoding: "utf8" }).map((path) => path.slice(-64)));

async function publish(): Promise<{ readonly id: SnapshotId; readonly clone: TestClone }> {
  const clone = await sandboxd.create(SELF_CHECKING);
  return { id: await sandboxd.snapshot(clone), clone };
}

/** Takes chunks away; each comes back once `open` was called. `asked` resolves when the first one is wanted. */
function holdBack(names: readonly string[]): { readonly asked: Promise<void>; readonly open: () => void } {
  const far = join(sandboxd.dir, "held-back");
  mkdirSync(far);
  const near = (name: string): string => join(sandboxd.chunksDir(), name.slice(0, 2), name);
  for (const name of names) renameSync(near(name), join(far, name));
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const asked = new Promise<void>((resolve) => {
    sandboxd.host.onChunkWanted(async (name) => {
      resolve();
      await gate;
      renameSync(join(far, name), near(name));
      return "here";
    });
  });
  return { asked, open };
}

it("a collection during a slow restore takes no chunk of it, and delays no other restore", async ({ expect }) => {
  const [slow, other] = [await publish(), await publish()];
  await sandboxd.restart();
  const shared = new Set(namesOf(other.id));
  const own = namesOf(slow.id).filter((name) => !shared.has(name));
  expect(own.length).toBeGreaterThan(0);
  // Half of them: the others are there to be taken.
  const missing = own.filter((_name, index) => index % 2 === 0);
  const held = holdBack(missing);
  const restoring = sandboxd.restore(slow.id, slow.clone.spec);
  restoring.catch(() => undefined);
  await held.asked;
  // From here on nothing but the clone that is being made needs its chunks.
  await sandboxd.host.removeSnapshot(slow.id);
  const collecting = sandboxd.host.collectChunks();
  const clone = await sandboxd.restore(other.id, other.clone.spec);
  expect(await clone.invoke()).toBe("ok");
  await collecting;
  held.open();
  const restored = await restoring;
  expect(await restored.invoke()).toBe("ok");
  await restored.destroy();
  await clone.destroy();
  // When the clone has gone they are nobody's.
  await sandboxd.host.collectChunks();
  expect(own.filter((name) => present().has(name))).toEqual([]);
  expect([...present()].filter((name) => shared.has(name))).toHaveLength(shared.size);
});
