/**
 * The data directory, which holds functions' code, variables, logs and events: closed to every other user of the host.
 *
 * Its own mode (0700) is the wall. Behind it the files are the server's alone too (0600), but for two that others read:
 * unpacked code, which is mounted into sandboxes (0755), and chunks, which the pager reads as one of the server's group
 * (0750).
 */
import { accessSync, chmodSync, chownSync, constants, lstatSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { getSystemErrorMessage } from "node:util";
import { makeMissing, NoDirectoryError } from "@thaw/installation/directories";
import { UsageError } from "./options/usage-error.ts";

/** File mode mask of the server process: its files are its own unless it says otherwise. */
export const SERVER_UMASK = 0o077;
/** Directories at the top that others than the server read, with their modes. */
const SHARED: Readonly<Record<string, number>> = { chunks: 0o750, opt: 0o755 };

/**
 * Makes the data directory and what is above it, where they are not there.
 *
 * @param owner - User and group that it is given to; null: it is the caller's.
 * @throws UsageError when it can't be made, is no directory, or can't be written.
 */
export function makeDataDirectory(path: string, owner: number | null): void {
  try {
    if (owner !== null && owner !== process.geteuid?.()) refuseWayOf(resolve(path), owner);
    makePrivateDirectory(path);
    if (owner !== null) chownSync(path, owner, owner);
    else accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { syscall = "", path: at = path, errno = 0 } = error as NodeJS.ErrnoException;
    throw new UsageError(`--data ${path} can't be used: ${syscall} ${at}: ${getSystemErrorMessage(errno)}`);
  }
}

/**
 * Throws where the server's user could have put something else in the place of the directory: root would work there.
 */
function refuseWayOf(path: string, owner: number): void {
  for (let at = path; at !== "/"; at = dirname(at)) {
    const found = lstatSync(at, { throwIfNoEntry: false });
    if (found?.uid !== owner || (at === path && found.isDirectory())) continue;
    throw new UsageError(
      `--data ${path} can't be used: ${at} belongs to the server's user ${owner}, who could put another directory there. Give it to root, or name another directory.`,
    );
  }
}

/**
 * Makes a directory that is its owner's alone, in directories that everybody may pass through. Returns false where it
 * was there.
 *
 * @throws UsageError when a file is in its place.
 */
export function makePrivateDirectory(path: string): boolean {
  try {
    return makeMissing(path, 0o700);
  } catch (error) {
    throw error instanceof NoDirectoryError ? new UsageError(error.message) : error;
  }
}

/**
 * Closes a directory of an earlier version, which others could read. Only what the caller owns can be changed, and is.
 */
export function closeDataDirectory(path: string): void {
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) {
    const at = join(path, name);
    const found = lstatSync(at, { throwIfNoEntry: false });
    if (found === undefined || found.uid !== process.geteuid?.()) continue;
    if (found.isDirectory()) chmodSync(at, SHARED[name] ?? 0o700);
    else if (found.isFile()) chmodSync(at, 0o600);
  }
}
