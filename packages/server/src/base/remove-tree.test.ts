import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeTree } from "./remove-tree.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "thaw-remove-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("removes files, folders and links, and nothing that a link leads to", async () => {
  mkdirSync(join(dir, "tree/a/b"), { recursive: true });
  mkdirSync(join(dir, "kept"));
  writeFileSync(join(dir, "kept/file"), "");
  for (const name of ["1", "a/2", "a/b/3"]) writeFileSync(join(dir, "tree", name), name);
  symlinkSync(join(dir, "kept"), join(dir, "tree/a/out"));
  await removeTree(join(dir, "tree"));
  expect(readdirSync(dir)).toEqual(["kept"]);
  expect(readdirSync(join(dir, "kept"))).toEqual(["file"]);
  symlinkSync(join(dir, "kept"), join(dir, "link"));
  await removeTree(join(dir, "link"));
  await removeTree(join(dir, "kept/file"));
  await removeTree(join(dir, "absent"));
  expect([readdirSync(dir), readdirSync(join(dir, "kept"))]).toEqual([["kept"], []]);
});

test("says what can't be removed", async () => {
  await expect(removeTree("/proc/self/status")).rejects.toMatchObject({
    code: expect.stringMatching(/^E(PERM|ACCES)$/),
  });
});

test("hands over few files at a time, so that whatever else is read or written does not wait for all of them", async () => {
  const tree = join(dir, "tree");
  for (const folder of ["a", "b"]) {
    mkdirSync(join(tree, folder), { recursive: true });
    for (let file = 0; file < 500; file++) writeFileSync(join(tree, folder, String(file)), "");
  }
  const waiting = (): number => process.getActiveResourcesInfo().filter((name) => name.startsWith("FSReq")).length;
  const before = waiting();
  let isOver = false;
  const removing = removeTree(tree).finally(() => (isOver = true));
  let most = 0;
  while (!isOver) {
    most = Math.max(most, waiting() - before);
    await new Promise((next) => setImmediate(next));
  }
  await removing;
  expect(existsSync(tree)).toBe(false);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(50);
});
