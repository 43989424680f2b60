/**
 * Layers merged: DATA/opt/NAME shows the unpacked contents of several packages as one tree. Its files are links to
 * those of the packages, so that a layer's bytes are on disk, and in memory, once.
 *
 * What several layers have is the later one's: a file in place of a file, as on AWS; also a file in place of a folder,
 * and a folder in place of a file or of a symbolic link. The packages are foreign: no symbolic link is ever followed,
 * so that none leads out of the tree.
 */
import type { Dirent } from "node:fs";
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  utimes,
} from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "../base/durable-files.ts";
import { removeTree } from "../base/remove-tree.ts";

const PARTIAL = ".partial-";
/** Node.js has a few threads for files; more than they can take at once only waits. */
const AT_ONCE = 16;
/** A file that has all the links that its file system allows, or that may not be linked here. */
const UNLINKABLE: ReadonlySet<unknown> = new Set(["EMLINK", "EXDEV", "EPERM"]);

/** True for a name that `optNameOf` (model/layer-record.ts) gives. */
export function isMerged(name: string): boolean {
  return name.startsWith("opt-");
}

/**
 * Makes `optDir/name` of the directories `sources`. Does nothing where it is there already; else it is there whole, or
 * not at all.
 */
export async function mergeLayers(optDir: string, name: string, sources: readonly string[]): Promise<void> {
  const target = join(optDir, name);
  if ((await typeOf(target)) !== null) return;
  const partial = await mkdtemp(join(optDir, PARTIAL));
  try {
    for (const source of sources) await mergeInto(partial, source);
    await chmod(partial, 0o755);
    await rename(partial, target).catch((error: NodeJS.ErrnoException) => {
      // The same layers, merged by another request at the same time.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
    await syncDirectory(optDir);
  } finally {
    await removeTree(partial);
  }
}

/** Counts the bytes of the files in a directory, without following links. */
export async function sizeOfTree(dir: string): Promise<number> {
  const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  let sizeBytes = 0;
  await someAtOnce(files, async ({ parentPath, name }) => {
    const { size } = await lstat(join(parentPath, name));
    sizeBytes += size;
  });
  return sizeBytes;
}

/**
 * A copy of each file, by its inode, that no more links could be made to: others are links to the copy. A file of an
 * image may have tens of thousands of names, which would be as many copies.
 */
type Copies = Map<number, string>;

/** Puts the files of `source` over those of `target`, as links to them; folders get its modes. */
export async function mergeInto(target: string, source: string, copies: Copies = new Map()): Promise<void> {
  const entries = await readdir(source, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory());
  await someAtOnce(
    entries.filter((entry) => !entry.isDirectory()),
    (entry) => place(entry, join(source, entry.name), join(target, entry.name), copies),
  );
  for (const { name } of folders) {
    await makeFolder(join(target, name), (await lstat(join(source, name))).mode & 0o777);
    await mergeInto(join(target, name), join(source, name), copies);
  }
}

/** Ends with the first failure, but not before the others have ended. */
async function someAtOnce<T>(items: readonly T[], carryOut: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) {
    const done = await Promise.allSettled(items.slice(at, at + AT_ONCE).map(carryOut));
    const failed = done.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}

async function makeFolder(path: string, mode: number): Promise<void> {
  const before = await typeOf(path);
  if (before === "other") await rm(path);
  if (before !== "folder") await mkdir(path);
  // Functions have users of their own, whatever the server's file mode mask.
  await chmod(path, mode);
}

async function place(entry: Dirent, from: string, to: string, copies: Copies): Promise<void> {
  try {
    await put(entry, from, to, copies);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    await removeTree(to);
    await put(entry, from, to, copies);
  }
}

async function put(entry: Dirent, from: string, to: string, copies: Copies): Promise<void> {
  if (entry.isSymbolicLink()) return symlink(await readlink(from), to);
  if (await isLinked(from, to)) return;
  const { ino, mode, mtime } = await lstat(from);
  const copy = copies.get(ino);
  if (copy !== undefined && (await isLinked(copy, to))) return;
  await copyFile(from, to);
  await utimes(to, mtime, mtime);
  await chmod(to, mode & 0o777);
  copies.set(ino, to);
}

/** False where no link to the file can be made. */
async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (UNLINKABLE.has((error as NodeJS.ErrnoException).code)) return false;
    throw error;
  }
}

/** Null: nothing is there. */
export async function typeOf(path: string): Promise<"folder" | "other" | null> {
  try {
    return (await lstat(path)).isDirectory() ? "folder" : "other";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
