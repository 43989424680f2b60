import { expect, test } from "vitest";
import { isRootsAlone } from "./launcher-cache.ts";

const HOME = "/var/lib/thaw/compile-cache/0";

/** Facts of directories of root, but for one. */
function withOne(path: string, one: { readonly uid?: number; readonly mode?: number; readonly isLink?: boolean }) {
  return (at: string) => ({
    uid: at === path ? (one.uid ?? 0) : 0,
    mode: at === path ? (one.mode ?? 0o700) : at === HOME ? 0o700 : 0o755,
    isDirectory: () => !(at === path && one.isLink === true),
  });
}

test("a directory of root's own, in directories of root, is root's alone", () => {
  expect(isRootsAlone(HOME, withOne(HOME, {}))).toBe(true);
});

test.each([
  ["the directory is another user's", HOME, { uid: 64321 }],
  ["others may read it", HOME, { mode: 0o755 }],
  ["a group may write to it", HOME, { mode: 0o770 }],
  ["it is a link", HOME, { isLink: true }],
  ["the directory above is another user's", "/var/lib/thaw/compile-cache", { uid: 64321, mode: 0o755 }],
  ["others may write above", "/var/lib/thaw", { mode: 0o777 }],
  ["others may write above, and remove their own only", "/var", { mode: 0o1777 }],
  ["a group may write at the top", "/", { mode: 0o775 }],
] as const)("not where %s", (_what, path, one) => {
  expect(isRootsAlone(HOME, withOne(path, one))).toBe(false);
});
