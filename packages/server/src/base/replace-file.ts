/** A small file that is replaced as a whole. */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Its content is on the disk when it returns, and after a crash it is the old or the new one. Mode 0600. */
export function replaceFile(path: string, text: string): void {
  const partial = `${path}.new`;
  writeFileSync(partial, text, { mode: 0o600, flush: true });
  renameSync(partial, path);
  syncName(dirname(path));
}

function syncName(directory: string): void {
  const opened = openSync(directory, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
