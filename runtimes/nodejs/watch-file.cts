/**
 * Keeps `fs.watchFile` quiet about a restore. In a clone `/tmp` is another device than at the snapshot, which Linux gives
 * each mounted file system, so the first comparison after a restore finds each watched file changed that nobody has
 * touched. On AWS a clone has the snapshot's own disk, and hears nothing. Loaded by `--require`, before any code of the
 * function can keep `watchFile` in a variable.
 */
import type Fs from "node:fs";

const fs = process.getBuiltinModule("node:fs");
const { syncBuiltinESMExports } = process.getBuiltinModule("node:module");

type AnyStats = Fs.Stats | Fs.BigIntStats;
type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean;

/** What a restore keeps. It gives a file another device, inode, and times of birth and of change. */
const KEPT = ["mode", "nlink", "uid", "gid", "size"] as const;

function wasOnlyRestored(current: AnyStats, previous: AnyStats): boolean {
  if (current.dev === previous.dev) return false;
  return KEPT.every((name) => current[name] === previous[name]) && current.mtimeMs === previous.mtimeMs;
}

function skipRestores(prototype: { emit: Emit }): void {
  const native = prototype.emit;
  const emit: Emit = function (event, ...args) {
    if (event === "change" && wasOnlyRestored(args[0] as AnyStats, args[1] as AnyStats)) return false;
    return native.call(this, event, ...args);
  };
  Object.defineProperty(prototype, "emit", { value: emit, writable: true, configurable: true });
}

/** Node.js keeps the class of its watchers to itself, and making one costs a thread: so the first one brings it. */
function replaceWatchFile(): void {
  const native = fs.watchFile as (...args: unknown[]) => Fs.StatWatcher;
  let isKnown = false;
  const watchFile = function watchFile(filename: unknown, options: unknown, listener: unknown): Fs.StatWatcher {
    const watcher = native(filename, options, listener);
    if (!isKnown) skipRestores(Object.getPrototypeOf(watcher) as { emit: Emit });
    isKnown = true;
    return watcher;
  };
  Object.defineProperty(fs, "watchFile", { ...Object.getOwnPropertyDescriptor(fs, "watchFile"), value: watchFile });
}

replaceWatchFile();
syncBuiltinESMExports();
