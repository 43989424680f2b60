import { lstat, readdir, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";

/** Fewer than the threads that Node.js has for files: the others serve whoever else reads or writes. */
const AT_ONCE = 2;

/**
 * Removes a file, or a folder with all that is in it; does nothing where nothing is there. Follows no link.
 *
 * `rm` of node:fs/promises hands over all files of a folder, and of its folders, at once: whatever else the server
 * reads or writes would wait behind a hundred thousand of them, which on a slow disk takes minutes.
 */
export async function removeTree(path: string): Promise<void> {
  const found = await lstat(path).catch(unlessGone);
  if (found === undefined) return;
  if (found.isDirectory()) await removeFolder(path);
  else await unlink(path).catch(unlessGone);
}

async function removeFolder(path: string): Promise<void> {
  const entries = (await readdir(path, { withFileTypes: true }).catch(unlessGone)) ?? [];
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  let next = 0;
  const removeFiles = async (): Promise<void> => {
    while (next < names.length) await unlink(join(path, names[next++] ?? "")).catch(unlessGone);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, removeFiles));
  for (const entry of entries) if (entry.isDirectory()) await removeFolder(join(path, entry.name));
  await rmdir(path).catch(unlessGone);
}

function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
