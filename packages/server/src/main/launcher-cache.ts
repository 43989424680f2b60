/**
 * The launcher's compiled modules: without them it strips the types of its modules at each of its two starts, and keeps
 * the compiler that does it, which is half of its memory.
 *
 * Root runs what is in there. So it is in a directory of root's own, below none that anybody else could change, and the
 * server's user, who has a cache of its own beside it, can't even read it. Where that can't be had, there is none.
 */
import { lstatSync, realpathSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { makePrivateDirectory } from "./data-directory.ts";

/** The part of a file's facts that says who can change it. */
type Facts = Pick<Stats, "uid" | "mode" | "isDirectory">;

const ROOT_UID = 0;
const WRITABLE_BY_OTHERS = 0o022;
const ANY_OTHER = 0o077;

/** Makes the directory and gives its path; null where it would not be root's alone. */
export function launcherCache(thawHome: string): string | null {
  if (process.geteuid?.() !== ROOT_UID) return null;
  try {
    const path = join(thawHome, "compile-cache", String(ROOT_UID));
    makePrivateDirectory(path);
    const real = realpathSync(path);
    return isRootsAlone(real) ? real : null;
  } catch {
    // A home that can't be written starts without.
    return null;
  }
}

/** Says whether only root can read a directory, and only root can put another one in its place. */
export function isRootsAlone(path: string, factsOf: (path: string) => Facts = (at) => lstatSync(at)): boolean {
  for (let at = path; ; at = dirname(at)) {
    const facts = factsOf(at);
    const forbidden = at === path ? ANY_OTHER : WRITABLE_BY_OTHERS;
    if (!facts.isDirectory() || facts.uid !== ROOT_UID || (facts.mode & forbidden) !== 0) return false;
    if (at === "/") return true;
  }
}
