import { homedir } from "node:os";
import { expect, test } from "vitest";
import { commandCachePath, isOwnersAlone } from "./compile-cache.mjs";

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
  expect(isOwnersAlone(HOME, 0, withOne(HOME, {}))).toBe(true);
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
  expect(isOwnersAlone(HOME, 0, withOne(path, one))).toBe(false);
});

const OWN = "/home/a/.cache/thaw/compile-cache";

test.each([
  ["their own, below root's", {}, true],
  ["root's", { [OWN]: 0 }, false],
  ["below another user's", { "/home/a": 1001 }, false],
] as const)("a user's directory that is %s", (_what, others, isAlone) => {
  const factsOf = (at: string) => ({
    uid: (others as Readonly<Record<string, number>>)[at] ?? (at.startsWith("/home/a") ? 1000 : 0),
    mode: at === OWN ? 0o700 : 0o755,
    isDirectory: () => true,
  });
  expect(isOwnersAlone(OWN, 1000, factsOf)).toBe(isAlone);
});

test("each user's is among their caches; root's is the launcher's, if there is one", () => {
  expect(commandCachePath({}, 1000)).toBe(`${homedir()}/.cache/thaw/compile-cache`);
  expect(commandCachePath({ XDG_CACHE_HOME: "/c" }, 1000)).toBe("/c/thaw/compile-cache");
  expect(commandCachePath({ THAW_HOME: import.meta.dirname }, 0)).toBe(`${import.meta.dirname}/compile-cache/0`);
  expect(commandCachePath({ THAW_HOME: "/proc/1/none" }, 0)).toBeNull();
});
