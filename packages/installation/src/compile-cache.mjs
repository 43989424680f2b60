// Directories of compiled modules. Without one each start strips the types of its modules and compiles them, and keeps
// the compiler that does it: half of a small program's time and memory. This is JavaScript, as it comes before all
// TypeScript.
//
// Its owner runs what is in there. So it is in a directory of its owner's own, below none that anybody else could
// change, and nobody else can even read it. Where that can't be had, there is none.
import { existsSync, lstatSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { makeMissing } from "./directories.mjs";

const ROOT_UID = 0;
const WRITABLE_BY_OTHERS = 0o022;
const ANY_OTHER = 0o077;

/**
 * Names the command line's directory for a user: root shares the launcher's, which is below the home of the machine's
 * servers. Null: there is no such home, and a command that only talks to a server makes none.
 */
export function commandCachePath(env, uid) {
  if (uid !== ROOT_UID) {
    const caches = env.XDG_CACHE_HOME ?? "";
    return join(caches === "" ? join(homedir(), ".cache") : resolve(caches), "thaw/compile-cache");
  }
  const home = resolve(env.THAW_HOME ?? "/var/lib/thaw");
  return existsSync(home) ? homeCachePath(home, ROOT_UID) : null;
}

/** Names the directory of one of the users that have theirs below the home of the machine's servers. */
export function homeCachePath(home, uid) {
  return join(home, "compile-cache", String(uid));
}

/** Makes the directory and gives its real path; null where it would not be this user's alone. */
export function privateCache(path) {
  try {
    makeMissing(path, 0o700);
    const real = realpathSync(path);
    return isOwnersAlone(real, process.geteuid()) ? real : null;
  } catch {
    // A home that can't be written starts without.
    return null;
  }
}

/**
 * Says whether only this user can read a directory, and only this user and root can put another one in its place.
 * `factsOf`: those of a path itself, not of what a link leads to.
 */
export function isOwnersAlone(path, uid, factsOf = (at) => lstatSync(at)) {
  for (let at = path; ; at = dirname(at)) {
    const facts = factsOf(at);
    const isOwned = facts.uid === uid || (facts.uid === ROOT_UID && at !== path);
    const forbidden = at === path ? ANY_OTHER : WRITABLE_BY_OTHERS;
    if (!facts.isDirectory() || !isOwned || (facts.mode & forbidden) !== 0) return false;
    if (at === "/") return true;
  }
}
