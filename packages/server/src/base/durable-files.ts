/** Files that are still there, whole, after the power fails. */
import { open } from "node:fs/promises";

/**
 * Writes a new file and syncs it. Its name lasts only once its directory has been synced too.
 *
 * @throws The system's error EEXIST when there is a file of that name.
 */
export async function writeSynced(path: string, content: Buffer): Promise<void> {
  const file = await open(path, "wx", 0o644);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const dir = await open(path, "r");
  try {
    await dir.sync();
  } finally {
    await dir.close();
  }
}
