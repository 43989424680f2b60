/**
 * Objects as files below a directory: one disk, or one that several hosts have mounted. Written beside, synced, then
 * renamed.
 */
import { constants } from "node:fs";
import { link, mkdir, open, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { syncDirectory, writeSynced } from "../base/durable-files.ts";
import { systemRandom } from "../base/random.ts";
import { type SnapshotStore, SnapshotStoreError, type StoredObject } from "../ports/snapshot-store.ts";

const PARTIAL = ".partial";
/** Age at which an unfinished file is taken for a leftover of a crash: no write takes so long. */
const PARTIAL_LIFETIME_MS = 24 * 3_600_000;

export function createDirectoryStore(root: string): SnapshotStore {
  const store = new DirectoryStore(root);
  const guard = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      throw toStoreError(root, error);
    }
  };
  return {
    name: `file://${root}`,
    put: (key, content) => guard(store.put(key, content)),
    putNew: (key, content) => guard(store.putNew(key, content)),
    get: (key, sizeBytesMax) => guard(store.get(key, sizeBytesMax)),
    has: (key) => guard(store.has(key)),
    remove: (key) => guard(store.remove(key)),
    list: (prefix) => guard(store.list(prefix)),
    close: () => undefined,
  };
}

class DirectoryStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async put(key: string, content: Buffer): Promise<void> {
    await this.#write(key, content, (draft, path) => rename(draft, path));
  }

  async putNew(key: string, content: Buffer): Promise<boolean> {
    try {
      await this.#write(key, content, (draft, path) => link(draft, path));
      return true;
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      throw error;
    }
  }

  async get(key: string, sizeBytesMax: number): Promise<Buffer | null> {
    const file = await open(join(this.#root, key), constants.O_RDONLY | constants.O_NONBLOCK).catch(nullIfAbsent);
    if (file === null) return null;
    try {
      const { size } = await file.stat();
      const content = Buffer.alloc(Math.min(size, sizeBytesMax));
      const { bytesRead } = await file.read(content, 0, content.length, 0);
      return content.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async has(key: string): Promise<boolean> {
    return (await stat(join(this.#root, key)).catch(nullIfAbsent)) !== null;
  }

  async remove(key: string): Promise<void> {
    await unlink(join(this.#root, key)).catch(nullIfAbsent);
  }

  async list(prefix: string): Promise<StoredObject[]> {
    const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    const entries =
      (await readdir(join(this.#root, folder), { recursive: true, withFileTypes: true }).catch(nullIfAbsent)) ?? [];
    const found: StoredObject[] = [];
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      const key = path.slice(join(this.#root, "/").length);
      if (!entry.isFile() || !key.startsWith(prefix)) continue;
      // A file that went meanwhile was not there.
      const meta = await stat(path).catch(nullIfAbsent);
      if (meta === null) continue;
      if (entry.name.endsWith(PARTIAL)) {
        if (meta.mtimeMs < systemClock.nowMs() - PARTIAL_LIFETIME_MS) await rm(path, { force: true });
      } else
        found.push({
          key,
          sizeBytes: meta.size,
          modifiedMs: meta.mtimeMs,
          tag: `${meta.ino}-${meta.size}-${meta.mtimeMs}`,
        });
    }
    return found;
  }

  async #write(key: string, content: Buffer, settle: (draft: string, path: string) => Promise<void>): Promise<void> {
    const path = join(this.#root, key);
    const draft = `${path}.${systemRandom.uuid()}${PARTIAL}`;
    await mkdir(dirname(path), { recursive: true });
    try {
      await writeSynced(draft, content);
      await settle(draft, path);
    } finally {
      await rm(draft, { force: true });
    }
    await syncDirectory(dirname(path));
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function nullIfAbsent(error: unknown): null {
  if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return null;
  throw error;
}

function toStoreError(root: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  const isRefusal =
    code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR" || code === "EEXIST";
  return new SnapshotStoreError(isRefusal ? "STORE_REFUSED" : "STORE_UNAVAILABLE", { store: root, code }, error);
}
