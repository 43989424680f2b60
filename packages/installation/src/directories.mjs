// Directories, for what comes before all TypeScript and for the rest.
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Something else is in the place of a directory. */
export class NoDirectoryError extends Error {}

/**
 * Makes one level after the other: Node.js's own recursion never ends below /proc. What is above may be passed through
 * by everybody. Returns false where it was there.
 *
 * @throws NoDirectoryError where something else is in its place, or in that of one above.
 */
export function makeMissing(path, mode) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return false;
  if (found !== undefined) throw new NoDirectoryError(`${path} can't be used as a directory: it is none`);
  makeMissing(dirname(path), 0o755);
  mkdirSync(path, { mode });
  return true;
}
