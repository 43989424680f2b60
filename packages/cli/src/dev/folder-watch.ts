/**
 * Watches files and folders with all that is below them, a watch for each folder: Node.js's own recursive watch has one
 * for each file, and loses files that an editor puts in the place of others.
 */
import { type FSWatcher, lstatSync, readdirSync, realpathSync, type Stats, statSync, watch } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CommandError } from "@thaw/installation/command-error";

const WATCHES_MAX = 10_000;
const IGNORED = new Set([".git", ".aws-sam", "__pycache__", ".DS_Store"]);
/** Files that editors make beside the one that is saved: Vim, Emacs, JetBrains, GNOME, sed. */
const TEMPORARY = /^(?:4913|\.#.*|#.*#|.*~|.*\.sw[a-z]|.*___jb_(?:tmp|old)___|\.goutputstream-.*|sed[A-Za-z0-9]{6})$/;

/** Why a folder is watched: for the root that it belongs to, and the only name in it that counts. */
interface Reason {
  readonly root: string;
  /** Null: all names. */
  readonly only: string | null;
}

interface Wanted {
  readonly inode: number;
  readonly reasons: Reason[];
}

interface Watched {
  readonly inode: number;
  readonly watcher: FSWatcher;
  reasons: readonly Reason[];
}

export class FolderWatch {
  readonly #changed: (root: string) => void;
  readonly #watched = new Map<string, Watched>();
  readonly #watchesMax: number;
  #roots: readonly string[] = [];
  /** True: folders have come or gone. */
  #isStale = false;

  /**
   * `changed` is told the file or folder, as it was given, in which something has changed. `watchesMax`: folders that
   * are watched at most; the system has a limit of its own.
   */
  constructor(changed: (root: string) => void, watchesMax = WATCHES_MAX) {
    this.#changed = changed;
    this.#watchesMax = watchesMax;
  }

  /** Watches these from now on, and no others. Throws CommandError where they are too many. */
  setRoots(roots: readonly string[]): void {
    this.#roots = [...new Set(roots)];
    this.#isStale = true;
    this.refresh();
  }

  /** Follows folders that have come and gone. What is read after it is read too late for no later event. */
  refresh(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    const wanted = new Map<string, Wanted>();
    for (const root of this.#roots) want(wanted, root);
    if (wanted.size > this.#watchesMax)
      throw new CommandError(
        `the code has too many folders to watch: ${this.#watchesMax} at most. Let CodeUri name a smaller folder`,
      );
    for (const [path, { inode, watcher }] of this.#watched) {
      if (wanted.get(path)?.inode === inode) continue;
      watcher.close();
      this.#watched.delete(path);
    }
    for (const [path, { inode, reasons }] of wanted) {
      const known = this.#watched.get(path);
      if (known !== undefined) known.reasons = reasons;
      else this.#add(path, inode, reasons);
    }
  }

  close(): void {
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
    this.#roots = [];
  }

  #add(path: string, inode: number, reasons: readonly Reason[]): void {
    let watcher: FSWatcher;
    try {
      watcher = watch(path, (event, name) => this.#take(path, event, name));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // It has gone in the meantime, which is an event of the folder above.
      if (code === "ENOENT" || code === "ENOTDIR") return;
      throw explained(error as NodeJS.ErrnoException, path);
    }
    watcher.on("error", () => (this.#isStale = true));
    this.#watched.set(path, { inode, watcher, reasons });
  }

  #take(path: string, event: string, name: string | null): void {
    if (name !== null && isIgnored(name)) return;
    if (event === "rename") this.#isStale = true;
    for (const { root, only } of this.#watched.get(path)?.reasons ?? [])
      if (only === null || name === null || only === name) this.#changed(root);
  }
}

function isIgnored(name: string): boolean {
  return IGNORED.has(name) || TEMPORARY.test(name);
}

function explained(error: NodeJS.ErrnoException, path: string): Error {
  if (error.code === "ENOSPC" || error.code === "EMFILE")
    return new CommandError(
      `${path} can't be watched: the system's limit of watches is reached. As root: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512`,
    );
  return new CommandError(`${path} can't be watched: ${error.message}`);
}

function want(wanted: Map<string, Wanted>, root: string): void {
  // A folder that is removed and made again is an event of the folder above.
  addReason(wanted, dirname(root), { root, only: basename(root) });
  if (statOf(root)?.isDirectory() === true) wantBelow(wanted, root, { root, only: null });
}

/** Links that lead to folders are followed, as where code is packed. */
function wantBelow(wanted: Map<string, Wanted>, folder: string, reason: Reason): void {
  const seen = new Set<string>();
  const waiting = [folder];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const real = realPathOf(path);
    if (real === null || seen.has(real) || !addReason(wanted, path, reason)) continue;
    seen.add(real);
    for (const name of namesIn(path)) {
      if (isIgnored(name)) continue;
      const below = join(path, name);
      const found = linkStatOf(below);
      const isFolder = found?.isSymbolicLink() === true ? statOf(below)?.isDirectory() : found?.isDirectory();
      if (isFolder === true) waiting.push(below);
    }
  }
}

/** False: the folder is not there. */
function addReason(wanted: Map<string, Wanted>, path: string, reason: Reason): boolean {
  const found = statOf(path);
  if (found?.isDirectory() !== true) return false;
  const known = wanted.get(path);
  if (known !== undefined) known.reasons.push(reason);
  else wanted.set(path, { inode: found.ino, reasons: [reason] });
  return true;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function linkStatOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function realPathOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

/** Empty where the folder has gone, or may not be read: packing says so. */
function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
